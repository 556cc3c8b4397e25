//! The futures user stream: `ORDER_TRADE_UPDATE`, `TRADE_LITE`, `ACCOUNT_UPDATE`.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::exchange::{BalanceChange, CashKind, Event, Exchange, Fill, Order, OrderChange, Position, Wallet};
use crate::market::{Ms, Product, Venue};

use super::rows_usdm::break_even;
use super::text::{eight, plain};
use super::words;

#[derive(Serialize)]
struct OrderTradeUpdate<'a> {
    e: &'static str,
    #[serde(rename = "E")]
    event_ms: Ms,
    #[serde(rename = "T")]
    transaction_ms: Ms,
    o: OrderPart<'a>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the message has them")]
struct OrderPart<'a> {
    s: &'a str,
    c: &'a str,
    #[serde(rename = "S")]
    side: &'static str,
    o: &'static str,
    f: &'static str,
    q: String,
    p: String,
    ap: String,
    sp: &'static str,
    x: &'static str,
    #[serde(rename = "X")]
    status: &'static str,
    i: u64,
    l: String,
    z: String,
    #[serde(rename = "L")]
    last_price: String,
    #[serde(rename = "N")]
    fee_asset: &'a str,
    n: String,
    #[serde(rename = "T")]
    trade_ms: Ms,
    t: u64,
    b: &'static str,
    a: &'static str,
    m: bool,
    #[serde(rename = "R")]
    reduce_only: bool,
    wt: &'static str,
    ot: &'static str,
    ps: &'static str,
    cp: bool,
    rp: String,
    #[serde(rename = "pP")]
    price_protect: bool,
    si: u8,
    ss: u8,
    #[serde(rename = "V")]
    self_trade: &'static str,
    pm: &'static str,
    gtd: i64,
    er: &'static str,
}

#[derive(Serialize)]
struct TradeLite<'a> {
    e: &'static str,
    #[serde(rename = "E")]
    event_ms: Ms,
    #[serde(rename = "T")]
    transaction_ms: Ms,
    s: &'a str,
    q: String,
    p: String,
    m: bool,
    c: &'a str,
    #[serde(rename = "S")]
    side: &'static str,
    #[serde(rename = "L")]
    last_price: String,
    l: String,
    t: u64,
    i: u64,
}

#[derive(Serialize)]
struct AccountUpdate<'a> {
    e: &'static str,
    #[serde(rename = "E")]
    event_ms: Ms,
    #[serde(rename = "T")]
    transaction_ms: Ms,
    a: AccountPart<'a>,
}

#[derive(Serialize)]
struct AccountPart<'a> {
    m: &'static str,
    #[serde(rename = "S", skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    #[serde(rename = "B")]
    balances: [BalancePart<'a>; 1],
    #[serde(rename = "P")]
    positions: Vec<PositionPart<'a>>,
}

#[derive(Serialize)]
struct BalancePart<'a> {
    a: &'a str,
    wb: String,
    cw: String,
    bc: String,
}

#[derive(Serialize)]
struct PositionPart<'a> {
    s: &'a str,
    pa: String,
    ep: String,
    bep: String,
    cr: String,
    up: String,
    mt: &'static str,
    iw: String,
    ps: &'static str,
}

