//! A venue by script: it fills what it is sent unless it is told otherwise, and remembers everything.

mod fates;
mod gateway;
mod market;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU8;
use std::rc::Rc;
use std::time::Duration;

use domain::accounting::{Books, CashAccount, Opening, wallet_of};
use domain::bounds::{Bounds, Tiers};
use domain::forecast::Settlement;
use domain::funding::{FundingPayment, FundingTerms};
use domain::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, Side, TradingStatus, VenueId};
use domain::market::{MarketFact, Quote};
use domain::money::{Price, Quantity, Rate, Usd};
use domain::order::{ClientOrderId, Fill, OrderKind, OrderReport, OrderTicket, VenueOrderStatus};
use domain::ports::{AccountView, Answer, VenueError};
use domain::position::{AccountFact, AccountTruth, Balance, Margin, Position};
use domain::setup::Setup;
use domain::time::{Machine, Timestamp};
use rust_decimal::Decimal;
use tokio::sync::mpsc;

pub use fates::{Cancel, FeedLife, Find, Place};

use super::dec;
use super::probes::{Events, TestClock};

/// How fills reach the private stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streamed {
    No,
    Named,
    Nameless,
}

struct Executed {
    report: OrderReport,
    fills: Vec<Fill>,
    visible: Machine,
    fills_visible: Machine,
}

type Lie = Box<dyn Fn(&mut AccountTruth)>;

pub struct FakeVenue {
    pub id: VenueId,
    pub clock: Rc<TestClock>,
    events: Events,
    books: RefCell<Books>,
    orders: RefCell<BTreeMap<ClientOrderId, Executed>>,
    placed: RefCell<Vec<(Machine, OrderTicket)>>,
    trades: Cell<u64>,
    fills: RefCell<Vec<Fill>>,
    pub stream: RefCell<Option<mpsc::UnboundedSender<AccountFact>>>,
    pub script: RefCell<VecDeque<Place>>,
    pub always: Cell<Place>,
    /// What is still on its way here.
    on_the_way: RefCell<Vec<(Machine, OrderTicket)>>,
    /// How long an account's answer travels after it was made.
    pub truth_travels: Cell<Duration>,
    /// Funding that was paid.
    pub paid: RefCell<Vec<FundingPayment>>,
    pub finds: RefCell<VecDeque<Find>>,
    pub cancels: RefCell<VecDeque<Cancel>>,
    /// When each cancellation was asked for, and of which order.
    pub cancelled: RefCell<Vec<(Machine, ClientOrderId)>>,
    pub asked: Cell<usize>,
    pub streamed: Cell<Streamed>,
    pub down: Cell<bool>,
    /// Until when it takes no orders, by its own word.
    pub shut_until: Cell<Option<Machine>>,
    pub truth_takes: Cell<Duration>,
    pub truth_panics: Cell<bool>,
    pub instruments_panic: Cell<bool>,
    pub lie: RefCell<Option<Lie>>,
    /// What of the coin may be sold, where it is less than what is there.
    pub free_coins: Cell<Option<Decimal>>,
    pub depth: Cell<Decimal>,
    /// How far the book has moved, in quote currency.
    pub moved: Cell<Decimal>,
    pub funding: Cell<Decimal>,
    pub feed_lives: RefCell<BTreeMap<Product, VecDeque<FeedLife>>>,
    /// When each life of each public feed was opened.
    pub feed_opened: RefCell<BTreeMap<Product, Vec<Machine>>>,
    pub stream_lives: RefCell<VecDeque<FeedLife>>,
    pub stream_opened: Cell<usize>,
    /// The product that is not listed any more.
    pub unlisted: Cell<Option<Product>>,
    /// Settlements of its perpetual that are over.
    pub settled: RefCell<Vec<Settlement>>,
    /// When the perpetual ends, by the notice that was given.
    pub ends_at: Cell<Option<Timestamp>>,
    /// What is traded in a day on each of its markets, and the open interest of its perpetual.
    pub volume: Cell<Option<Usd>>,
    pub interest: Cell<Option<Quantity>>,
    /// Risk tiers of its perpetual, and the leverage of each time that this was set up.
    pub tiers: RefCell<Option<Tiers>>,
    pub leverages: RefCell<Vec<u8>>,
    /// What public feeds say of books, beside all else.
    pub kept: RefCell<Vec<MarketFact>>,
}

thread_local! {
    /// One name for all that a world says of the coin, as a feed has one for each of its instruments.
    static SYMBOL: Name = "BTCUSDT".into();
}

pub fn id(venue: VenueId, product: Product) -> InstrumentId {
    InstrumentId {
        venue,
        product,
        symbol: SYMBOL.with(Clone::clone),
    }
}

