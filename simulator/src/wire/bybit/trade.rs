//! Orders: create and cancel.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;

use super::account::may_trade;
use super::codes::{self, NO_PERMISSION, Refusal, Result, TOO_MANY_ORDERS, WRONG_POSITION_INDEX};
use super::convert::tidy;
use super::params::{Category, body, figure};
use crate::exchange::{
    self, AccountId, Exchange, Order, OrderKind, OrderRef, OrderRequest, PositionSide, SelfTrade, Side, TimeInForce,
    Wallet,
};
use crate::market::{Ms, Product, Rules, Status, Venue};
use crate::wire::chart::on_tick;

/// Orders that may rest on one contract.
const MOST_ACTIVE: usize = 500;
/// A buy is at most this many hundredths of the mark.
const BAND_HIGH: i64 = 105;
/// A sell is at least this many hundredths of the mark.
const BAND_LOW: i64 = 95;

/// The body of `POST /v5/order/create` and the argument of `order.create`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Create {
    category: Option<String>,
    symbol: Option<String>,
    side: Option<String>,
    order_type: Option<String>,
    qty: Option<String>,
    price: Option<String>,
    time_in_force: Option<String>,
    order_link_id: Option<String>,
    position_idx: Option<u8>,
    reduce_only: Option<bool>,
    close_on_trigger: Option<bool>,
    market_unit: Option<String>,
    trigger_price: Option<String>,
    take_profit: Option<String>,
    stop_loss: Option<String>,
    smp_type: Option<String>,
}

/// The body of `POST /v5/order/cancel` and the argument of `order.cancel`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    category: Option<String>,
    symbol: Option<String>,
    order_id: Option<String>,
    order_link_id: Option<String>,
}

/// `POST /v5/order/create`: the answer names the order and says nothing of what became of it.
pub fn create(exchange: &mut Exchange, account: AccountId, text: &str, now: Ms) -> Result<String> {
    place(exchange, account, &body(text)?, now)
}

/// Takes an order.
pub fn place(exchange: &mut Exchange, account: AccountId, asked: &Create, now: Ms) -> Result<String> {
    let category = Category::parse(asked.category.as_deref())?;
    if !may_trade(exchange, account, category) {
        return Err(NO_PERMISSION);
    }
    let symbol = asked.symbol.as_deref().ok_or_else(|| Refusal::missing("symbol"))?;
    let rules = exchange.market().find(Venue::Bybit, category.product(), symbol);
    let rules = rules.ok_or_else(|| codes::unknown_symbol(category))?.clone();
    let request = asked.request(exchange, account, category, &rules, now)?;
    if request.kind == OrderKind::Limit && category == Category::Linear {
        let resting = exchange
            .open_orders(account, Venue::Bybit, Product::Perp)
            .filter(|order| order.key == rules.key);
        if resting.count() >= MOST_ACTIVE {
            return Err(TOO_MANY_ORDERS);
        }
    }
    let status = exchange.market().status(&rules.key);
    let placed = exchange.place(account, Venue::Bybit, category.product(), &request, now);
    let order = placed.map_err(|refusal| refused(&refusal, category, request.side, status))?;
    Ok(named(&order))
}

/// The pair of ids that answers create and cancel.
pub fn named(order: &Order) -> String {
    json!({ "orderId": order.venue_order_id(), "orderLinkId": order.client_id }).to_string()
}

