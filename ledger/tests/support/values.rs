//! Records as the engine writes them.

use domain::accounting::{CashAccount, Opening};
use domain::alert::{Alert, AlertName};
use domain::funding::FundingPayment;
use domain::hedge::{HedgeKind, HedgeRow, HedgeState};
use domain::instrument::{InstrumentId, Name, Product, Side, VenueId};
use domain::journal::{Batch, Record};
use domain::money::{AssetQuantity, Price, Quantity, Rate, Usd};
use domain::order::{ClientOrderId, Epoch, Fill, HedgeId, LegIndex, OrderKind, OrderState, OrderTicket, Purpose};
use domain::pause::PauseReason;
use domain::position::{Balance, Wallet};
use domain::time::Timestamp;
use rust_decimal::Decimal;

pub const NOON: Timestamp = Timestamp(1_767_268_800_000);

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn perp(venue: VenueId) -> InstrumentId {
    InstrumentId {
        venue,
        product: Product::Perp,
        symbol: Name::new("BTCUSDT"),
    }
}

pub fn batch(at: Timestamp, records: Vec<Record>) -> Batch {
    Batch {
        epoch: Epoch(1),
        at,
        records,
    }
}

pub fn hedge(id: u64, state: HedgeState) -> HedgeRow {
    HedgeRow {
        id: HedgeId(id),
        kind: HedgeKind::CrossVenue,
        asset: Name::new("BTC"),
        long: perp(VenueId::Binance),
        short: perp(VenueId::Bybit),
        target: AssetQuantity(dec("0.250")),
        state,
        planned_at: NOON,
        opened_at: None,
        closed_at: None,
    }
}

pub fn ticket(tag: &str, hedge: u64, serial: u32) -> OrderTicket {
    OrderTicket {
        client_id: ClientOrderId::derive(tag, "t", Epoch(1), HedgeId(hedge), serial),
        hedge: HedgeId(hedge),
        leg: LegIndex::Long,
        purpose: Purpose::Open,
        instrument: perp(VenueId::Binance),
        side: Side::Buy,
        kind: OrderKind::ImmediateOrCancel {
            limit: Price(dec("98213.40")),
        },
        quantity: Quantity(dec("0.250")),
    }
}

pub fn fill(client_id: &ClientOrderId, trade_id: &str, quantity: &str) -> Fill {
    Fill {
        instrument: perp(VenueId::Binance),
        trade_id: trade_id.to_owned(),
        client_id: client_id.clone(),
        venue_order_id: "8389765".to_owned(),
        side: Side::Buy,
        quantity: Quantity(dec(quantity)),
        price: Price(dec("98210.10")),
        fee: dec("-0.00012300"),
        fee_asset: Name::new("USDT"),
        is_maker: false,
        realised: Some(Usd(dec("0.00000000"))),
        at: NOON,
    }
}

pub fn moved(client_id: &ClientOrderId, state: OrderState, venue_order_id: Option<&str>) -> Record {
    Record::OrderMoved {
        client_id: client_id.clone(),
        state,
        venue_order_id: venue_order_id.map(str::to_owned),
        cause: "the venue's word".to_owned(),
    }
}

pub fn payment(id: &str) -> FundingPayment {
    FundingPayment {
        instrument: perp(VenueId::Bybit),
        id: id.to_owned(),
        amount: Usd(dec("-1.23456789")),
        rate: Some(Rate(dec("-0.00012500"))),
        settled_at: NOON,
    }
}

pub fn opening(asset: &str, total: &str) -> Opening {
    Opening {
        account: CashAccount {
            venue: VenueId::Bybit,
            wallet: Wallet::Unified,
            asset: Name::new(asset),
        },
        total: dec(total),
        at: NOON,
    }
}

pub fn intent(hedge: u64) -> Record {
    Record::Intent {
        hedge: HedgeId(hedge),
        reason: "enter: 12.5 bps over costs".to_owned(),
        inputs: r#"{"age_ms": 12, "rate": "0.00010"}"#.to_owned(),
    }
}

pub fn alert(subject: &str) -> Record {
    Record::Alert(Alert::new(
        AlertName::HedgeOneLegged,
        subject,
        "Look at hedge 1.".to_owned(),
    ))
}

/// One record of every kind, such that each can follow those before it.
pub fn one_of_each(tag: &str) -> Vec<Record> {
    let order = ticket(tag, 1, 1);
    let id = order.client_id.clone();
    let done = OrderState::Acknowledged {
        filled: Quantity(dec("0.100")),
    };
    vec![
        Record::Hedge {
            row: hedge(1, HedgeState::Opening(LegIndex::Long)),
            cause: "decided".to_owned(),
        },
        intent(1),
        Record::Order(order),
        moved(&id, OrderState::Sent, None),
        Record::Fill(fill(&id, "t1", "0.100")),
        moved(&id, done, Some("8389765")),
        Record::Funding(payment("f1")),
        Record::FundingRate {
            instrument: perp(VenueId::Bybit),
            settlement: NOON,
            rate: Rate(dec("0.00010")),
            settled: false,
        },
        Record::Opening(opening("USDT", "1000.00")),
        Record::Snapshot {
            balances: vec![Balance {
                venue: VenueId::Bybit,
                wallet: Wallet::Unified,
                asset: Name::new("USDT"),
                total: dec("998.76543211"),
                free: dec("900"),
            }],
            state: r#"{"positions": []}"#.to_owned(),
        },
        Record::Decision {
            subject: "BTC binance/bybit".to_owned(),
            verdict: "enter".to_owned(),
            numbers: r#"{"edge_bps": "12.50"}"#.to_owned(),
        },
        Record::Paused {
            reason: PauseReason::Human("maintenance".to_owned()),
            by: "operator".to_owned(),
        },
        Record::Unpaused {
            key: "one_legged".to_owned(),
            by: "engine".to_owned(),
        },
        alert("1"),
        Record::Audit {
            actor: "api".to_owned(),
            action: "pause".to_owned(),
            who: "operator".to_owned(),
            detail: "maintenance".to_owned(),
        },
        Record::AlertDelivered { id: 999 },
    ]
}
