//! How the cast behaves: everything that configuration may change, parsed and checked before it comes here.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::instrument::Name;
use domain::money::Usd;
use domain::risk::Limits;
use domain::setup::Setup;
use domain::strategy::Plan;

/// How entries are carried out. The default takes from the book, all of it at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// For how long the first leg of an entry rests in the book before the remainder is taken; nothing where it never
    /// does.
    pub rests_for: Option<Duration>,
    /// Notional that is entered before the other leg must hold the same; nothing where an entry goes all at once.
    pub slice: Option<Usd>,
    /// Between the beginnings of two slices.
    pub slices_every: Duration,
}

/// Parameters of the cast. Durations are machine time.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How to trade.
    pub plan: Plan,
    /// What is allowed.
    pub limits: Limits,
    /// Assets or symbols that may be traded; empty means every common one.
    pub universe: BTreeSet<Name>,
    /// What perpetuals are set to before the first order.
    pub setup: Setup,
    /// How entries are carried out.
    pub manner: Manner,
    /// The evaluation tick.
    pub evaluate_every: Duration,
    /// Between two readings of the venues' truth.
    pub reconcile_every: Duration,
    /// Between two heartbeats of an actor.
    pub heartbeat_every: Duration,
    /// Between two looks into the alert outbox.
    pub alert_every: Duration,
    /// Silence after which a public feed is rebuilt.
    pub feed_silence: Duration,
    /// How long a feed stays on one connection before it moves to a new one: shorter than the day after which venues cut
    /// every connection. No two feeds live equally long.
    pub feed_life: Duration,
    /// Pairs that may be entered, the best first, whose books are kept beside those of what is held.
    pub kept_pairs: usize,
    /// Between two readings of what can be traded: halts, delistings, filters and fees change.
    pub relist_every: Duration,
    /// How long a venue may take to show an order that it has: an order is proven absent by two good answers, the second
    /// at least this long after it was sent.
    pub visibility: Duration,
    /// Between two questions about an order whose outcome is unknown.
    pub resolve_every: Duration,
    /// How long the lease lasts without renewal.
    pub lease_term: Duration,
    /// The same in milliseconds of market time, as other processes see it in the ledger.
    pub lease_term_ms: i64,
    /// Between two renewals of the lease.
    pub lease_renew_every: Duration,
    /// How long a process that is started to stand by waits before it asks for the lease at all, so that the one that is
    /// meant to lead comes first.
    pub claim_after: Duration,
    /// For how long a scanner's word lets a pair be entered; nothing where this process enters what it finds itself.
    pub named_within: Option<Duration>,
    /// Whether people are told unasked: once a UTC day how it goes, every half hour what waits for them.
    pub tells_unasked: bool,
    /// This process, in the lease.
    pub holder: String,
    /// This run, in client order ids: 4 letters or digits that no other run has.
    pub run: String,
    /// Draws the jitter of restarts.
    pub seed: u64,
}

impl Settings {
    /// Whether an asset is in the universe; `symbol` is any of its instruments' symbols.
    pub fn covers(&self, asset: &Name, symbol: &Name) -> bool {
        self.universe.is_empty() || self.universe.contains(asset) || self.universe.contains(symbol)
    }
}
