//! Reads the venues' truth, records what was missed, and compares.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::accounting::{CashAccount, Opening};
use domain::instrument::{InstrumentId, VenueId};
use domain::journal::{JournalError, Record};
use domain::order::ClientOrderId;
use domain::ports::VenueError;
use domain::position::AccountTruth;
use domain::reconcile::{Belief, Inconsistency, differences};
use domain::time::{HOUR_MS, Timestamp};
use serde_json::json;
use slog::{error, warn};

use super::{PositionKeeper, RECONCILIATION, Reconciled, WATCH_HOURS, opened_accounts};
use crate::messages::Heartbeat;

/// Readings before a difference is believed: a trade or a settlement between two answers looks like one.
pub(super) const TRIES: u8 = 4;
/// Between two such readings.
const BETWEEN: Duration = Duration::from_millis(700);
/// How far back rows are asked for again: a venue may show them late.
const OVERLAP_MS: i64 = HOUR_MS;

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
    fn conclude(&mut self, found: Vec<Inconsistency>) {
        let _ = self.wires.supervisor.try_send(Heartbeat {
            actor: RECONCILIATION,
            generation: 0,
        });
        let holding = !self.hedges.is_empty();
        if self.wires.reconciled.try_send(Reconciled { found, holding }).is_err() {
            warn!(self.log, "the supervisor is busy; the next reconciliation tells it");
        }
    }

    /// Reads, records, compares; a difference must be there in every one of `tries` readings.
    pub(super) fn reconcile(&mut self, tries: u8) -> ResponseActFuture<Self, Found> {
        let read = self.read();
        let round = read.into_actor(self).then(|truths, keeper, _| keeper.absorb(truths));
        Box::pin(round.then(move |found, keeper, _| {
            match found {
                Ok(found) if !found.is_empty() && tries > 1 => Box::pin(
                    tokio::time::sleep(BETWEEN)
                        .into_actor(keeper)
                        .then(move |(), keeper, _| keeper.reconcile(tries - 1)),
                ),
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
        }
    }

    fn read(&self) -> impl Future<Output = Truths> + use<> {
        let now = self.wires.clock.now().market;
        let asks: Vec<_> = self
            .wires
            .accounts
            .iter()
            .map(|(venue, account)| {
                (
                    *venue,
                    Rc::clone(account),
                    self.since(*venue, now),
                    self.watched(*venue, now),
                )
            })
            .collect();
        async move {
            let reads = asks
                .into_iter()
                .map(|(venue, account, since, watched)| async move { (venue, account.truth(since, &watched).await) });
            futures_util::future::join_all(reads).await
        }
    }

    /// From where rows are asked for: the last agreement, and some more, because a venue may show a row late. Rows that
    /// arrive in between by another road do not move it.
    fn since(&self, venue: VenueId, now: Timestamp) -> Timestamp {
        let opened = self.opened_at.get(&venue).copied().unwrap_or(now);
        self.agreed_at
            .get(&venue)
            .map_or(opened, |agreed| agreed.plus_millis(-OVERLAP_MS).max(opened))
    }

    /// Instruments whose fills are asked for: those of open hedges, and those traded lately.
    fn watched(&self, venue: VenueId, now: Timestamp) -> Vec<InstrumentId> {
        let recent = self
            .traded
            .iter()
            .filter(|(_, at)| **at >= now.plus_hours(-WATCH_HOURS))
            .map(|(id, _)| id);
        let held = self
            .hedges
            .values()
            .flat_map(|kept| [&kept.hedge.long.instrument.id, &kept.hedge.short.instrument.id]);
        let all: BTreeSet<_> = recent.chain(held).filter(|id| id.venue == venue).cloned().collect();
        all.into_iter().collect()
    }

    /// Records every row that was not known, then compares what the ledger says with what the venue says.
    fn absorb(&mut self, truths: Truths) -> ResponseActFuture<Self, Found> {
        let mut records = Vec::new();
        let (mut fills, mut payments, mut openings) = (Vec::new(), Vec::new(), Vec::new());
        for (_, truth) in &truths {
            let Ok(truth) = truth else { continue };
            fills.extend(self.unseen_fills(truth.fills.clone()));
            payments.extend(self.unseen_payments(truth.funding.clone()));
            openings.extend(self.openings(truth));
        }
        records.extend(fills.iter().cloned().map(Record::Fill));
        records.extend(payments.iter().flat_map(super::funding_records));
        records.extend(openings.iter().cloned().map(Record::Opening));
        let recorder = self.wires.recorder.clone();
        let written = async move {
            if records.is_empty() {
                Ok(())
            } else {
                recorder.insist(records).await.map(drop)
            }
        };
        let compared = written.into_actor(self).map(move |written, keeper, _| {
            written?;
            let known = opened_accounts(&keeper.books);
            // Two readings may have been under way at once; a wallet is opened by the first.
            for opening in openings.iter().filter(|opening| !known.contains(&opening.account)) {
                keeper.books.open(opening);
                keeper.opened_at.entry(opening.account.venue).or_insert(opening.at);
            }
            for fill in &fills {
                keeper.apply_fill(fill);
            }
            for payment in &payments {
                keeper.apply_funding(payment);
            }
            Ok(keeper.compare(&truths))
        });
        Box::pin(compared.then(|found, keeper, _| keeper.snapshot(found)))
    }

    /// What the wallets of a venue hold the first time that they are read.
    fn openings(&self, truth: &AccountTruth) -> Vec<Opening> {
        if self.opened_at.contains_key(&truth.venue) {
            return Vec::new();
        }
        let known = opened_accounts(&self.books);
        let account = |balance: &domain::position::Balance| CashAccount {
            venue: balance.venue,
            wallet: balance.wallet,
            asset: balance.asset.clone(),
        };
        let new = truth
            .balances
            .iter()
            .filter(|balance| !known.contains(&account(balance)));
        new.map(|balance| Opening {
            account: account(balance),
            total: balance.total,
            at: truth.read_at,
        })
        .collect()
    }

    fn compare(&mut self, truths: &Truths) -> Vec<Inconsistency> {
        let live_orders: BTreeSet<ClientOrderId> = self
            .orders
            .iter()
            .filter(|(_, row)| !row.state.is_terminal())
            .map(|(id, _)| id.clone())
            .collect();
        let belief = Belief {
            books: &self.books,
            live_orders: &live_orders,
            tag: &self.tag,
        };
        let (mut found, mut agreed) = (Vec::new(), Vec::new());
        for (venue, truth) in truths {
            if let Ok(truth) = truth {
                self.wallets.insert(*venue, truth.balances.clone());
            }
            match truth.as_ref().map(|truth| (truth, differences(belief, truth))) {
                Ok((truth, none)) if none.is_empty() => agreed.push((*venue, truth.read_at)),
                Ok((_, some)) => found.extend(some),
                Err(error) => found.push(Inconsistency::UnreachableVenue {
                    venue: *venue,
                    reason: error.to_string(),
                }),
            }
        }
        self.agreed_at.extend(agreed);
        found
    }

    /// A clean comparison is kept as a snapshot.
    fn snapshot(&mut self, found: Found) -> ResponseActFuture<Self, Found> {
        let clean = found.as_ref().is_ok_and(Vec::is_empty);
        let state = json!({ "hedges": self.hedges.len(), "positions": self.positions_json() }).to_string();
        let balances: Vec<_> = self.wallets.values().flatten().cloned().collect();
        let recorder = self.wires.recorder.clone();
        let kept = async move {
            if clean {
                recorder
                    .write(vec![Record::Snapshot { balances, state }])
                    .await
                    .map(drop)?;
            }
            found
        };
        Box::pin(kept.into_actor(self))
    }
}
