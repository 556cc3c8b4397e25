//! Books as they are pushed: whole, or what changed of them.

use std::borrow::Cow;

use domain::market::{Book, Level};
use domain::money::{Price, Quantity};

use super::feed::read;
use super::parse::{Read, book};
use super::ticker::once;
use super::wire::{BookRow, Frame, Pushed};
use crate::shared::scan::{Cursor, members};

/// All of a pushed book but its levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// `snapshot` or `delta`.
    pub kind: Cow<'a, str>,
    /// Of what.
    pub symbol: Cow<'a, str>,
    /// Grows by one with each message of one depth on one connection; 1 after a restart of the venue's service.
    pub update: u64,
    /// Orders messages across depths.
    pub sequence: Option<u64>,
    /// When it was sent, milliseconds.
    pub ts: i64,
    /// When it was matched, milliseconds.
    pub matched: Option<i64>,
}

impl Head<'_> {
    /// Whether the levels are the whole book: after a restart the venue begins again at 1, whatever it calls the message.
    pub fn is_whole(&self) -> bool {
        self.kind == "snapshot" || self.update == 1
    }

    /// When it was true, as well as the venue tells, milliseconds.
    pub fn at(&self) -> i64 {
        self.matched.unwrap_or(self.ts)
    }
}

/// A pushed book, by the full parser; its levels replace those in `levels`.
///
/// # Errors
/// When a level, a number or the symbol is missing or cannot be read.
pub fn full<'a>(text: &str, levels: &mut Book) -> Read<Head<'a>> {
    let frame: Frame = read(text)?;
    let row = read::<Pushed<BookRow>>(text)?.data;
    *levels = book(&row)?;
    Ok(Head {
        kind: Cow::Owned(frame.kind.unwrap_or_default()),
        symbol: Cow::Owned(row.s),
        update: row.u,
        sequence: row.seq,
        ts: frame.ts,
        matched: frame.cts,
    })
}

/// As [`full`], for a message without anything unusual, with its topic.
pub fn scanned<'a>(text: &'a str, levels: &mut Book) -> Option<(&'a str, Head<'a>)> {
    let (mut topic, mut kind, mut ts, mut matched, mut data) = (None, None, None, None, None);
    levels.bids.clear();
    levels.asks.clear();
    members(text, |key, at| match key {
        "topic" => once(&mut topic, at.scalar()?.text()?),
        "type" => once(&mut kind, at.scalar()?.text()?),
        "ts" => once(&mut ts, instant(at)?),
        "cts" => once(&mut matched, instant(at)?),
        "data" => once(&mut data, scanned_data(at, levels)?),
        _ => at.scalar().map(|_| ()),
    })?;
    let (symbol, update, sequence) = data?;
    let head = Head {
        kind: Cow::Borrowed(kind?),
        symbol: Cow::Borrowed(symbol),
        update,
        sequence,
        ts: ts?,
        matched,
    };
    Some((topic?, head))
}

fn instant(at: &mut Cursor<'_>) -> Option<i64> {
    i64::try_from(at.scalar()?.unsigned()?).ok()
}

fn scanned_data<'a>(at: &mut Cursor<'a>, levels: &mut Book) -> Option<(&'a str, u64, Option<u64>)> {
    let (mut symbol, mut update, mut sequence) = (None, None, None);
    let (mut has_bids, mut has_asks) = (None, None);
    at.members(|key, at| match key {
        "s" => once(&mut symbol, at.scalar()?.text()?),
        "u" => once(&mut update, at.scalar()?.unsigned()?),
        "seq" => once(&mut sequence, at.scalar()?.unsigned()?),
        "b" => once(&mut has_bids, side(at, &mut levels.bids)?),
        "a" => once(&mut has_asks, side(at, &mut levels.asks)?),
        _ => at.scalar().map(|_| ()),
    })?;
    has_bids?;
    has_asks?;
    levels.is_believable().then_some(())?;
    Some((symbol?, update?, sequence))
}

fn side(at: &mut Cursor<'_>, levels: &mut Vec<Level>) -> Option<()> {
    at.levels(|price, quantity| {
        levels.push(Level {
            price: Price(price),
            quantity: Quantity(quantity),
        });
    })
}
