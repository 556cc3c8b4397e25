//! What a run was worth: returns on the capital that it tied up, risk, by year, month and symbol.

use std::collections::BTreeMap;

use domain::instrument::Product;
use domain::time::Timestamp;
use rust_decimal::Decimal;

use crate::engine::{Caps, Closed, LIQUIDATION_PER_MILLE, Outcome, Sums};
use crate::tape::Tape;

/// Hours of a year.
const YEAR_HOURS: i64 = 8_766;
/// Days of a year, by which daily risk is made yearly.
const YEAR_DAYS: i128 = 365;
/// The figures of a run. Amounts in US dollars, shares as fractions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Hedges opened and closed.
    pub trades: usize,
    /// Of these, with a profit.
    pub winners: usize,
    /// Everything earned and paid.
    pub sums: Sums,
    /// Net over the mean margin at entry while in the market.
    pub net_on_average_tied: Option<Decimal>,
    /// The mean margin at entry while in the market.
    pub average_tied: Decimal,
    /// Net a year on margins at entry.
    pub annual_on_tied: Option<Decimal>,
    /// Net a year on margins marked to price.
    pub annual_on_marked_tied: Option<Decimal>,
    /// Net a year on the whole capital, whose idle part earns nothing.
    pub annual_on_capital: Option<Decimal>,
    /// Mean over standard deviation of daily marked profit, a year's.
    pub sharpe: Option<Decimal>,
    /// The same over the deviation of losing days alone.
    pub sortino: Option<Decimal>,
    /// The deepest fall of hourly marked profit below its height.
    pub max_drawdown: Decimal,
    /// Net for each dollar of it.
    pub net_on_drawdown: Option<Decimal>,
    /// Hours with at least one hedge.
    pub hours_in_market: u32,
    /// Hours of the run.
    pub hours: u32,
    /// The most hedges at once.
    pub most_at_once: usize,
    /// Hedges in which a perpetual moved so far against its entry that a margin of a third would have been gone.
    pub liquidation_touches: usize,
    /// Entries that were ordered and did not fill.
    pub missed: u32,
    /// By calendar year.
    pub years: Vec<(i32, Sums)>,
    /// Net by calendar month.
    pub months: Vec<((i32, u8), Decimal)>,
    /// By symbol: hedges and sums.
    pub symbols: BTreeMap<String, (usize, Sums)>,
}

impl Measure {
    /// Measures a run.
    pub fn of(tape: &Tape, outcome: &Outcome, caps: &Caps) -> Self {
        let sums = outcome
            .closed
            .iter()
            .fold(Sums::default(), |sum, closed| sum.and(&closed.sums));
        let net = sums.net().decimal();
        let in_market = Decimal::from(outcome.hours_in_market);
        let tied = dollars(outcome.tied);
        let average = tied.checked_div(in_market).unwrap_or_default();
        let yearly = |hours: Decimal| (net * Decimal::from(YEAR_HOURS)).checked_div(hours);
        let drawdown = dollars(drawdown(&outcome.equity).into());
        let mut measure = Self {
            trades: outcome.closed.len(),
            winners: outcome.closed.iter().filter(|closed| closed.sums.net().0 > 0).count(),
            sums,
            net_on_average_tied: net.checked_div(average),
            average_tied: average,
            annual_on_tied: yearly(tied),
            annual_on_marked_tied: yearly(dollars(outcome.marked_tied)),
            annual_on_capital: yearly(Decimal::from(caps.capital) * Decimal::from(tape.hours)),
            max_drawdown: drawdown,
            net_on_drawdown: net.checked_div(drawdown),
            hours_in_market: outcome.hours_in_market,
            hours: u32::try_from(tape.hours).unwrap_or_default(),
            most_at_once: outcome.most_at_once,
            liquidation_touches: outcome.closed.iter().filter(|closed| touched(tape, closed)).count(),
            missed: outcome.missed,
            ..Self::default()
        };
        measure.calendar(tape, outcome);
        for closed in &outcome.closed {
            let name = tape.symbols.get(closed.held.symbol).map_or("", |symbol| &symbol.name);
            let (count, sum) = measure.symbols.entry(name.to_owned()).or_default();
            (*count, *sum) = (*count + 1, sum.and(&closed.sums));
        }
        measure
    }

    /// Sums and hedges of the named symbols, and of all others.
    pub fn groups(&self, named: &[&str]) -> [(Sums, usize); 2] {
        let mut groups = [(Sums::default(), 0), (Sums::default(), 0)];
        let [inside, outside] = &mut groups;
        for (name, (count, sums)) in &self.symbols {
            let group = if named.contains(&name.as_str()) {
                &mut *inside
            } else {
                &mut *outside
            };
            *group = (group.0.and(sums), group.1 + count);
        }
        groups
    }

    /// Days, months and years: what lies between two midnights belongs to the first one's.
    fn calendar(&mut self, tape: &Tape, outcome: &Outcome) {
        let mut daily = Vec::with_capacity(outcome.days.len());
        for (before, day) in outcome.days.iter().zip(outcome.days.iter().skip(1)) {
            let brought = day.sums.since(&before.sums);
            daily.push(i128::from(brought.net().coarse()));
            let (year, month) = year_month(tape.time(before.hour));
            match self.years.last_mut() {
                Some((last, sums)) if *last == year => *sums = sums.and(&brought),
                _ => self.years.push((year, brought)),
            }
            let net = brought.net().decimal();
            match self.months.last_mut() {
                Some((last, sum)) if *last == (year, month) => *sum += net,
                _ => self.months.push(((year, month), net)),
            }
        }
        (self.sharpe, self.sortino) = (sharpe(&daily), sortino(&daily));
    }
}

