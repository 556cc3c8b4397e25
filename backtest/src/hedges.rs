//! The list of hedges that somebody wants priced: `{"hedges":[…]}` or a bare list.
//!
//! A hedge names `symbol`, `long`, `short`, `quantity` or `fixed_notional`, `entry` and `exit`; `id` is optional. Where it
//! also lists `fills`, their `fee_bps` says which of them were passive; without that list every fill takes. Other fields
//! are somebody's notes and are not read.

use std::fmt;

use domain::instrument::{Product, VenueId};
use domain::time::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::costs::{self, Liquidity};
use crate::history::parse_utc;

/// Milliseconds in an hour, and in the minute after it by which an order of the hour is filled.
const HOUR: i64 = domain::time::HOUR_MS;
const MINUTE: i64 = 60_000;

/// One side's market: `binance-spot`, `bybit-perp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Market {
    /// Whose.
    pub venue: VenueId,
    /// What kind.
    pub product: Product,
}

impl Market {
    /// Reads what [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (venue, product) = text.split_once('-')?;
        Some(Self {
            venue: VenueId::parse(venue)?,
            product: Product::parse(product)?,
        })
    }
}

impl fmt::Display for Market {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.venue, self.product)
    }
}

/// How large a hedge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Units of the perpetual on each leg; priced on bars.
    Quantity(Decimal),
    /// US dollars on each leg, never drifting; priced on settlements alone, without basis.
    FixedNotional(Decimal),
}

/// One leg: where, and whether its two fills took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Where.
    pub market: Market,
    /// At entry.
    pub entry: Liquidity,
    /// At exit.
    pub exit: Liquidity,
}

/// A hedge as it was or would be traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// Whatever its author calls it.
    pub id: Option<String>,
    /// The perpetual's symbol.
    pub symbol: String,
    /// What is bought.
    pub long: Leg,
    /// What is sold: always a perpetual.
    pub short: Leg,
    /// How large.
    pub size: Size,
    /// The hour at whose open it is entered.
    pub entry: Timestamp,
    /// The hour at whose open it is left.
    pub exit: Timestamp,
}

/// What is wrong with a list of hedges.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HedgesError {
    /// It is no JSON, or no list of objects.
    #[error("expected {{\"hedges\":[…]}} or a list of hedges: {0}")]
    Shape(String),
    /// A field is missing or is not what it should be.
    #[error("hedge {index}{}, field {field}: expected {expected}, found {found}", named(.id.as_ref()))]
    Field {
        /// Its place in the list, from 0.
        index: usize,
        /// Its id, where it has one.
        id: Option<String>,
        /// Which field.
        field: &'static str,
        /// What should stand there.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
}

fn named(id: Option<&String>) -> String {
    id.map(|id| format!(" ({id})")).unwrap_or_default()
}

/// Reads the list.
///
/// # Errors
/// The first field that is missing or ill-typed, with its place.
pub fn parse(text: &str) -> Result<Vec<Hedge>, HedgesError> {
    let document: Value = serde_json::from_str(text).map_err(|error| HedgesError::Shape(error.to_string()))?;
    let list = match &document {
        Value::Array(list) => list,
        Value::Object(fields) => match fields.get("hedges") {
            Some(Value::Array(list)) => list,
            Some(_) => return Err(HedgesError::Shape("\"hedges\" is no list".into())),
            None => return Err(HedgesError::Shape("the field \"hedges\" is missing".into())),
        },
        _ => return Err(HedgesError::Shape("it is neither an object nor a list".into())),
    };
    list.iter()
        .enumerate()
        .map(|(index, row)| Row::of(index, row).hedge())
        .collect()
}

/// One object of the list, for reading with the place of every fault.
struct Row<'a> {
    index: usize,
    fields: &'a Value,
    id: Option<String>,
}

