//! Lets the observer see both sides: what the venues did, and what the ledger made durable.
//!
//! The simulator tells each event as it happens; [`Watched`] stands around the journal and tells each row right after
//! its commit. The order of telling is the order in which things became true.
//!
//! | module | tells |
//! |---|---|
//! | `watched` | what the ledger has made durable |
//! | [`ears`] | what leaves a process as bytes, and what it hears of markets and accounts |
//! | [`tapped`] | nothing by itself: a journal with something around it |
//! | `words` | nothing by itself: it puts both sides into the observer's words |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::journal::{Batch, Record, Written};
use domain::order::{Epoch, OrderState};
use domain::time::Timestamp;
use observer::{Belief, Bounds, Fact, Observer, Standing};
use sha2::{Digest, Sha256};
use simulator::exchange::{Event, Exchange};
use simulator::market::{Ms, Source};
use tokio::sync::watch;

pub mod ears;
pub mod tapped;
mod watched;
mod words;

pub use watched::Watched;
use words::{bounds, intent, ledger_fill, ledger_funding, opening_cash, standing, venue_fact};

/// The observer and the trace, shared between the simulator's thread and the ledger's.
#[derive(Clone)]
pub struct Witness(Arc<Mutex<Seen>>);

struct Seen {
    observer: Observer,
    trace: Sha256,
    fills: BTreeSet<(String, String, String)>,
    funding: BTreeSet<(String, String)>,
    openings: BTreeSet<domain::accounting::CashAccount>,
    epochs: BTreeMap<u32, Epoch>,
    last: Ms,
    counts: Counts,
    /// How many orders and cancellations have left.
    sends: watch::Sender<u64>,
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
    /// The worst times.
    pub times: Times,
}

/// The worst times of a world, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// That a hedge was naked.
    pub naked: i64,
    /// From the last trouble until the engine had settled.
    pub recovery: i64,
    /// From the end or the stop of a leader until its successor led; none where there was no successor.
    pub takeover: Option<i64>,
    /// That leaving a hedge took without troubles.
    pub exit: i64,
}

impl Times {
    /// The worse of each.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        Self {
            naked: self.naked.max(other.naked),
            recovery: self.recovery.max(other.recovery),
            takeover: self.takeover.max(other.takeover),
            exit: self.exit.max(other.exit),
        }
    }
}

impl Witness {
    /// A witness of this market.
    pub fn of(market: &dyn Source, now: Ms) -> Self {
        Self::judging(market, now, |_| {})
    }