/// An amount in units of 10⁻⁸.
fn dollars(coarse: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(coarse, 8).unwrap_or(Decimal::MAX)
}

/// The deepest fall below the height so far.
pub fn drawdown(equity: &[i64]) -> i64 {
    let (mut height, mut deepest) = (0, 0);
    for value in equity {
        height = height.max(*value);
        deepest = deepest.max(height - value);
    }
    deepest
}

/// `√(365 · mean² / variance)` with the mean's sign, to four digits.
fn sharpe(daily: &[i128]) -> Option<Decimal> {
    let count = i128::try_from(daily.len()).ok().filter(|count| *count > 1)?;
    let (sum, squares) = moments(daily)?;
    let spread = count.checked_mul(squares)?.checked_sub(sum.checked_mul(sum)?)?;
    ratio(sum, (count - 1) * YEAR_DAYS, spread.checked_mul(count)?)
}

/// As [`sharpe`], with the mean square of losing days in place of the variance.
fn sortino(daily: &[i128]) -> Option<Decimal> {
    let count = i128::try_from(daily.len()).ok().filter(|count| *count > 1)?;
    let losing: Vec<i128> = daily.iter().copied().map(|day| day.min(0)).collect();
    let ((sum, _), (_, squares)) = (moments(daily)?, moments(&losing)?);
    ratio(sum, YEAR_DAYS, squares.checked_mul(count)?)
}

/// Sum and sum of squares in units of 10⁻⁵ USD, which leaves room for what follows.
fn moments(daily: &[i128]) -> Option<(i128, i128)> {
    daily.iter().try_fold((0_i128, 0_i128), |(sum, squares), day| {
        let day = day / 1_000;
        Some((sum.checked_add(day)?, squares.checked_add(day.checked_mul(day)?)?))
    })
}

/// `±√(value² · times / over)` to four digits.
fn ratio(value: i128, times: i128, over: i128) -> Option<Decimal> {
    let square = value.checked_mul(value)?.checked_mul(times)?.checked_mul(100_000_000)?;
    let root = i64::try_from(u128::try_from(square.checked_div(over)?).ok()?.isqrt()).ok()?;
    Some(Decimal::new(if value < 0 { -root } else { root }, 4))
}

/// Whether a perpetual's price went so far against its entry.
fn touched(tape: &Tape, closed: &Closed) -> bool {
    let held = &closed.held;
    let Some(symbol) = tape.symbols.get(held.symbol) else {
        return false;
    };
    let Some(pair) = symbol.pairs.get(held.pair).filter(|_| held.quantity > 0) else {
        return false;
    };
    [(pair.long, true), (pair.short, false)]
        .into_iter()
        .any(|(market, long)| {
            let columns = symbol.columns(market);
            let hours =
                usize::try_from(held.entry).unwrap_or_default()..usize::try_from(closed.exit).unwrap_or_default();
            let far = |column: &[i64]| column.get(hours.clone()).map(<[i64]>::to_vec).unwrap_or_default();
            let Some(open) = columns.open_at(held.entry).map(i128::from) else {
                return false;
            };
            let mut prices = far(if long { &columns.low } else { &columns.high }).into_iter();
            market.product == Product::Perp
                && prices.any(|price| {
                    let against = if long {
                        open - i128::from(price)
                    } else {
                        i128::from(price) - open
                    };
                    price > 0 && against * 1_000 >= open * i128::from(LIQUIDATION_PER_MILLE)
                })
        })
}

/// Year and month of an instant.
fn year_month(at: Timestamp) -> (i32, u8) {
    let text = at.to_string();
    let mut parts = text.split('-');
    let year = parts.next().and_then(|year| year.parse().ok()).unwrap_or_default();
    (
        year,
        parts.next().and_then(|month| month.parse().ok()).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::DOLLAR;

    #[test]
    fn drawdown_is_measured_from_the_height_before_it() {
        assert_eq!(drawdown(&[0, 5, 3, 9, 2, 8]), 7);
        assert_eq!(drawdown(&[-4, -1]), 4);
        assert_eq!(drawdown(&[1, 2, 3]), 0);
    }

    #[test]
    fn sharpe_and_sortino_are_those_of_the_textbook() {
        // Days of 1, 2, 3 and -2 dollars: mean 1, variance 14/3, mean square of the losing day 1.
        let daily: Vec<i128> = [1, 2, 3, -2].map(|day| day * i128::from(DOLLAR)).to_vec();
        assert_eq!(sharpe(&daily).unwrap().to_string(), "8.8438"); // √(365 · 3/14)
        assert_eq!(sortino(&daily).unwrap().to_string(), "19.1049"); // √365
        let losing: Vec<i128> = daily.iter().map(|day| -day).collect();
        assert_eq!(sharpe(&losing).unwrap().to_string(), "-8.8438");
        assert_eq!(sharpe(&[5, 5, 5]), None);
        assert_eq!(sharpe(&[5]), None);
    }
}
