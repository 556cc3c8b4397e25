//! Reads the venues' truth, records what was missed, and compares.

use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::alert::{Alert, AlertName};
use domain::crash::{self, Point};
use domain::hedge::Hedge;
use domain::instrument::{InstrumentId, VenueId};
use domain::journal::{JournalError, Record};
use domain::portfolio::UNKNOWN_FOR_MS;
use domain::portfolio::tracked::Tracked;
use domain::ports::VenueError;
use domain::position::AccountTruth;
use domain::reconcile::Inconsistency;
use serde_json::json;
use slog::{error, warn};

use super::{PositionKeeper, RECONCILIATION, Reconciled};
use crate::messages::Heartbeat;

/// Readings before a difference is believed: a trade or a settlement between two answers looks like one.
pub(super) const TRIES: u8 = 4;
/// Readings beyond those while rows come in between: an answer that is older than what happened since proves nothing.
const MOVING: u8 = 10;
/// Between two such readings.
const BETWEEN: Duration = Duration::from_millis(700);

fn told(leg: &InstrumentId, text: String) -> Record {
    Record::Alert(Alert::new(AlertName::LiquidationNear, &leg.to_string(), text))
}

type Found = Result<Vec<Inconsistency>, JournalError>;
type Truths = Vec<(VenueId, Result<AccountTruth, VenueError>)>;

#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Tick;

impl Handler<Tick> for PositionKeeper {
    type Result = ();

    fn handle(&mut self, _: Tick, ctx: &mut Self::Context) {
        let round = self.reconcile(TRIES).map(|found, keeper, _| match found {
            Ok(found) => keeper.conclude(found),
            Err(error) => error!(keeper.log, "the reconciliation could not be recorded"; "error" => %error),
        });
        ctx.spawn(round);
    }
}

impl PositionKeeper {
    fn conclude(&mut self, mut found: Vec<Inconsistency>) {
        found.append(&mut self.foreign);
        let holding = self.portfolio.hedges().len() > 0;
        if self.wires.reconciled.try_send(Reconciled { found, holding }).is_err() {
            warn!(self.log, "the supervisor is busy; the next reconciliation tells it");
        }
    }

    /// Reads, records, compares; a difference must be there in every one of `tries` readings, and one counts only where
    /// nothing happened while it was made.
    pub(super) fn reconcile(&mut self, tries: u8) -> ResponseActFuture<Self, Found> {
        self.rounds(tries, MOVING)
    }

    fn rounds(&mut self, tries: u8, moving: u8) -> ResponseActFuture<Self, Found> {
        let before = self.portfolio.rows_believed();
        let read = self.read();
        let round = read.into_actor(self).then(|truths, keeper, _| keeper.absorb(truths));
        Box::pin(round.then(move |found, keeper, _| {
            let moved = moving > 0 && keeper.portfolio.rows_believed() != before;
            match found {
                Ok(found) if !found.is_empty() && (moved || tries > 1) => {
                    let (tries, moving) = if moved {
                        (tries, moving - 1)
                    } else {
                        (tries - 1, moving)
                    };
                    Box::pin(
                        tokio::time::sleep(BETWEEN)
                            .into_actor(keeper)
                            .then(move |(), keeper, _| keeper.rounds(tries, moving)),
                    )
                }
                found => {
                    keeper.count(&found);
                    let found: ResponseActFuture<Self, Found> = Box::pin(actix::fut::ready(found));
                    found
                }
            }
        }))
    }

    fn count(&mut self, found: &Found) {
        if let Ok(found) = found {
            self.reconciliations += 1;
            self.inconsistencies += u64::try_from(found.len()).unwrap_or(u64::MAX);
            self.last_reconciled = Some(self.wires.clock.now().market);
            let _ = self.wires.supervisor.try_send(Heartbeat {
                actor: RECONCILIATION,
                generation: 0,
            });
        }
    }

    fn read(&self) -> impl Future<Output = Truths> + use<> {
        let now = self.wires.clock.now().market;
        let portfolio = &self.portfolio;
        let ask = |(venue, account): (&VenueId, &Rc<_>)| {
            let since = portfolio.rows_since(*venue, now);
            (*venue, Rc::clone(account), since, portfolio.watched(*venue, now))
        };
        let asks: Vec<_> = self.wires.accounts.iter().map(ask).collect();
        async move {
            crash::point(Point::TruthBeforeRead);
            let reads = asks
                .into_iter()
                .map(|(venue, account, since, watched)| async move { (venue, account.truth(since, &watched).await) });
            let truths = futures_util::future::join_all(reads).await;
            crash::point(Point::TruthRead);
            truths
        }
    }

