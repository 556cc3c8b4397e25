//! Bugs and bad luck on the way to the venues: decorators around the order gateway and the private stream.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use domain::instrument::{InstrumentId, Product, Side, VenueId};
use domain::money::{Price, Quantity};
use domain::order::{ClientOrderId, Fill, OrderKind, OrderReport, OrderTicket, Placed, Purpose, VenueOrderStatus};
use domain::ports::{AccountStream, Answer, FactStream, OrderGateway, VenueError};
use domain::position::AccountFact;
use funding_arb::world::Tamper;
use rust_decimal::Decimal;

/// How often a tamper really did what it is for; read from another thread when the world is over.
pub type Struck = Arc<AtomicU64>;

/// What is wrong between the executor and a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireBug {
    /// Each order is sent twice under its one id.
    SentTwice,
    /// An order whose answer is lost is sent again under a new id.
    ResentUnderNewId,
    /// Twice the recorded quantity is sent.
    QuantityDoubled,
    /// Opening orders of the short leg buy.
    ShortLegBought,
    /// Opening orders of the long leg sell.
    LongLegSold,
    /// An opening order goes to the symbol's other product.
    ProductMistaken,
    /// An opening order carries the id of the venue's first one.
    IdUsedAgain,
    /// An opening order goes out without its limit.
    LimitIgnored,
    /// The limit of an opening order is worse by a step than recorded.
    LimitLoosened,
    /// Closing orders of a perpetual are not reduce-only.
    ReduceOnlyLost,
    /// Closing orders go out under another id than recorded.
    ExitUnderNewId,
    /// An executed opening order is taken for refused, and the private stream is deaf to executions.
    ExecutedTakenForRefused,
    /// Closing orders go the other way, and not reduce-only.
    ClosedTheWrongWay,
    /// Closing orders of a perpetual are twice as large as the position, and not reduce-only.
    ClosedTwiceOver,
    /// Orders are read as cancelled without a fill, and no stream or list has their executions.
    ExecutionsUnseen,
}

/// Plants a bug at every venue.
pub fn plant(bug: WireBug, struck: &Struck) -> Tamper {
    let struck = Arc::clone(struck);
    Rc::new(move |mut venues, journal| {
        for venue in &mut venues {
            venue.gateway = Rc::new(Faulty {
                gateway: Rc::clone(&venue.gateway),
                bug,
                first_id: RefCell::default(),
                struck: Arc::clone(&struck),
            });
            if matches!(bug, WireBug::ExecutedTakenForRefused | WireBug::ExecutionsUnseen) {
                venue.stream = Rc::new(Deaf(Rc::clone(&venue.stream)));
            }
            if bug == WireBug::ExecutionsUnseen {
                venue.account = Rc::new(crate::books::NoExecutions(Rc::clone(&venue.account)));
            }
        }
        (venues, journal)
    })
}

struct Faulty {
    gateway: Rc<dyn OrderGateway>,
    bug: WireBug,
    first_id: RefCell<Option<ClientOrderId>>,
    struck: Struck,
}

