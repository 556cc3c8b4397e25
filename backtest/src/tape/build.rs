//! From the files to columns.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;

use domain::instrument::{Product, VenueId};
use domain::time::{HOUR_MS, Timestamp};

use super::spans::{all, live, marked, outside, present, runs};
use super::{Columns, Hour, Pair, Settled, Symbol, Tape};
use crate::costs;
use crate::hedges::Market;
use crate::history::{BarSeries, FundingSeries, Gap, History, HistoryError, Kind, SeriesId};
use crate::price::{PriceError, PricedGap, market_bars, multiplied};

/// What is asked for: hours from `from` and before `to`; open where nobody says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The first hour.
    pub from: Option<Timestamp>,
    /// The hour after the last one.
    pub to: Option<Timestamp>,
}

/// Why there is no tape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TapeError {
    /// A file is missing or wrong.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// A symbol that was asked for is nowhere.
    #[error("nothing is recorded of {0}: it has no settlements on any venue")]
    Unknown(String),
    /// No symbol has what a hedge needs.
    #[error("{}: no symbol has settlements on both venues, nor bars of spot and perpetual with settlements on one", .0.display())]
    NothingToHedge(PathBuf),
    /// Nothing lies between the two ends.
    #[error("nothing is recorded between {from} and {to}")]
    EmptyRange {
        /// The first hour asked for.
        from: Timestamp,
        /// The hour after the last one.
        to: Timestamp,
    },
}

/// The files of one symbol.
struct Files {
    name: String,
    funding: [Option<Rc<FundingSeries>>; 2],
    mark: [Option<Rc<BarSeries>>; 2],
    perp: [Option<Rc<BarSeries>>; 2],
    spot: [Option<(Rc<BarSeries>, i64)>; 2],
}

/// Lays a history out.
///
/// # Errors
/// A file that is missing or wrong, a symbol that is nowhere, a period in which nothing was recorded.
pub fn build(history: &mut History, symbols: &[String], period: Period) -> Result<Tape, TapeError> {
    let names: BTreeSet<String> = if symbols.is_empty() {
        universe(history)?
    } else {
        symbols.iter().cloned().collect()
    };
    if names.is_empty() {
        return Err(TapeError::NothingToHedge(history.folder().to_owned()));
    }
    let mut files = Vec::new();
    for name in names {
        // It becomes part of a path.
        if !name.chars().all(char::is_alphanumeric) {
            return Err(TapeError::Unknown(name));
        }
        let read = Files::read(history, name)?;
        if read.funding.iter().all(Option::is_none) {
            return Err(TapeError::Unknown(read.name));
        }
        files.push(read);
    }
    let (begins, first, last) = recorded(&files);
    // Before the first row of all there is nothing to lay out.
    let from = period
        .from
        .max(begins)
        .filter(|_| period.from.is_some())
        .or(first)
        .unwrap_or_default();
    let to = period.to.or(last.map(|last| last.plus_hours(1))).unwrap_or_default();
    let to = last.map_or(to, |last| to.min(last.plus_hours(1)));
    let hours = Hour::try_from(to.millis_since(from) / HOUR_MS).unwrap_or_default();
    if hours <= 0 {
        return Err(TapeError::EmptyRange { from, to });
    }
    let mut tape = Tape {
        start: from,
        hours,
        ..Tape::default()
    };
    for files in files {
        files.lay(&mut tape);
    }
    tape.gaps.sort();
    tape.news = news(&tape);
    Ok(tape)
}

/// When each symbol settles within the tape.
fn news(tape: &Tape) -> Vec<(Hour, usize)> {
    let mut news = Vec::new();
    for (place, symbol) in tape.symbols.iter().enumerate() {
        let hours = symbol.settled.iter().flatten().map(|row| row.hour);
        news.extend(
            hours
                .filter(|hour| (0..tape.hours).contains(hour))
                .map(|hour| (hour, place)),
        );
    }
    news.sort_unstable();
    news.dedup();
    news
}

/// Symbols with settlements on both venues, and those whose carry can be priced on one.
fn universe(history: &mut History) -> Result<BTreeSet<String>, TapeError> {
    let [binance, bybit] = VenueId::ALL.map(|venue| history.symbols(Kind::Funding, venue));
    let (binance, bybit) = (binance?, bybit?);
    let mut names: BTreeSet<String> = binance.intersection(&bybit).cloned().collect();
    for (venue, funded) in [(VenueId::Binance, binance), (VenueId::Bybit, bybit)] {
        let spot = history.symbols(Kind::Spot, venue)?;
        let perp = history.symbols(Kind::Perp, venue)?;
        let listed = |name: &&String| {
            let coin = multiplied(name).map(|(_, coin)| coin);
            perp.contains(*name) && (spot.contains(*name) || coin.is_some_and(|coin| spot.contains(coin)))
        };
        names.extend(funded.iter().filter(listed).cloned());
    }
    Ok(names)
}

