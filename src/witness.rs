//! Lets the observer see both sides: what the venues did, and what the ledger made durable.
//!
//! The simulator tells each event as it happens; [`Watched`] stands around the journal and tells each row right after
//! its commit. The order of telling is the order in which things became true.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::accounting::Opening;
use domain::instrument::{InstrumentId, Product, Side, VenueId, split_multiplier};
use domain::journal::{Batch, JournalError, LedgerState, PendingAlert, Record, Written};
use domain::lease::Claim;
use domain::order::{Epoch, OrderTicket};
use domain::ports::{Answer, Journal};
use domain::position::Wallet;
use domain::time::Timestamp;
use observer::{Bounds, Cash, Fact, Observer, Position};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use simulator::exchange::{Event, Exchange, OrderChange};
use simulator::market::{Ms, Source, Venue};

/// The observer and the trace, shared between the simulator's thread and the ledger's.
#[derive(Clone)]
pub struct Witness(Arc<Mutex<Seen>>);

struct Seen {
    observer: Observer,
    trace: Sha256,
    fills: BTreeSet<(String, String, String)>,
    funding: BTreeSet<(String, String)>,
    openings: BTreeSet<domain::accounting::CashAccount>,
    counts: Counts,
}

/// How much was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Orders that venues accepted.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Funding payments.
    pub funding_payments: u64,
    /// Rows that the ledger took.
    pub rows: u64,
}

/// What the observer has found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Violations, each with its invariant and its place.
    pub violations: Vec<String>,
    /// How many there were.
    pub count: u64,
    /// How often each invariant was put to the test.
    pub exercised: BTreeMap<&'static str, u64>,
    /// Of everything that was seen, in order.
    pub trace_hash: String,
    /// How much was seen.
    pub counts: Counts,
}

impl Witness {
    /// A witness of this market.
    pub fn of(market: &dyn Source, now: Ms) -> Self {
        Self::judging(market, now, None)
    }

    /// A witness that also judges how long a hedge may be naked, in milliseconds of the venues' time.
    pub fn judging(market: &dyn Source, now: Ms, naked_at_most_ms: Option<i64>) -> Self {
        let observer = Observer::new(Bounds {
            naked_at_most_ms,
            ..bounds(market, now)
        });
        let seen = Seen {
            observer,
            trace: Sha256::new(),
            fills: BTreeSet::new(),
            funding: BTreeSet::new(),
            openings: BTreeSet::new(),
            counts: Counts::default(),
        };
        Self(Arc::new(Mutex::new(seen)))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event of the simulator.
    pub fn venue(&self, event: &Event, at: Ms) {
        let mut seen = self.seen();
        if let Some(fact) = venue_fact(event) {
            match fact {
                Fact::VenueOrder(_) => seen.counts.orders += 1,
                Fact::VenueFill(_) => seen.counts.fills += 1,
                _ => seen.counts.funding_payments += 1,
            }
            seen.take(at, fact);
        }
    }

    /// Takes a batch that the ledger has made durable.
    fn ledger(&self, batch: &Batch, written: Written) {
        let mut seen = self.seen();
        let fills = batch
            .records
            .iter()
            .filter(|record| matches!(record, Record::Fill(_)))
            .count();
        let all_new = written.new_fills == fills;
        for record in &batch.records {
            seen.counts.rows += 1;
            let fact = match record {
                Record::Order(ticket) => Some(Fact::IntentCommitted(intent(ticket))),
                Record::Fill(fill) => {
                    let key = (
                        fill.instrument.to_string(),
                        fill.trade_id.clone(),
                        fill.side.to_string(),
                    );
                    let unseen = seen.fills.insert(key);
                    (unseen || all_new).then(|| Fact::LedgerFill(ledger_fill(fill)))
                }
                Record::Funding(payment) => {
                    let unseen = seen
                        .funding
                        .insert((payment.instrument.to_string(), payment.id.clone()));
                    (unseen || written.new_funding > 0).then(|| Fact::LedgerFunding(ledger_funding(payment)))
                }
                Record::Opening(opening) => seen
                    .openings
                    .insert(opening.account.clone())
                    .then(|| Fact::LedgerOpeningCash(opening_cash(opening))),
                _ => None,
            };
            if let Some(fact) = fact {
                seen.take(batch.at.millis(), fact);
            }
        }
    }

    /// Declares the world at rest and has cash and positions compared.
    pub fn quiescent(&self, exchange: &Exchange, now: Ms) {
        let facts: Vec<_> = exchange
            .account_ids()
            .flat_map(|account| standing(exchange, account, now))
            .collect();
        let mut seen = self.seen();
        for fact in facts {
            seen.take(now, fact);
        }
        seen.take(now, Fact::Quiescent);
    }

    /// What has been found so far.
    pub fn verdict(&self) -> Verdict {
        let seen = self.seen();
        let words = |violation: &observer::Violation| {
            format!(
                "{} at {} (fact {}): {}",
                violation.invariant,
                Timestamp(violation.at_ms),
                violation.sequence,
                violation.text
            )
        };
        Verdict {
            violations: seen.observer.violations().iter().map(words).collect(),
            count: seen.observer.violation_count(),
            exercised: seen.observer.exercised(),
            trace_hash: hex(&seen.trace.clone().finalize()),
            counts: seen.counts,
        }
    }

    /// The last facts, for the report of a failing run.
    pub fn last_events(&self, count: usize) -> Vec<String> {
        self.seen().observer.last_events(count)
    }
}

impl Seen {
    fn take(&mut self, at: Ms, fact: Fact) {
        self.trace.update(at.to_le_bytes());
        self.trace.update(format!("{fact:?}").as_bytes());
        self.observer.observe(at, fact);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a string takes everything
            text
        })
}

