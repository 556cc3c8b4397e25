//! What a line of the file says: a batch, its rows as the tables would hold them.

use domain::alert::{Alert, AlertName};
use domain::journal::{Batch, Record};
use domain::money::Quantity;
use domain::order::{ClientOrderId, Epoch, HedgeId, OrderState};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::columns::{Amount, At};
use crate::fault::Fault;
use crate::rows::{FillLine, HedgeLine, OrderLine};

#[derive(Serialize, Deserialize)]
struct Line {
    epoch: u64,
    at: i64,
    records: Vec<Row>,
}

/// The records that a way out needs; no other kind is taken.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Row {
    Hedge {
        row: Box<HedgeLine>,
        cause: String,
    },
    Intent {
        hedge: u64,
        reason: String,
        inputs: String,
    },
    Order(Box<OrderLine>),
    OrderMoved {
        client_id: String,
        state: String,
        filled: Amount,
        venue_order_id: Option<String>,
        cause: String,
    },
    Fill(Box<FillLine>),
    Alert {
        name: String,
        key: String,
        text: String,
    },
}

/// A batch as text, without a line break.
pub fn write(batch: &Batch) -> Result<String, String> {
    let records: Result<Vec<Row>, String> = batch.records.iter().map(|record| row(record, batch.at)).collect();
    let line = Line {
        epoch: batch.epoch.0,
        at: batch.at.millis(),
        records: records?,
    };
    serde_json::to_string(&line).map_err(|error| error.to_string())
}

/// Reads [`write`] back.
pub fn read(text: &str) -> Result<Batch, String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let records: Result<Vec<Record>, String> = line.records.into_iter().map(record).collect();
    Ok(Batch {
        epoch: Epoch(line.epoch),
        at: Timestamp(line.at),
        records: records?,
    })
}

fn told(Fault(error): Fault) -> String {
    error.to_string()
}

fn row(record: &Record, at: Timestamp) -> Result<Row, String> {
    Ok(match record {
        Record::Hedge { row, cause } => Row::Hedge {
            row: Box::new(HedgeLine::of(row).map_err(told)?),
            cause: cause.clone(),
        },
        Record::Intent { hedge, reason, inputs } => Row::Intent {
            hedge: hedge.0,
            reason: reason.clone(),
            inputs: inputs.clone(),
        },
        Record::Order(ticket) => Row::Order(Box::new(OrderLine::new(ticket, None, At(at)).map_err(told)?)),
        Record::OrderMoved {
            client_id,
            state,
            venue_order_id,
            cause,
        } => Row::OrderMoved {
            client_id: client_id.as_str().to_owned(),
            state: state.as_str().to_owned(),
            filled: Amount(state.filled().0),
            venue_order_id: venue_order_id.clone(),
            cause: cause.clone(),
        },
        Record::Fill(fill) => Row::Fill(Box::new(FillLine::new(fill, false))),
        Record::Alert(alert) => Row::Alert {
            name: alert.name.as_str().to_owned(),
            key: alert.key.clone(),
            text: alert.text.clone(),
        },
        other => return Err(format!("this is not part of a way out: {other:?}")),
    })
}

fn record(row: Row) -> Result<Record, String> {
    Ok(match row {
        Row::Hedge { row, cause } => Record::Hedge {
            row: row.read().map_err(told)?,
            cause,
        },
        Row::Intent { hedge, reason, inputs } => Record::Intent {
            hedge: HedgeId(hedge),
            reason,
            inputs,
        },
        Row::Order(line) => Record::Order(line.read().map_err(told)?.ticket),
        Row::OrderMoved {
            client_id,
            state,
            filled,
            venue_order_id,
            cause,
        } => Record::OrderMoved {
            client_id: ClientOrderId::from_text(&client_id),
            state: OrderState::from_row(&state, Quantity(filled.0)).ok_or_else(|| format!("no state {state:?}"))?,
            venue_order_id,
            cause,
        },
        Row::Fill(line) => Record::Fill(line.read().map_err(told)?),
        Row::Alert { name, key, text } => Record::Alert(Alert {
            name: AlertName::parse(&name).ok_or_else(|| format!("no alert {name:?}"))?,
            key,
            text,
        }),
    })
}
