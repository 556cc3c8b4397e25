//! Which symbols to show and when: read off the funding alone.

use std::collections::BTreeSet;
use std::path::Path;

use rust_decimal::Decimal;

use super::super::files::{self, MarketError};
use super::super::schedule::{HOUR_MS, Row};
use super::super::{Ms, Product, Venue};
use super::parse::{self, Properties};
use super::{Kind, quoted_base, stem};

/// Hours between the instants that are weighed.
const GRID_MS: Ms = 8 * HOUR_MS;
/// A carry is held for so long, and should have faded in as much time again.
pub(super) const HOLD_MS: Ms = 72 * HOUR_MS;
/// What must be known before the showcase.
pub(super) const BEFORE_MS: Ms = 24 * HOUR_MS;
/// What must be known after it.
pub(super) const AFTER_MS: Ms = 2 * HOLD_MS;
/// Symbols in the working set that pays best whatever their venues.
const RICHEST: usize = 3;

/// What one perpetual pays over time.
pub(super) struct Leg {
    symbol: String,
    venue: Venue,
    times: Vec<Ms>,
    /// Sum of the rates before the row of the same place; one longer than `times`.
    sums: Vec<Decimal>,
    /// Within this time it can be traded.
    from: Ms,
    until: Ms,
}

impl Leg {
    /// A leg that is priced in `from..=until`. `None` without settlements.
    pub(super) fn new(symbol: &str, venue: Venue, rows: &[Row], (from, until): (Ms, Ms)) -> Option<Self> {
        let (first, last) = (rows.first()?.at_ms, rows.last()?.at_ms);
        let mut sum = Decimal::ZERO;
        let mut sums = vec![sum];
        for row in rows {
            sum += row.rate;
            sums.push(sum);
        }
        let times = rows.iter().map(|row| row.at_ms).collect();
        Some(Self {
            symbol: symbol.to_owned(),
            venue,
            times,
            sums,
            from: from.max(first),
            until: until.min(last),
        })
    }

    fn paid(&self, after: Ms, until: Ms) -> Decimal {
        let sum = |at: Ms| {
            let index = self.times.partition_point(|time| *time <= at);
            self.sums.get(index).copied().unwrap_or_default()
        };
        sum(until) - sum(after)
    }

    fn covers(&self, at: Ms) -> bool {
        self.from <= at - BEFORE_MS && at + AFTER_MS <= self.until
    }

    /// What it pays in the hold from `at` if it then fades: if as much time again pays a quarter less, or nothing.
    /// Zero if it goes on, or if it costs.
    fn worth(&self, at: Ms) -> Decimal {
        let (now, then) = (self.paid(at, at + HOLD_MS), self.paid(at + HOLD_MS, at + AFTER_MS));
        let fades = then * Decimal::from(4) <= now * Decimal::from(3);
        if fades { now.max(Decimal::ZERO) } else { Decimal::ZERO }
    }
}

/// The instant from which the second-best leg is worth most (one leg alone may be a freak), then the best; the
/// earliest of equals. Instants at which some symbol has both venues come first; where there are none, any will do.
pub(super) fn richest(legs: &[Leg], from: Ms, until: Ms) -> Option<Ms> {
    let begin = legs.iter().map(|leg| leg.from).min()?.max(from) + BEFORE_MS;
    let end = legs.iter().map(|leg| leg.until).max()?.min(until) - AFTER_MS;
    let mut at = (begin + GRID_MS - 1).div_euclid(GRID_MS) * GRID_MS;
    let mut best: Option<((bool, Decimal, Decimal), Ms)> = None;
    while at <= end {
        let here: Vec<&Leg> = legs.iter().filter(|leg| leg.covers(at)).collect();
        let mut worth: Vec<Decimal> = here.iter().map(|leg| leg.worth(at)).collect();
        worth.sort_by(|a, b| b.cmp(a));
        if let [first, second, ..] = worth.as_slice() {
            let score = (!on_both(&here).is_empty(), *second, *first);
            if best.is_none_or(|(known, _)| score > known) {
                best = Some((score, at));
            }
        }
        at += GRID_MS;
    }
    best.map(|(_, at)| at)
}

fn on_both<'a>(legs: &[&'a Leg]) -> BTreeSet<&'a str> {
    let of = |venue| -> BTreeSet<&str> {
        legs.iter()
            .filter(|leg| leg.venue == venue)
            .map(|leg| leg.symbol.as_str())
            .collect()
    };
    of(Venue::Binance).intersection(&of(Venue::Bybit)).copied().collect()
}

/// What was chosen from a folder.
pub(super) struct Choice {
    /// Symbols, the wanted ones first.
    pub ranked: Vec<String>,
    /// The instant to begin.
    pub showcase: Ms,
}