impl Faulty {
    /// What is sent instead of the ticket; `None` when this bug leaves this order alone.
    fn spoilt(&self, ticket: &OrderTicket) -> Option<OrderTicket> {
        let mut spoilt = ticket.clone();
        let reduces = ticket.purpose.reduces();
        match self.bug {
            WireBug::QuantityDoubled if !reduces => spoilt.quantity = twice(ticket.quantity),
            WireBug::ShortLegBought if !reduces && ticket.side == Side::Sell => spoilt.side = Side::Buy,
            WireBug::ClosedTheWrongWay if reduces => {
                spoilt.side = ticket.side.opposite();
                spoilt.purpose = Purpose::Open;
            }
            WireBug::ClosedTwiceOver if ticket.reduce_only() => {
                spoilt.quantity = twice(ticket.quantity);
                spoilt.purpose = Purpose::Open;
            }
            WireBug::LongLegSold if !reduces && ticket.side == Side::Buy => spoilt.side = Side::Sell,
            WireBug::ProductMistaken if !reduces => {
                spoilt.instrument.product = match ticket.instrument.product {
                    Product::Spot => Product::Perp,
                    Product::Perp => Product::Spot,
                };
            }
            WireBug::IdUsedAgain if !reduces => {
                let mut first = self.first_id.borrow_mut();
                let Some(first) = first.as_ref() else {
                    *first = Some(ticket.client_id.clone());
                    return None;
                };
                spoilt.client_id = first.clone();
            }
            WireBug::LimitIgnored if !reduces => spoilt.kind = OrderKind::Market,
            WireBug::LimitLoosened if !reduces => spoilt.kind = loosened(ticket),
            WireBug::ReduceOnlyLost if ticket.reduce_only() => spoilt.purpose = Purpose::Open,
            WireBug::ExitUnderNewId if reduces => {
                spoilt.client_id = ClientOrderId::from_text(&format!("{}-exit", ticket.client_id));
            }
            _ => return None,
        }
        // An opening order has no market form, and a bounded one would not be filled away from its side of the book.
        if ticket.side != spoilt.side {
            spoilt.kind = OrderKind::Market;
        }
        Some(spoilt)
    }

    fn strike(&self) {
        self.struck.fetch_add(1, Ordering::Relaxed);
    }

    async fn send(&self, ticket: &OrderTicket) -> Placed {
        if let Some(spoilt) = self.spoilt(ticket) {
            self.strike();
            return self.gateway.place(&spoilt).await;
        }
        let placed = self.gateway.place(ticket).await;
        let taken = matches!(placed, Placed::Confirmed { .. });
        match self.bug {
            WireBug::SentTwice => {
                self.strike();
                self.gateway.place(ticket).await;
                placed
            }
            WireBug::ResentUnderNewId if taken => {
                self.strike();
                let again = OrderTicket {
                    client_id: ClientOrderId::from_text(&format!("{}-again", ticket.client_id)),
                    ..ticket.clone()
                };
                self.gateway.place(&again).await
            }
            WireBug::ExecutedTakenForRefused if taken && !ticket.purpose.reduces() => {
                self.strike();
                Placed::Refused {
                    code: -1,
                    reason: "an answer misread".to_owned(),
                }
            }
            _ => placed,
        }
    }
}

fn twice(quantity: Quantity) -> Quantity {
    Quantity(quantity.0 * Decimal::TWO)
}

/// A limit that is worse by one unit of its last written digit, which is a whole number of ticks.
fn loosened(ticket: &OrderTicket) -> OrderKind {
    let Some(limit) = ticket.kind.limit() else {
        return ticket.kind;
    };
    let step = Decimal::new(1, limit.0.normalize().scale());
    let limit = match ticket.side {
        Side::Buy => limit.0 + step,
        Side::Sell => limit.0 - step,
    };
    ticket.kind.at(Price(limit))
}

impl OrderGateway for Faulty {
    fn place<'a>(&'a self, ticket: &'a OrderTicket) -> Answer<'a, Placed> {
        Box::pin(self.send(ticket))
    }

    fn find<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        id: &'a ClientOrderId,
    ) -> Answer<'a, Result<Option<OrderReport>, VenueError>> {
        if self.bug != WireBug::ExecutionsUnseen {
            return self.gateway.find(instrument, id);
        }
        Box::pin(async move {
            let report = self.gateway.find(instrument, id).await?;
            self.strike();
            Ok(report.map(|report| OrderReport {
                filled: Quantity::ZERO,
                status: VenueOrderStatus::Cancelled,
                ..report
            }))
        })
    }

    fn open_orders<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Vec<OrderReport>, VenueError>> {
        self.gateway.open_orders(instrument)
    }

    fn fills_of<'a>(&'a self, order: &'a OrderReport) -> Answer<'a, Result<Vec<Fill>, VenueError>> {
        self.gateway.fills_of(order)
    }

    fn cancel<'a>(&'a self, instrument: &'a InstrumentId, id: &'a ClientOrderId) -> Answer<'a, Result<(), VenueError>> {
        self.gateway.cancel(instrument, id)
    }
}