pub fn instrument(id: InstrumentId) -> Instrument {
    Instrument {
        id,
        asset: "BTC".into(),
        base: "BTC".into(),
        quote: "USDT".into(),
        multiplier: Decimal::ONE,
        tick: Price(dec("0.1")),
        lot: Quantity(dec("0.001")),
        min_quantity: Quantity(dec("0.001")),
        max_quantity: Quantity(dec("10000")),
        max_market_quantity: Quantity(dec("10000")),
        min_notional: Usd(dec("5")),
        least_price: Price(Decimal::ZERO),
        greatest_price: None,
        status: TradingStatus::Trading,
        ends_at: None,
        bounds: Bounds::default(),
    }
}

impl FakeVenue {
    pub fn new(venue: VenueId, clock: Rc<TestClock>, events: Events) -> Self {
        let mut books = Books::default();
        for product in Product::ALL {
            let account = CashAccount {
                venue,
                wallet: wallet_of(venue, product),
                asset: "USDT".into(),
            };
            if books.cash_in(&account).is_none() {
                books.open(&Opening {
                    account,
                    total: dec("100000"),
                    at: Timestamp(0),
                });
            }
        }
        Self {
            id: venue,
            clock,
            events,
            books: RefCell::new(books),
            orders: RefCell::default(),
            placed: RefCell::default(),
            trades: Cell::new(0),
            fills: RefCell::default(),
            stream: RefCell::default(),
            script: RefCell::default(),
            always: Cell::new(Place::Fill),
            on_the_way: RefCell::default(),
            truth_travels: Cell::new(Duration::ZERO),
            paid: RefCell::default(),
            finds: RefCell::default(),
            cancels: RefCell::default(),
            cancelled: RefCell::default(),
            asked: Cell::new(0),
            streamed: Cell::new(Streamed::No),
            down: Cell::new(false),
            shut_until: Cell::new(None),
            truth_takes: Cell::new(Duration::ZERO),
            truth_panics: Cell::new(false),
            instruments_panic: Cell::new(false),
            lie: RefCell::default(),
            free_coins: Cell::new(None),
            // Bybit's book is the thinner one: its leg goes first.
            moved: Cell::default(),
            depth: Cell::new(dec(if venue == VenueId::Bybit { "500" } else { "1000" })),
            funding: Cell::new(Decimal::ZERO),
            feed_lives: RefCell::default(),
            feed_opened: RefCell::default(),
            stream_lives: RefCell::default(),
            stream_opened: Cell::new(0),
            settled: RefCell::default(),
            unlisted: Cell::new(None),
            ends_at: Cell::new(None),
            volume: Cell::new(None),
            interest: Cell::new(None),
            tiers: RefCell::default(),
            leverages: RefCell::default(),
            kept: RefCell::default(),
        }
    }

    pub fn next_orders(&self, script: &[Place]) {
        self.script.borrow_mut().extend(script);
    }

    /// It asks to be left alone for this long, and sends away whoever comes.
    pub fn shut(&self, wait: Duration) {
        self.shut_until.set(Some(self.clock.read().machine.plus(wait)));
    }

    pub fn next_answers(&self, script: &[Find]) {
        self.finds.borrow_mut().extend(script);
    }

    pub fn next_cancels(&self, script: &[Cancel]) {
        self.cancels.borrow_mut().extend(script);
    }

    /// Orders in the book.
    pub fn resting(&self) -> Vec<OrderReport> {
        let orders = self.orders.borrow();
        let reports = orders.values().map(|order| order.report.clone());
        reports.filter(|report| !report.status.is_terminal()).collect()
    }

    /// Somebody takes this much of every order that rests.
    pub fn meet(&self, quantity: Decimal) {
        for report in self.resting() {
            let (product, id) = (report.instrument.product, report.client_id.as_str());
            let fill = self.trade(product, report.side, quantity, id, &report.venue_order_id);
            let mut orders = self.orders.borrow_mut();
            let order = orders.get_mut(&report.client_id).expect("it rests");
            order.report.filled = report.filled + Quantity(quantity);
            if order.report.filled == report.quantity {
                order.report.status = VenueOrderStatus::Filled;
            }
            order.fills.push(fill.clone());
            drop(orders);
            self.tell(fill);
        }
    }

    fn tell(&self, mut fill: Fill) {
        if self.streamed.get() == Streamed::Nameless {
            fill.client_id = ClientOrderId::from_text("");
        }
        if self.streamed.get() != Streamed::No {
            self.say(AccountFact::Fill(fill));
        }
    }

    pub fn next_feeds(&self, product: Product, lives: &[FeedLife]) {
        self.feed_lives.borrow_mut().entry(product).or_default().extend(lives);
    }

    pub fn opened(&self, product: Product) -> Vec<Machine> {
        self.feed_opened.borrow().get(&product).cloned().unwrap_or_default()
    }