impl Create {
    fn request(
        &self,
        exchange: &Exchange,
        account: AccountId,
        category: Category,
        rules: &Rules,
        now: Ms,
    ) -> Result<OrderRequest> {
        let position_side = match category {
            Category::Linear => position_side(self.position_idx)?,
            Category::Spot => PositionSide::Both,
        };
        let conditional = [&self.trigger_price, &self.take_profit, &self.stop_loss];
        if conditional
            .iter()
            .any(|price| price.as_deref().is_some_and(|price| !matches!(price, "" | "0")))
        {
            return Err(Refusal::parameter(
                "params error: conditional orders are not offered to this account",
            ));
        }
        let side = match self.side.as_deref() {
            Some("Buy") => Side::Buy,
            Some("Sell") => Side::Sell,
            _ => return Err(Refusal::parameter("Side invalid")),
        };
        let kind = match self.order_type.as_deref() {
            Some("Market") => OrderKind::Market,
            Some("Limit") => OrderKind::Limit,
            _ => return Err(Refusal::parameter("OrderType invalid")),
        };
        let reduce_only = category == Category::Linear && self.reduce_only.unwrap_or(false);
        let quantity = figure("qty", self.qty.as_deref().ok_or_else(|| Refusal::missing("qty"))?)?;
        let quantity = if quantity.is_zero() && reduce_only && self.close_on_trigger == Some(true) {
            exchange
                .held(account, &rules.key, position_side)
                .abs()
                .min(rules.max_market_quantity)
        } else {
            quantity
        };
        let by_value = category == Category::Spot && kind == OrderKind::Market && self.counts_quote(side)?;
        Ok(OrderRequest {
            symbol: rules.key.symbol.clone(),
            side,
            kind,
            time_in_force: self.lifetime()?,
            quantity: (!by_value).then_some(quantity),
            quote_quantity: by_value.then_some(quantity),
            price: self.bounded_price(exchange, account, rules, side, kind, now)?,
            reduce_only,
            client_id: self.order_link_id.clone().filter(|id| !id.is_empty()),
            position_side,
            self_trade: self.self_trade()?,
        })
    }

    fn self_trade(&self) -> Result<SelfTrade> {
        match self.smp_type.as_deref() {
            None | Some("" | "None") => Ok(SelfTrade::Allow),
            Some("CancelMaker") => Ok(SelfTrade::EndMaker),
            Some("CancelTaker") => Ok(SelfTrade::EndTaker),
            Some("CancelBoth") => Ok(SelfTrade::EndBoth),
            Some(_) => Err(Refusal::parameter("params error: smpType invalid")),
        }
    }

    /// Whether a spot market order counts in quote coin: a buy does unless told otherwise, a sell does when told.
    fn counts_quote(&self, side: Side) -> Result<bool> {
        match self.market_unit.as_deref() {
            None | Some("") => Ok(side == Side::Buy),
            Some("baseCoin") => Ok(false),
            Some("quoteCoin") => Ok(true),
            Some(_) => Err(Refusal::parameter("params error: marketUnit invalid")),
        }
    }

    fn lifetime(&self) -> Result<TimeInForce> {
        match self.time_in_force.as_deref() {
            None | Some("" | "GTC") => Ok(TimeInForce::Gtc),
            Some("IOC") => Ok(TimeInForce::Ioc),
            Some("FOK") => Ok(TimeInForce::Fok),
            Some("PostOnly") => Ok(TimeInForce::PostOnly),
            Some(_) => Err(Refusal::parameter("timeInForce invalid")),
        }
    }

    /// The limit price inside the band: moved to its edge without a word or refused, as the account is set.
    fn bounded_price(
        &self,
        exchange: &Exchange,
        account: AccountId,
        rules: &Rules,
        side: Side,
        kind: OrderKind,
        now: Ms,
    ) -> Result<Option<Decimal>> {
        if kind == OrderKind::Market {
            return Ok(None);
        }
        let text = self
            .price
            .as_deref()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Refusal::missing("price"))?;
        let price = figure("price", text)?;
        let market = exchange.market();
        let Some(middle) = market.mark(&rules.key, now).or_else(|| market.mid(&rules.key, now)) else {
            return Ok(Some(price));
        };
        let share = if side == Side::Buy { BAND_HIGH } else { BAND_LOW };
        let edge = on_tick(middle * Decimal::new(share, 2), rules.tick);
        let outside = if side == Side::Buy {
            price > edge
        } else {
            price < edge && price > Decimal::ZERO
        };
        let product = rules.key.product;
        match (outside, exchange.moves_price(account, product)) {
            (false, _) => Ok(Some(price)),
            (true, true) => Ok(Some(edge)),
            (true, false) => Err(codes::out_of_band(Category::of(product), side == Side::Buy)),
        }
    }
}

/// The position that `positionIdx` means.
///
/// # Errors
/// 10001 for a number that is none.
pub fn position_side(index: Option<u8>) -> Result<PositionSide> {
    match index.unwrap_or(0) {
        0 => Ok(PositionSide::Both),
        1 => Ok(PositionSide::Long),
        2 => Ok(PositionSide::Short),
        _ => Err(WRONG_POSITION_INDEX),
    }
}

