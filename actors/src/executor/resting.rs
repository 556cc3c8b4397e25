//! Entries that take their time: an order that rests in the book, and the pause between two slices.
//!
//! - ER-1  Waiting gives way: to a stop, to a pause of entries, to a doubtful lease, and to whatever has to be left or
//!   mended meanwhile.
//! - ER-2  The first part that is filled ends the resting: it is proven and matched at once, and the remainder is taken.
//! - ER-3  A cancellation that was asked for proves nothing: the order is followed until its end is, as every other.

use std::time::Duration;

use domain::funding::FundingTerms;
use domain::hedge::{Hedge, HedgeState};
use domain::money::AssetQuantity;
use domain::order::{HedgeId, LegIndex, OrderState};
use domain::ports::OrderGateway;
use domain::time::Machine;
use slog::info;

use super::Hands;
use super::order::Trail;
use crate::messages::{GetHedge, GetPortfolio};

/// Between two looks at what we know ourselves: short against the time that a part of a leg stands alone.
const GLANCE: Duration = Duration::from_millis(50);
/// Between two looks at the other hedges while an entry waits.
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// An entry in slices goes on for this long at most: the reasons for it grow old.
const LONGEST_ENTRY: Duration = Duration::from_mins(10);

/// When an entry in slices may go on.
pub(super) struct Pace {
    /// When the entry began.
    pub begun: Machine,
    /// When its last slice did.
    pub slice_begun: Machine,
    /// What was known of the settlements of its legs.
    pub terms: Vec<FundingTerms>,
}

impl Hands {
    /// Lets an order rest until its time is over, a part of it is filled, or something else comes first; then has it
    /// cancelled. `held` is what its leg held before it was sent.
    pub(super) async fn rest_in_book(&self, trail: &mut Trail, gateway: &dyn OrderGateway, held: AssetQuantity) {
        let patience = self.settings.manner.rests_for.unwrap_or_default();
        let (hedge, leg) = (trail.hedge(), trail.leg());
        let began = self.wires.clock.now().machine;
        let (mut looked, mut around) = (began, began);
        let why = loop {
            if trail.state() == &OrderState::Unknown {
                break "it may not be there";
            }
            if let Some(why) = self.gives_way(hedge) {
                break why;
            }
            let now = self.wires.clock.now().machine;
            if now.since(began) >= patience {
                break "its time is over";
            }
            if self.holds(hedge, leg).await.is_some_and(|holds| holds != held) {
                break "a part of it is filled";
            }
            if now.since(looked) >= self.settings.resolve_every {
                looked = now;
                self.look(trail, gateway).await;
                if trail.state().is_terminal() {
                    return;
                }
                if !trail.state().filled().is_zero() {
                    break "a part of it is filled";
                }
            }
            if now.since(around) >= LOOK_AROUND {
                around = now;
                if self.others_need_care(hedge).await {
                    break "another hedge needs care";
                }
            }
            tokio::time::sleep(GLANCE).await;
        };
        info!(self.log, "an order rests no longer"; "client_order_id" => trail.name(), "why" => why);
        trail.leave(self.wires.clock.now().machine);
        self.withdraw(trail, gateway).await;
    }

    /// Whether the next slice may begin, once its time has come.
    ///
    /// # Errors
    /// Why the entry ends with what it has.
    pub(super) async fn next_slice(&self, hedge: &Hedge, pace: Option<&mut Pace>) -> Result<(), String> {
        let pace = pace.ok_or_else(|| "it has no slices".to_owned())?;
        let mut around = pace.slice_begun;
        loop {
            if let Some(why) = self.gives_way(hedge.id) {
                return Err(why.to_owned());
            }
            let now = self.wires.clock.now().machine;
            if now.since(pace.begun) >= LONGEST_ENTRY {
                return Err("it has taken too long".to_owned());
            }
            let due = now.since(pace.slice_begun) >= self.settings.manner.slices_every;
            if due || now.since(around) >= LOOK_AROUND {
                around = now;
                if self.others_need_care(hedge.id).await {
                    return Err("another hedge needs care".to_owned());
                }
            }
            if due {
                break;
            }
            tokio::time::sleep(GLANCE).await;
        }
        let now = self.wires.clock.now();
        if pace.terms.iter().any(|terms| terms.in_blackout(now.market)) {
            return Err("a settlement is near".to_owned());
        }
        let legs = [&hedge.long.instrument.id, &hedge.short.instrument.id];
        self.both_open(legs).await.map_err(|gate| gate.to_string())?;
        pace.slice_begun = now.machine;
        Ok(())
    }

    /// Why what can wait, an entry of this hedge, must not (ER-1). A repair of its own is no reason: it is what the entry does.
    pub(super) fn gives_way(&self, own: HedgeId) -> Option<&'static str> {
        let waiting = self.waiting.borrow();
        if self.stopping.get() {
            Some("the engine is stopping")
        } else if waiting.iter().any(|(hedge, leaves)| *leaves || *hedge != own) {
            Some("something has to be left or mended")
        } else if self.entries.borrow().is_some() {
            Some("entries are paused")
        } else if !self.may_send() {
            Some("the lease is not held")
        } else if self.wires.recorder.is_keeping() {
            Some("rows wait outside of the ledger")
        } else {
            None
        }
    }

    async fn holds(&self, hedge: HedgeId, leg: LegIndex) -> Option<AssetQuantity> {
        let hedge = self.wires.keeper.send(GetHedge(hedge)).await.ok()??;
        Some(hedge.leg(leg).held)
    }

    /// Whether a hedge is near its liquidation, or not whole: the strategist, who would see to it, waits for this entry.
    async fn others_need_care(&self, own: HedgeId) -> bool {
        let Ok(view) = self.wires.keeper.send(GetPortfolio).await else {
            return true;
        };
        let mut others = view.hedges.iter().filter(|hedge| hedge.id != own);
        others.any(|hedge| hedge.endangered.is_some() || hedge.state != HedgeState::Open)
    }
}
