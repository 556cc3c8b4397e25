//! The venue's refusals: number and words, by category where spot and contracts differ.

use std::borrow::Cow;

use super::params::Category;

/// A request refused, in the venue's own number and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `retCode`.
    pub code: u32,
    /// `retMsg`.
    pub text: Cow<'static, str>,
}

impl Refusal {
    /// A refusal with a fixed text.
    pub const fn fixed(code: u32, text: &'static str) -> Self {
        Self {
            code,
            text: Cow::Borrowed(text),
        }
    }

    /// A refusal whose text names a value.
    pub fn worded(code: u32, text: impl Into<String>) -> Self {
        Self {
            code,
            text: Cow::Owned(text.into()),
        }
    }

    /// 10001, with the reason.
    pub fn parameter(reason: impl Into<String>) -> Self {
        Self::worded(10001, reason)
    }

    /// A required field that is not there.
    pub fn missing(field: &str) -> Self {
        Self::worded(
            10001,
            format!("params error: Missing some parameters that must be filled in: {field}"),
        )
    }
}

/// Shorthand of this room.
pub type Result<T> = std::result::Result<T, Refusal>;

/// The key is not known here.
pub const INVALID_KEY: Refusal = Refusal::fixed(10003, "API key is invalid.");
/// The key may not do this.
pub const NO_PERMISSION: Refusal = Refusal::fixed(10005, "Permission denied, please check your API key permissions.");
/// The key is bound to other addresses.
pub const UNMATCHED_IP: Refusal =
    Refusal::fixed(10010, "Unmatched IP, please check your API key's bound IP addresses.");
/// A call that unified accounts do not have.
pub const NOT_UNIFIED: Refusal = Refusal::fixed(100_028, "The API cannot be accessed by unified account users.");
/// More calls than the account's budget.
pub const TOO_MANY_VISITS: Refusal = Refusal::fixed(10006, "Too many visits. Exceeded the API Rate Limit.");
/// The category is neither spot nor linear.
pub const ILLEGAL_CATEGORY: Refusal = Refusal::fixed(10001, "Illegal category");
/// No instrument of that name in the category.
pub const SYMBOL_INVALID: Refusal = Refusal::fixed(10001, "params error: symbol invalid");
/// One-way accounts take position index 0 only.
pub const WRONG_POSITION_INDEX: Refusal = Refusal::fixed(10001, "position idx not match position mode");
/// An order id or link id that nobody can find, or that is past changing.
pub const NO_SUCH_ORDER: Refusal = Refusal::fixed(110_001, "order not exists or too late to cancel");
/// A limit price outside the band.
pub const PRICE_OUT_OF_BAND: Refusal = Refusal::fixed(110_003, "Order price exceeds the allowable range.");
/// Not enough margin for a new contract order.
pub const NOT_ENOUGH_MARGIN: Refusal = Refusal::fixed(110_007, "ab not enough for new order");
/// A reduce-only order with nothing to reduce.
pub const NOTHING_TO_REDUCE: Refusal =
    Refusal::fixed(110_017, "current position is zero, cannot fix reduce-only order qty");
/// Five hundred orders rest on the symbol already.
pub const TOO_MANY_ORDERS: Refusal = Refusal::fixed(110_020, "You can't have more than 500 active orders.");
/// Only orders that reduce are taken.
pub const REDUCE_ONLY_CONTRACT: Refusal =
    Refusal::fixed(110_023, "Now you can only reduce your position in this contract");
