//! Column types that mean the same on both databases.
//!
//! | column   | PostgreSQL  | SQLite                      |
//! |----------|-------------|-----------------------------|
//! | Dec      | NUMERIC     | TEXT, all digits kept       |
//! | Instant  | TIMESTAMPTZ | INTEGER, microseconds UTC   |
//! | Document | JSONB       | TEXT, checked to be JSON    |

use std::io::Write as _;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::data_types::PgTimestamp;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Numeric, Text, Timestamptz};
use diesel::sqlite::{Sqlite, SqliteValue};
use domain::time::Timestamp;
use rust_decimal::Decimal;

/// The SQL side of the column types.
pub mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// An exact decimal; a binary float nowhere.
    #[derive(SqlType, QueryId)]
    #[diesel(sqlite_type(name = "Text"), postgres_type(oid = 1700, array_oid = 1231))]
    pub struct Dec;
    /// An instant of market time.
    #[derive(SqlType, QueryId)]
    #[diesel(sqlite_type(name = "Long"), postgres_type(oid = 1184, array_oid = 1185))]
    pub struct Instant;
    /// A JSON document.
    #[derive(SqlType, QueryId)]
    #[diesel(sqlite_type(name = "Text"), postgres_type(oid = 3802, array_oid = 3807))]
    pub struct Document;
}

/// An exact decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Dec)]
pub struct Amount(pub Decimal);

impl ToSql<sql::Dec, Sqlite> for Amount {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        // Zero has no sign, here as in NUMERIC.
        let value = if self.0.is_zero() { self.0.abs() } else { self.0 };
        out.set_value(value.to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Dec, Sqlite> for Amount {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Self(Decimal::from_str_exact(&text)?))
    }
}

impl ToSql<sql::Dec, Pg> for Amount {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        if self.0.is_zero() {
            // No digits, no weight, no sign; but the digits after the point, which the conversion would drop.
            let scale = u16::try_from(self.0.scale())?;
            out.write_all(&[0; 6])?;
            out.write_all(&scale.to_be_bytes())?;
            return Ok(IsNull::No);
        }
        <Decimal as ToSql<Numeric, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<sql::Dec, Pg> for Amount {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        // The server keeps the digits after the point of a zero too (bytes 6 and 7); reading the value drops them.
        let scale = match value.as_bytes() {
            [_, _, _, _, _, _, high, low, ..] => u32::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        };
        let mut decimal = <Decimal as FromSql<Numeric, Pg>>::from_sql(value)?;
        if decimal.is_zero() {
            decimal.rescale(scale);
        }
        Ok(Self(decimal))
    }
}

/// An instant, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Instant)]
pub struct At(pub Timestamp);

/// Microseconds from 1970-01-01 to 2000-01-01, from where PostgreSQL counts.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
/// The year 9999 ends before this: no later instant is taken, and none before 1970 less as much.
const LAST_MILLIS: i64 = 253_402_300_800_000;

impl At {
    fn micros(self) -> Result<i64, Box<dyn std::error::Error + Send + Sync>> {
        if self.0.millis().abs() >= LAST_MILLIS {
            return Err(format!("{} ms is no instant of the calendar", self.0.millis()).into());
        }
        Ok(self.0.millis() * 1_000)
    }

    const fn from_micros(micros: i64) -> Self {
        Self(Timestamp(micros.div_euclid(1_000)))
    }
}

impl ToSql<sql::Instant, Sqlite> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.micros()?);
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Instant, Sqlite> for At {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        <i64 as FromSql<BigInt, Sqlite>>::from_sql(value).map(Self::from_micros)
    }
}

impl ToSql<sql::Instant, Pg> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let stamp = PgTimestamp(self.micros()? - POSTGRES_EPOCH_MICROS);
        <PgTimestamp as ToSql<Timestamptz, Pg>>::to_sql(&stamp, &mut out.reborrow())
    }
}

impl FromSql<sql::Instant, Pg> for At {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let PgTimestamp(micros) = <PgTimestamp as FromSql<Timestamptz, Pg>>::from_sql(value)?;
        Ok(Self::from_micros(micros.saturating_add(POSTGRES_EPOCH_MICROS)))
    }
}

/// A JSON document as text, so that no number in it is ever read as a binary float.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = sql::Document)]
pub struct Json(pub String);

/// What PostgreSQL puts in front of a JSONB text.
const JSONB_VERSION: u8 = 1;

impl ToSql<sql::Document, Sqlite> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_str());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Document, Sqlite> for Json {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Sqlite>>::from_sql(value).map(Self)
    }
}

impl ToSql<sql::Document, Pg> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[JSONB_VERSION])?;
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Document, Pg> for Json {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes().split_first() {
            Some((&JSONB_VERSION, text)) => Ok(Self(std::str::from_utf8(text)?.to_owned())),
            _ => Err("a JSONB of an unknown version".into()),
        }
    }
}

impl serde::Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(from)?;
        Decimal::from_str_exact(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for At {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(self.0.millis())
    }
}

impl<'de> serde::Deserialize<'de> for At {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <i64 as serde::Deserialize>::deserialize(from).map(|millis| Self(Timestamp(millis)))
    }
}
