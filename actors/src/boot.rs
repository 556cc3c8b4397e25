//! From a cold start to the first evaluation: nothing is traded before the truth is known.
//!
//! lease → ledger → instruments → orders whose fate is open → reconciliation → run, or run paused.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::crash::{self, Moment, Point};
use domain::instrument::{InstrumentId, Product, VenueId};
use domain::journal::{JournalError, LedgerState, OrderRow, Record};
use domain::lease::{Claim, Held};
use domain::pause::PauseReason;
use domain::ports::{AccountView, Clock, MarketData};
use domain::reconcile::Inconsistency;
use domain::time::{Machine, Timestamp};
use slog::{Logger, info, o, warn};

use crate::activity::Watch;
use crate::executor::{CancelOrphans, StartWork, UseTag};
use crate::historian::Historian;
use crate::listing::{Listed, Lister, watched};
use crate::messages::{ClaimLease, ListInstruments, LoadLedger, Reconcile, ResolveOrders, Restore};
use crate::position_keeper::Reconciled;
use crate::recorder::Recorder;
use crate::settings::Settings;
use crate::supervisor::{Cast, Supervisor};

/// Between two tries of a step that the world refused.
const AGAIN: Duration = Duration::from_secs(2);

/// How long after the end of another one's lease it is asked for.
const JUST_AFTER: Duration = Duration::from_millis(20);

/// How long a start waits for a venue before people are told that it waits.
const SILENT_AFTER: Duration = Duration::from_mins(1);

/// Counts how long a step waits for a venue, and tells people once.
struct Waiting<'a> {
    recorder: &'a Recorder,
    clock: &'a dyn Clock,
    since: Machine,
    told: bool,
}

impl<'a> Waiting<'a> {
    fn begin(recorder: &'a Recorder, clock: &'a dyn Clock) -> Self {
        Self {
            recorder,
            clock,
            since: clock.now().machine,
            told: false,
        }
    }

    /// A venue has not answered once more.
    async fn failed(&mut self, venue: VenueId, why: &str, log: &Logger) {
        let waited = self.clock.now().machine.since(self.since);
        if self.told || waited < SILENT_AFTER {
            return;
        }
        self.told = true;
        let text = format!(
            "{venue} has not answered for {} s: the start waits for it, and nothing is sent before, exits included. \
             It said: {why}. Look at its status page and at this machine's network.",
            waited.as_secs()
        );
        let alert = Alert::new(AlertName::VenueDegraded, &format!("start:{venue}"), text);
        if let Err(error) = self.recorder.write(vec![Record::Alert(alert)]).await {
            warn!(log, "nobody could be told of a silent venue"; "error" => %error);
        }
    }
}

/// Milestones of a start.
#[derive(Message)]
#[rtype(result = "()")]
pub enum Booted {
    /// Another process holds the lease.
    StandingBy,
    /// This process is the executor now.
    LeaseTaken {
        /// The lease.
        held: Held,
        /// Whom the supervisor speaks to from now on.
        cast: Cast,
    },
    /// What is kept beside the ledger could not be read, or does not fit into it.
    Unfilled(JournalError),
    /// The ledger is loaded; these pauses are in force.
    Reconciling {
        /// From earlier lives.
        pauses: Vec<PauseReason>,
        /// By whose wish and since when, by the reason's key.
        paused_by: BTreeMap<String, (String, Timestamp)>,
    },
    /// The ledger and the venues have been compared.
    Ready {
        /// What differs.
        reconciled: Reconciled,
        /// Orders of earlier lives whose fate is still unproven.
        unproven: usize,
    },
}

/// Starts the feeds of these instruments.
pub type StartFeeds = Box<dyn FnOnce(&[InstrumentId])>;

/// What a start needs.
pub struct Boot {
    /// The cast.
    pub cast: Cast,
    /// Whom milestones are told.
    pub supervisor: Addr<Supervisor>,
    /// Claims the lease.
    pub claim: Recipient<ClaimLease>,
    /// Loads the ledger.
    pub load: Recipient<LoadLedger>,
    /// Writes in the new epoch.
    pub recorder: Recorder,
    /// Lists instruments.
    pub markets: BTreeMap<VenueId, Rc<dyn MarketData>>,
    /// Tells fees.
    pub accounts: BTreeMap<VenueId, Rc<dyn AccountView>>,
    /// Starts the feeds of these instruments.
    pub start_feeds: StartFeeds,
    /// How to behave.
    pub settings: Rc<Settings>,
    /// Tells the time.
    pub clock: Rc<dyn Clock>,
    /// Where to speak.
    pub log: Logger,
}