    /// Records every row that was not known, then compares what the ledger says with what the venue says.
    fn absorb(&mut self, truths: Truths) -> ResponseActFuture<Self, Found> {
        let mut records = Vec::new();
        let (mut fills, mut payments, mut openings) = (Vec::new(), Vec::new(), Vec::new());
        for (_, truth) in &truths {
            let Ok(truth) = truth else { continue };
            fills.extend(self.portfolio.unseen_fills(truth.fills.clone()));
            payments.extend(self.portfolio.unseen_payments(truth.funding.clone()));
            openings.extend(self.portfolio.unseen_openings(truth));
        }
        records.extend(fills.iter().cloned().map(Record::Fill));
        records.extend(payments.iter().flat_map(super::funding_records));
        records.extend(openings.iter().cloned().map(Record::Opening));
        let recorder = self.wires.recorder.clone();
        let written = async move {
            if records.is_empty() {
                Ok(())
            } else {
                crash::point(Point::TruthBeforeKeep);
                let written = recorder.insist(records).await.map(drop);
                crash::point(Point::TruthKept);
                written
            }
        };
        let compared = written.into_actor(self).map(move |written, keeper, _| {
            written?;
            for opening in &openings {
                keeper.portfolio.believe_opening(opening);
            }
            keeper.believe(&fills, &payments);
            Ok(keeper.compare(&truths))
        });
        Box::pin(compared.then(|found, keeper, _| keeper.snapshot(found)))
    }

    /// What people are told of a hedge with a leg that is too near its liquidation, by the last reading.
    fn liquidation_near(&self, hedge: &Hedge) -> Option<Record> {
        if let Some(danger) = self.portfolio.endangered(hedge) {
            let text = format!(
                "{danger}; both legs of hedge {} are left now. Add margin at {} before anything is entered there again.",
                hedge.id, danger.leg.venue,
            );
            return Some(told(&danger.leg, text));
        }
        let leg = self.portfolio.unknown_liquidation(hedge)?;
        let text = format!(
            "{} tells neither where it would liquidate {leg} of hedge {} nor the margin that is left. Nothing is entered at {0} meanwhile, \
             and both legs are left if that lasts for {} minutes.",
            leg.venue,
            hedge.id,
            UNKNOWN_FOR_MS / 60_000,
        );
        Some(told(leg, text))
    }

    fn compare(&mut self, truths: &Truths) -> Vec<Inconsistency> {
        let mut found = Vec::new();
        for (venue, truth) in truths {
            match truth {
                Ok(truth) => {
                    self.wallets.insert(*venue, truth.balances.clone());
                    found.extend(self.portfolio.compare(truth));
                }
                Err(error) => found.push(Inconsistency::UnreachableVenue {
                    venue: *venue,
                    reason: error.to_string(),
                }),
            }
        }
        found
    }

    /// A clean comparison is kept as a snapshot; what the reading said of liquidations is told with it.
    fn snapshot(&mut self, found: Found) -> ResponseActFuture<Self, Found> {
        let clean = found.as_ref().is_ok_and(Vec::is_empty);
        // The rows that the comparison counted: a proof of the ledger begins from there, whatever the clocks say.
        let (fills, payments) = self.portfolio.rows_believed();
        let state = json!({
            "hedges": self.portfolio.hedges().len(),
            "positions": self.positions_json(),
            "fills": fills,
            "funding_payments": payments,
        })
        .to_string();
        let balances: Vec<_> = self.wallets.values().flatten().cloned().collect();
        let near = |tracked: &Tracked| self.liquidation_near(&tracked.hedge);
        let mut records: Vec<_> = self.portfolio.hedges().filter_map(near).collect();
        records.extend(clean.then_some(Record::Snapshot { balances, state }));
        let recorder = self.wires.recorder.clone();
        let kept = async move {
            if !records.is_empty() {
                crash::point(Point::SnapshotBeforeKeep);
                let written = recorder.write(records).await.map(drop);
                crash::point(Point::SnapshotKept);
                written?;
            }
            found
        };
        Box::pin(kept.into_actor(self))
    }
}