/// A private stream that swallows executions.
struct Deaf(Rc<dyn AccountStream>);

struct DeafFacts(Box<dyn FactStream<AccountFact>>);

impl AccountStream for Deaf {
    fn open(&self) -> Answer<'_, Result<Box<dyn FactStream<AccountFact>>, VenueError>> {
        Box::pin(async move {
            let facts = self.0.open().await?;
            Ok(Box::new(DeafFacts(facts)) as Box<dyn FactStream<AccountFact>>)
        })
    }
}

impl FactStream<AccountFact> for DeafFacts {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<AccountFact>) -> Poll<Result<(), VenueError>> {
        let heard = ready!(self.0.poll_facts(cx, into));
        into.retain(|fact| !matches!(fact, AccountFact::Fill(_)));
        Poll::Ready(heard)
    }
}

/// Bad luck, not a bug: answers get lost after the venue has acted, requests get lost before it could, and questions go
/// unanswered. `struck` counts the orders whose outcome the engine had to find out.
pub struct Lossy {
    gateway: Rc<dyn OrderGateway>,
    venue: VenueId,
    placed: Cell<u64>,
    asked: Cell<u64>,
    struck: Struck,
}

impl Lossy {
    /// A gateway with a bad connection.
    pub fn new(gateway: Rc<dyn OrderGateway>, venue: VenueId, struck: &Struck) -> Self {
        Self {
            gateway,
            venue,
            placed: Cell::new(0),
            asked: Cell::new(0),
            struck: Arc::clone(struck),
        }
    }

    fn lost(&self) -> Placed {
        self.struck.fetch_add(1, Ordering::Relaxed);
        Placed::Unknown {
            reason: "no answer in time".to_owned(),
        }
    }

    /// Every fourth question gets no answer.
    fn answer<'a, T: 'a>(&self, asked: Answer<'a, Result<T, VenueError>>) -> Answer<'a, Result<T, VenueError>> {
        self.asked.set(self.asked.get() + 1);
        if !self.asked.get().is_multiple_of(4) {
            return asked;
        }
        let venue = self.venue;
        Box::pin(async move {
            Err(VenueError::Unreachable {
                venue,
                reason: "no answer in time".to_owned(),
            })
        })
    }
}

impl OrderGateway for Lossy {
    /// Of three orders the first is executed and its answer lost, the second lost on its way, the third goes well.
    fn place<'a>(&'a self, ticket: &'a OrderTicket) -> Answer<'a, Placed> {
        let turn = self.placed.get();
        self.placed.set(turn + 1);
        Box::pin(async move {
            match turn % 3 {
                0 => {
                    self.gateway.place(ticket).await;
                    self.lost()
                }
                1 => self.lost(),
                _ => self.gateway.place(ticket).await,
            }
        })
    }

    fn find<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        id: &'a ClientOrderId,
    ) -> Answer<'a, Result<Option<OrderReport>, VenueError>> {
        self.answer(self.gateway.find(instrument, id))
    }

    fn open_orders<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Vec<OrderReport>, VenueError>> {
        self.gateway.open_orders(instrument)
    }

    fn fills_of<'a>(&'a self, order: &'a OrderReport) -> Answer<'a, Result<Vec<Fill>, VenueError>> {
        self.answer(self.gateway.fills_of(order))
    }

    fn cancel<'a>(&'a self, instrument: &'a InstrumentId, id: &'a ClientOrderId) -> Answer<'a, Result<(), VenueError>> {
        self.gateway.cancel(instrument, id)
    }
}
