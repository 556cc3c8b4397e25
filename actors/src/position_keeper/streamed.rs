//! What the private streams say, and what is done about it at once.
//!
//! - PK-1  An execution that nobody here ordered wakes the strategist: the other leg is cut without waiting for its tick.
//! - PK-2  Where a stream says less than must be known (a reduction without its execution, a position that the books do not
//!   explain, a settlement without its row), the venue is read by request soon.

use std::time::Duration;

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::crash::{self, Point};
use domain::instrument::{InstrumentId, VenueId};
use domain::journal::{OrderRow, Record};
use domain::money::Quantity;
use domain::order::Fill;
use domain::portfolio::tracked::Tracked;
use domain::position::AccountFact;
use domain::reconcile::Inconsistency;
use domain::time::Machine;
use slog::{error, info, warn};

use super::{PositionKeeper, funding_records, reconcile};
use crate::messages::{AccountFacts, Urgent};

/// Until a pushed position is held against the books: the execution that explains it comes by a road of its own.
const EXPLAINED_WITHIN: Duration = Duration::from_secs(1);
/// How long after a venue's word an execution that nobody here ordered is taken for what it spoke of.
const FORCED_WITHIN: Duration = Duration::from_mins(2);
/// Until the rows of a settlement are read: venues write them some seconds after they have paid.
const SETTLED_WITHIN: Duration = Duration::from_secs(15);

/// Tells the keeper who looks when a leg was cut.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct HurryTo(pub Recipient<Urgent>);

impl Handler<HurryTo> for PositionKeeper {
    type Result = ();

    fn handle(&mut self, HurryTo(whom): HurryTo, _: &mut Self::Context) {
        self.urgent = Some(whom);
    }
}

impl PositionKeeper {
    /// Has the strategist look now (PK-1).
    pub(super) fn hurry(&self) {
        if let Some(urgent) = &self.urgent
            && urgent.try_send(Urgent).is_err()
        {
            warn!(
                self.log,
                "the strategist is busy: a leg that was cut waits for its next evaluation"
            );
        }
    }

    /// Notes that somebody else has traded what a hedge holds. What a venue took by itself is told by its own alert.
    pub(super) fn note_foreign(&mut self, fill: &Fill, now: Machine) {
        let forced = self.forced.get(&fill.instrument);
        let is_forced = forced.is_some_and(|at| now.since(*at) < FORCED_WITHIN);
        if !is_forced && self.portfolio.hedges().any(|tracked| is_leg(tracked, &fill.instrument)) {
            self.foreign.push(Inconsistency::ForeignTrade {
                instrument: fill.instrument.clone(),
                side: fill.side,
                quantity: fill.quantity,
            });
        }
    }

    /// Notes how a position stands, to be held against the books when its execution has had time to come.
    fn note_position(&mut self, instrument: InstrumentId, quantity: Quantity, ctx: &mut Context<Self>) {
        if self.told.is_empty() {
            ctx.run_later(EXPLAINED_WITHIN, |keeper, ctx| {
                let told = std::mem::take(&mut keeper.told);
                let odd = told.iter().find(|(id, quantity)| !keeper.explains(id, **quantity));
                if let Some((id, quantity)) = odd {
                    info!(keeper.log, "a position is not what its executions make it; the venues are read";
                        "instrument" => %id, "told" => %quantity);
                    keeper.catch_up(ctx);
                }
            });
        }
        self.told.insert(instrument, quantity);
    }

    /// Whether the books have this position, or may have it as soon as our own order there is over. What no hedge holds is
    /// somebody else's.
    fn explains(&self, id: &InstrumentId, quantity: Quantity) -> bool {
        let under_way = |row: &OrderRow| row.ticket.instrument == *id && !row.state.is_terminal();
        !self.portfolio.hedges().any(|tracked| is_leg(tracked, id))
            || self.portfolio.orders().any(under_way)
            || self.portfolio.books().position(id) == quantity
    }

    /// A settlement was heard of: its rows are read once they can be there, one reading for all of them.
    fn note_settlement(&mut self, ctx: &mut Context<Self>) {
        if self.restored && !std::mem::replace(&mut self.settling, true) {
            ctx.run_later(SETTLED_WITHIN, |keeper, ctx| {
                keeper.settling = false;
                ctx.notify(reconcile::Tick);
            });
        }
    }
}

fn is_leg(tracked: &Tracked, id: &InstrumentId) -> bool {
    let hedge = &tracked.hedge;
    [&hedge.long.instrument.id, &hedge.short.instrument.id].contains(&id)
}

fn reduced(venue: VenueId, instrument: &InstrumentId, kind: &str) -> Record {
    let text = format!("{venue} has reduced {instrument} by itself ({kind}). The other leg is cut now.");
    let key = instrument.to_string();
    Record::Alert(Alert::new(AlertName::ForcedReduction, &key, text))
}

impl Handler<AccountFacts> for PositionKeeper {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, AccountFacts { venue, facts }: AccountFacts, ctx: &mut Self::Context) -> Self::Result {
        let (mut fills, mut payments, mut records) = (Vec::new(), Vec::new(), Vec::new());
        for fact in facts {
            match fact {
                AccountFact::Fill(fill) => fills.push(fill),
                AccountFact::Funding(payment) => payments.push(payment),
                AccountFact::ForcedReduction { instrument, kind } => {
                    records.push(reduced(venue, &instrument, &kind));
                    self.forced.insert(instrument, self.wires.clock.now().machine);
                    // Its execution may not have come with it.
                    if self.restored {
                        self.catch_up(ctx);
                    }
                }
                AccountFact::Position { instrument, quantity } if self.restored => {
                    self.note_position(instrument, quantity, ctx);
                }
                AccountFact::Settled { .. } => self.note_settlement(ctx),
                // The executor asks for its orders' fate itself; balances are read whole at each reconciliation.
                AccountFact::Order(_) | AccountFact::Balance(_) | AccountFact::Position { .. } => {}
            }
        }
        let fills = self.portfolio.unseen_fills(fills);
        let payments = self.portfolio.unseen_payments(payments);
        records.extend(fills.iter().cloned().map(Record::Fill));
        records.extend(payments.iter().flat_map(funding_records));
        if records.is_empty() {
            return Box::pin(actix::fut::ready(()));
        }
        let recorder = self.wires.recorder.clone();
        let written = async move {
            crash::point(Point::FactsBeforeKeep);
            let written = recorder.insist(records).await;
            crash::point(Point::FactsKept);
            written
        };
        Box::pin(written.into_actor(self).map(move |written, keeper, _| match written {
            Ok(_) => keeper.believe(&fills, &payments),
            Err(error) => {
                error!(keeper.log, "account facts were not recorded; they are read again"; "error" => %error)
            }
        }))
    }
}
