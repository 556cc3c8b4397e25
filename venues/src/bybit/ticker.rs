//! The figures of a ticker, and of a change of one.

use std::borrow::Cow;
use std::num::NonZeroU8;

use domain::funding::FundingTerms;
use domain::instrument::InstrumentId;
use domain::market::{MarketFact, Quote};
use domain::money::{Price, Quantity, Rate};
use domain::time::Timestamp;
use rust_decimal::Decimal;

use super::parse::{Read, malformed, optional, shortened};
use super::wire::TickerRow;
use crate::shared::exact::{exact, exact_wide};
use crate::shared::scan::{Cursor, Scalar, members};

/// One figure: not told at all, told to be none (`""`), or a number.
type Told = Option<Maybe>;
type Maybe = Option<Decimal>;

/// The figures that the engine reads. One that is not told keeps its value when it is merged; it is never a default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    mark: Told,
    index: Told,
    rate: Told,
    next: Told,
    hours: Told,
    cap: Told,
    bid: Told,
    bid_size: Told,
    ask: Told,
    ask_size: Told,
    open_interest: Told,
    turnover: Told,
}

impl Figures {
    /// Reads a row.
    ///
    /// # Errors
    /// When a figure is no number.
    pub fn of(row: &TickerRow) -> Read<Self> {
        let told = |text: &Option<String>, field: &str| match text {
            None => Ok(None),
            Some(text) => optional(Some(text), field).map(Some),
        };
        Ok(Self {
            mark: told(&row.mark_price, "markPrice")?,
            index: told(&row.index_price, "indexPrice")?,
            rate: told(&row.funding_rate, "fundingRate")?,
            next: told(&row.next_funding_time, "nextFundingTime")?,
            hours: told(&row.funding_interval_hour, "fundingIntervalHour")?,
            cap: told(&row.funding_cap, "fundingCap")?,
            bid: told(&row.bid1_price, "bid1Price")?,
            bid_size: told(&row.bid1_size, "bid1Size")?,
            ask: told(&row.ask1_price, "ask1Price")?,
            ask_size: told(&row.ask1_size, "ask1Size")?,
            open_interest: wide(row.open_interest.as_deref(), "openInterest")?,
            turnover: wide(row.turnover24h.as_deref(), "turnover24h")?,
        })
    }

    /// Takes every figure that a change tells.
    pub fn merge(&mut self, change: &Self) {
        let keep = |old: &mut Told, new: Told| {
            if new.is_some() {
                *old = new;
            }
        };
        keep(&mut self.mark, change.mark);
        keep(&mut self.index, change.index);
        keep(&mut self.rate, change.rate);
        keep(&mut self.next, change.next);
        keep(&mut self.hours, change.hours);
        keep(&mut self.cap, change.cap);
        keep(&mut self.bid, change.bid);
        keep(&mut self.bid_size, change.bid_size);
        keep(&mut self.ask, change.ask);
        keep(&mut self.ask_size, change.ask_size);
        keep(&mut self.open_interest, change.open_interest);
        keep(&mut self.turnover, change.turnover);
    }

    /// The funding terms. `None` where the venue quotes none (a dated future, a contract before its listing).
    pub fn funding_terms(&self) -> Option<FundingTerms> {
        let whole = |value: Decimal| i64::try_from(value).ok().filter(|_| value.fract().is_zero());
        let next = whole(self.next??).filter(|next| *next > 0)?;
        let hours = u8::try_from(whole(self.hours??)?).ok()?;
        // "Funding rate upper and lower limits": one figure bounds both sides.
        let cap = self.cap.flatten().map(|cap| cap.abs());
        Some(FundingTerms {
            predicted: Rate(self.rate??),
            next_settlement: Timestamp(next),
            interval_hours: NonZeroU8::new(hours)?,
            cap: cap.map(Rate),
            floor: cap.map(|cap| Rate(-cap)),
        })
    }

    /// Mark and index price. `None` where there is no mark.
    pub fn mark(&self) -> Option<(Price, Option<Price>)> {
        let positive = |price: &Decimal| *price > Decimal::ZERO;
        let mark = self.mark.flatten().filter(positive)?;
        Some((Price(mark), self.index.flatten().filter(positive).map(Price)))
    }

