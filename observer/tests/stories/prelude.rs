//! The words in which the stories are told.

pub use observer::{Bounds, Cash, Fact, Fill, Funding, Intent, Observer, Order, Position, Purpose, Side};
pub use rust_decimal::Decimal;

pub fn d(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

/// Where a leg of the stories trades: venue, product, symbol.
pub type Place = (&'static str, &'static str, &'static str);
pub const SPOT: Place = ("binance", "spot", "BTCUSDT");
pub const PERP: Place = ("binance", "usdm", "BTCUSDT");
pub const BYBIT: Place = ("bybit", "linear", "BTCUSDT");

pub fn intent(id: &str, (venue, product, symbol): Place, side: Side, quantity: &str, purpose: Purpose) -> Intent {
    Intent {
        hedge: "h1".into(),
        client_id: id.into(),
        venue: venue.into(),
        symbol: symbol.into(),
        product: product.into(),
        side,
        quantity: d(quantity),
        price: None,
        purpose,
        asset: "BTC".into(),
        multiplier: Decimal::ONE,
    }
}

pub fn order(id: &str, (venue, product, symbol): Place, side: Side, quantity: &str) -> Order {
    Order {
        venue: venue.into(),
        client_id: id.into(),
        venue_order_id: format!("v-{id}"),
        symbol: symbol.into(),
        product: product.into(),
        side,
        quantity: d(quantity),
        price: None,
        reduce_only: false,
        foreign: false,
    }
}

pub fn fill(trade: &str, id: &str, (venue, product, symbol): Place, side: Side, quantity: &str, price: &str) -> Fill {
    Fill {
        venue: venue.into(),
        trade_id: trade.into(),
        client_id: id.into(),
        symbol: symbol.into(),
        product: product.into(),
        side,
        quantity: d(quantity),
        price: d(price),
        fee: d("0.1"),
        fee_asset: "USDT".into(),
    }
}

pub fn funding(amount: &str) -> Funding {
    let [venue, id, symbol, product] = ["binance", "f1", "BTCUSDT", "usdm"].map(str::to_owned);
    Funding {
        venue,
        id,
        symbol,
        product,
        amount: d(amount),
    }
}

pub fn cash(wallet: &str, asset: &str, total: &str) -> Cash {
    Cash {
        venue: "binance".into(),
        wallet: wallet.into(),
        asset: asset.into(),
        total: d(total),
    }
}

pub fn position(quantity: &str) -> Position {
    let [venue, symbol, product] = ["binance", "BTCUSDT", "usdm"].map(str::to_owned);
    Position {
        venue,
        symbol,
        product,
        quantity: d(quantity),
    }
}

/// Tells the facts a second apart.
pub fn told(bounds: Bounds, facts: impl IntoIterator<Item = Fact>) -> Observer {
    let mut observer = Observer::new(bounds);
    for (second, fact) in (0..).zip(facts) {
        observer.observe(second * 1_000, fact);
    }
    observer
}

/// Which invariants the facts broke, in order.
pub fn broken(facts: impl IntoIterator<Item = Fact>) -> Vec<&'static str> {
    told(Bounds::default(), facts)
        .violations()
        .iter()
        .map(|violation| violation.invariant)
        .collect()
}

/// Intent, order and fill of one order, by the book.
pub fn trade(id: &str, place: Place, side: Side, quantity: &str, price: &str, purpose: Purpose) -> Vec<Fact> {
    vec![
        Fact::IntentCommitted(intent(id, place, side, quantity, purpose)),
        Fact::VenueOrder(Order {
            reduce_only: purpose == Purpose::Close && place.1 != "spot",
            ..order(id, place, side, quantity)
        }),
        Fact::VenueFill(fill(&format!("t-{id}"), id, place, side, quantity, price)),
    ]
}

/// The same with its ledger row.
pub fn booked(id: &str, place: Place, side: Side, quantity: &str, price: &str, purpose: Purpose) -> Vec<Fact> {
    let mut facts = trade(id, place, side, quantity, price, purpose);
    facts.push(Fact::LedgerFill(fill(
        &format!("t-{id}"),
        id,
        place,
        side,
        quantity,
        price,
    )));
    facts
}

/// Spot and perpetual in and out again with one funding payment: 2 × 0.1 fees on each side.
pub fn round_trip() -> Vec<Fact> {
    let mut facts = vec![
        Fact::LedgerOpeningCash(cash("spot", "USDT", "1000")),
        Fact::LedgerOpeningCash(cash("usdm", "USDT", "500")),
    ];
    facts.extend(booked("a", SPOT, Side::Buy, "2", "100", Purpose::Open));
    facts.extend(booked("b", PERP, Side::Sell, "2", "101", Purpose::Open));
    facts.extend([Fact::VenueFunding(funding("0.3")), Fact::LedgerFunding(funding("0.3"))]);
    facts.extend(booked("c", SPOT, Side::Sell, "2", "110", Purpose::Close));
    facts.extend(booked("e", PERP, Side::Buy, "2", "110.5", Purpose::Close));
    facts
}

/// What the venue states after [`round_trip`]: spot +20 −0.2, perpetual −19 −0.2 +0.3.
pub fn statement(usdm: &str, held: &str) -> Vec<Fact> {
    vec![
        Fact::VenueCash(cash("spot", "USDT", "1019.8")),
        Fact::VenueCash(cash("spot", "BTC", "0")),
        Fact::VenueCash(cash("usdm", "USDT", usdm)),
        Fact::VenuePosition(position(held)),
        Fact::Quiescent,
    ]
}