impl Boot {
    /// Runs the start to its end, however long the world takes; then keeps up with what can be traded.
    pub async fn run(self) {
        let log = self.log.new(o!("actor" => "boot"));
        let held = self.lease(&log).await;
        self.recorder.enter(held.epoch);
        crash::point(Point::BootLeaseTaken);
        self.tell(Booted::LeaseTaken {
            held,
            cast: self.cast.clone(),
        })
        .await;
        self.back_fill(&log).await;
        crash::point(Point::BootFilledBack);
        let state = self.ledger(&log).await;
        crash::enter(Moment::found(&state));
        crash::point(Point::BootLoaded);
        info!(log, "ledger loaded"; "epoch" => held.epoch.0, "open_hedges" => state.hedges.len(), "fills" => state.fills.len());
        self.tell(Booted::Reconciling {
            pauses: state.pauses.clone(),
            paused_by: state.paused_by.clone(),
        })
        .await;
        let listed = self.instruments(&log).await;
        crash::point(Point::BootListed);
        let watched = watched(&self.settings, &listed);
        info!(log, "instruments known"; "listed" => listed.len(), "watched" => watched.len());
        let _ = self
            .cast
            .scanner
            .send(ListInstruments(watched.values().cloned().collect()))
            .await;
        let lister = self.lister();
        let (cast, supervisor, recorder) = (self.cast.clone(), self.supervisor.clone(), self.recorder.clone());
        let clock = Rc::clone(&self.clock);
        let (historian, activity) = (self.historian(), self.activity());
        (self.start_feeds)(&watched.keys().cloned().collect::<Vec<_>>());
        let unproven = prove(&cast, state.clone(), listed, &log).await;
        crash::point(Point::BootProven);
        let holding = !state.hedges.is_empty();
        let reconciled = truth(&cast, &recorder, clock.as_ref(), holding, &log).await;
        crash::point(Point::BootCompared);
        let executor = cast.executor.clone();
        let _ = supervisor.send(Booted::Ready { reconciled, unproven }).await;
        let _ = executor.send(StartWork).await;
        crash::point(Point::BootWorking);
        let all: Vec<_> = watched.keys().cloned().collect();
        let perpetuals = all.iter().filter(|id| id.product == Product::Perp).cloned();
        let scanner = cast.scanner;
        futures_util::future::join3(
            historian.keep_up(perpetuals.collect(), scanner.clone().recipient(), log.clone()),
            activity.keep_up(all, scanner.clone().recipient(), log.clone()),
            lister.keep_up(watched, scanner.recipient(), log),
        )
        .await;
    }

    async fn tell(&self, milestone: Booted) {
        if self.supervisor.send(milestone).await.is_err() {
            warn!(self.log, "the supervisor is gone");
        }
    }

    async fn lease(&self, log: &Logger) -> Held {
        if !self.settings.claim_after.is_zero() {
            info!(log, "standing by"; "seconds" => self.settings.claim_after.as_secs());
            self.tell(Booted::StandingBy).await;
            tokio::time::sleep(self.settings.claim_after).await;
        }
        loop {
            let asked = self.clock.now();
            let claim = ClaimLease {
                holder: self.settings.holder.clone(),
                now: asked.market,
                term_ms: self.settings.lease_term_ms,
            };
            crash::point(Point::LeaseBeforeClaim);
            let claimed = self.claim.send(claim).await;
            crash::point(Point::LeaseClaimAnswered);
            let mut again = AGAIN;
            match claimed {
                Ok(Ok(Claim::Take(row))) => {
                    return Held {
                        epoch: row.epoch,
                        until: asked.machine.plus(self.settings.lease_term),
                    };
                }
                Ok(Ok(Claim::Wait(until))) => {
                    info!(log, "standing by: another process holds the lease"; "until" => %until);
                    self.tell(Booted::StandingBy).await;
                    // It may be renewed, or given back before its time; else it is taken when it ends.
                    let left = until.millis_since(self.clock.now().market).max(0);
                    again = again.min(Duration::from_millis(left.unsigned_abs()) + JUST_AFTER);
                }
                Ok(Err(error)) => warn!(log, "the lease could not be claimed"; "error" => %error),
                Err(error) => warn!(log, "the ledger writer did not answer"; "error" => %error),
            }
            tokio::time::sleep(again).await;
        }
    }

