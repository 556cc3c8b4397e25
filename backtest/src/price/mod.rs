//! One hedge priced: every fill and every settlement, exact.
//!
//! - A fill happens at the open of its hour's bar. Slippage and fee are apart from the price; the fee is charged on the
//!   value at the price with slippage.
//! - A settlement at `s` is earned when `entry < s <= exit`: `-side · quantity · mark · rate`, each leg on its own schedule.
//! - The mark is that of the settlement's row, else the open of the mark bar, else the open of the perpetual's bar.
//! - What is missing is never made up: no bar at a fill or no mark at a settlement is an error, missing settlements are
//!   [gaps](PricedGap) beside the result.
//!
//! ```text
//! parts  what a price is made of: fills, payments, sums
//! ```

mod parts;

use std::rc::Rc;

use domain::instrument::Product;
use domain::time::Timestamp;
use rust_decimal::Decimal;

pub use parts::{Attribution, Fill, MarkSource, Payment, PriceError, Priced, PricedGap};

use crate::costs::{self, Hundredths, Liquidity};
use crate::fixed::Fixed;
use crate::hedges::{Hedge, Leg, Market, Size};
use crate::history::{BELIEVED_RATE, BarSeries, FundingSeries, History, Kind, SeriesId, Settlement};

/// Reads the files that a hedge may need, so that what reading costs can be told from what pricing costs. What is wrong
/// with them is said when the hedge is priced.
pub fn load(history: &mut History, hedge: &Hedge) {
    for market in [hedge.long.market, hedge.short.market] {
        let priced = matches!(hedge.size, Size::Quantity(_));
        if priced {
            let _ = market_bars(history, &hedge.symbol, market);
        }
        if market.product == Product::Perp {
            let _ = history.funding(market.venue, &hedge.symbol);
            if priced {
                let _ = history.bars(&SeriesId::new(market.venue, Kind::Mark, &hedge.symbol));
            }
        }
    }
}

/// Prices one hedge.
///
/// # Errors
/// A file that is missing or wrong, or a price that is nowhere.
pub fn price(history: &mut History, hedge: &Hedge) -> Result<Priced, PriceError> {
    let mut priced = Priced {
        hedge: hedge.clone(),
        fills: Vec::with_capacity(4),
        payments: Vec::new(),
        total: Attribution::default(),
        gaps: Vec::new(),
        beyond_cap: Vec::new(),
    };
    for (leg, long) in [(&hedge.long, true), (&hedge.short, false)] {
        if leg.market.product == Product::Perp {
            settle(history, hedge, leg, long, &mut priced)?;
        }
        trade(history, hedge, leg, long, &mut priced)?;
    }
    priced.payments.sort_by_key(|payment| (payment.at, payment.venue));
    priced.gaps.sort();
    Ok(priced)
}

/// Both fills of a leg, and its price profit.
fn trade(history: &mut History, hedge: &Hedge, leg: &Leg, long: bool, priced: &mut Priced) -> Result<(), PriceError> {
    let mut notionals = [Decimal::ZERO; 2];
    let opens = opens(history, hedge, leg)?;
    for (entry, notional) in [true, false].into_iter().zip(&mut notionals) {
        let (at, liquidity, open) = if entry {
            (hedge.entry, leg.entry, opens.0)
        } else {
            (hedge.exit, leg.exit, opens.1)
        };
        let fill = fill(hedge, leg.market, (at, liquidity, open), (long == entry, entry))?;
        *notional = fill.notional;
        priced.total.fees += fill.fee;
        priced.total.slippage += fill.slippage;
        priced.fills.push(fill);
    }
    if let Size::Quantity(_) = hedge.size {
        let [bought, sold] = notionals;
        let gained = sold - bought;
        priced.total.basis += if long { gained } else { -gained };
    }
    Ok(())
}

/// The opens of a leg's entry and exit bars; none where the notional is fixed.
fn opens(history: &mut History, hedge: &Hedge, leg: &Leg) -> Result<(Option<Decimal>, Option<Decimal>), PriceError> {
    if let Size::FixedNotional(_) = hedge.size {
        return Ok((None, None));
    }
    let (id, bars, multiplier) = market_bars(history, &hedge.symbol, leg.market)?;
    let open = |at| {
        let bar = bars
            .at(at)
            .ok_or_else(|| PriceError::NoBar { series: id.clone(), at })?;
        Ok::<_, PriceError>(Some(bar.open.decimal() * multiplier))
    };
    Ok((open(hedge.entry)?, open(hedge.exit)?))
}

/// The bars of a leg, and how many coins its perpetual counts as one. `1000PEPEUSDT` is a perpetual on a thousand PEPE:
/// where spot has no pair of that name, the coin's own is taken a thousandfold.
pub(crate) fn market_bars(
    history: &mut History,
    symbol: &str,
    market: Market,
) -> Result<(SeriesId, Rc<BarSeries>, Decimal), PriceError> {
    let kind = match market.product {
        Product::Spot => Kind::Spot,
        Product::Perp => Kind::Perp,
    };
    let id = SeriesId::new(market.venue, kind, symbol);
    if let Some(bars) = history.bars(&id)? {
        return Ok((id, bars, Decimal::ONE));
    }
    if let (Kind::Spot, Some((thousand, coin))) = (kind, multiplied(symbol)) {
        let coin = SeriesId::new(market.venue, kind, coin);
        if let Some(bars) = history.bars(&coin)? {
            return Ok((coin, bars, Decimal::from(thousand)));
        }
    }
    Err(history.missing(&id, "for the hedge's fills").into())
}