impl<'a> Row<'a> {
    fn of(index: usize, row: &'a Value) -> Self {
        let id = match row.get("id") {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        Self { index, fields: row, id }
    }

    fn get(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    fn fault(&self, field: &'static str, expected: impl Into<String>, found: Option<&Value>) -> HedgesError {
        let found = found.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        HedgesError::Field {
            index: self.index,
            id: self.id.clone(),
            field,
            expected: expected.into(),
            found: found.chars().take(80).collect(),
        }
    }

    fn read<T>(&self, field: &'static str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, HedgesError> {
        let found = self.get(field);
        found
            .and_then(Value::as_str)
            .and_then(read)
            .ok_or_else(|| self.fault(field, expected, found))
    }

    fn hedge(&self) -> Result<Hedge, HedgesError> {
        if !self.fields.is_object() {
            return Err(self.fault("(all)", "an object", Some(self.fields)));
        }
        let symbol = self.read("symbol", "the perpetual's symbol, such as BTCUSDT", |text| {
            // It becomes part of a path.
            let sound = !text.is_empty() && text.chars().all(char::is_alphanumeric);
            sound.then(|| text.to_owned())
        })?;
        let market = "binance-spot, binance-perp, bybit-spot or bybit-perp";
        let long = self.read("long", market, Market::parse)?;
        let short = self.read("short", "binance-perp or bybit-perp; spot is not sold short", |text| {
            Market::parse(text).filter(|market| market.product == Product::Perp)
        })?;
        if long == short {
            return Err(self.fault("short", format!("another market than {long}"), self.get("short")));
        }
        let (entry, exit) = (self.hour("entry")?, self.hour("exit")?);
        if exit <= entry {
            return Err(self.fault("exit", format!("an hour after the entry at {entry}"), self.get("exit")));
        }
        let taking = |market| Leg {
            market,
            entry: Liquidity::Taker,
            exit: Liquidity::Taker,
        };
        let mut hedge = Hedge {
            id: self.id.clone(),
            symbol,
            long: taking(long),
            short: taking(short),
            size: self.size()?,
            entry,
            exit,
        };
        self.passive(&mut hedge)?;
        Ok(hedge)
    }

    fn hour(&self, field: &'static str) -> Result<Timestamp, HedgesError> {
        self.read(field, "a whole hour with its zone, such as 2024-02-20T00:00Z", |text| {
            let at = parse_utc(text)?;
            let past = at.0.rem_euclid(HOUR);
            (past == 0 || past == MINUTE).then(|| at.plus_millis(-past))
        })
    }

    fn size(&self) -> Result<Size, HedgesError> {
        match (self.get("quantity"), self.get("fixed_notional")) {
            (Some(_), Some(both)) => Err(self.fault("fixed_notional", "nothing beside a quantity", Some(both))),
            (None, None) => Err(self.fault("quantity", "a quantity, or a fixed_notional", None)),
            (Some(value), None) => Ok(Size::Quantity(self.positive("quantity", value)?)),
            (None, Some(value)) => Ok(Size::FixedNotional(self.positive("fixed_notional", value)?)),
        }
    }

    fn positive(&self, field: &'static str, value: &Value) -> Result<Decimal, HedgesError> {
        decimal(value)
            .filter(|number| *number > Decimal::ZERO && *number <= Decimal::from(1_000_000_000_000_i64))
            .ok_or_else(|| self.fault(field, "a decimal above zero, as text", Some(value)))
    }

    /// What the listed fills say about who took liquidity.
    fn passive(&self, hedge: &mut Hedge) -> Result<(), HedgesError> {
        let Some(fills) = self.get("fills") else {
            return Ok(());
        };
        let list = fills
            .as_array()
            .ok_or_else(|| self.fault("fills", "a list of fills", Some(fills)))?;
        for fill in list {
            let Some(charged) = fill.get("fee_bps").filter(|value| !value.is_null()) else {
                continue;
            };
            let text = |field: &str| fill.get(field).and_then(Value::as_str);
            let market = text("leg").and_then(Market::parse);
            let leg = [&mut hedge.long, &mut hedge.short]
                .into_iter()
                .find(|leg| Some(leg.market) == market)
                .ok_or_else(|| self.fault("fills.leg", "one of the two legs", fill.get("leg")))?;
            let fee = |liquidity| costs::fee(leg.market.venue, leg.market.product, liquidity).bps();
            let liquidity = [Liquidity::Taker, Liquidity::Maker]
                .into_iter()
                .find(|liquidity| decimal(charged) == Some(fee(*liquidity)))
                .ok_or_else(|| {
                    let (taker, maker) = (fee(Liquidity::Taker), fee(Liquidity::Maker));
                    self.fault(
                        "fills.fee_bps",
                        format!("{taker} (taker) or {maker} (maker)"),
                        Some(charged),
                    )
                })?;
            match text("what") {
                Some("entry") => leg.entry = liquidity,
                Some("exit") => leg.exit = liquidity,
                _ => return Err(self.fault("fills.what", "entry or exit", fill.get("what"))),
            }
        }
        Ok(())
    }
}

/// A decimal as text, or as a number of so few digits that none was lost on the way.
fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if value.is_number() && digits > 15 {
        return None;
    }
    Decimal::from_str_exact(&text).ok()
}