/// The exchange's refusal in the venue's numbers.
pub fn refused(refusal: &exchange::Refusal, category: Category, side: Side, status: Option<Status>) -> Refusal {
    use exchange::Refusal as Why;
    match refusal {
        Why::UnknownSymbol(_) => codes::unknown_symbol(category),
        Why::MarketClosed if status == Some(Status::CancelOnly) && category == Category::Linear => {
            codes::REDUCE_ONLY_CONTRACT
        }
        Why::MarketClosed => codes::closed(category),
        Why::BadRequest(text) => Refusal::parameter(format!("params error: {text}")),
        Why::BadPrice | Why::Tick { .. } => codes::price_off_tick(category),
        Why::PriceBand { .. } | Why::NoLiquidity => codes::out_of_band(category, side == Side::Buy),
        Why::BadQuantity | Why::Lot { .. } => codes::quantity_off_step(category),
        Why::MinQuantity { .. } => codes::quantity_too_small(category),
        Why::MaxQuantity { .. } => codes::quantity_too_large(category),
        Why::MinNotional { min } => codes::value_too_small(category, *min),
        Why::DuplicateClientId => codes::duplicate_link(category),
        Why::BadClientId => Refusal::parameter("params error: OrderLinkId invalid"),
        Why::InsufficientBalance { .. } | Why::InsufficientMargin => codes::cannot_afford(category),
        Why::ReduceOnly => codes::NOTHING_TO_REDUCE,
        Why::WouldTake => codes::LIMIT_MAKER_WOULD_TAKE,
        Why::UnknownOrder | Why::OrderClosed => codes::no_such_order(category),
        Why::BadLeverage { .. } => codes::LEVERAGE_TOO_HIGH,
        Why::LeverageUnchanged => codes::LEVERAGE_NOT_MODIFIED,
        Why::PositionSide => WRONG_POSITION_INDEX,
        Why::PositionLimit { .. } => codes::BEYOND_RISK_LIMIT,
        Why::OrdersInTheWay => codes::ORDERS_IN_THE_WAY,
        Why::PositionsInTheWay => codes::POSITION_IN_THE_WAY,
        Why::Unchanged => Refusal::parameter("params error: nothing to change"),
        Why::NotPermitted => NO_PERMISSION,
    }
}

/// `POST /v5/order/pre-check`: the account's margin rates before and after an order, in hundredths of a per cent.
pub fn pre_check(exchange: &Exchange, account: AccountId, text: &str, now: Ms) -> Result<String> {
    let asked: Create = body(text)?;
    let category = Category::parse(asked.category.as_deref())?;
    let symbol = asked.symbol.as_deref().ok_or_else(|| Refusal::missing("symbol"))?;
    let rules = exchange.market().find(Venue::Bybit, category.product(), symbol);
    let rules = rules.ok_or_else(|| codes::unknown_symbol(category))?;
    let request = asked.request(exchange, account, category, rules, now)?;
    let market = exchange.market();
    let price = request
        .price
        .or_else(|| market.mark(&rules.key, now))
        .or_else(|| market.mid(&rules.key, now));
    let value = request.quantity.unwrap_or_default() * price.unwrap_or_default();
    let margin = exchange.margin(account, Venue::Bybit, now);
    let opens = category == Category::Linear && !request.only_reduces();
    let (more, most) = if opens {
        (value / exchange.leverage(account, &rules.key), rules.maintenance(value))
    } else {
        (Decimal::ZERO, Decimal::ZERO)
    };
    let initial = margin.position_initial + margin.order_initial;
    let rate = |part: Decimal| {
        let share = part.checked_div(margin.equity).unwrap_or_default() * Decimal::from(10_000);
        i64::try_from(share.round().mantissa()).unwrap_or(i64::MAX)
    };
    Ok(json!({
        "orderId": "", "orderLinkId": asked.order_link_id.unwrap_or_default(), "preImrE4": rate(initial),
        "preMmrE4": rate(margin.maintenance), "postImrE4": rate(initial + more), "postMmrE4": rate(margin.maintenance + most),
    })
    .to_string())
}

