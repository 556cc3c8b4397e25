//! Lists for the doors, the newest row first.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::Conn;
use crate::chain::AuditLine;
use crate::fault::Fault;
use crate::rows::{FillLine, FundingLine, HedgeLine, OrderLine};
use crate::schema::{audit_log, decisions, fills, funding_payments, hedges, orders};
use crate::views::{self, DecisionLine, Page};

/// Rows of a list before a cursor, with their numbers.
pub async fn read(conn: &mut Conn, page: Page, before: i64, limit: i64) -> Result<Vec<(i64, Value)>, Fault> {
    macro_rules! newest {
        ($table:ident, $columns:expr, $line:ty, $view:path) => {{
            let rows: Vec<(i64, $line)> = $table::table
                .filter($table::id.lt(before))
                .order($table::id.desc())
                .limit(limit)
                .select(($table::id, $columns))
                .load(conn)
                .await?;
            rows.into_iter().map(|(id, line)| (id, $view(id, &line))).collect()
        }};
    }
    let numbers = (
        decisions::subject,
        decisions::verdict,
        decisions::numbers,
        decisions::at,
    );
    Ok(match page {
        Page::Hedges => newest!(hedges, HedgeLine::as_select(), HedgeLine, views::hedge),
        Page::Orders => newest!(orders, OrderLine::as_select(), OrderLine, views::order),
        Page::Fills => newest!(fills, FillLine::as_select(), FillLine, views::fill),
        Page::Funding => newest!(funding_payments, FundingLine::as_select(), FundingLine, views::funding),
        Page::Decisions => newest!(decisions, numbers, DecisionLine, views::decision),
        Page::Audit => newest!(audit_log, AuditLine::as_select(), AuditLine, views::audit),
    })
}
