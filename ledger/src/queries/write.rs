//! Writes one batch: the fence first, then every record once.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::accounting::Opening;
use domain::crash::{self, Point};
use domain::funding::FundingPayment;
use domain::hedge::HedgeRow;
use domain::instrument::InstrumentId;
use domain::journal::{Batch, Record, Written};
use domain::money::Rate;
use domain::order::{Epoch, Fill, OrderState, OrderTicket};
use domain::pause::PauseReason;
use domain::position::Balance;
use domain::time::Timestamp;

use super::{Conn, audit, begin, lease, outbox, owners};
use crate::chain::{Entry, Head, replay_name};
use crate::columns::{Amount, At, Json};
use crate::entries;
use crate::fault::Fault;
use crate::rows::{FillLine, FundingLine, HedgeLine, OpeningLine, OrderLine, to_column};
use crate::schema::{
    audit_log, balances_snapshots, decisions, fills, funding_payments, funding_rates, hedges, intents, openings,
    order_events, orders, pauses, state_snapshots,
};

/// Writes a batch in the epoch that leads; `leads` is the batch's own unless it waited outside of the ledger.
pub async fn batch(conn: &mut Conn, batch: &Batch, leads: Epoch, tag: &str) -> Result<Written, Fault> {
    crash::point(Point::BatchBegins);
    let written = begin!(conn, async |conn: &mut Conn| {
        lease::fence(conn, leads).await?;
        crash::point(Point::BatchFenced);
        let overtaken = leads != batch.epoch && led_between(conn, batch.epoch, leads).await?;
        let mut scribe = Scribe {
            tag,
            at: At(batch.at),
            epoch: to_column(leads.0)?,
            overtaken,
            head: None,
            intents: BTreeMap::new(),
            written: Written::default(),
        };
        for (place, record) in batch.records.iter().enumerate() {
            scribe.record(conn, &replay_name(batch, place, record), record).await?;
        }
        crash::point(Point::BatchBeforeCommit);
        Ok::<_, Fault>(scribe.written)
    });
    crash::point(Point::BatchCommitted);
    written
}

/// Whether somebody wrote in an epoch between these two.
async fn led_between(conn: &mut Conn, before: Epoch, after: Epoch) -> Result<bool, Fault> {
    let (before, after) = (to_column(before.0)?, to_column(after.0)?);
    let row: Option<i64> = audit_log::table
        .filter(audit_log::epoch.gt(before).and(audit_log::epoch.lt(after)))
        .select(audit_log::id)
        .first(conn)
        .await
        .optional()?;
    Ok(row.is_some())
}

/// What is known while a batch is being written.
struct Scribe<'a> {
    tag: &'a str,
    at: At,
    epoch: i64,
    /// Whether a later leader has moved hedges since: the row of a hedge as this batch knew it is no longer the newest.
    overtaken: bool,
    /// The end of the audit chain, once it was asked for.
    head: Option<Head>,
    /// The newest intent of each hedge in this batch.
    intents: BTreeMap<i64, i64>,
    written: Written,
}