/// `GET /v5/order/spot-borrow-check`: what one order may trade with what is there; nothing is lent.
pub fn affordable(exchange: &Exchange, account: AccountId, query: &super::params::Query, now: Ms) -> Result<String> {
    let category = query.category()?;
    let rules = super::public::named(exchange, category, query)?;
    let price = exchange.market().mid(&rules.key, now).unwrap_or(Decimal::ONE);
    let (quantity, amount, coin) = match query.get("side") {
        Some("Buy") => {
            let free = exchange.balance(account, Wallet::Unified, &rules.quote).free;
            (free / price, free, &rules.quote)
        }
        Some("Sell") => {
            let free = exchange.balance(account, Wallet::Unified, &rules.base).free;
            (free, free * price, &rules.base)
        }
        _ => return Err(Refusal::parameter("Side invalid")),
    };
    let (quantity, amount) = (tidy(quantity), tidy(amount));
    Ok(json!({
        "symbol": rules.key.symbol, "side": query.get("side"), "maxTradeQty": quantity, "maxTradeAmount": amount,
        "spotMaxTradeQty": quantity, "spotMaxTradeAmount": amount, "borrowCoin": coin,
    })
    .to_string())
}

/// `POST /v5/order/cancel`.
pub fn cancel(exchange: &mut Exchange, account: AccountId, text: &str, now: Ms) -> Result<String> {
    take_off(exchange, account, &body(text)?, now)
}

/// Cancels one order.
pub fn take_off(exchange: &mut Exchange, account: AccountId, asked: &Cancel, now: Ms) -> Result<String> {
    let category = Category::parse(asked.category.as_deref())?;
    if !may_trade(exchange, account, category) {
        return Err(NO_PERMISSION);
    }
    let symbol = asked.symbol.as_deref().ok_or_else(|| Refusal::missing("symbol"))?;
    let order = reference(asked.order_id.as_deref(), asked.order_link_id.as_deref());
    let order = order.ok_or_else(|| Refusal::missing("orderId or orderLinkId"))?;
    let ended = exchange.cancel(account, Venue::Bybit, category.product(), symbol, &order, now);
    let order = ended.map_err(|refusal| refused(&refusal, category, Side::Buy, None))?;
    Ok(named(&order))
}

/// The order that a request names; the venue's id goes first.
pub fn reference(id: Option<&str>, link: Option<&str>) -> Option<OrderRef> {
    let given = |text: &&str| !text.is_empty();
    let by_id = id.filter(given).map(|id| OrderRef::Venue(id.to_owned()));
    by_id.or_else(|| link.filter(given).map(|link| OrderRef::Client(link.to_owned())))
}

/// `POST /v5/order/cancel-all`: contracts need a symbol, a base coin or a settlement coin.
pub fn cancel_all(exchange: &mut Exchange, account: AccountId, text: &str, now: Ms) -> Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        category: Option<String>,
        symbol: Option<String>,
        base_coin: Option<String>,
        settle_coin: Option<String>,
    }
    let asked: Body = body(text)?;
    let category = Category::parse(asked.category.as_deref())?;
    if !may_trade(exchange, account, category) {
        return Err(NO_PERMISSION);
    }
    let symbol = asked.symbol.filter(|symbol| !symbol.is_empty());
    if category == Category::Linear && symbol.is_none() && asked.base_coin.is_none() && asked.settle_coin.is_none() {
        return Err(Refusal::missing("symbol or settleCoin or baseCoin"));
    }
    let symbols: Vec<Option<String>> = match (&symbol, asked.base_coin) {
        (None, Some(base)) => {
            let rules = exchange
                .market()
                .rules()
                .iter()
                .filter(|rules| rules.key.venue == Venue::Bybit && rules.base == base);
            rules
                .filter(|rules| rules.key.product == category.product())
                .map(|rules| Some(rules.key.symbol.clone()))
                .collect()
        }
        _ => vec![symbol],
    };
    let mut ended = Vec::new();
    for symbol in symbols {
        ended.extend(exchange.cancel_all(account, Venue::Bybit, category.product(), symbol.as_deref(), now));
    }
    let list: Vec<_> = ended
        .iter()
        .map(|order| json!({ "orderId": order.venue_order_id(), "orderLinkId": order.client_id }))
        .collect();
    Ok(json!({ "list": list, "success": "1" }).to_string())
}