    /// The touch. `None` when a side is empty.
    pub fn touch(&self) -> Option<Quote> {
        let quote = Quote {
            bid: Price(self.bid??),
            bid_quantity: Quantity(self.bid_size??),
            ask: Price(self.ask??),
            ask_quantity: Quantity(self.ask_size??),
        };
        quote.is_sane().then_some(quote)
    }

    /// Open contracts in base units.
    pub fn open_interest(&self) -> Option<Quantity> {
        self.open_interest.flatten().map(Quantity)
    }

    /// What was traded in 24 hours, in the quote currency.
    pub fn turnover(&self) -> Option<Decimal> {
        self.turnover.flatten()
    }

    /// What they say about funding and mark. An unchanged value is said again: it was heard to be unchanged.
    pub fn facts(&self, instrument: &InstrumentId, venue_time: Timestamp) -> impl Iterator<Item = MarketFact> + use<> {
        let terms = self.funding_terms().map(|terms| MarketFact::Funding {
            instrument: instrument.clone(),
            terms,
            venue_time,
        });
        let mark = self.mark().map(|(mark, index)| MarketFact::Mark {
            instrument: instrument.clone(),
            mark,
            index,
            venue_time,
        });
        terms.into_iter().chain(mark)
    }

    /// The place of a field by its name on the wire; `None` for one that is not read.
    fn place(&mut self, field: &str) -> Option<&mut Told> {
        Some(match field {
            "markPrice" => &mut self.mark,
            "indexPrice" => &mut self.index,
            "fundingRate" => &mut self.rate,
            "nextFundingTime" => &mut self.next,
            "fundingIntervalHour" => &mut self.hours,
            "fundingCap" => &mut self.cap,
            "bid1Price" => &mut self.bid,
            "bid1Size" => &mut self.bid_size,
            "ask1Price" => &mut self.ask,
            "ask1Size" => &mut self.ask_size,
            _ => return None,
        })
    }
}

/// A pushed ticker, whole or a change.
#[derive(Debug, PartialEq, Eq)]
pub struct Pushed<'a> {
    /// `snapshot` or `delta`.
    pub kind: Cow<'a, str>,
    /// Of what.
    pub symbol: Cow<'a, str>,
    /// What it tells.
    pub figures: Figures,
    /// The venue's time, milliseconds.
    pub ts: i64,
}

/// A pushed ticker without anything unusual; `None` leaves it to the full parser.
pub fn scanned(text: &str) -> Option<(&str, Pushed<'_>)> {
    let (mut topic, mut kind, mut ts, mut data) = (None, None, None, None);
    members(text, |key, at| match key {
        "topic" => once(&mut topic, at.scalar()?.text()?),
        "type" => once(&mut kind, at.scalar()?.text()?),
        "ts" => once(&mut ts, i64::try_from(at.scalar()?.unsigned()?).ok()?),
        "data" => once(&mut data, scanned_data(at)?),
        _ => at.scalar().map(|_| ()),
    })?;
    let (symbol, figures) = data?;
    let pushed = Pushed {
        kind: Cow::Borrowed(kind?),
        symbol: Cow::Borrowed(symbol),
        figures,
        ts: ts?,
    };
    Some((topic?, pushed))
}

fn scanned_data<'a>(at: &mut Cursor<'a>) -> Option<(&'a str, Figures)> {
    let (mut symbol, mut figures) = (None, Figures::default());
    at.members(|key, at| {
        let value = at.scalar()?;
        match key {
            "symbol" => return once(&mut symbol, value.text()?),
            "openInterest" => return once(&mut figures.open_interest, number(value, exact_wide)?),
            "turnover24h" => return once(&mut figures.turnover, number(value, exact_wide)?),
            _ => {}
        }
        let Some(place) = figures.place(key) else {
            return Some(());
        };
        once(place, number(value, exact)?)
    })?;
    Some((symbol?, figures))
}

fn number(value: Scalar<'_>, read: fn(&str) -> Option<Decimal>) -> Option<Maybe> {
    match value.text()? {
        "" => Some(None),
        text => read(text).map(Some),
    }
}

/// A figure that may be greater than any price or quantity.
fn wide(text: Option<&str>, field: &str) -> Read<Told> {
    match text {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(text) => match exact_wide(text) {
            Some(number) => Ok(Some(Some(number))),
            None => Err(malformed(format!("{field} is `{}`", shortened(text)))),
        },
    }
}

/// Fills a place that is still empty; a field that comes twice is unusual.
pub fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}