impl Scribe<'_> {
    async fn record(&mut self, conn: &mut Conn, replay: &str, record: &Record) -> Result<(), Fault> {
        match record {
            Record::Hedge { row, cause } => self.hedge(conn, replay, row, cause).await,
            Record::Intent { hedge, reason, inputs } => {
                self.intent(conn, replay, to_column(hedge.0)?, reason, inputs).await
            }
            Record::Order(ticket) => self.order(conn, replay, ticket).await,
            Record::OrderMoved {
                client_id,
                state,
                venue_order_id,
                cause,
            } => {
                let venue_order_id = venue_order_id.as_deref();
                self.order_moved(conn, replay, (client_id.as_str(), state, venue_order_id, cause))
                    .await
            }
            Record::Fill(fill) => self.fill(conn, fill).await,
            Record::Funding(payment) => self.funding(conn, payment).await,
            Record::FundingRate {
                instrument,
                settlement,
                rate,
                settled,
            } => self.funding_rate(conn, instrument, *settlement, *rate, *settled).await,
            Record::Opening(opening) => self.opening(conn, opening).await,
            Record::Snapshot { balances, state } => self.snapshot(conn, replay, balances, state).await,
            Record::Decision {
                subject,
                verdict,
                numbers,
            } => self.decision(conn, replay, subject, verdict, numbers).await,
            Record::Paused { reason, by } => self.paused(conn, replay, reason, by).await,
            Record::Unpaused { key, by } => self.unpaused(conn, replay, key, by).await,
            Record::Alert(alert) => outbox::add(conn, replay, self.at, alert).await,
            Record::AlertDelivered { id } => outbox::delivered(conn, *id, self.at).await,
            Record::Audit {
                actor,
                action,
                who,
                detail,
            } => {
                let entry = entries::said(actor, action, who, detail);
                self.audit(conn, replay, entry).await.map(drop)
            }
        }
    }

    /// Adds to the audit chain; false when this record is there already, and so was written whole before.
    async fn audit(&mut self, conn: &mut Conn, replay: &str, entry: Entry) -> Result<bool, Fault> {
        let mut head = match self.head.take() {
            Some(head) => head,
            None => audit::head(conn).await?,
        };
        let added = audit::append(conn, &mut head, replay, (self.at, self.epoch), entry).await?;
        self.head = Some(head);
        Ok(added)
    }

    async fn hedge(&mut self, conn: &mut Conn, replay: &str, row: &HedgeRow, cause: &str) -> Result<(), Fault> {
        if !self.audit(conn, replay, entries::hedge(row, cause)).await? || self.overtaken {
            return Ok(());
        }
        let line = HedgeLine::of(row)?;
        diesel::insert_into(hedges::table)
            .values(&line)
            .on_conflict(hedges::id)
            .do_update()
            .set(&line)
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn intent(
        &mut self,
        conn: &mut Conn,
        replay: &str,
        hedge: i64,
        reason: &str,
        inputs: &str,
    ) -> Result<(), Fault> {
        let new: Option<i64> = diesel::insert_into(intents::table)
            .values((
                intents::replay.eq(replay),
                intents::hedge.eq(hedge),
                intents::reason.eq(reason),
                intents::inputs.eq(document(inputs)?),
                intents::epoch.eq(self.epoch),
                intents::at.eq(self.at),
            ))
            .on_conflict(intents::replay)
            .do_nothing()
            .returning(intents::id)
            .get_result(conn)
            .await
            .optional()?;
        if let Some(id) = new {
            self.intents.insert(hedge, id);
        }
        Ok(())
    }

    /// The intent behind a new order: of this batch, or else the newest one of its hedge.
    async fn intent_of(&self, conn: &mut Conn, hedge: i64) -> Result<Option<i64>, Fault> {
        if let Some(id) = self.intents.get(&hedge) {
            return Ok(Some(*id));
        }
        let newest = intents::table
            .filter(intents::hedge.eq(hedge))
            .order(intents::id.desc())
            .select(intents::id)
            .first(conn)
            .await;
        Ok(newest.optional()?)
    }

    async fn order(&mut self, conn: &mut Conn, replay: &str, ticket: &OrderTicket) -> Result<(), Fault> {
        let intent = self.intent_of(conn, to_column(ticket.hedge.0)?).await?;
        let added = diesel::insert_into(orders::table)
            .values(&OrderLine::new(ticket, intent, self.at)?)
            .on_conflict(orders::client_id)
            .do_nothing()
            .execute(conn)
            .await?;
        if added == 0 {
            return owners::same_ticket(conn, ticket).await;
        }
        self.audit(conn, replay, entries::order(ticket)).await.map(drop)
    }

    async fn order_moved(
        &mut self,
        conn: &mut Conn,
        replay: &str,
        (client_id, state, venue_order_id, cause): (&str, &OrderState, Option<&str>, &str),
    ) -> Result<(), Fault> {
        let entry = entries::order_moved(client_id, state, venue_order_id, cause);
        if !self.audit(conn, replay, entry).await? {
            return Ok(());
        }
        let filled = Amount(state.filled().0);
        diesel::insert_into(order_events::table)
            .values((
                order_events::replay.eq(replay),
                order_events::client_id.eq(client_id),
                order_events::state.eq(state.as_str()),
                order_events::filled.eq(filled),
                order_events::venue_order_id.eq(venue_order_id),
                order_events::cause.eq(cause),
                order_events::epoch.eq(self.epoch),
                order_events::at.eq(self.at),
            ))
            .execute(conn)
            .await?;
        let order = orders::table.filter(orders::client_id.eq(client_id));
        let row = (orders::state.eq(state.as_str()), orders::filled.eq(filled));
        let moved = if let Some(name) = venue_order_id {
            let row = (row, orders::venue_order_id.eq(name));
            diesel::update(order).set(row).execute(conn).await?
        } else {
            diesel::update(order).set(row).execute(conn).await?
        };
        match (moved, venue_order_id) {
            (0, _) => Err(Fault::refused(format!("there is no order {client_id}"))),
            (_, Some(name)) => owners::own_fills(conn, client_id, name).await,
            (_, None) => Ok(()),
        }
    }

    async fn fill(&mut self, conn: &mut Conn, fill: &Fill) -> Result<(), Fault> {
        let is_foreign = !fill.client_id.is_ours(self.tag) && !owners::is_order_of_ours(conn, fill).await?;
        self.written.new_fills += diesel::insert_into(fills::table)
            .values(&FillLine::new(fill, is_foreign))
            .on_conflict((fills::venue, fills::product, fills::symbol, fills::trade_id))
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn funding(&mut self, conn: &mut Conn, payment: &FundingPayment) -> Result<(), Fault> {
        self.written.new_funding += diesel::insert_into(funding_payments::table)
            .values(&FundingLine::new(payment))
            .on_conflict((
                funding_payments::venue,
                funding_payments::product,
                funding_payments::symbol,
                funding_payments::payment_id,
            ))
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn funding_rate(
        &self,
        conn: &mut Conn,
        instrument: &InstrumentId,
        settlement: Timestamp,
        rate: Rate,
        settled: bool,
    ) -> Result<(), Fault> {
        diesel::insert_into(funding_rates::table)
            .values((
                funding_rates::venue.eq(instrument.venue.as_str()),
                funding_rates::product.eq(instrument.product.as_str()),
                funding_rates::symbol.eq(instrument.symbol.as_str()),
                funding_rates::settlement.eq(At(settlement)),
                funding_rates::rate.eq(Amount(rate.0)),
                funding_rates::settled.eq(settled),
                funding_rates::at.eq(self.at),
            ))
            .on_conflict((
                funding_rates::venue,
                funding_rates::product,
                funding_rates::symbol,
                funding_rates::settlement,
                funding_rates::settled,
                funding_rates::at,
            ))
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn opening(&self, conn: &mut Conn, opening: &Opening) -> Result<(), Fault> {
        diesel::insert_into(openings::table)
            .values(&OpeningLine::new(opening))
            .on_conflict((openings::venue, openings::wallet, openings::asset))
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn snapshot(&self, conn: &mut Conn, replay: &str, balances: &[Balance], state: &str) -> Result<(), Fault> {
        let new: Option<i64> = diesel::insert_into(state_snapshots::table)
            .values((
                state_snapshots::replay.eq(replay),
                state_snapshots::state.eq(document(state)?),
                state_snapshots::epoch.eq(self.epoch),
                state_snapshots::at.eq(self.at),
            ))
            .on_conflict(state_snapshots::replay)
            .do_nothing()
            .returning(state_snapshots::id)
            .get_result(conn)
            .await
            .optional()?;
        let Some(id) = new else { return Ok(()) };
        for balance in balances {
            diesel::insert_into(balances_snapshots::table)
                .values((
                    balances_snapshots::snapshot.eq(id),
                    balances_snapshots::venue.eq(balance.venue.as_str()),
                    balances_snapshots::wallet.eq(balance.wallet.as_str()),
                    balances_snapshots::asset.eq(balance.asset.as_str()),
                    balances_snapshots::total.eq(Amount(balance.total)),
                    balances_snapshots::free.eq(Amount(balance.free)),
                ))
                .execute(conn)
                .await?;
        }
        Ok(())
    }

    async fn decision(
        &self,
        conn: &mut Conn,
        replay: &str,
        subject: &str,
        verdict: &str,
        numbers: &str,
    ) -> Result<(), Fault> {
        diesel::insert_into(decisions::table)
            .values((
                decisions::replay.eq(replay),
                decisions::subject.eq(subject),
                decisions::verdict.eq(verdict),
                decisions::numbers.eq(document(numbers)?),
                decisions::epoch.eq(self.epoch),
                decisions::at.eq(self.at),
            ))
            .on_conflict(decisions::replay)
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn paused(&mut self, conn: &mut Conn, replay: &str, reason: &PauseReason, by: &str) -> Result<(), Fault> {
        if !self.audit(conn, replay, entries::paused(reason, by)).await? {
            return Ok(());
        }
        diesel::insert_into(pauses::table)
            .values((
                pauses::reason.eq(reason.key()),
                pauses::words.eq(entries::words(reason)),
                pauses::requested_by.eq(by),
                pauses::since.eq(self.at),
            ))
            .on_conflict(pauses::reason)
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    }

    async fn unpaused(&mut self, conn: &mut Conn, replay: &str, key: &str, by: &str) -> Result<(), Fault> {
        if self.audit(conn, replay, entries::unpaused(key, by)).await? {
            diesel::delete(pauses::table.filter(pauses::reason.eq(key)))
                .execute(conn)
                .await?;
        }
        Ok(())
    }
}

/// A text that is a JSON object.
fn document(text: &str) -> Result<Json, Fault> {
    let is_object = text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if is_object {
        Ok(Json(text.to_owned()))
    } else {
        Err(Fault::refused("a document that is no JSON object"))
    }
}