    /// What an earlier life kept beside the ledger belongs into it before anything is read from it.
    async fn back_fill(&self, log: &Logger) {
        loop {
            match self.recorder.back_fill().await {
                Ok(0) => return,
                Ok(batches) => {
                    warn!(log, "the ledger has taken what an earlier life kept beside it"; "batches" => batches);
                    return;
                }
                Err(JournalError::Unavailable(reason)) if self.recorder.is_keeping() => {
                    warn!(log, "what is kept beside the ledger could not be written yet"; "error" => reason)
                }
                Err(error) => {
                    // The reconciliation finds what is missing; entries wait where it matters.
                    self.tell(Booted::Unfilled(error)).await;
                    return;
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn ledger(&self, log: &Logger) -> LedgerState {
        loop {
            crash::point(Point::BootBeforeLoad);
            let loaded = self.load.send(LoadLedger).await;
            crash::point(Point::BootLoadAnswered);
            match loaded {
                Ok(Ok(state)) => return state,
                Ok(Err(error)) => warn!(log, "the ledger could not be loaded"; "error" => %error),
                Err(error) => warn!(log, "the ledger writer did not answer"; "error" => %error),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn historian(&self) -> Historian {
        Historian {
            markets: self.markets.clone(),
            settings: Rc::clone(&self.settings),
            clock: Rc::clone(&self.clock),
        }
    }

    fn activity(&self) -> Watch {
        Watch {
            markets: self.markets.clone(),
            settings: Rc::clone(&self.settings),
        }
    }

    fn lister(&self) -> Lister {
        Lister {
            markets: self.markets.clone(),
            accounts: self.accounts.clone(),
            settings: Rc::clone(&self.settings),
        }
    }

    /// Every instrument of every venue with what we pay for it; asked until every venue has answered.
    async fn instruments(&self, log: &Logger) -> Listed {
        let mut listed = Listed::new();
        let lister = self.lister();
        for venue in self.markets.keys() {
            let mut waiting = Waiting::begin(&self.recorder, self.clock.as_ref());
            loop {
                match lister.of_venue(*venue).await {
                    Ok(of_venue) => {
                        listed.extend(of_venue);
                        break;
                    }
                    Err(error) => {
                        warn!(log, "a venue's instruments or fees could not be read"; "venue" => %venue, "error" => %error);
                        waiting.failed(*venue, &error.to_string(), log).await;
                    }
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
        listed
    }
}

/// Restores the keeper and proves open orders; answers how many could not be proven yet.
async fn prove(cast: &Cast, state: LedgerState, instruments: Listed, log: &Logger) -> usize {
    let is_open = |row: &&OrderRow| !row.state.is_terminal();
    let open: Vec<_> = state.orders.iter().filter(is_open).cloned().collect();
    let _ = cast.executor.send(UseTag(state.tag.clone())).await;
    let _ = cast.keeper.send(Restore { state, instruments }).await;
    crash::point(Point::BootRestored);
    if open.is_empty() {
        return 0;
    }
    info!(log, "orders of an earlier life are being proven"; "orders" => open.len());
    let all = open.len();
    cast.executor.send(ResolveOrders(open)).await.unwrap_or(all)
}

/// Compares the ledger with the venues until every one of them has answered.
async fn truth(cast: &Cast, recorder: &Recorder, clock: &dyn Clock, holding: bool, log: &Logger) -> Reconciled {
    let started = Record::Audit {
        actor: "boot".into(),
        action: "started".into(),
        who: "process".into(),
        detail: format!("epoch {}", recorder.epoch().0),
    };
    if let Err(error) = recorder.insist(vec![started]).await {
        warn!(log, "the start was not recorded"; "error" => %error);
    }
    crash::point(Point::BootRecorded);
    let mut waiting = Waiting::begin(recorder, clock);
    let mut swept = false;
    loop {
        match cast.keeper.send(Reconcile { at_start: true }).await {
            Ok(Ok(found))
                if found
                    .iter()
                    .any(|one| matches!(one, Inconsistency::UnreachableVenue { .. })) =>
            {
                let silent: Vec<_> = found.iter().map(ToString::to_string).collect();
                warn!(log, "not every venue could be read; nothing is traded before"; "found" => silent.join("; "));
                for one in &found {
                    if let Inconsistency::UnreachableVenue { venue, reason } = one {
                        waiting.failed(*venue, reason, log).await;
                    }
                }
            }
            Ok(Ok(found)) if !swept && end_orphans(cast, recorder, &found).await => swept = true,
            Ok(Ok(found)) => return Reconciled { found, holding },
            Ok(Err(error)) => warn!(log, "the reconciliation could not be recorded"; "error" => %error),
            Err(error) => warn!(log, "the keeper did not answer"; "error" => %error),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Has live orders of ours that the ledger does not know ended, and tells people; answers whether there were any. What
/// they have filled by then shows in the comparison that follows.
async fn end_orphans(cast: &Cast, recorder: &Recorder, found: &[Inconsistency]) -> bool {
    let orphans: BTreeSet<_> = found
        .iter()
        .filter_map(|one| match one {
            Inconsistency::OrphanOrder { order } => Some(order.instrument.clone()),
            _ => None,
        })
        .collect();
    if orphans.is_empty() {
        return false;
    }
    let ended = cast.executor.send(CancelOrphans(orphans)).await.unwrap_or_default();
    if ended.is_empty() {
        return false;
    }
    let names: Vec<_> = ended.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    let text = format!(
        "Orders of ours were live at the venues, and the ledger did not know of them: {names}. They have been cancelled. Was an old copy of the ledger restored?"
    );
    let alert = Alert::new(AlertName::StartupInconsistency, "orphans", text);
    let _ = recorder.insist(vec![Record::Alert(alert)]).await; // the log has it as well
    true
}