    pub fn placed(&self) -> Vec<OrderTicket> {
        self.placed.borrow().iter().map(|(_, ticket)| ticket.clone()).collect()
    }

    /// When each order was handed over.
    pub fn placed_at(&self) -> Vec<Machine> {
        self.placed.borrow().iter().map(|(at, _)| *at).collect()
    }

    /// Coins held, spot and perpetual together; negative is short.
    pub fn coins(&self) -> Decimal {
        let books = self.books.borrow();
        let account = CashAccount {
            venue: self.id,
            wallet: wallet_of(self.id, Product::Spot),
            asset: "BTC".into(),
        };
        books.position(&id(self.id, Product::Perp)).0 + books.cash_in(&account).unwrap_or_default()
    }

    /// Says something on the private stream.
    pub fn say(&self, fact: AccountFact) {
        let stream = self.stream.borrow();
        stream.as_ref().expect("the stream is open").send(fact).unwrap();
    }

    /// An execution that happens at the venue now, whoever ordered it.
    pub fn trade(&self, product: Product, side: Side, quantity: Decimal, client_id: &str, order: &str) -> Fill {
        self.trades.set(self.trades.get() + 1);
        let fill = Fill {
            instrument: id(self.id, product),
            trade_id: format!("t{}", self.trades.get()),
            client_id: ClientOrderId::from_text(client_id),
            venue_order_id: order.to_owned(),
            side,
            quantity: Quantity(quantity),
            price: Price(dec(if side == Side::Buy { "100.1" } else { "99.9" })),
            fee: if product == Product::Spot && side == Side::Buy {
                quantity * dec("0.001")
            } else {
                dec("0.05")
            },
            fee_asset: if product == Product::Spot && side == Side::Buy {
                "BTC"
            } else {
                "USDT"
            }
            .into(),
            is_maker: false,
            realised: None,
            at: self.clock.read().market,
        };
        self.books.borrow_mut().fill(&fill, &"BTC".into(), &"USDT".into());
        self.fills.borrow_mut().push(fill.clone());
        fill
    }

    fn execute(&self, ticket: &OrderTicket, quantity: Quantity, late: Duration, late_fills: Duration) -> String {
        let now = self.clock.read();
        let order = format!("{}-{}", self.id, self.orders.borrow().len() + 1);
        let mut fills = Vec::new();
        if !quantity.is_zero() {
            let client_id = ticket.client_id.as_str();
            fills.push(self.trade(ticket.instrument.product, ticket.side, quantity.0, client_id, &order));
        }
        let report = OrderReport {
            instrument: ticket.instrument.clone(),
            client_id: ticket.client_id.clone(),
            venue_order_id: order.clone(),
            side: ticket.side,
            quantity: ticket.quantity,
            filled: quantity,
            status: if quantity >= ticket.quantity {
                VenueOrderStatus::Filled
            } else {
                VenueOrderStatus::Cancelled
            },
            updated_at: now.market,
        };
        for fill in &fills {
            self.tell(fill.clone());
        }
        let executed = Executed {
            report,
            fills,
            visible: now.machine.plus(late),
            fills_visible: now.machine.plus(late_fills),
        };
        self.orders.borrow_mut().insert(ticket.client_id.clone(), executed);
        order
    }

    /// What becomes of the next order.
    fn fate_of(&self, ticket: &OrderTicket) -> Place {
        let next = self.script.borrow_mut().pop_front();
        match next.unwrap_or(self.always.get()) {
            Place::RefuseLimit(_) if ticket.kind == OrderKind::Market => Place::Fill,
            fate => fate,
        }
    }

    /// An order that arrives later.
    fn send_off(&self, ticket: &OrderTicket, after: Duration) {
        let due = self.clock.read().machine.plus(after);
        self.on_the_way.borrow_mut().push((due, ticket.clone()));
    }

    /// What was on its way arrives once it is due.
    fn let_arrive(&self) {
        let now = self.clock.read().machine;
        let due: Vec<_> = self
            .on_the_way
            .borrow_mut()
            .extract_if(.., |(at, _)| *at <= now)
            .collect();
        for (_, ticket) in due {
            self.execute(&ticket, ticket.quantity, Duration::ZERO, Duration::ZERO);
        }
    }

    /// Pays funding now. What the stream says of it is another matter.
    pub fn pay(&self, name: &str, amount: &str) -> FundingPayment {
        let payment = FundingPayment {
            instrument: id(self.id, Product::Perp),
            id: name.to_owned(),
            amount: Usd(dec(amount)),
            rate: None,
            settled_at: self.clock.read().market,
        };
        self.books.borrow_mut().funding(&payment, &"USDT".into());
        self.paid.borrow_mut().push(payment.clone());
        payment
    }