/// X of each asset: a lot, or what the venues would not take for being too small, whichever is more.
fn bounds(market: &dyn Source, now: Ms) -> Bounds {
    let mut bounds = Bounds::default();
    for rules in market.rules() {
        let (asset, multiplier) = split_multiplier(&rules.base);
        let price = market.mid(&rules.key, now).unwrap_or(Decimal::ONE);
        let least = rules
            .min_notional
            .checked_div(price)
            .unwrap_or_default()
            .max(rules.min_quantity)
            + rules.lot;
        let most = bounds.naked.entry(asset.to_string()).or_default();
        // Prices move while a position is held, and with them what is too small to be sold.
        *most = (*most).max(least * multiplier * Decimal::TWO);
    }
    bounds
}

fn venue_name(venue: Venue) -> String {
    match venue {
        Venue::Binance => "binance".to_owned(),
        Venue::Bybit => "bybit".to_owned(),
    }
}

fn sim_product(key: &simulator::market::Key) -> String {
    simulator::exchange::product_name(key.venue, key.product).to_owned()
}

const fn sim_side(side: simulator::exchange::Side) -> observer::Side {
    match side {
        simulator::exchange::Side::Buy => observer::Side::Buy,
        simulator::exchange::Side::Sell => observer::Side::Sell,
    }
}

fn venue_fact(event: &Event) -> Option<Fact> {
    Some(match event {
        Event::Order {
            order,
            change: OrderChange::Accepted,
        } => Fact::VenueOrder(observer::Order {
            venue: venue_name(order.key.venue),
            client_id: order.client_id.clone(),
            venue_order_id: order.venue_order_id(),
            symbol: order.key.symbol.clone(),
            product: sim_product(&order.key),
            side: sim_side(order.side),
            quantity: order.quantity,
            price: order.price,
            reduce_only: order.reduce_only,
            foreign: order.foreign,
        }),
        Event::Fill { fill, .. } => Fact::VenueFill(observer::Fill {
            venue: venue_name(fill.key.venue),
            trade_id: fill.trade_id(),
            client_id: fill.client_id.clone(),
            symbol: fill.key.symbol.clone(),
            product: sim_product(&fill.key),
            side: sim_side(fill.side),
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
            fee_asset: fill.fee_asset.clone(),
        }),
        Event::Funding(row) => Fact::VenueFunding(observer::Funding {
            venue: venue_name(row.key.venue),
            id: row.funding_id(),
            symbol: row.key.symbol.clone(),
            product: sim_product(&row.key),
            amount: row.amount,
        }),
        Event::Order { .. } | Event::Balance(_) | Event::Position(_) => return None,
    })
}

/// Wallets and positions of one account as the venues state them.
fn standing(exchange: &Exchange, account: simulator::exchange::AccountId, now: Ms) -> Vec<Fact> {
    let cash = simulator::exchange::Wallet::ALL.into_iter().flat_map(|wallet| {
        exchange.balances(account, wallet).into_iter().map(move |balance| {
            let (venue, wallet) = (venue_name(wallet.venue()), wallet.name().to_owned());
            Fact::VenueCash(Cash {
                venue,
                wallet,
                asset: balance.asset,
                total: balance.free + balance.locked,
            })
        })
    });
    let positions = [Venue::Binance, Venue::Bybit]
        .into_iter()
        .flat_map(|venue| exchange.positions(account, venue, now));
    let positions = positions.map(|position| {
        let (symbol, product) = (position.key.symbol.clone(), sim_product(&position.key));
        Fact::VenuePosition(Position {
            venue: venue_name(position.key.venue),
            symbol,
            product,
            quantity: position.quantity,
        })
    });
    cash.chain(positions).collect()
}

