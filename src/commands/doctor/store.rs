//! What the ledger is like. It is opened as a start opens it.

use std::path::Path;

use domain::journal::JournalError;
use domain::lease::LeaseRow;
use domain::order::Epoch;
use domain::ports::Journal as _;
use domain::time::Timestamp;
use ledger::{Ledger, Options, VerifyReport};
use secrecy::ExposeSecret;

use super::check::{Check, Checks};
use crate::config::Config;

const OPEN: &str = "ledger.open";
const WRITABLE: &str = "ledger.writable";
const LEASE: &str = "ledger.lease";
const INTACT: &str = "ledger.intact";
/// A lease that lasts longer than this was written by another clock. It is given for 15 s.
const LONGEST_LEASE_MS: i64 = 60_000;
/// A name that no process has, so that nothing is renewed.
const NOBODY: &str = "doctor";

pub async fn check(config: &Config, now: Timestamp, all: &mut Checks) {
    let rest = [WRITABLE, LEASE, INTACT].map(str::to_owned);
    let url = config.ledger.database_url.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite://").map(Path::new)
        && !path.exists()
    {
        all.add(Check::ok(
            OPEN,
            format!("none yet at {}; the first start makes it", path.display()),
        ));
        all.skip(&rest, "there is no ledger yet");
        return;
    }
    let mode = config.mode.name();
    let ledger = match Ledger::open(url, Options { mode, tag_seed: None }).await {
        Ok(ledger) => ledger,
        Err(error) => {
            all.add(Check::fail(
                OPEN,
                error.to_string(),
                "see ledger.database_url; `ledger migrate` says the same",
            ));
            all.skip(&rest, "the ledger cannot be opened");
            return;
        }
    };
    all.add(Check::ok(OPEN, format!("a {mode} ledger, schema up to date")));
    all.add(writable(ledger.renew_lease(NOBODY, Epoch(0), now).await.as_ref()));
    all.add(match ledger.lease().await {
        Ok(row) => lease(row.as_ref(), now),
        Err(error) => Check::fail(LEASE, error.to_string(), "let it be read"),
    });
    all.add(match ledger.verify().await {
        Ok(report) => intact(&report),
        Err(error) => Check::fail(INTACT, error.to_string(), "let it be read"),
    });
}

/// A renewal by nobody takes the lease's row for writing and is then refused as not the holder: the right to write is
/// proven, and nothing is changed.
fn writable(renewed: Result<&(), &JournalError>) -> Check {
    match renewed {
        Err(JournalError::Fenced { .. }) => Check::ok(WRITABLE, "the lease's row can be taken for writing"),
        Ok(()) => Check::fail(WRITABLE, "a process named doctor leads", "no process may be called so"),
        Err(error) => Check::fail(
            WRITABLE,
            error.to_string(),
            "give the user of the database, or of the file and its folder, the right to write",
        ),
    }
}

fn lease(row: Option<&LeaseRow>, now: Timestamp) -> Check {
    let Some(row) = row else {
        return Check::ok(LEASE, "nobody ever led");
    };
    let (left, epoch) = (row.expires_at.millis_since(now), row.epoch.0);
    if left > LONGEST_LEASE_MS {
        return Check::fail(
            LEASE,
            format!("{} leads for another {} s, epoch {epoch}", row.holder, left / 1_000),
            "one of two machines has a wrong clock: set both",
        );
    }
    if left > 0 {
        return Check::warn(
            LEASE,
            format!("{} leads, epoch {epoch}", row.holder),
            "nothing, when that is the engine; a second one would stand by",
        );
    }
    Check::ok(LEASE, format!("free since {}, epoch {epoch}", row.expires_at))
}

fn intact(report: &VerifyReport) -> Check {
    let saw = match report.differences.first() {
        Some(first) => format!("{} differences, the first: {first}", report.differences.len()),
        None => format!(
            "{} orders, {} fills, every row belongs to the others",
            report.orders, report.fills
        ),
    };
    Check::holds(
        INTACT,
        report.ok,
        saw,
        "`ledger verify` lists them all; docs/runbook.md, \"Ledger\"",
    )
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn a_lease_that_lasts_too_long_shows_a_wrong_clock() {
        let until = |at| LeaseRow {
            holder: "other".to_owned(),
            epoch: Epoch(3),
            expires_at: Timestamp(at),
        };
        let status = |row: Option<&LeaseRow>| lease(row, Timestamp(1_000_000)).status;
        assert_eq!(status(None), Status::Ok);
        assert_eq!(status(Some(&until(999_999))), Status::Ok);
        assert_eq!(status(Some(&until(1_010_000))), Status::Warn);
        assert_eq!(status(Some(&until(1_060_001))), Status::Fail);
    }

    #[test]
    fn only_being_fenced_off_proves_the_right_to_write() {
        let fenced = JournalError::Fenced { ours: 0, newest: 1 };
        assert_eq!(writable(Err(&fenced)).status, Status::Ok);
        let away = JournalError::Unavailable("attempt to write a readonly database".to_owned());
        assert_eq!(writable(Err(&away)).status, Status::Fail);
        assert_eq!(writable(Ok(&())).status, Status::Fail);
    }

    #[test]
    fn a_difference_fails() {
        let report = |differences: Vec<String>| VerifyReport {
            ok: differences.is_empty(),
            differences,
            orders: 1,
            fills: 1,
            funding_payments: 0,
            audit_chain_ok: true,
        };
        assert_eq!(intact(&report(Vec::new())).status, Status::Ok);
        assert_eq!(intact(&report(vec!["order a".to_owned()])).status, Status::Fail);
    }
}