    /// An order that stays in the book.
    pub fn rest(&self, ticket: &OrderTicket) -> String {
        let order = self.execute(ticket, Quantity::ZERO, Duration::ZERO, Duration::ZERO);
        let mut orders = self.orders.borrow_mut();
        let executed = orders.get_mut(&ticket.client_id).expect("it was just placed");
        executed.report.status = VenueOrderStatus::Live;
        order
    }

    pub fn unreachable(&self) -> VenueError {
        VenueError::Unreachable {
            venue: self.id,
            reason: "no answer".to_owned(),
        }
    }

    fn quote(&self) -> Quote {
        let (quantity, moved) = (Quantity(self.depth.get()), self.moved.get());
        Quote {
            bid: Price(dec("99.9") + moved),
            bid_quantity: quantity,
            ask: Price(dec("100.1") + moved),
            ask_quantity: quantity,
        }
    }

    pub fn facts(&self, product: Product) -> Vec<MarketFact> {
        let (instrument, venue_time) = (id(self.id, product), self.clock.read().market);
        let mut facts = vec![MarketFact::Quote {
            instrument: instrument.clone(),
            quote: self.quote(),
            venue_time,
        }];
        if product == Product::Perp {
            facts.push(MarketFact::Funding {
                instrument,
                terms: FundingTerms {
                    predicted: Rate(self.funding.get()),
                    next_settlement: Timestamp(1_800_000_000_000).plus_hours(4),
                    interval_hours: NonZeroU8::new(8).unwrap(),
                    cap: None,
                    floor: None,
                },
                venue_time,
            });
        }
        let kept = self.kept.borrow();
        let of_product = kept.iter().filter(|fact| fact.instrument().product == product);
        facts.extend(of_product.cloned().map(|mut fact| {
            if let MarketFact::Book { venue_time: told, .. } = &mut fact {
                *told = venue_time;
            }
            fact
        }));
        facts
    }

    fn balance_rows(&self) -> Vec<Balance> {
        let books = self.books.borrow();
        let balance = |(account, total): (&CashAccount, Decimal)| {
            let coins = account.asset.as_str() == "BTC";
            Balance {
                venue: self.id,
                wallet: account.wallet,
                asset: account.asset.clone(),
                total,
                free: self.free_coins.get().filter(|_| coins).unwrap_or(total),
            }
        };
        books.cash().map(balance).collect()
    }
}

impl AccountView for FakeVenue {
    fn truth<'a>(&'a self, since: Timestamp, _: &'a [InstrumentId]) -> Answer<'a, Result<AccountTruth, VenueError>> {
        Box::pin(async move {
            assert!(!self.truth_panics.get(), "the account's answer is broken");
            tokio::time::sleep(self.truth_takes.get()).await;
            self.let_arrive();
            if self.down.get() {
                return Err(self.unreachable());
            }
            let position = |(id, holding): (&InstrumentId, &domain::accounting::Holding)| Position {
                instrument: id.clone(),
                quantity: holding.quantity,
                entry_price: Price(dec("100")),
                mark_price: Price(dec("100")),
                liquidation_price: None,
            };
            let mut truth = AccountTruth {
                venue: self.id,
                balances: self.balance_rows(),
                positions: self.books.borrow().positions().map(position).collect(),
                open_orders: self.resting(),
                fills: self
                    .fills
                    .borrow()
                    .iter()
                    .filter(|fill| fill.at >= since)
                    .cloned()
                    .collect(),
                funding: self
                    .paid
                    .borrow()
                    .iter()
                    .filter(|payment| payment.settled_at >= since)
                    .cloned()
                    .collect(),
                margin: Some(Margin {
                    balance: Usd(dec("100000")),
                    maintenance: Usd::ZERO,
                }),
                read_at: self.clock.read().market,
            };
            if let Some(lie) = self.lie.borrow().as_ref() {
                lie(&mut truth);
            }
            tokio::time::sleep(self.truth_travels.get()).await;
            Ok(truth)
        })
    }

    fn balances(&self) -> Answer<'_, Result<Vec<Balance>, VenueError>> {
        Box::pin(async move {
            if self.down.get() {
                Err(self.unreachable())
            } else {
                Ok(self.balance_rows())
            }
        })
    }

    fn fees<'a>(&'a self, _: &'a InstrumentId) -> Answer<'a, Result<FeeRates, VenueError>> {
        let fees = FeeRates {
            maker: Rate(dec("0.0002")),
            taker: Rate(dec("0.001")),
        };
        Box::pin(async move {
            if self.down.get() {
                Err(self.unreachable())
            } else {
                Ok(fees)
            }
        })
    }

    fn prepare<'a>(&'a self, _: &'a InstrumentId, setup: Setup) -> Answer<'a, Result<(), VenueError>> {
        Box::pin(async move {
            if self.down.get() {
                Err(self.unreachable())
            } else {
                self.leverages.borrow_mut().push(setup.leverage);
                Ok(())
            }
        })
    }
}