/// The simulator's name of an instrument's product.
fn product_name(id: &InstrumentId) -> String {
    match (id.venue, id.product) {
        (_, Product::Spot) => "spot",
        (VenueId::Binance, Product::Perp) => "usdm",
        (VenueId::Bybit, Product::Perp) => "linear",
    }
    .to_owned()
}

const fn side(side: Side) -> observer::Side {
    match side {
        Side::Buy => observer::Side::Buy,
        Side::Sell => observer::Side::Sell,
    }
}

fn intent(ticket: &OrderTicket) -> observer::Intent {
    let symbol = ticket.instrument.symbol.as_str();
    let (asset, multiplier) = split_multiplier(symbol.strip_suffix("USDT").unwrap_or(symbol));
    observer::Intent {
        hedge: ticket.hedge.to_string(),
        client_id: ticket.client_id.to_string(),
        venue: ticket.instrument.venue.to_string(),
        symbol: symbol.to_owned(),
        product: product_name(&ticket.instrument),
        side: side(ticket.side),
        quantity: ticket.quantity.0,
        price: ticket.kind.limit().map(|limit| limit.0),
        purpose: if ticket.purpose.reduces() {
            observer::Purpose::Close
        } else {
            observer::Purpose::Open
        },
        asset: asset.to_string(),
        multiplier,
    }
}

fn ledger_fill(fill: &domain::order::Fill) -> observer::Fill {
    observer::Fill {
        venue: fill.instrument.venue.to_string(),
        trade_id: fill.trade_id.clone(),
        client_id: fill.client_id.to_string(),
        symbol: fill.instrument.symbol.to_string(),
        product: product_name(&fill.instrument),
        side: side(fill.side),
        quantity: fill.quantity.0,
        price: fill.price.0,
        fee: fill.fee,
        fee_asset: fill.fee_asset.to_string(),
    }
}

fn ledger_funding(payment: &domain::funding::FundingPayment) -> observer::Funding {
    observer::Funding {
        venue: payment.instrument.venue.to_string(),
        // An adapter may add the symbol to an id that its venue repeats between symbols.
        id: payment.id.split(':').next().unwrap_or_default().to_owned(),
        symbol: payment.instrument.symbol.to_string(),
        product: product_name(&payment.instrument),
        amount: payment.amount.0,
    }
}

fn opening_cash(opening: &Opening) -> Cash {
    let account = &opening.account;
    let wallet = match account.wallet {
        Wallet::Futures => "usdm",
        other => other.as_str(),
    };
    Cash {
        venue: account.venue.to_string(),
        wallet: wallet.to_owned(),
        asset: account.asset.to_string(),
        total: opening.total,
    }
}

/// A journal whose commits are witnessed.
pub struct Watched<J> {
    journal: J,
    witness: Witness,
}

impl<J: Journal> Watched<J> {
    /// Stands around a journal.
    pub const fn new(journal: J, witness: Witness) -> Self {
        Self { journal, witness }
    }
}

impl<J: Journal> Journal for Watched<J> {
    fn write(&self, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        Box::pin(async move {
            let written = self.journal.write(batch.clone()).await?;
            self.witness.ledger(&batch, written);
            Ok(written)
        })
    }

    fn back_fill(&self, epoch: Epoch, batch: Batch) -> Answer<'_, Result<Written, JournalError>> {
        Box::pin(async move {
            let written = self.journal.back_fill(epoch, batch.clone()).await?;
            self.witness.ledger(&batch, written);
            Ok(written)
        })
    }

    fn load(&self) -> Answer<'_, Result<LedgerState, JournalError>> {
        self.journal.load()
    }

    fn claim_lease<'a>(
        &'a self,
        holder: &'a str,
        now: Timestamp,
        term_ms: i64,
    ) -> Answer<'a, Result<Claim, JournalError>> {
        self.journal.claim_lease(holder, now, term_ms)
    }

    fn renew_lease<'a>(
        &'a self,
        holder: &'a str,
        epoch: Epoch,
        expires_at: Timestamp,
    ) -> Answer<'a, Result<(), JournalError>> {
        self.journal.renew_lease(holder, epoch, expires_at)
    }

    fn release_lease<'a>(&'a self, holder: &'a str, epoch: Epoch) -> Answer<'a, Result<(), JournalError>> {
        self.journal.release_lease(holder, epoch)
    }

    fn pending_alerts(&self, limit: usize) -> Answer<'_, Result<Vec<PendingAlert>, JournalError>> {
        self.journal.pending_alerts(limit)
    }
}
