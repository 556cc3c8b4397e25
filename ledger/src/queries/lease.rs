//! The lease: who may trade, decided inside one transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::crash::{self, Point};
use domain::journal::JournalError;
use domain::lease::{self, Claim};
use domain::order::Epoch;
use domain::time::Timestamp;

use super::{Conn, begin, lock_lease};
use crate::columns::At;
use crate::fault::Fault;
use crate::rows::{LeaseLine, from_column, to_column};
use crate::schema::leases;

/// Refuses an epoch that a newer one has followed. On PostgreSQL this also waits for every other writer.
pub async fn fence(conn: &mut Conn, ours: Epoch) -> Result<(), Fault> {
    let newest = from_column(lock_lease(conn).await?.epoch)?;
    if ours.0 < newest {
        return Err(JournalError::Fenced { ours: ours.0, newest }.into());
    }
    Ok(())
}

pub async fn claim(
    conn: &mut Conn,
    holder: &str,
    now: Timestamp,
    term_ms: i64,
    dead: Option<&str>,
) -> Result<Claim, Fault> {
    crash::point(Point::LeaseClaimBegins);
    let claim = begin!(conn, async |conn: &mut Conn| {
        let held = lock_lease(conn).await?.read()?;
        let claim = lease::claim(Some(&held), holder, now, term_ms, dead);
        if let Claim::Take(row) = &claim {
            diesel::update(leases::table)
                .set(&LeaseLine::of(row)?)
                .execute(conn)
                .await?;
            crash::point(Point::LeaseClaimBeforeCommit);
        }
        Ok::<_, Fault>(claim)
    });
    crash::point(Point::LeaseClaimCommitted);
    claim
}

pub async fn renew(conn: &mut Conn, holder: &str, epoch: Epoch, expires_at: Timestamp) -> Result<(), Fault> {
    crash::point(Point::LeaseRenewBegins);
    let renewed = begin!(conn, async |conn: &mut Conn| {
        let held = lock_lease(conn).await?.read()?;
        if held.holder != holder || held.epoch != epoch {
            let (ours, newest) = (epoch.0, held.epoch.0);
            return Err(Fault(JournalError::Fenced { ours, newest }));
        }
        diesel::update(leases::table)
            .set(leases::expires_at.eq(At(lease::renewed(held.expires_at, expires_at))))
            .execute(conn)
            .await?;
        crash::point(Point::LeaseRenewBeforeCommit);
        Ok(())
    });
    crash::point(Point::LeaseRenewCommitted);
    renewed
}

/// Gives the lease back; nothing happens when it is somebody else's already.
pub async fn release(conn: &mut Conn, holder: &str, epoch: Epoch) -> Result<(), Fault> {
    diesel::update(leases::table)
        .filter(leases::holder.eq(holder).and(leases::epoch.eq(to_column(epoch.0)?)))
        .set(leases::holder.eq(""))
        .execute(conn)
        .await?;
    Ok(())
}