/// The first hour with any row, the first one with a bar (with a settlement where there are no bars), and the last one
/// with any row.
fn recorded(files: &[Files]) -> (Option<Timestamp>, Option<Timestamp>, Option<Timestamp>) {
    let bars = || {
        let perps = files.iter().flat_map(|files| files.perp.iter().flatten());
        let spots = files
            .iter()
            .flat_map(|files| files.spot.iter().flatten().map(|(bars, _)| bars));
        perps.chain(spots)
    };
    let funding = || files.iter().flat_map(|files| files.funding.iter().flatten());
    let first_bar = bars().filter_map(|bars| bars.rows().first()).map(|bar| bar.at).min();
    let first = funding()
        .filter_map(|series| series.rows().first())
        .map(|row| row.at)
        .min();
    let last_bar = bars().filter_map(|bars| bars.rows().last()).map(|bar| bar.at).max();
    let last = funding()
        .filter_map(|series| series.rows().last())
        .map(|row| row.at)
        .max();
    let begins = [first_bar, first].into_iter().flatten().min();
    (begins, first_bar.or(first), last_bar.max(last))
}

impl Files {
    fn read(history: &mut History, name: String) -> Result<Self, TapeError> {
        let mut files = Self {
            name,
            funding: [None, None],
            mark: [None, None],
            perp: [None, None],
            spot: [None, None],
        };
        let name = &files.name;
        let slots = files.funding.iter_mut().zip(&mut files.mark);
        let slots = slots.zip(files.perp.iter_mut().zip(&mut files.spot));
        for (venue, ((funding, mark), (perp, spot))) in VenueId::ALL.into_iter().zip(slots) {
            *funding = history.funding(venue, name)?;
            *mark = history.bars(&SeriesId::new(venue, Kind::Mark, name))?;
            *perp = history.bars(&SeriesId::new(venue, Kind::Perp, name))?;
            let market = Market {
                venue,
                product: Product::Spot,
            };
            *spot = match market_bars(history, name, market) {
                Ok((_, bars, times)) => Some((bars, times.try_into().unwrap_or(1))),
                Err(PriceError::History(HistoryError::Missing { .. })) => None,
                Err(PriceError::History(error)) => return Err(error.into()),
                Err(_) => None,
            };
        }
        Ok(files)
    }

    /// Adds the symbol to a tape.
    fn lay(&self, tape: &mut Tape) {
        let mut symbol = Symbol {
            name: self.name.clone(),
            slip_perp: costs::slippage(&self.name, Product::Perp).0,
            slip_spot: costs::slippage(&self.name, Product::Spot).0,
            ..Symbol::default()
        };
        for (bars, (columns, venue)) in self.perp.iter().zip(symbol.perp.iter_mut().zip(VenueId::ALL)) {
            *columns = columns_of(bars.as_deref(), 1, tape);
            note_bars(tape, &SeriesId::new(venue, Kind::Perp, &self.name), bars.as_deref());
        }
        for (bars, (columns, venue)) in self.spot.iter().zip(symbol.spot.iter_mut().zip(VenueId::ALL)) {
            let (bars, times) = bars
                .as_ref()
                .map_or((None, 1), |(bars, times)| (Some(bars.as_ref()), *times));
            *columns = columns_of(bars, times, tape);
            note_bars(tape, &SeriesId::new(venue, Kind::Spot, &self.name), bars);
        }
        for (place, venue) in VenueId::ALL.into_iter().enumerate() {
            let settled = self.settled(place, tape);
            let id = SeriesId::new(venue, Kind::Funding, &self.name);
            if let Some(series) = self.funding.get(place).and_then(Option::as_ref) {
                let rows = series.rows();
                let ends = (rows.first().map(|row| row.at), rows.last().map(|row| row.at));
                note(tape, &id, ends, |from, until| series.gaps(from, until));
            }
            let inside = settled
                .iter()
                .filter(|row| row.hour >= 0 && row.hour < tape.hours)
                .count();
            tape.events += u64::try_from(inside).unwrap_or_default();
            if let Some(slot) = symbol.settled.get_mut(place) {
                *slot = settled;
            }
        }
        symbol.pairs = pairs(&symbol, tape.hours);
        tape.symbols.push(symbol);
    }