/// Positions forbid another position mode.
pub const POSITION_IN_THE_WAY: Refusal = Refusal::fixed(
    110_024,
    "You have an existing position, so the position mode cannot be switched",
);
/// Open orders forbid another position mode.
pub const ORDERS_IN_THE_WAY: Refusal = Refusal::fixed(
    110_028,
    "You have existing open orders, so the position mode cannot be switched",
);
/// The position would be greater than its leverage allows.
pub const BEYOND_RISK_LIMIT: Refusal = Refusal::fixed(
    110_090,
    "The order quantity exceeds the risk limit at the leverage of this contract",
);
/// The position mode is that already.
pub const MODE_NOT_MODIFIED: Refusal = Refusal::fixed(110_025, "Position mode is not modified");
/// The leverage is that already.
pub const LEVERAGE_NOT_MODIFIED: Refusal = Refusal::fixed(110_043, "leverage not modified");
/// The contract does not trade.
pub const NOT_TRADING: Refusal = Refusal::fixed(110_074, "This contract is not live");
/// A leverage beyond the risk tier's.
pub const LEVERAGE_TOO_HIGH: Refusal = Refusal::fixed(110_013, "cannot set leverage gt maxLeverage by risk limit");
/// The spot pair does not trade.
pub const PAIR_CLOSED: Refusal = Refusal::fixed(170_151, "This pair is not open for trading");
/// Not enough coins for a spot order.
pub const NOT_ENOUGH_BALANCE: Refusal = Refusal::fixed(170_131, "Insufficient balance.");
/// A spot maker order that would take, refused at the door.
pub const LIMIT_MAKER_WOULD_TAKE: Refusal =
    Refusal::fixed(170_218, "The LIMIT-MAKER order is rejected due to invalid price.");

/// The link id was used before, by an order that may long be closed.
pub fn duplicate_link(category: Category) -> Refusal {
    match category {
        Category::Linear => Refusal::fixed(110_072, "OrderLinkedID is duplicate"),
        Category::Spot => Refusal::fixed(170_141, "Duplicate clientOrderId"),
    }
}

/// No open order goes by that name (cancel).
pub fn no_such_order(category: Category) -> Refusal {
    match category {
        Category::Linear => NO_SUCH_ORDER,
        Category::Spot => Refusal::fixed(170_213, "Order does not exist."),
    }
}

/// Less than the least quantity.
pub fn quantity_too_small(category: Category) -> Refusal {
    match category {
        Category::Linear => Refusal::fixed(10001, "The number of contracts exceeds minimum limit allowed"),
        Category::Spot => Refusal::fixed(170_136, "Order quantity exceeded lower limit."),
    }
}

/// More than the greatest quantity.
pub fn quantity_too_large(category: Category) -> Refusal {
    match category {
        Category::Linear => Refusal::fixed(
            10001,
            "The number of contracts exceeds maximum limit allowed: too large",
        ),
        Category::Spot => Refusal::fixed(170_135, "Order quantity exceeded upper limit."),
    }
}

/// A quantity off the step.
pub fn quantity_off_step(category: Category) -> Refusal {
    match category {
        Category::Linear => Refusal::fixed(10001, "Qty invalid"),
        Category::Spot => Refusal::fixed(170_137, "Order volume decimal too long"),
    }
}

/// A price off the tick.
pub fn price_off_tick(category: Category) -> Refusal {
    match category {
        Category::Linear => Refusal::fixed(10001, "params error: price invalid"),
        Category::Spot => Refusal::fixed(170_134, "Order price decimal too long"),
    }
}

/// Less value than the least, in quote currency.
pub fn value_too_small(category: Category, least: rust_decimal::Decimal) -> Refusal {
    match category {
        Category::Linear => Refusal::worded(
            110_094,
            format!("Order does not meet minimum order value {}USDT", least.normalize()),
        ),
        Category::Spot => Refusal::fixed(170_140, "Order value exceeded lower limit."),
    }
}

/// Not enough money.
pub fn cannot_afford(category: Category) -> Refusal {
    match category {
        Category::Linear => NOT_ENOUGH_MARGIN,
        Category::Spot => NOT_ENOUGH_BALANCE,
    }
}

/// The instrument is closed.
pub fn closed(category: Category) -> Refusal {
    match category {
        Category::Linear => NOT_TRADING,
        Category::Spot => PAIR_CLOSED,
    }
}

/// A price outside the band: spot has one number for each side.
pub fn out_of_band(category: Category, buy: bool) -> Refusal {
    match (category, buy) {
        (Category::Linear, _) => PRICE_OUT_OF_BAND,
        (Category::Spot, true) => Refusal::fixed(170_193, "Buy order price cannot be higher than the limit."),
        (Category::Spot, false) => Refusal::fixed(170_194, "Sell order price cannot be lower than the limit."),
    }
}

/// An unknown symbol.
pub fn unknown_symbol(category: Category) -> Refusal {
    match category {
        Category::Linear => SYMBOL_INVALID,
        Category::Spot => Refusal::fixed(170_121, "Invalid symbol."),
    }
}
