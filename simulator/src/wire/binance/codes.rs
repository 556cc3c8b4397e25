//! Refusals in the venue's words: HTTP status, code and text.
//!
//! The same number means different things on the two markets (`-2021`, `-2022`, `-2026`), therefore each
//! constructor says which market it belongs to where that matters.

use std::borrow::Cow;

/// Why a request is not served, as the venue says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The venue's number, negative.
    pub code: i32,
    /// The venue's text.
    pub msg: Cow<'static, str>,
    /// JSON of `data`, where the venue says more.
    pub data: Option<Box<str>>,
}

/// What a handler answers: a JSON body, or a refusal.
pub type Answer = Result<String, Refusal>;

impl Refusal {
    /// A refusal with status 400 and a fixed text.
    pub const fn new(code: i32, msg: &'static str) -> Self {
        Self {
            status: 400,
            code,
            msg: Cow::Borrowed(msg),
            data: None,
        }
    }

    /// The same refusal under another HTTP status.
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A refusal with status 400 and a text made for this request.
    pub fn worded(code: i32, msg: String) -> Self {
        Self {
            status: 400,
            code,
            msg: Cow::Owned(msg),
            data: None,
        }
    }

    /// The same refusal with JSON of its own under `data`.
    pub fn with_data(mut self, data: String) -> Self {
        self.data = Some(data.into_boxed_str());
        self
    }

