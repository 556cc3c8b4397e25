//! Named places at which a process may be told to die, so that every one of them can be tried.
//!
//! - CP-1  A place does nothing by itself. Whoever starts the process may set a hook, once; without one a place costs one
//!   read of memory.
//! - CP-2  Every commit and every answer from outside on the paths of orders, executions, the lease, the outbox and the
//!   recovery stands between two places. `tests/service/points.rs` holds this list against the code.
//!
//! Beside the place stands what the process is about at that moment, because a death between two legs is another one
//! than a death in peace.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::hedge::{HedgeRow, HedgeState};
use crate::journal::LedgerState;
use crate::order::Purpose;

macro_rules! points {
    ($($(#[$meaning:meta])* $point:ident = $name:literal,)*) => {
        /// A place.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Point {
            $($(#[$meaning])* $point,)*
        }

        impl Point {
            /// Every place, in the order of the paths.
            pub const ALL: &'static [Self] = &[$(Self::$point,)*];

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }

            /// How the code calls it.
            pub const fn in_code(self) -> &'static str {
                match self {
                    $(Self::$point => stringify!($point),)*
                }
            }
        }
    };
}

points! {
    /// The leverage of an instrument is about to be set.
    JobBeforePrepare = "job.before_prepare",
    /// It is set.
    JobPrepared = "job.prepared",
    /// A book is about to be asked for.
    JobBeforeBook = "job.before_book",
    /// It was answered.
    JobBookRead = "job.book_read",
    /// The free balance is about to be asked for.
    JobBeforeFree = "job.before_free",
    /// It was answered.
    JobFreeRead = "job.free_read",
    /// A job is over, and the hedge's rest is not written.
    JobBeforeRest = "job.before_rest",
    /// It is written and believed.
    JobRested = "job.rested",
    /// Intent and order are about to be written.
    OrderBeforeRecord = "order.before_record",
    /// They are durable, and nobody believes them yet.
    OrderRecorded = "order.recorded",
    /// An order that must not be sent any more is about to end.
    OrderBeforeWithhold = "order.before_withhold",
    /// No byte of the order has left.
    OrderBeforePlace = "order.before_place",
    /// The venue has answered, or not; nothing of that is kept.
    OrderPlaced = "order.placed",
    /// An unknown outcome is durable.
    OrderUnknownKept = "order.unknown_kept",
    /// The venue is about to be asked for an order.
    OrderBeforeFind = "order.before_find",
    /// It has answered.
    OrderFound = "order.found",
    /// A lingering order is about to be cancelled.
    OrderBeforeCancel = "order.before_cancel",
    /// The venue has answered.
    OrderCancelled = "order.cancelled",
    /// Orders that nobody follows are about to be cancelled.
    OrderBeforeSweep = "order.before_sweep",
    /// The venue has answered.
    OrderSwept = "order.swept",
    /// An order's executions are about to be asked for.
    OrderBeforeFills = "order.before_fills",
    /// They were answered.
    OrderFillsRead = "order.fills_read",
    /// The order's end is about to be handed over to be written.
    OrderBeforeMove = "order.before_move",
    /// It is durable and believed.
    OrderMoved = "order.moved",
    /// People are about to be told of an unknown order.
    OrderBeforeTold = "order.before_told",
    /// They are told: the alert is durable.
    OrderTold = "order.told",
    /// An unproven order is about to be laid aside.
    OrderBeforeAside = "order.before_aside",
    /// The proof of an order of an earlier life begins.
    OrderBeforeResolve = "order.before_resolve",
    /// It is over.
    OrderResolved = "order.resolved",
    /// An order's end and its executions are about to be written.
    FillBeforeKeep = "fill.before_keep",
    /// They are durable, and nobody believes them yet.
    FillKept = "fill.kept",
    /// A hedge's new state is about to be written.
    HedgeBeforeKeep = "hedge.before_keep",
    /// It is durable, and nobody believes it yet.
    HedgeKept = "hedge.kept",
    /// Facts of a private stream are about to be written.
    FactsBeforeKeep = "facts.before_keep",
    /// They are durable, and nobody believes them yet.
    FactsKept = "facts.kept",
    /// The venues' truth is about to be read.
    TruthBeforeRead = "truth.before_read",
    /// It was read.
    TruthRead = "truth.read",
    /// What was missing is about to be written.
    TruthBeforeKeep = "truth.before_keep",
    /// It is durable.
    TruthKept = "truth.kept",
    /// The snapshot of an agreement is about to be written.
    SnapshotBeforeKeep = "snapshot.before_keep",
    /// It is durable.
    SnapshotKept = "snapshot.kept",
    /// Any rows are about to be handed to the ledger's writer.
    WriteBeforeAsk = "write.before_ask",
    /// It has answered.
    WriteAnswered = "write.answered",
    /// A pause is in force and about to be written.
    PauseBeforeKeep = "pause.before_keep",
    /// It is durable.
    PauseKept = "pause.kept",
    /// A batch's transaction is about to begin.
    BatchBegins = "batch.begins",
    /// A batch's transaction is open and its epoch proven.
    BatchFenced = "batch.fenced",
    /// Every row of a batch is written, and the batch not committed.
    BatchBeforeCommit = "batch.before_commit",
    /// A batch is committed.
    BatchCommitted = "batch.committed",
    /// A way out is about to be kept beside the ledger.
    SpoolBeforeKeep = "spool.before_keep",
    /// It is kept there.
    SpoolKept = "spool.kept",
    /// What was kept beside the ledger is about to be written to it.
    FillBackBefore = "spool.before_fill",
    /// One batch of it is.
    FillBackWritten = "spool.batch_filled",
    /// The ledger has all of it, and the file still has it too.
    SpoolBeforeForget = "spool.before_forget",
    /// The file is empty.
    SpoolForgotten = "spool.forgotten",
    /// The lease is about to be claimed.
    LeaseBeforeClaim = "lease.before_claim",
    /// The claim has been answered.
    LeaseClaimAnswered = "lease.claim_answered",
    /// The transaction of a claim is about to begin.
    LeaseClaimBegins = "lease.claim_begins",
    /// The new holder is written, and not committed.
    LeaseClaimBeforeCommit = "lease.claim_before_commit",
    /// It is committed, and the lock beside the ledger not signed.
    LeaseClaimCommitted = "lease.claim_committed",
    /// The lease is about to be renewed.
    LeaseBeforeRenew = "lease.before_renew",
    /// The transaction of a renewal is about to begin.
    LeaseRenewBegins = "lease.renew_begins",
    /// The new term is written, and not committed.
    LeaseRenewBeforeCommit = "lease.renew_before_commit",
    /// It is committed.
    LeaseRenewCommitted = "lease.renew_committed",
    /// The new term has been heard of.
    LeaseRenewed = "lease.renewed",
    /// A stop has begun.
    DrainBegun = "drain.begun",
    /// The running job is over.
    DrainJobOver = "drain.job_over",
    /// The stop is durable.
    DrainRecorded = "drain.recorded",
    /// The lease is given back.
    DrainReleased = "drain.released",
    /// The outbox is about to be read.
    OutboxBeforeRead = "outbox.before_read",
    /// It was read.
    OutboxRead = "outbox.read",
    /// An alert is about to be given to a channel.
    OutboxBeforeDeliver = "outbox.before_deliver",
    /// The channel has answered.
    OutboxTaken = "outbox.taken",
    /// An alert was delivered, and the outbox does not know.
    OutboxDelivered = "outbox.delivered",
    /// It knows.
    OutboxTicked = "outbox.ticked",
    /// A start holds the lease.
    BootLeaseTaken = "boot.lease_taken",
    /// What an earlier life kept beside the ledger is written to it.
    BootFilledBack = "boot.filled_back",
    /// The ledger is about to be loaded.
    BootBeforeLoad = "boot.before_load",
    /// It has answered.
    BootLoadAnswered = "boot.load_answered",
    /// The ledger is loaded.
    BootLoaded = "boot.loaded",
    /// Every instrument is known.
    BootListed = "boot.listed",
    /// The keeper holds what the ledger says.
    BootRestored = "boot.restored",
    /// Orders of an earlier life are proven, or laid aside.
    BootProven = "boot.proven",
    /// The start is written.
    BootRecorded = "boot.recorded",
    /// Ledger and venues are compared.
    BootCompared = "boot.compared",
    /// Jobs may begin.
    BootWorking = "boot.working",
}

impl Point {
    /// Reads [`Self::as_str`] back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|point| point.as_str() == name)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What the process is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Moment {
    /// Nothing is held.
    Idle,
    /// The first leg is being entered; nothing is known to be held.
    EnteringFirst,
    /// The first leg holds; the second one is being entered.
    EnteringSecond,
    /// A hedge is held and rests.
    Open,
    /// A leg is taken back because the other one does not match it.
    Repairing,
    /// A hedge is being left.
    Leaving,
}

impl Moment {
    /// Every moment.
    pub const ALL: [Self; 6] = [
        Self::Idle,
        Self::EnteringFirst,
        Self::EnteringSecond,
        Self::Open,
        Self::Repairing,
        Self::Leaving,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::EnteringFirst => "entering_first",
            Self::EnteringSecond => "entering_second",
            Self::Open => "open",
            Self::Repairing => "repairing",
            Self::Leaving => "leaving",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.as_str() == name)
    }

    /// An order of this purpose comes next; `holds` when any leg of its hedge does.
    pub const fn ordering(purpose: Purpose, holds: bool) -> Self {
        match purpose {
            Purpose::Open if holds => Self::EnteringSecond,
            Purpose::Open => Self::EnteringFirst,
            Purpose::Close => Self::Leaving,
            Purpose::Unwind => Self::Repairing,
        }
    }

    /// A job has ended in this state.
    pub const fn resting(state: HedgeState) -> Self {
        match state {
            HedgeState::Closed => Self::Idle,
            HedgeState::Open => Self::Open,
            HedgeState::OneLegged { .. } => Self::Repairing,
            HedgeState::Closing(_) => Self::Leaving,
            HedgeState::Planned | HedgeState::Opening(_) => Self::EnteringFirst,
        }
    }

    /// What an earlier life was about, by its rows. Of several hedges the newest one counts.
    pub fn found(ledger: &LedgerState) -> Self {
        let Some(HedgeRow { id, state, .. }) = ledger.hedges.iter().max_by_key(|row| row.id) else {
            return Self::Idle;
        };
        let orders = || ledger.orders.iter().filter(|row| row.ticket.hedge == *id);
        let takes_back = orders().any(|row| row.ticket.purpose == Purpose::Unwind);
        let holds = ledger
            .fills
            .iter()
            .any(|fill| orders().any(|row| row.ticket.client_id == fill.client_id));
        match state {
            HedgeState::Opening(_) if takes_back => Self::Repairing,
            HedgeState::Opening(_) if holds => Self::EnteringSecond,
            other => Self::resting(*other),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What happens at a place.
pub type Hook = Box<dyn Fn(Point, Moment) + Send + Sync>;

static HOOK: OnceLock<Hook> = OnceLock::new();
static MOMENT: AtomicU8 = AtomicU8::new(0);

/// Sets what happens at every place of this process, once; false when it was set before.
pub fn set_hook(hook: Hook) -> bool {
    HOOK.set(hook).is_ok()
}

/// The process passes a place.
pub fn point(point: Point) {
    if let Some(hook) = HOOK.get() {
        hook(point, moment());
    }
}

/// Says what the process is about from now on.
pub fn enter(moment: Moment) {
    if HOOK.get().is_some() {
        MOMENT.store(moment as u8, Ordering::Relaxed);
    }
}

fn moment() -> Moment {
    let number = usize::from(MOMENT.load(Ordering::Relaxed));
    Moment::ALL.get(number).copied().unwrap_or(Moment::Idle)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_its_own_and_is_read_back() {
        let names: BTreeSet<_> = Point::ALL.iter().map(|point| point.as_str()).collect();
        assert_eq!(names.len(), Point::ALL.len());
        for point in Point::ALL {
            assert_eq!(Point::parse(point.as_str()), Some(*point));
        }
        for (number, moment) in Moment::ALL.into_iter().enumerate() {
            assert_eq!(Moment::parse(moment.as_str()), Some(moment));
            assert_eq!(usize::from(moment as u8), number);
        }
        assert_eq!((Point::parse("order.sent"), Moment::parse("")), (None, None));
    }

    #[test]
    fn without_a_hook_a_place_is_passed() {
        point(Point::OrderBeforePlace);
        enter(Moment::Leaving);
        assert_eq!(moment(), Moment::Idle, "nobody asked for it");
    }
}