    /// Settlements before the tape's end, with the mark that was recorded nearest to the source.
    fn settled(&self, place: usize, tape: &Tape) -> Vec<Settled> {
        let bars = |of: &[Option<Rc<BarSeries>>; 2]| of.get(place).and_then(Clone::clone);
        let (marks, perps) = (bars(&self.mark), bars(&self.perp));
        let open = |bars: &Option<Rc<BarSeries>>, at| bars.as_ref().and_then(|bars| bars.at(at)).map(|bar| bar.open);
        let Some(series) = self.funding.get(place).and_then(Option::as_ref) else {
            return Vec::new();
        };
        let end = tape.time(tape.hours);
        let rows = series.rows().iter().take_while(|row| row.at < end);
        rows.map(|row| {
            let mark = row
                .mark
                .or_else(|| open(&marks, row.at))
                .or_else(|| open(&perps, row.at));
            Settled {
                hour: hour_of(tape, row.at),
                rate: row.rate.0,
                interval: row.interval_hours,
                mark: mark.map_or(0, |price| price.0),
            }
        })
        .collect()
    }
}

fn hour_of(tape: &Tape, at: Timestamp) -> Hour {
    Hour::try_from(at.millis_since(tape.start).div_euclid(HOUR_MS)).unwrap_or(Hour::MAX)
}

/// Gaps between the first and the last row of a series, as far as they lie within the tape.
fn note(
    tape: &mut Tape,
    id: &SeriesId,
    ends: (Option<Timestamp>, Option<Timestamp>),
    gaps: impl Fn(Timestamp, Timestamp) -> Vec<Gap>,
) {
    let (Some(first), Some(last)) = ends else { return };
    let (from, until) = (first.max(tape.start), last.min(tape.time(tape.hours - 1)));
    let gaps = gaps(from, until);
    tape.gaps.extend(gaps.into_iter().map(|gap| PricedGap {
        series: id.clone(),
        gap,
    }));
}

fn note_bars(tape: &mut Tape, id: &SeriesId, bars: Option<&BarSeries>) {
    if let Some(bars) = bars {
        let rows = bars.rows();
        let ends = (rows.first().map(|bar| bar.at), rows.last().map(|bar| bar.at));
        note(tape, id, ends, |from, until| bars.gaps(from, until));
    }
}

fn columns_of(bars: Option<&BarSeries>, times: i64, tape: &mut Tape) -> Columns {
    let Some(bars) = bars else {
        return Columns::default();
    };
    let long = usize::try_from(tape.hours).unwrap_or_default();
    let mut columns = Columns {
        open: vec![0; long],
        high: vec![0; long],
        low: vec![0; long],
        close: vec![0; long],
    };
    for bar in bars.rows() {
        let Ok(place) = usize::try_from(hour_of(tape, bar.at)) else {
            continue;
        };
        let slots = (
            columns.open.get_mut(place),
            columns.high.get_mut(place),
            columns.low.get_mut(place),
            columns.close.get_mut(place),
        );
        if let (Some(open), Some(high), Some(low), Some(close)) = slots {
            // A coin counted a thousandfold; a price beyond the range is as good as none.
            let times = |price: i64| price.checked_mul(times).unwrap_or_default();
            (*open, *high, *low, *close) = (
                times(bar.open.0),
                times(bar.high.0),
                times(bar.low.0),
                times(bar.close.0),
            );
            tape.events += 1;
        }
    }
    columns
}

/// Every pair of the symbol that can be held at some time.
fn pairs(symbol: &Symbol, hours: Hour) -> Vec<Pair> {
    let venues = VenueId::ALL;
    let market = |venue, product| Market { venue, product };
    let legs = venues
        .into_iter()
        .flat_map(|venue| Product::ALL.map(|product| market(venue, product)));
    let lives = venues.map(|venue| live(symbol.settled(venue), hours));
    let both = symbol.settled.iter().all(|rows| !rows.is_empty());
    let mut pairs = Vec::new();
    for long in legs {
        for short in venues.map(|venue| market(venue, Product::Perp)) {
            if long == short {
                continue;
            }
            let (mut there, mut funded) = (Vec::new(), Vec::new());
            for leg in [long, short] {
                there.push(present(symbol.columns(leg), hours));
                let [binance, bybit] = &lives;
                let live = if leg.venue == VenueId::Binance { binance } else { bybit };
                if leg.product == Product::Perp {
                    funded.push(live.as_slice());
                    there.push(marked(symbol.settled(leg.venue), hours));
                }
            }
            let funded = all(&funded, hours);
            let there = there.iter().map(Vec::as_slice).chain([funded.as_slice()]);
            let mut spans = runs(&all(&there.collect::<Vec<_>>(), hours), true);
            // Without bars one venue's spot is as good as the other's: Binance's stands for both.
            if both && (long.product == Product::Perp || long.venue == VenueId::Binance) {
                spans.extend(runs(&all(&[&funded, &outside(&spans, hours)], hours), false));
                spans.sort_by_key(|span| span.first);
            }
            if !spans.is_empty() {
                pairs.push(Pair { long, short, spans });
            }
        }
    }
    pairs
}
