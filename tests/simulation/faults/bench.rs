//! The adapters alone against the venues: what they make of an answer, without an engine that would go on from there.

use std::cell::Cell;
use std::rc::Rc;

use actors::engine::VenueParts;
use domain::instrument::{Instrument, InstrumentId, Product, Side, VenueId};
use domain::money::Quantity;
use domain::order::{ClientOrderId, HedgeId, LegIndex, OrderKind, OrderTicket, Placed, Purpose};
use domain::ports::OrderGateway;
use funding_arb::world::{Street, WorldOptions};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use slog::{Discard, Logger, o};

use super::cable::Cable;
use super::stage::virtual_time;

/// The three places where orders are sent to, and the path of each.
pub const DESKS: [(VenueId, Product, &str); 3] = [
    (VenueId::Bybit, Product::Perp, "/v5/order/create"),
    (VenueId::Binance, Product::Perp, "/fapi/v1/order"),
    (VenueId::Binance, Product::Spot, "/api/v3/order"),
];

/// The venues, their adapters, and the cable between them.
pub struct Bench {
    pub street: Street,
    pub cable: Cable,
    serial: Cell<u32>,
}

/// Plays a story at the bench, in virtual time, on a market of so many symbols.
pub fn bench<F: Future<Output = ()>>(symbols: usize, story: impl FnOnce(Rc<Bench>) -> F) {
    virtual_time(async move {
        let options = WorldOptions {
            seed: 7,
            hours: 24,
            symbols,
            faults: false,
            campaign: false,
            left_out: &[],
        };
        let cable = Cable::default();
        let log = Logger::root(Discard, o!());
        let street = Street::open(options, Some(&cable.splice()), &log).unwrap();
        story(Rc::new(Bench {
            street,
            cable,
            serial: Cell::new(0),
        }))
        .await;
    });
}

impl Bench {
    /// A number that has not been drawn before.
    pub fn serial(&self) -> u32 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }

    /// Sets fault rules, given as a list.
    pub fn inject(&self, rules: &Value) {
        let rules = simulator::faults::parse_rules(&json!({ "rules": rules }).to_string()).unwrap();
        self.street.twin.inject(rules).unwrap();
    }

    /// Lifts every fault.
    pub fn heal(&self) {
        self.street.twin.clear_faults();
        self.cable.heal();
    }

    /// Whether a rule is in force.
    pub fn is_faulty(&self) -> bool {
        self.street.twin.faults()["rules"]
            .as_array()
            .is_some_and(|rules| !rules.is_empty())
    }

    /// A venue's adapters.
    pub fn venue(&self, id: VenueId) -> &VenueParts {
        self.street.parts.iter().find(|parts| parts.id == id).unwrap()
    }

    /// Where a venue's orders are sent.
    pub fn gateway(&self, id: VenueId) -> Rc<dyn OrderGateway> {
        Rc::clone(&self.venue(id).gateway)
    }

    /// All instruments of a venue's product.
    pub async fn instruments(&self, venue: VenueId, product: Product) -> Vec<Instrument> {
        let mut all = self.venue(venue).data.instruments().await.unwrap();
        all.retain(|instrument| instrument.id.product == product);
        all
    }

    /// An order to buy about 500 USDT worth of the first instrument, under a name of its own.
    pub async fn ticket(&self, venue: VenueId, product: Product, name: &str) -> OrderTicket {
        let instrument = self.instruments(venue, product).await.remove(0);
        let quote = self
            .venue(venue)
            .data
            .book(&instrument.id)
            .await
            .unwrap()
            .quote()
            .unwrap();
        let lots = (Decimal::from(500) / quote.ask.0 / instrument.lot.0).floor();
        OrderTicket {
            client_id: ClientOrderId::from_text(name),
            hedge: HedgeId(1),
            leg: LegIndex::Long,
            purpose: Purpose::Open,
            instrument: instrument.id,
            side: Side::Buy,
            kind: OrderKind::Market,
            quantity: Quantity(lots * instrument.lot.0),
        }
    }

    /// The venue's orders of a name.
    pub fn orders(&self, venue: VenueId, name: &str) -> usize {
        let truth = self.street.twin.truth();
        let orders = truth["venues"][venue.as_str()]["orders"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        orders.iter().filter(|order| order["client_id"] == name).count()
    }

    /// What the venue says about an order in a good answer: whether it knows it.
    pub async fn knows(&self, instrument: &InstrumentId, name: &str) -> bool {
        let id = ClientOrderId::from_text(name);
        let found = self.gateway(instrument.venue).find(instrument, &id).await;
        found.unwrap().is_some()
    }
}

/// One answer forged for one create, and what the adapter says.
pub async fn forged(
    bench: &Bench,
    desk: (VenueId, Product, &str),
    name: &str,
    (status, body, executed): (u16, &str, bool),
) -> (OrderTicket, Placed) {
    let (venue, product, path) = desk;
    let ticket = bench.ticket(venue, product, name).await;
    bench.inject(
        &json!([{"venue": venue.as_str(), "link": "rest", "match": {"method": "POST", "path": path},
        "action": "REPLY", "args": {"status": status, "body": body, "executed": executed}}]),
    );
    let placed = bench.gateway(venue).place(&ticket).await;
    bench.heal();
    (ticket, placed)
}
