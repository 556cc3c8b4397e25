//! An independent witness: checks the invariants from the truth alone.
//!
//! It shares no code with the engine, the adapters, the ledger or the simulator: it is told *facts* in the order in which
//! they became true, and judges after every one. It trusts nobody's sums but its own.
//!
//! | file | what it holds | invariants |
//! |---|---|---|
//! | [`fact`] | what the witness can be told | |
//! | [`bounds`] | what the witness must know beforehand: tolerances, wallets, quote assets | |
//! | [`findings`] | violations and how often each invariant was exercised | |
//! | [`orders`] | intents against venue orders | I1 one intent, one order · I8 intent before action |
//! | [`exposure`] | each hedge's true position | I2a, I2b exposure bounded in size and time · I11 closing never opens |
//! | [`books`] | the venue's rows against the ledger's | I3 every fill and funding exactly once |
//! | [`account`] | position and cash recomputed from ledger rows | I4 the ledger is the account |
//! | [`leadership`] | leases, epochs, who sends and who writes | I5 one executor, fenced |
//! | [`gates`] | what must be so when a hedge is begun | I6 fresh input · I12 pauses · I13 truth first |
//! | [`outcome`] | what became of each order, by both sides | I9 unknown is not failed |
//! | [`caps`] | the owner's limits in the worst case | I10 hard limits |
//! | [`numbers`] | numbers as they were written | I14 exact numbers |
//! | [`strangers`] | what is not the engine's | I16 hands off |
//! | [`repeat`] | what may be done twice | I18 replay and repeat |
//! | [`liveness`] | what must come about in time | I21 it comes back · I22 it gets out |
//!
//! I7 (no control without the token) speaks of doors, and a world has none: it is proven on real sockets.
//!
//! A run in which [`Observer::exercised`] shows a zero proves nothing about that invariant.
//!
//! Cost per fact is logarithmic in the number of orders; only [`Fact::Quiescent`] walks the wallets and positions.

pub mod account;
pub mod books;
pub mod bounds;
pub mod caps;
pub mod exposure;
pub mod fact;
pub mod findings;
pub mod gates;
pub mod leadership;
pub mod liveness;
pub mod numbers;
pub mod orders;
pub mod outcome;
pub mod repeat;
pub mod strangers;

use std::collections::{BTreeMap, VecDeque};

pub use bounds::{Bounds, Caps};
pub use fact::{Belief, Cash, Fact, Fill, Funding, Input, Intent, Order, Position, Purpose, Request, Side, Standing};
pub use findings::Violation;

use account::Account;
use books::Books;
use bounds::instrument;
use caps::Exposed;
use exposure::Exposure;
use findings::Findings;
use gates::Gates;
use leadership::Leadership;
use liveness::Liveness;
use orders::Orders;
use outcome::Outcomes;
use repeat::Repeats;
use strangers::Strangers;

/// Facts remembered for a failing report: enough for the 200 of a report, and for a wider look at the same moment.
const REMEMBERED: usize = 1_000;

/// How names begin that a venue gives to orders by which it takes a position over.
const VENUES_OWN: [&str; 3] = ["adl_autoclose", "autoclose-", "settlement_autoclose-"];

/// The witness. Feed it with [`Observer::observe`], read it at any time.
#[derive(Debug)]
pub struct Observer {
    bounds: Bounds,
    findings: Findings,
    orders: Orders,
    exposure: Exposure,
    books: Books,
    account: Account,
    leadership: Leadership,
    gates: Gates,
    outcomes: Outcomes,
    exposed: Exposed,
    strangers: Strangers,
    repeats: Repeats,
    liveness: Liveness,
    recent: VecDeque<(u64, i64, Fact)>,
}

