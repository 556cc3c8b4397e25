//! Rows of one hedge with as many orders as are asked for, each filled at once.

use domain::hedge::{HedgeKind, HedgeRow, HedgeState};
use domain::instrument::{InstrumentId, Name, Product, Side, VenueId};
use domain::journal::{Batch, Record};
use domain::money::{AssetQuantity, Price, Quantity};
use domain::order::{
    ClientOrderId, Ending, Epoch, Fill, HedgeId, LegIndex, OrderKind, OrderState, OrderTicket, Purpose,
};
use domain::time::Timestamp;
use rust_decimal::Decimal;

fn perp() -> InstrumentId {
    InstrumentId {
        venue: VenueId::Binance,
        product: Product::Perp,
        symbol: Name::new("BTCUSDT"),
    }
}

pub const fn batch(number: i64, records: Vec<Record>) -> Batch {
    Batch {
        epoch: Epoch(1),
        at: Timestamp(1_767_268_800_000 + number),
        records,
    }
}

pub fn hedge() -> Record {
    let short = InstrumentId {
        venue: VenueId::Bybit,
        ..perp()
    };
    let row = HedgeRow {
        id: HedgeId(1),
        kind: HedgeKind::CrossVenue,
        asset: Name::new("BTC"),
        long: perp(),
        short,
        target: AssetQuantity(Decimal::ONE),
        state: HedgeState::Opening(LegIndex::Long),
        planned_at: Timestamp(1_767_268_800_000),
        opened_at: None,
        closed_at: None,
    };
    Record::Hedge {
        row,
        cause: "enter".to_owned(),
    }
}

pub fn ticket(tag: &str, serial: u32) -> OrderTicket {
    OrderTicket {
        client_id: ClientOrderId::derive(tag, "demo", Epoch(1), HedgeId(1), serial),
        hedge: HedgeId(1),
        leg: LegIndex::Long,
        purpose: Purpose::Open,
        instrument: perp(),
        side: Side::Buy,
        kind: OrderKind::ImmediateOrCancel {
            limit: Price(Decimal::new(9_821_340, 2)),
        },
        quantity: Quantity(Decimal::new(125, 3)),
    }
}

pub fn filled(ticket: &OrderTicket, number: usize) -> [Record; 2] {
    let venue_order_id = format!("v-{}", ticket.client_id.as_str());
    let fill = Fill {
        instrument: ticket.instrument.clone(),
        trade_id: format!("t-{}", ticket.client_id.as_str()),
        client_id: ticket.client_id.clone(),
        venue_order_id: venue_order_id.clone(),
        side: ticket.side,
        quantity: ticket.quantity,
        price: Price(Decimal::new(9_821_340, 2)),
        fee: Decimal::new(491_067, 5),
        fee_asset: Name::new("USDT"),
        is_maker: false,
        realised: None,
        at: Timestamp(1_767_268_800_000 + i64::try_from(number).unwrap()),
    };
    let moved = Record::OrderMoved {
        client_id: ticket.client_id.clone(),
        state: OrderState::Done {
            how: Ending::Filled,
            filled: ticket.quantity,
        },
        venue_order_id: Some(venue_order_id),
        cause: "the venue's report".to_owned(),
    };
    [Record::Fill(fill), moved]
}
