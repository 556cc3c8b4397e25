//! Bugs and bad luck on the way to the venues: decorators around the order gateway and the private stream.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::instrument::{FeeRates, InstrumentId, Product, Side, VenueId};
use domain::money::{Price, Quantity};
use domain::order::{ClientOrderId, Fill, OrderKind, OrderReport, OrderTicket, Placed, Purpose, VenueOrderStatus};
use domain::ports::{AccountStream, AccountView, Answer, FactStream, OrderGateway, VenueError};
use domain::position::{AccountFact, AccountTruth, Balance};
use domain::setup::Setup;
use domain::time::Timestamp;
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
    /// The quantity of an opening order is off its step.
    OffTheStep,
    /// The price of an opening order is off its tick.
    OffTheTick,
    /// The answer to an order is lost, and then no venue knows it.
    NeverFound,
    /// The answer to an order is lost, and then no venue answers about it.
    NeverAnswered,
    /// Closing orders are said to be refused and are not sent.
    ExitsSwallowed,
    /// Opening orders wait for five seconds on their way.
    HeldBack,
    /// Of an account only the wallets are read.
    TruthInvented,
    /// Before an order, every living order that is not the engine's is cancelled.
    StrangersCancelled,
}

/// A few hours before a world begins.
const BEFORE_ANY_WORLD: Timestamp = Timestamp(1_767_400_000_000);

/// Plants a bug at every venue.
pub fn plant(bug: WireBug, struck: &Struck) -> Tamper {
    let struck = Arc::clone(struck);
    Rc::new(move |mut venues, journal| {
        for venue in &mut venues {
            venue.gateway = Rc::new(Faulty {
                gateway: Rc::clone(&venue.gateway),
                account: Rc::clone(&venue.account),
                bug,
                first_id: RefCell::default(),
                struck: Arc::clone(&struck),
            });
            if matches!(bug, WireBug::ExecutedTakenForRefused | WireBug::ExecutionsUnseen) {
                venue.stream = Rc::new(Deaf(Rc::clone(&venue.stream)));
            }
            if bug == WireBug::TruthInvented {
                venue.account = Rc::new(Invented {
                    account: Rc::clone(&venue.account),
                    venue: venue.id,
                    struck: Arc::clone(&struck),
                });
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
    account: Rc<dyn AccountView>,
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
            WireBug::OffTheStep if !reduces => {
                spoilt.quantity = Quantity(ticket.quantity.0 + Decimal::new(1, 9));
            }
            WireBug::OffTheTick if !reduces => spoilt.kind = off_the_tick(ticket.kind),
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

    async fn cancel_strangers(&self, ticket: &OrderTicket) {
        let Ok(truth) = self.account.truth(BEFORE_ANY_WORLD, &[]).await else {
            return;
        };
        let ours = ticket.client_id.as_str().get(..7).unwrap_or_default();
        for order in truth.open_orders {
            if !order.client_id.as_str().starts_with(ours) {
                self.strike();
                let _ = self.gateway.cancel(&order.instrument, &order.client_id).await;
            }
        }
    }

    async fn send(&self, ticket: &OrderTicket) -> Placed {
        if self.bug == WireBug::ExitsSwallowed && ticket.purpose.reduces() {
            self.strike();
            return Placed::Refused {
                code: -1,
                reason: "not sent at all".to_owned(),
            };
        }
        if self.bug == WireBug::HeldBack && !ticket.purpose.reduces() {
            self.strike();
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        if self.bug == WireBug::StrangersCancelled {
            self.cancel_strangers(ticket).await;
        }
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
            WireBug::NeverFound | WireBug::NeverAnswered if taken => {
                self.strike();
                Placed::Unknown {
                    reason: "no answer in time".to_owned(),
                }
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

/// A limit between two ticks.
fn off_the_tick(kind: OrderKind) -> OrderKind {
    let between = |limit: Price| kind.at(Price(limit.0 + Decimal::new(1, 11)));
    kind.limit().map_or(kind, between)
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
        match self.bug {
            WireBug::ExecutionsUnseen => {}
            WireBug::NeverFound => return Box::pin(async { Ok(None) }),
            WireBug::NeverAnswered => {
                let (venue, reason) = (instrument.venue, "no answer in time".to_owned());
                return Box::pin(async move { Err(VenueError::Unreachable { venue, reason }) });
            }
            _ => return self.gateway.find(instrument, id),
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

    fn refuses_the_key(&self, code: i64) -> bool {
        self.gateway.refuses_the_key(code)
    }

    fn refuses_the_pace(&self, code: i64) -> bool {
        self.gateway.refuses_the_pace(code)
    }

    fn shut_for(&self, instrument: &InstrumentId) -> Option<Duration> {
        self.gateway.shut_for(instrument)
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

/// An account of which only the wallets are asked; that nothing else is there is taken for granted.
struct Invented {
    account: Rc<dyn AccountView>,
    venue: VenueId,
    struck: Struck,
}

impl AccountView for Invented {
    fn truth<'a>(&'a self, since: Timestamp, _: &'a [InstrumentId]) -> Answer<'a, Result<AccountTruth, VenueError>> {
        Box::pin(async move {
            self.struck.fetch_add(1, Ordering::Relaxed);
            Ok(AccountTruth {
                venue: self.venue,
                balances: self.account.balances().await?,
                positions: Vec::new(),
                open_orders: Vec::new(),
                fills: Vec::new(),
                funding: Vec::new(),
                margin: None,
                read_at: since,
            })
        })
    }

    fn balances(&self) -> Answer<'_, Result<Vec<Balance>, VenueError>> {
        self.account.balances()
    }

    fn fees<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<FeeRates, VenueError>> {
        self.account.fees(instrument)
    }

    fn prepare<'a>(&'a self, instrument: &'a InstrumentId, setup: Setup) -> Answer<'a, Result<(), VenueError>> {
        self.account.prepare(instrument, setup)
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

    fn refuses_the_key(&self, code: i64) -> bool {
        self.gateway.refuses_the_key(code)
    }

    fn refuses_the_pace(&self, code: i64) -> bool {
        self.gateway.refuses_the_pace(code)
    }

    fn shut_for(&self, instrument: &InstrumentId) -> Option<Duration> {
        self.gateway.shut_for(instrument)
    }
}