impl Observer {
    /// A witness who has seen nothing yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            findings: Findings::default(),
            orders: Orders::default(),
            exposure: Exposure::default(),
            books: Books::default(),
            account: Account::default(),
            leadership: Leadership::default(),
            gates: Gates::default(),
            outcomes: Outcomes::default(),
            exposed: Exposed::default(),
            strangers: Strangers::default(),
            repeats: Repeats::default(),
            liveness: Liveness::default(),
            recent: VecDeque::with_capacity(REMEMBERED),
        }
    }

    /// Judges one fact that became true at `at_ms` (UTC, by the true clock). Returns all violations so far.
    ///
    /// Facts must come in the order in which they became true: a venue's fill before the ledger row that books it, an
    /// intent's commit before the order it allows.
    pub fn observe(&mut self, at_ms: i64, fact: Fact) -> &[Violation] {
        let sequence = self.findings.next_fact(at_ms);
        self.judge(&fact);
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((sequence, at_ms, fact));
        self.findings.violations()
    }

    /// Declares the world at rest at the time of the last fact, as [`Fact::Quiescent`] does.
    pub fn finish(&mut self) -> &[Violation] {
        let at_ms = self.findings.at_ms();
        self.observe(at_ms, Fact::Quiescent)
    }

    /// All violations so far, the first [`findings::KEPT`] of them with their text.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        self.findings.violations()
    }

    /// How many violations there were, also those beyond [`findings::KEPT`].
    #[must_use]
    pub fn violation_count(&self) -> u64 {
        self.findings.count()
    }

    /// How often each invariant was really put to the test. Every invariant is listed, the untested with 0.
    #[must_use]
    pub fn exercised(&self) -> BTreeMap<&'static str, u64> {
        self.findings.exercised().clone()
    }

    /// The longest time, in milliseconds, that a hedge's true net delta stayed beyond the tolerance for its asset.
    #[must_use]
    pub fn longest_naked_ms(&self) -> i64 {
        self.exposure.longest_naked_ms(self.findings.at_ms())
    }

    /// The longest time in milliseconds from the last trouble until the engine had settled.
    #[must_use]
    pub fn longest_recovery_ms(&self) -> i64 {
        self.liveness.longest_recovery_ms()
    }

    /// The longest time in milliseconds that leaving a hedge took without troubles.
    #[must_use]
    pub fn longest_exit_ms(&self) -> i64 {
        self.liveness.longest_exit_ms()
    }

    /// The longest time in milliseconds from the end or the stop of a leader to the lease of its successor.
    #[must_use]
    pub fn longest_takeover_ms(&self) -> Option<i64> {
        self.leadership.longest_takeover_ms()
    }

    /// The last `count` facts, oldest first, one JSON object each, for the report of a failing run.
    #[must_use]
    pub fn last_events(&self, count: usize) -> Vec<String> {
        let skip = self.recent.len().saturating_sub(count);
        let line = |(sequence, at_ms, fact): &(u64, i64, Fact)| {
            serde_json::json!({ "sequence": sequence, "at_ms": at_ms, "fact": fact }).to_string()
        };
        self.recent.iter().skip(skip).map(line).collect()
    }

    fn judge(&mut self, fact: &Fact) {
        self.strangers.judge(&self.bounds, &mut self.findings);
        match fact {
            Fact::IntentCommitted(intent) => {
                if self.orders.commit(intent, &mut self.findings) {
                    self.exposure.intend(intent);
                    self.outcomes.intend(intent);
                }
            }
            Fact::VenueOrder(order) => self.venue_order(order),
            Fact::VenueFill(fill) => self.venue_fill(fill),
            Fact::LedgerFill(fill) => {
                self.repeats.changed();
                self.books.ledger_fill(fill, &mut self.findings);
                self.account.fill(fill, &self.bounds, &mut self.findings);
            }
            Fact::VenueFunding(funding) => self.books.venue_funding(funding),
            Fact::LedgerFunding(funding) => {
                self.repeats.changed();
                self.books.ledger_funding(funding, &mut self.findings);
                self.account.funding(funding, &self.bounds, &mut self.findings);
            }
            Fact::LedgerOpeningCash(cash) => self.account.open(cash),
            Fact::CashMoved(cash) => self.account.moved(cash),
            Fact::VenueCash(cash) => self.account.venue_cash(cash),
            Fact::VenuePosition(position) => self.account.venue_position(position),
            Fact::Quiescent => {
                self.exposure.rest(&self.bounds, &mut self.findings);
                self.books.compare(&mut self.findings);
                self.account.compare(&mut self.findings);
                self.liveness.rest(&self.bounds, &mut self.findings);
            }
            Fact::Sent(request) => self.sent(request),
            other => self.circumstance(other),
        }
    }

    fn venue_order(&mut self, order: &Order) {
        self.orders.appear(order, &mut self.findings);
        if order.foreign {
            self.strangers.order(order);
        } else {
            self.outcomes.accepted(order, &mut self.findings);
        }
    }

    fn venue_fill(&mut self, fill: &Fill) {
        let findings = &mut self.findings;
        let named = self.orders.is_foreign(fill);
        // What a venue forces under a name of its own is told as such; it is nobody who trades beside us.
        let foreign = named && !VENUES_OWN.iter().any(|begin| fill.client_id.starts_with(begin));
        let own = self.orders.intent_of(fill);
        if own.is_none() && !named && !fill.client_id.is_empty() {
            findings.broken(
                "I8",
                format!("fill without a committed intent: {}", books::fill_key(fill)),
            );
        }
        if let Some(intent) = own {
            self.outcomes.executed(fill, findings);
            self.exposed.executed(fill, intent);
        }
        // What a stranger took whole was held all the same.
        let held = foreign && self.exposure.is_held(&fill.venue, &fill.product, &fill.symbol);
        let lost = self.exposure.fill(fill, own, foreign, &self.bounds, findings);
        self.exposed.taken(fill, lost);
        let unbooked = named && !self.bounds.foreign_is_booked;
        self.books.venue_fill(fill, unbooked);
        if foreign {
            self.strangers
                .fill(fill, held, self.gates.is_paused(), findings.at_ms());
        }
        if unbooked {
            self.account.excuse(fill, &self.bounds);
        }
        for hedge in self.exposure.take_flat() {
            self.liveness.flat(&hedge, &self.bounds, findings);
        }
        let (exposure, bounds) = (&self.exposure, &self.bounds);
        self.strangers.forget(|market| exposure.is_leg_of_any(market, bounds));
    }

    /// Bytes of an order or a cancellation left.
    fn sent(&mut self, request: &Request) {
        let findings = &mut self.findings;
        self.leadership.sent(request, &self.bounds, findings);
        self.repeats.sent(&request.client_id, findings);
        let intent = self.orders.named(&request.client_id);
        self.strangers.sent(request, intent.is_some(), findings);
        if request.cancels {
            return;
        }
        let Some(intent) = intent else {
            findings.broken(
                "I8",
                format!("bytes of {} left before its intent was committed", request.client_id),
            );
            return;
        };
        self.outcomes.sent(request, findings);
        numbers::sent(request, intent, &self.bounds, findings);
        self.exposed.sent(request, intent, &self.bounds, findings);
        if intent.purpose == Purpose::Open {
            let begins = self.exposure.is_untouched(&intent.hedge);
            self.gates.opening(request, intent, begins, &self.bounds, findings);
        }
    }

    /// What is neither an order nor a row of money.
    fn circumstance(&mut self, fact: &Fact) {
        let findings = &mut self.findings;
        let at_ms = findings.at_ms();
        match fact {
            Fact::Process { process, standing } => self.leadership.process(*process, *standing, at_ms),
            Fact::Lease {
                process,
                epoch,
                expires_at_ms,
            } => {
                self.leadership.lease(*process, *epoch, *expires_at_ms, findings);
                self.gates.lease(*process, *epoch);
            }
            Fact::Rows { epoch, count } => {
                self.leadership.rows(*epoch, findings);
                self.repeats.rows(*count, findings);
            }
            Fact::OrderOver { client_id, filled, how } => {
                self.outcomes.over(client_id, *filled, how, &self.bounds, findings);
                self.exposed.over(client_id);
            }
            Fact::VenueOrderOver {
                venue,
                client_id,
                cancelled,
            } => {
                self.outcomes.ended(client_id);
                self.strangers.ended(venue, client_id, *cancelled, findings);
            }
            Fact::Paused { key, clears_itself } => {
                self.gates.pause(key, *clears_itself, findings);
                self.strangers.stopped();
            }
            Fact::Unpaused { key, by_engine } => self.gates.unpause(key, *by_engine, findings),
            Fact::LedgerLoaded { process } => self.gates.loaded(*process),
            Fact::AccountRead { process, venue } => self.gates.account(*process, venue),
            Fact::Heard {
                process,
                venue,
                product,
                symbol,
                input,
            } => self
                .gates
                .hear(*process, instrument(venue, product, symbol), *input, at_ms),
            Fact::Deaf {
                process,
                venue,
                product,
            } => self.gates.deaf(*process, venue, product),
            Fact::TroublesOver => self.liveness.troubles_over(at_ms),
            Fact::Settled { .. } => self.liveness.settled(&self.bounds, findings),
            Fact::ExitAsked { hedge } => self.leave(hedge),
            Fact::RepeatBegan => self.repeats.begin(),
            Fact::RepeatEnded => self.repeats.end(findings),
            Fact::RepeatGivenUp => self.repeats.give_up(),
            Fact::TroubleBegan => self.exposure.trouble(true, at_ms),
            Fact::TroubleEnded => self.exposure.trouble(false, at_ms),
            Fact::Believed(belief) => self.repeats.believe(belief, findings),
            _ => {}
        }
    }

    fn leave(&mut self, hedge: &str) {
        if !self.exposure.is_flat(hedge, &self.bounds) {
            self.liveness.leave(hedge, self.findings.at_ms());
        }
    }
}