/// Looks through every symbol of a folder that could be hedged within `window`.
pub(super) fn choose(dir: &Path, known: &Properties, window: (Ms, Ms)) -> Result<Option<Choice>, MarketError> {
    let legs = candidates(dir, known, window)?;
    let Some(showcase) = richest(&legs, window.0, window.1) else {
        return Ok(None);
    };
    let here: Vec<&Leg> = legs.iter().filter(|leg| leg.covers(showcase)).collect();
    let both = on_both(&here);
    let mut by_worth: Vec<(Decimal, &str)> = here
        .iter()
        .map(|leg| (leg.worth(showcase), leg.symbol.as_str()))
        .collect();
    by_worth.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let mut ranked: Vec<String> = Vec::new();
    let mut take = |symbols: &mut dyn Iterator<Item = &str>, most: usize| {
        for symbol in symbols {
            if ranked.len() < most && !ranked.iter().any(|s| s == symbol) {
                ranked.push(symbol.to_owned());
            }
        }
    };
    take(&mut by_worth.iter().map(|(_, symbol)| *symbol), RICHEST);
    take(
        &mut by_worth.iter().map(|(_, symbol)| *symbol).filter(|s| both.contains(s)),
        usize::MAX,
    );
    take(&mut by_worth.iter().map(|(_, symbol)| *symbol), usize::MAX);
    Ok(Some(Choice { ranked, showcase }))
}

/// The perpetuals with settlements and bars whose coin has a second leg somewhere: a spot pair, or a perpetual on the
/// other venue.
fn candidates(dir: &Path, known: &Properties, window: (Ms, Ms)) -> Result<Vec<Leg>, MarketError> {
    let mut legs = Vec::new();
    for symbol in symbols_with_bars(dir)? {
        let Some((_, _, spot)) = quoted_base(&symbol).map(|base| spot_of(dir, known, &symbol, base)) else {
            continue;
        };
        let funded = |venue| files::find(&stem(dir, venue, None, &symbol));
        let (binance, bybit) = (funded(Venue::Binance), funded(Venue::Bybit));
        if binance.is_none() || (bybit.is_none() && !spot) {
            continue;
        }
        let Some(bars) = files::find(&stem(dir, Venue::Binance, Some(Kind::Perp), &symbol)) else {
            continue;
        };
        let Some((first, last)) = parse::span(&bars)? else {
            continue;
        };
        let priced = (first.max(window.0), last.min(window.1));
        for (venue, path) in [(Venue::Binance, binance), (Venue::Bybit, bybit)] {
            let Some(path) = path else { continue };
            let rows = parse::funding(&path, (priced.0 - BEFORE_MS, priced.1 + BEFORE_MS))?;
            legs.extend(Leg::new(&symbol, venue, &rows, priced));
        }
    }
    Ok(legs)
}

/// The spot pair of a perpetual: its symbol, the coins in one contract, and whether any venue lists it.
pub(super) fn spot_of(dir: &Path, known: &Properties, symbol: &str, base: &str) -> (String, Decimal, bool) {
    let listed = |pair: &str| {
        [Venue::Binance, Venue::Bybit].iter().any(|venue| {
            known.contains_key(&(*venue, Product::Spot, pair.to_owned()))
                || files::find(&stem(dir, *venue, Some(Kind::Spot), pair)).is_some()
        })
    };
    if listed(symbol) {
        return (symbol.to_owned(), Decimal::ONE, true);
    }
    for multiplier in ["1000000", "10000", "1000"] {
        if let Some(coin) = base.strip_prefix(multiplier) {
            let pair = format!("{coin}USDT");
            let coins = multiplier.parse().unwrap_or(Decimal::ONE);
            let is_listed = listed(&pair);
            return (pair, coins, is_listed);
        }
    }
    (symbol.to_owned(), Decimal::ONE, false)
}

/// Symbols with hourly bars of the Binance perpetual, in the order of the alphabet.
fn symbols_with_bars(dir: &Path) -> Result<BTreeSet<String>, MarketError> {
    let folder = dir.join("klines/binance/perp");
    let missing = |_| MarketError::Missing {
        path: folder.clone(),
        expected: "hourly bars of Binance perpetuals, klines/binance/perp/<SYMBOL>-1h.csv.gz".into(),
    };
    let mut symbols = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).map_err(missing)? {
        let name = entry.map_err(missing)?.file_name();
        let Some(name) = name.to_str() else { continue };
        let symbol = name.strip_suffix("-1h.csv.gz").or_else(|| name.strip_suffix("-1h.csv"));
        symbols.extend(symbol.filter(|s| quoted_base(s).is_some()).map(str::to_owned));
    }
    Ok(symbols)
}
