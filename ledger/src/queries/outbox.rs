//! Alerts: kept with what caused them, at most three of a kind in an hour.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::alert::{Alert, AlertName};
use domain::journal::PendingAlert;

use super::Conn;
use crate::columns::At;
use crate::fault::Fault;
use crate::rows::word;
use crate::schema::alert_outbox;

/// Alerts with one key that are kept in an hour.
const MOST_PER_HOUR: i64 = 3;

pub async fn add(conn: &mut Conn, replay: &str, at: At, alert: &Alert) -> Result<(), Fault> {
    let hour_ago = At(at.0.plus_hours(-1));
    let recent: i64 = alert_outbox::table
        .filter(
            alert_outbox::alert_key
                .eq(&alert.key)
                .and(alert_outbox::at.gt(hour_ago)),
        )
        .count()
        .get_result(conn)
        .await?;
    if recent >= MOST_PER_HOUR {
        return Ok(());
    }
    diesel::insert_into(alert_outbox::table)
        .values((
            alert_outbox::replay.eq(replay),
            alert_outbox::name.eq(alert.name.as_str()),
            alert_outbox::alert_key.eq(&alert.key),
            alert_outbox::body.eq(&alert.text),
            alert_outbox::at.eq(at),
        ))
        .on_conflict(alert_outbox::replay)
        .do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn delivered(conn: &mut Conn, id: i64, at: At) -> Result<(), Fault> {
    diesel::update(alert_outbox::table)
        .filter(alert_outbox::id.eq(id).and(alert_outbox::delivered_at.is_null()))
        .set(alert_outbox::delivered_at.eq(at))
        .execute(conn)
        .await?;
    Ok(())
}

pub async fn pending(conn: &mut Conn, limit: i64) -> Result<Vec<PendingAlert>, Fault> {
    let rows: Vec<(i64, String, String, String, At)> = alert_outbox::table
        .filter(alert_outbox::delivered_at.is_null())
        .order(alert_outbox::id.asc())
        .limit(limit)
        .select((
            alert_outbox::id,
            alert_outbox::name,
            alert_outbox::alert_key,
            alert_outbox::body,
            alert_outbox::at,
        ))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(id, name, key, text, at)| {
            let name = word(AlertName::parse(&name), "name", &name)?;
            let alert = Alert { name, key, text };
            Ok(PendingAlert { id, alert, at: at.0 })
        })
        .collect()
}