/// What an event says on the futures user stream: event name, symbol, text. Empty for what is not of this market.
pub fn render(exchange: &Exchange, event: &Event, now: Ms) -> Vec<(&'static str, String, String)> {
    let usdm = |order: &Order| order.key.product == Product::Perp;
    match event {
        Event::Order { order, change } if usdm(order) => vec![order_update(order, None, *change, now)],
        Event::Fill { fill, order } if usdm(order) => {
            let full = order_update(order, Some(fill), OrderChange::Accepted, now);
            vec![trade_lite(order, fill, now), full]
        }
        Event::Position(position) => vec![position_update(exchange, position, now)],
        Event::Balance(change) if change.wallet == Wallet::Usdm => cash_update(change, now).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn order_update(order: &Order, fill: Option<&Fill>, change: OrderChange, now: Ms) -> (&'static str, String, String) {
    let what = match (fill, change) {
        (Some(_), _) if order.client_id.starts_with("autoclose-") => "CALCULATED",
        (Some(_), _) => "TRADE",
        (None, OrderChange::Accepted) => "NEW",
        (None, OrderChange::Amended) => "AMENDMENT",
        (None, OrderChange::Cancelled) => "CANCELED",
        (None, OrderChange::Expired | OrderChange::Rejected) => "EXPIRED",
    };
    let kind = words::usdm_type(order);
    let average = order
        .average_price()
        .map_or_else(|| "0".to_owned(), |price| plain(price.round_dp(8)));
    let number = |value: Option<Decimal>| value.map_or_else(|| "0".to_owned(), plain);
    let at = fill.map_or(order.updated_ms, |fill| fill.time_ms);
    let part = OrderPart {
        s: &order.key.symbol,
        c: &order.client_id,
        side: words::side(order.side),
        o: kind,
        f: words::usdm_tif(order),
        q: plain(order.quantity),
        p: number(order.price),
        ap: average,
        sp: "0",
        x: what,
        status: order.status.name(),
        i: order.id,
        l: number(fill.map(|fill| fill.quantity)),
        z: plain(order.filled),
        last_price: number(fill.map(|fill| fill.price)),
        fee_asset: fill.map_or("USDT", |fill| fill.fee_asset.as_str()),
        n: fill.map_or_else(|| "0".to_owned(), |fill| eight(fill.fee)),
        trade_ms: at,
        t: fill.map_or(0, |fill| fill.id),
        b: "0",
        a: "0",
        m: fill.is_some_and(|fill| fill.maker),
        reduce_only: order.reduce_only,
        wt: "CONTRACT_PRICE",
        ot: kind,
        ps: words::position_side(order.position_side),
        cp: false,
        rp: number(fill.map(|fill| fill.realised)),
        price_protect: false,
        si: 0,
        ss: 0,
        self_trade: words::self_trade(order),
        pm: "NONE",
        gtd: 0,
        er: "0",
    };
    let update = OrderTradeUpdate {
        e: "ORDER_TRADE_UPDATE",
        event_ms: now,
        transaction_ms: at,
        o: part,
    };
    ("ORDER_TRADE_UPDATE", order.key.symbol.clone(), text(&update))
}

fn trade_lite(order: &Order, fill: &Fill, now: Ms) -> (&'static str, String, String) {
    let lite = TradeLite {
        e: "TRADE_LITE",
        event_ms: now,
        transaction_ms: fill.time_ms,
        s: &order.key.symbol,
        q: plain(order.quantity),
        p: plain(order.price.unwrap_or_default()),
        m: fill.maker,
        c: &order.client_id,
        side: words::side(order.side),
        last_price: plain(fill.price),
        l: plain(fill.quantity),
        t: fill.id,
        i: order.id,
    };
    ("TRADE_LITE", order.key.symbol.clone(), text(&lite))
}

/// A trade's effect on wallet and position, in one message as the venue sends it.
fn position_update(exchange: &Exchange, position: &Position, now: Ms) -> (&'static str, String, String) {
    let margin = exchange.margin(position.account, Venue::Binance, now);
    let bep = exchange
        .market()
        .rule(&position.key)
        .map_or(position.entry_price, |rules| break_even(position, rules));
    let part = PositionPart {
        s: &position.key.symbol,
        pa: plain(position.quantity),
        ep: plain(position.entry_price.round_dp(11)),
        bep: plain(bep.round_dp(11)),
        cr: plain(position.realised.round_dp(8)),
        up: plain(position.unrealised.round_dp(8)),
        mt: if position.isolated_margin.is_some() {
            "isolated"
        } else {
            "cross"
        },
        iw: position.isolated_margin.map_or_else(|| "0".to_owned(), plain),
        ps: words::position_side(position.position_side),
    };
    let balance = BalancePart {
        a: "USDT",
        wb: eight(margin.wallet_balance),
        cw: eight(margin.wallet_balance - margin.isolated),
        bc: "0".to_owned(),
    };
    let part = AccountPart {
        m: "ORDER",
        symbol: None,
        balances: [balance],
        positions: vec![part],
    };
    let update = AccountUpdate {
        e: "ACCOUNT_UPDATE",
        event_ms: now,
        transaction_ms: position.updated_ms,
        a: part,
    };
    ("ACCOUNT_UPDATE", position.key.symbol.clone(), text(&update))
}

/// Money that moved without a trade. What a trade moves is told with its position.
fn cash_update(change: &BalanceChange, now: Ms) -> Option<(&'static str, String, String)> {
    let symbol = change.key.as_ref().map(|key| key.symbol.as_str());
    let (reason, symbol) = match change.kind? {
        CashKind::Trade | CashKind::RealisedProfit | CashKind::Fee => return None,
        CashKind::Funding => ("FUNDING_FEE", symbol),
        CashKind::Transfer if change.delta.is_sign_negative() => ("WITHDRAW", None),
        CashKind::Transfer => ("DEPOSIT", None),
        CashKind::Insurance => ("INSURANCE_CLEAR", None),
    };
    let wallet = eight(change.free + change.locked);
    let balance = BalancePart {
        a: &change.asset,
        wb: wallet.clone(),
        cw: wallet,
        bc: eight(change.delta),
    };
    let part = AccountPart {
        m: reason,
        symbol,
        balances: [balance],
        positions: Vec::new(),
    };
    let update = AccountUpdate {
        e: "ACCOUNT_UPDATE",
        event_ms: now,
        transaction_ms: change.time_ms,
        a: part,
    };
    Some(("ACCOUNT_UPDATE", symbol.unwrap_or_default().to_owned(), text(&update)))
}

/// These structs have no map with odd keys and nothing that fails; an empty text would be a bug.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