    /// A witness that also judges times and limits: `narrow` sets what is allowed.
    pub fn judging(market: &dyn Source, now: Ms, narrow: impl FnOnce(&mut Bounds)) -> Self {
        let mut allowed = bounds(market, now);
        narrow(&mut allowed);
        let observer = Observer::new(allowed);
        let seen = Seen {
            observer,
            trace: Sha256::new(),
            fills: BTreeSet::new(),
            funding: BTreeSet::new(),
            openings: BTreeSet::new(),
            epochs: BTreeMap::new(),
            last: now,
            counts: Counts::default(),
            sends: watch::Sender::new(0),
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
                Fact::VenueFunding(_) => seen.counts.funding_payments += 1,
                _ => {}
            }
            seen.take(at, fact);
        }
    }

    /// Takes a batch that the ledger has made durable.
    fn ledger(&self, batch: &Batch, written: Written, epoch: Epoch) {
        let mut seen = self.seen();
        // What others write on the way is not a reconciliation's.
        let is_news = |record: &&Record| {
            !matches!(
                record,
                Record::Snapshot { .. }
                    | Record::Decision { .. }
                    | Record::FundingRate { .. }
                    | Record::AlertDelivered { .. }
                    | Record::Audit { .. }
            )
        };
        let count = batch.records.iter().filter(is_news).count() as u64;
        let rows = Fact::Rows { epoch: epoch.0, count };
        seen.take(batch.at.millis(), rows);
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
                other => circumstance(other),
            };
            if let Some(fact) = fact {
                seen.take(batch.at.millis(), fact);
            }
        }
    }

    /// Takes a batch that was made durable beside the ledger: its intents allow orders, its rows come later.
    pub fn kept(&self, batch: &Batch, at: Timestamp) {
        let mut seen = self.seen();
        for record in &batch.records {
            if let Record::Order(ticket) = record {
                seen.take(at.millis(), Fact::IntentCommitted(intent(ticket)));
            }
        }
    }

    /// A process has loaded the ledger.
    pub fn loaded(&self, process: u32, at: Timestamp) {
        self.tell(at, Fact::LedgerLoaded { process });
    }

    /// The ledger gave a lease.
    fn leads(&self, holder: &str, epoch: Epoch, expires_at: Timestamp, at: Timestamp) {
        let process = process_of(holder);
        self.seen().epochs.insert(process, epoch);
        self.lease(process, epoch, expires_at, at);
    }

    /// The ledger prolonged a lease. When is not said with it: the last thing that was seen was a moment ago.
    fn goes_on(&self, holder: &str, epoch: Epoch, expires_at: Timestamp) {
        let at = self.seen().last;
        self.lease(process_of(holder), epoch, expires_at, Timestamp(at));
    }

    fn lease(&self, process: u32, epoch: Epoch, expires_at: Timestamp, at: Timestamp) {
        let lease = Fact::Lease {
            process,
            epoch: epoch.0,
            expires_at_ms: expires_at.millis(),
        };
        self.tell(at, lease);
    }

    /// A process has prolonged its lease beside the ledger.
    pub fn prolonged(&self, process: u32, until: Timestamp, at: Timestamp) {
        let epoch = self.seen().epochs.get(&process).copied();
        if let Some(epoch) = epoch {
            self.lease(process, epoch, until, at);
        }
    }

    /// A process was started, stopped or ended.
    pub fn process(&self, process: u32, standing: Standing, at: Timestamp) {
        self.tell(at, Fact::Process { process, standing });
    }

    /// A process says what it believes.
    pub fn believed(&self, process: u32, text: String, at: Timestamp) {
        self.tell(at, Fact::Believed(Belief { process, text }));
    }

    /// Tells whenever bytes of an order or of a cancellation have left.
    pub fn sends(&self) -> watch::Receiver<u64> {
        self.seen().sends.subscribe()
    }

    /// Takes any other fact.
    pub fn tell(&self, at: Timestamp, fact: Fact) {
        self.seen().take(at.millis(), fact);
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
            times: Times {
                naked: seen.observer.longest_naked_ms(),
                recovery: seen.observer.longest_recovery_ms(),
                takeover: seen.observer.longest_takeover_ms(),
                exit: seen.observer.longest_exit_ms(),
            },
        }
    }

    /// The last facts, for the report of a failing run.
    pub fn last_events(&self, count: usize) -> Vec<String> {
        self.seen().observer.last_events(count)
    }
}

impl Seen {
    fn take(&mut self, at: Ms, fact: Fact) {
        self.last = at;
        if matches!(fact, Fact::Sent(_)) {
            self.sends.send_modify(|sends| *sends += 1);
        }
        self.trace.update(at.to_le_bytes());
        self.trace.update(format!("{fact:?}").as_bytes());
        self.observer.observe(at, fact);
    }
}

/// The number at the end of a holder's name.
fn process_of(holder: &str) -> u32 {
    let number = holder.rsplit('-').next();
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a string takes everything
            text
        })
}

/// A row that is neither an order nor money.
fn circumstance(record: &Record) -> Option<Fact> {
    Some(match record {
        Record::OrderMoved {
            client_id,
            state: OrderState::Done { how, filled },
            ..
        } => Fact::OrderOver {
            client_id: client_id.to_string(),
            filled: filled.0,
            how: how.as_str().to_owned(),
        },
        Record::Paused { reason, .. } => Fact::Paused {
            key: reason.key(),
            clears_itself: reason.clears_itself(),
        },
        Record::Unpaused { key, by } => Fact::Unpaused {
            key: key.clone(),
            by_engine: by == "engine",
        },
        _ => return None,
    })
}
