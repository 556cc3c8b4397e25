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
//!
//! A run in which [`Observer::exercised`] shows a zero proves nothing about that invariant.
//!
//! Cost per fact is logarithmic in the number of orders; only [`Fact::Quiescent`] walks the wallets and positions.

pub mod account;
pub mod books;
pub mod bounds;
pub mod exposure;
pub mod fact;
pub mod findings;
pub mod orders;

use std::collections::{BTreeMap, VecDeque};

pub use bounds::Bounds;
pub use fact::{Cash, Fact, Fill, Funding, Intent, Order, Position, Purpose, Side};
pub use findings::Violation;

use account::Account;
use books::Books;
use exposure::Exposure;
use findings::Findings;
use orders::Orders;

/// Facts remembered for a failing report: enough for the 200 of a report, and for a wider look at the same moment.
const REMEMBERED: usize = 1_000;

/// The witness. Feed it with [`Observer::observe`], read it at any time.
#[derive(Debug)]
pub struct Observer {
    bounds: Bounds,
    findings: Findings,
    orders: Orders,
    exposure: Exposure,
    books: Books,
    account: Account,
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
        let findings = &mut self.findings;
        match fact {
            Fact::IntentCommitted(intent) => {
                if self.orders.commit(intent, findings) {
                    self.exposure.intend(intent);
                }
            }
            Fact::VenueOrder(order) => self.orders.appear(order, findings),
            Fact::VenueFill(fill) => {
                let foreign = self.orders.is_foreign(fill);
                let own = self.orders.intent_of(fill);
                if own.is_none() && !foreign && !fill.client_id.is_empty() {
                    findings.broken(
                        "I8",
                        format!("fill without a committed intent: {}", books::fill_key(fill)),
                    );
                }
                self.exposure.fill(fill, own, foreign, &self.bounds, findings);
                self.books.venue_fill(fill, foreign && !self.bounds.foreign_is_booked);
                if foreign && !self.bounds.foreign_is_booked {
                    self.account.excuse(fill, &self.bounds);
                }
            }
            Fact::LedgerFill(fill) => {
                self.books.ledger_fill(fill, findings);
                self.account.fill(fill, &self.bounds, findings);
            }
            Fact::VenueFunding(funding) => self.books.venue_funding(funding),
            Fact::LedgerFunding(funding) => {
                self.books.ledger_funding(funding, findings);
                self.account.funding(funding, &self.bounds, findings);
            }
            Fact::LedgerOpeningCash(cash) => self.account.open(cash),
            Fact::VenueCash(cash) => self.account.venue_cash(cash),
            Fact::VenuePosition(position) => self.account.venue_position(position),
            Fact::Quiescent => {
                self.exposure.rest(&self.bounds, findings);
                self.books.compare(findings);
                self.account.compare(findings);
            }
        }
    }
}
