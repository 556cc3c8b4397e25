//! Books from the wire to the domain: the whole book of an answer, and the changes that are pushed.

use std::borrow::Cow;

use domain::market::{Book, Level};
use domain::money::{Price, Quantity};
use domain::ports::VenueError;
use domain::time::Timestamp;

use super::parse::{malformed, put, read};
use super::text::Num;
use super::wire;
use crate::shared::event::Span;
use crate::shared::scan::{Cursor, Scalar, members};

/// A depth answer.
pub fn book(body: &str) -> Result<Book, VenueError> {
    snapshot(body).map(|depth| depth.book)
}

/// A whole book as it was when it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its levels.
    pub book: Book,
    /// The number of the last change in it.
    pub update: u64,
    /// Futures tell it, spot does not.
    pub venue_time: Option<Timestamp>,
}

/// A depth answer with its number.
pub fn snapshot(body: &str) -> Result<Snapshot, VenueError> {
    let depth: wire::Depth = read("depth", body)?;
    let book = Book {
        bids: levels(depth.bids),
        asks: levels(depth.asks),
    };
    Ok(Snapshot {
        book: book.believable().map_err(|why| malformed(format!("depth: {why}")))?,
        update: depth.last_update_id,
        venue_time: depth.transaction_time.map(Timestamp),
    })
}

fn levels(side: Vec<(Num, Num)>) -> Vec<Level> {
    side.into_iter()
        .map(|(price, quantity)| Level {
            price: Price(price.0),
            quantity: Quantity(quantity.0),
        })
        .collect()
}

/// One pushed change of a book.
#[derive(Debug, PartialEq, Eq)]
pub struct Change<'a> {
    pub symbol: Cow<'a, str>,
    pub levels: Book,
    pub span: Span,
    pub venue_time: Timestamp,
}

/// A change of a book, by the full parser.
pub fn full_change(text: &str) -> Result<Change<'_>, VenueError> {
    let update: wire::DepthUpdate<'_> = read("depthUpdate", text)?;
    let changed = Book {
        bids: levels(update.b),
        asks: levels(update.a),
    };
    Ok(Change {
        symbol: update.s,
        levels: changed
            .believable()
            .map_err(|why| malformed(format!("depthUpdate: {why}")))?,
        span: Span {
            first: Some(update.first),
            last: update.u,
            previous: update.pu,
        },
        venue_time: Timestamp(update.transaction_time.unwrap_or(update.event_time)),
    })
}

/// As [`full_change`], for a message without anything unusual.
pub fn scanned_change(text: &str) -> Option<Change<'_>> {
    let (mut event, mut symbol, mut first, mut last, mut previous) = (None, None, None, None, None);
    let (mut event_time, mut time, mut bids, mut asks) = (None, None, None, None);
    let instant = |value: Scalar<'_>| i64::try_from(value.unsigned()?).ok();
    members(text, |key, at| match key {
        "e" => put(&mut event, at.scalar()?.text()?),
        "s" => put(&mut symbol, at.scalar()?.text()?),
        "U" => put(&mut first, at.scalar()?.unsigned()?),
        "u" => put(&mut last, at.scalar()?.unsigned()?),
        "pu" => put(&mut previous, at.scalar()?.unsigned()?),
        "E" => put(&mut event_time, instant(at.scalar()?)?),
        "T" => put(&mut time, instant(at.scalar()?)?),
        "b" => put(&mut bids, scanned_levels(at)?),
        "a" => put(&mut asks, scanned_levels(at)?),
        _ => at.scalar().map(|_| ()),
    })?;
    let levels = Book {
        bids: bids?,
        asks: asks?,
    };
    Some(Change {
        symbol: Cow::Borrowed(symbol?),
        levels: levels.believable().ok()?,
        span: Span {
            first: Some(first?),
            last: last?,
            previous,
        },
        venue_time: Timestamp(time.or(event_time).filter(|_| event_time.is_some())?),
    })
}

fn scanned_levels(at: &mut Cursor<'_>) -> Option<Vec<Level>> {
    let mut levels = Vec::with_capacity(8);
    at.levels(|price, quantity| {
        levels.push(Level {
            price: Price(price),
            quantity: Quantity(quantity),
        });
    })?;
    Some(levels)
}
