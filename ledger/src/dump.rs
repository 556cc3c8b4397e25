//! Tables as they are, for people and programs that read them elsewhere: every digit kept, rows in the order of their key.

use serde_json::{Map, Value};

use crate::columns::{Amount, At, Json};
use crate::views;

/// One value: nothing, or text, a whole number, a truth, a document.
pub type Cell = Value;

/// A table as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: Vec<&'static str>,
    /// Its rows, each with a value for each column.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// As JSON: one object a row. Decimals are text, times ISO-8601 UTC with milliseconds.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let named = self.columns.iter().zip(row);
            Value::Object(
                named
                    .map(|(name, cell)| ((*name).to_owned(), cell.clone()))
                    .collect::<Map<_, _>>(),
            )
        };
        Value::Array(self.rows.iter().map(object).collect())
    }

    /// As CSV (RFC 4180) with a first line of names. Nothing is an empty field; an empty text is `""`.
    pub fn csv(&self) -> String {
        let mut out = self.columns.join(",");
        out.push_str("\r\n");
        for row in &self.rows {
            let fields: Vec<String> = row.iter().map(field).collect();
            out.push_str(&fields.join(","));
            out.push_str("\r\n");
        }
        out
    }
}

fn field(cell: &Cell) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() || text.contains([',', '"', '\r', '\n']) => quoted(text),
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => quoted(&cell.to_string()),
        Value::Bool(_) | Value::Number(_) => cell.to_string(),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// What a column's value is called outside.
pub trait IntoCell {
    /// The value.
    fn cell(self) -> Cell;
}

impl IntoCell for i64 {
    fn cell(self) -> Cell {
        self.into()
    }
}

impl IntoCell for bool {
    fn cell(self) -> Cell {
        self.into()
    }
}

impl IntoCell for String {
    fn cell(self) -> Cell {
        self.into()
    }
}

impl IntoCell for Amount {
    fn cell(self) -> Cell {
        views::decimal(self)
    }
}

impl IntoCell for At {
    fn cell(self) -> Cell {
        views::time(self)
    }
}

impl IntoCell for Json {
    /// The text as it stands: a number in it would lose digits if it were read.
    fn cell(self) -> Cell {
        self.0.into()
    }
}

impl<T: IntoCell> IntoCell for Option<T> {
    fn cell(self) -> Cell {
        self.map_or(Value::Null, IntoCell::cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_holds_a_separator_is_quoted_and_nothing_differs_from_an_empty_text() {
        let table = Table {
            name: "t",
            columns: vec!["a", "b", "c", "d"],
            rows: vec![vec![Value::Null, "".into(), "x,\"y\"\n".into(), 7.into()]],
        };
        assert_eq!(table.csv(), "a,b,c,d\r\n,\"\",\"x,\"\"y\"\"\n\",7\r\n");
        assert_eq!(table.json()[0]["c"], "x,\"y\"\n");
    }
}