/// `1000PEPEUSDT` as a thousand and `PEPEUSDT`.
pub(crate) fn multiplied(symbol: &str) -> Option<(i64, &str)> {
    [
        ("1000000", 1_000_000),
        ("10000", 10_000),
        ("1000", 1_000),
        ("1M", 1_000_000),
    ]
    .into_iter()
    .find_map(|(prefix, times)| Some((times, symbol.strip_prefix(prefix)?)))
}

fn fill(
    hedge: &Hedge,
    market: Market,
    (at, liquidity, open): (Timestamp, Liquidity, Option<Decimal>),
    (buy, entry): (bool, bool),
) -> Result<Fill, PriceError> {
    let notional = match (hedge.size, open) {
        (Size::Quantity(quantity), Some(open)) => quantity.checked_mul(open),
        (Size::FixedNotional(notional), _) => Some(notional),
        (Size::Quantity(_), None) => None,
    }
    .ok_or(PriceError::TooLarge)?;
    let slip = costs::slippage(&hedge.symbol, market.product);
    let fee_rate = costs::fee(market.venue, market.product, liquidity);
    let times = |amount: Decimal, rate: Hundredths| amount.checked_mul(rate.fraction()).ok_or(PriceError::TooLarge);
    let slippage = times(notional, slip)?;
    let value = if buy { notional + slippage } else { notional - slippage };
    Ok(Fill {
        market,
        buy,
        entry,
        at,
        open,
        slip,
        fee_rate,
        notional,
        value,
        fee: times(value, fee_rate)?,
        slippage,
    })
}

/// The settlements of a perpetual leg.
fn settle(history: &mut History, hedge: &Hedge, leg: &Leg, long: bool, priced: &mut Priced) -> Result<(), PriceError> {
    let venue = leg.market.venue;
    let id = SeriesId::new(venue, Kind::Funding, &hedge.symbol);
    let funding = history
        .funding(venue, &hedge.symbol)?
        .ok_or_else(|| history.missing(&id, "for the hedge's funding"))?;
    inside(&id, &funding, hedge)?;
    let gaps = funding.gaps(hedge.entry, hedge.exit);
    priced.gaps.extend(gaps.into_iter().map(|gap| PricedGap {
        series: id.clone(),
        gap,
    }));
    for row in funding.within(hedge.entry, hedge.exit) {
        let payment = payment(history, hedge, &id, long, row)?;
        priced.total.funding += payment.cash;
        if row.rate.0.abs() > BELIEVED_RATE.0 {
            priced.beyond_cap.push(payment);
        }
        priced.payments.push(payment);
    }
    Ok(())
}

/// The hold touches what was recorded.
fn inside(series: &SeriesId, funding: &FundingSeries, hedge: &Hedge) -> Result<(), PriceError> {
    let rows = funding.rows();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(()); // a file without rows is refused when it is read
    };
    let interval = |row: &Settlement| i64::from(row.interval_hours);
    let (from, until) = (
        first.at.plus_hours(-interval(first)),
        last.at.plus_hours(interval(last)),
    );
    if hedge.exit <= from || hedge.entry >= until {
        return Err(PriceError::Outside {
            series: series.clone(),
            from: first.at,
            until: last.at,
            entry: hedge.entry,
            exit: hedge.exit,
        });
    }
    Ok(())
}

fn payment(
    history: &mut History,
    hedge: &Hedge,
    series: &SeriesId,
    long: bool,
    row: &Settlement,
) -> Result<Payment, PriceError> {
    let rate = row.rate.decimal();
    let (notional, mark, mark_source) = match hedge.size {
        Size::FixedNotional(notional) => (Some(notional), None, MarkSource::FixedNotional),
        Size::Quantity(quantity) => {
            let (mark, source) = mark(history, series, row)?;
            (quantity.checked_mul(mark), Some(mark), source)
        }
    };
    let cash = notional
        .and_then(|notional| notional.checked_mul(rate))
        .ok_or(PriceError::TooLarge)?;
    Ok(Payment {
        at: row.at,
        venue: series.venue,
        long,
        interval_hours: row.interval_hours,
        rate,
        mark,
        mark_source,
        cash: if long { -cash } else { cash },
    })
}

fn mark(history: &mut History, series: &SeriesId, row: &Settlement) -> Result<(Decimal, MarkSource), PriceError> {
    if let Some(mark) = row.mark {
        return Ok((mark.decimal(), MarkSource::FundingFile));
    }
    for (kind, source) in [(Kind::Mark, MarkSource::MarkBar), (Kind::Perp, MarkSource::PerpBar)] {
        let bars = history.bars(&SeriesId::new(series.venue, kind, &series.symbol))?;
        if let Some(open) = bars.as_ref().and_then(|bars| bars.at(row.at)).map(|bar| bar.open) {
            return Ok((Fixed::decimal(open), source));
        }
    }
    Err(PriceError::NoMark {
        series: series.clone(),
        at: row.at,
    })
}