    /// The body, `{"code":-1121,"msg":"Invalid symbol."}`.
    pub fn body(&self) -> String {
        let (code, msg) = (self.code, serde_json::Value::from(&*self.msg));
        let data = self
            .data
            .as_ref()
            .map_or_else(String::new, |data| format!(r#","data":{data}"#));
        format!(r#"{{"code":{code},"msg":{msg}{data}}}"#)
    }
}

/// -1102: a parameter that must be there is not, is empty or cannot be read.
pub fn missing(name: &str) -> Refusal {
    Refusal::worded(
        -1102,
        format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."),
    )
}

/// -1100: a parameter holds characters that it may not hold.
pub fn illegal(name: &str, range: &str) -> Refusal {
    Refusal::worded(
        -1100,
        format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."),
    )
}

/// -2010 (spot): a way of preventing self-trades that the symbol does not list.
pub const STP_NOT_ALLOWED: Refusal = Refusal::new(
    -2010,
    "This symbol does not allow the specified self-trade prevention mode.",
);
/// -1111: more decimals than the asset has.
pub const PRECISION: Refusal = Refusal::new(-1111, "Precision is over the maximum defined for this asset.");
/// -1003 on HTTP 429: the minute's weight is used up.
pub const TOO_MANY_REQUESTS: Refusal =
    Refusal::new(-1003, "Too many requests; current limit of IP is exceeded. Please use the websocket for live updates to avoid polling the API.").with_status(429);
/// -1015 on HTTP 429: the order count is used up.
pub const TOO_MANY_ORDERS: Refusal =
    Refusal::new(-1015, "Too many new orders; please wait for the window to pass.").with_status(429);
/// -1021: the stamp is too old.
pub const STALE: Refusal = Refusal::new(-1021, "Timestamp for this request is outside of the recvWindow.");
/// -1021: the stamp is in the future.
pub const EARLY: Refusal = Refusal::new(
    -1021,
    "Timestamp for this request was 1000ms ahead of the server's time.",
);
/// -1022: the signature does not fit.
pub const SIGNATURE: Refusal = Refusal::new(-1022, "Signature for this request is not valid.");
/// -1106 is for parameters that a type does not take; `LIMIT_MAKER` with a time in force.
pub const TIF_NOT_REQUIRED: Refusal = Refusal::new(-1106, "Parameter 'timeInForce' sent when not required.");
/// -1115: time in force unknown.
pub const BAD_TIF: Refusal = Refusal::new(-1115, "Invalid timeInForce.");
/// -1116: order type unknown.
pub const BAD_TYPE: Refusal = Refusal::new(-1116, "Invalid orderType.");
/// -1117: side unknown.
pub const BAD_SIDE: Refusal = Refusal::new(-1117, "Invalid side.");
/// -1121: the symbol does not exist on this market.
pub const BAD_SYMBOL: Refusal = Refusal::new(-1121, "Invalid symbol.");
/// -1125: the listen key is unknown or has run out.
pub const BAD_LISTEN_KEY: Refusal = Refusal::new(-1125, "This listenKey does not exist.");
/// -1127: the asked time span is longer than the venue serves.
pub const SPAN_24H: Refusal = Refusal::new(-1127, "More than 24 hours between startTime and endTime.");
/// -4165 (futures): the same for its seven days.
pub const SPAN_7D: Refusal = Refusal::new(-4165, "Maximum time interval is 7 days.");
/// -1128: parameters that may not come together.
pub const BAD_COMBINATION: Refusal = Refusal::new(-1128, "Combination of optional parameters invalid.");
/// -1131: receive window too long.
pub const BAD_RECV_WINDOW: Refusal = Refusal::new(-1131, "recvWindow must be less than 60000.");
/// -2011: cancel of an order that is unknown, filled or already cancelled.
pub const CANCEL_UNKNOWN: Refusal = Refusal::new(-2011, "Unknown order sent.");
/// -2013: the asked order is not there.
pub const NO_ORDER: Refusal = Refusal::new(-2013, "Order does not exist.");
/// -2014: no usable key in the header.
pub const KEY_FORMAT: Refusal = Refusal::new(-2014, "API-key format invalid.").with_status(401);
/// -2015: unknown key.
pub const KEY_UNKNOWN: Refusal =
    Refusal::new(-2015, "Invalid API-key, IP, or permissions for action.").with_status(401);
/// A path that the venue does not have.
pub const NO_PATH: Refusal = Refusal::new(-5000, "Path is invalid.").with_status(404);
/// A path that exists, called by another method.
pub const NO_METHOD: Refusal = Refusal::new(-5000, "Method is invalid.").with_status(405);
/// An endpoint that the venue has taken away.
pub const GONE: Refusal = Refusal::new(-1199, "This endpoint has been retired.").with_status(410);

/// Spot -2010: refused by the matching engine; the text carries the reason.
pub mod spot {
    use super::Refusal;

    /// Not enough free balance.
    pub const FUNDS: Refusal = Refusal::new(-2010, "Account has insufficient balance for requested action.");
    /// An open order carries this client id.
    pub const DUPLICATE: Refusal = Refusal::new(-2010, "Duplicate order sent.");
    /// A post-only order would trade at once.
    pub const WOULD_MATCH: Refusal = Refusal::new(-2010, "Order would immediately match and take.");
    /// The symbol takes no orders now.
    pub const CLOSED: Refusal = Refusal::new(-1013, "Market is closed.");
    /// orderId and origClientOrderId name different orders.
    pub const MISMATCH: Refusal = Refusal::new(-2039, "Client order ID is not correct for this order ID.");

    /// -1013 "Filter failure: X".
    pub fn filter(name: &str) -> Refusal {
        Refusal::worded(-1013, format!("Filter failure: {name}"))
    }
}

/// USDⓈ-M only.
pub mod usdm {
    use super::Refusal;

    /// Not enough margin.
    pub const MARGIN: Refusal = Refusal::new(-2019, "Margin is insufficient.");
    /// Nothing to reduce, or the wrong side.
    pub const REDUCE_ONLY: Refusal = Refusal::new(-2022, "ReduceOnly Order is rejected.");
    /// The position would be greater than its leverage allows.
    pub const POSITION_LIMIT: Refusal =
        Refusal::new(-2027, "Exceeded the maximum allowable position at current leverage.");
    /// An amendment that changes nothing.
    pub const NOTHING_AMENDED: Refusal = Refusal::new(-5027, "No need to modify the order.");
    /// Less leverage under a position in isolation.
    pub const LEVERAGE_ISOLATED: Refusal = Refusal::new(
        -4161,
        "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
    );
    /// No position that is margined in isolation.
    pub const NO_POSITION: Refusal = Refusal::new(-4049, "Add margin only support for isolated position.");
    /// Too much margin added or taken.
    pub const MARGIN_SHORT: Refusal = Refusal::new(-4050, "Cross balance insufficient.");
    /// Too much margin taken from a position.
    pub const ISOLATED_SHORT: Refusal = Refusal::new(-4051, "Isolated balance insufficient.");
    /// Too many orders in one call.
    pub const TOO_MANY_IN_BATCH: Refusal = Refusal::new(-4082, "Invalid number of batch place orders.");
    /// Too many open orders.
    pub const OPEN_ORDERS: Refusal = Refusal::new(-2025, "Reach max open order limit.");
    /// Quantity is zero or less.
    pub const QUANTITY_ZERO: Refusal = Refusal::new(-4003, "Quantity less than or equal to zero.");
    /// Quantity under the least.
    pub const QUANTITY_SMALL: Refusal = Refusal::new(-4004, "Quantity less than min quantity.");
    /// Quantity over the most.
    pub const QUANTITY_LARGE: Refusal = Refusal::new(-4005, "Quantity greater than max quantity.");
    /// Price is zero or less.
    pub const PRICE_ZERO: Refusal = Refusal::new(-4001, "Price less than 0.");
    /// Price off the tick.
    pub const OFF_TICK: Refusal = Refusal::new(-4014, "Price not increased by tick size.");
    /// Quantity off the step.
    pub const OFF_STEP: Refusal = Refusal::new(-4023, "Quantity not increased by step size.");
    /// Client id with characters or a length that it may not have.
    pub const BAD_CLIENT_ID: Refusal = Refusal::new(-4015, "Client order id is not valid.");
    /// A buy too far above the mark.
    pub const PRICE_HIGH: Refusal = Refusal::new(-4016, "Limit price can't be higher than the price cap.");
    /// A sell too far below the mark.
    pub const PRICE_LOW: Refusal = Refusal::new(-4024, "Limit price can't be lower than the price floor.");
    /// Leverage out of range.
    pub const BAD_LEVERAGE: Refusal = Refusal::new(-4028, "Leverage is not valid");
    /// Margin type is already so.
    pub const SAME_MARGIN_TYPE: Refusal = Refusal::new(-4046, "No need to change margin type.");
    /// Margin type cannot change under open orders.
    pub const MARGIN_TYPE_ORDERS: Refusal =
        Refusal::new(-4047, "Margin type cannot be changed if there exists open orders.");
    /// Margin type cannot change under a position.
    pub const MARGIN_TYPE_POSITION: Refusal =
        Refusal::new(-4048, "Margin type cannot be changed if there exists position.");
    /// Position mode is already so.
    pub const SAME_SIDE_MODE: Refusal = Refusal::new(-4059, "No need to change position side.");
    /// positionSide LONG or SHORT in one-way mode.
    pub const SIDE_MODE: Refusal = Refusal::new(-4061, "Order's position side does not match user's setting.");
    /// Position mode cannot change under open orders.
    pub const MODE_ORDERS: Refusal =
        Refusal::new(-4067, "Position side cannot be changed if there exists open orders.");
    /// Position mode cannot change under a position.
    pub const MODE_POSITION: Refusal = Refusal::new(-4068, "Position side cannot be changed if there exists position.");
    /// An open order carries this client id.
    pub const DUPLICATE: Refusal = Refusal::new(-4116, "ClientOrderId is duplicated.");
    /// Conditional types live on the algo endpoints.
    pub const ALGO_TYPE: Refusal = Refusal::new(
        -4120,
        "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    );
    /// The symbol takes no orders now.
    pub const CLOSED: Refusal = Refusal::new(
        -4108,
        "This contract is on delivering or delivered or settling or closed or pre-trading.",
    );
    /// Only reductions are taken on this symbol now.
    pub const NOT_OPENABLE: Refusal = Refusal::new(-4140, "Invalid symbol status for opening position.");
    /// Fill-or-kill that cannot be filled.
    pub const FOK: Refusal = Refusal::new(
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected. The order will not be recorded in the order history.",
    );
    /// Post-only order that would trade.
    pub const POST_ONLY: Refusal = Refusal::new(
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history.",
    );
    /// The same leverage mode again.
    pub const SAME_MULTI_ASSETS: Refusal = Refusal::new(-4171, "Multi-Assets Mode does not need to be changed.");
    /// Multi-assets mode is not offered here.
    pub const NO_MULTI_ASSETS: Refusal = Refusal::new(-4172, "Multi-Assets Mode cannot be turned on for this account.");

    /// -4164: notional under the least.
    pub fn notional(least: &str) -> Refusal {
        Refusal::worded(
            -4164,
            format!("Order's notional must be no smaller than {least} (unless you choose reduce only)."),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_worded_as_the_venue_words_it() {
        assert_eq!(BAD_SYMBOL.body(), r#"{"code":-1121,"msg":"Invalid symbol."}"#);
        assert_eq!(
            missing("timestamp").body(),
            r#"{"code":-1102,"msg":"Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."}"#
        );
        assert_eq!(
            (KEY_UNKNOWN.status, TOO_MANY_REQUESTS.status, GONE.status),
            (401, 429, 410)
        );
    }
}
