//! The rules of others, as read from one-line summaries of their sources: economic readings, not ports. Sizes, rotations
//! and risk stops are ours or left out.

use domain::instrument::VenueId;

use super::View;
use super::edge::{BPS, MILLIONTH, fees, per_hour, slippage};
use crate::costs::Liquidity;
use crate::engine::{Caps, DOLLAR, Held, Manner, Rule};

/// hummingbot/hummingbot, `scripts/v2_funding_rate_arb.py`: two perpetuals, entered at a difference of 0.1 % a day, left
/// at a profit of 1 % of notional or at a difference below −0.1 % a day.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hummingbot;

impl Rule for Hummingbot {
    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let pair = view.pair(symbol, pair)?;
        let edge = per_hour(view, symbol, pair)?;
        (!pair.is_carry() && edge * 24 >= 10 * BPS).then_some(edge)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let edge = view
            .pair(held.symbol, held.pair)
            .and_then(|pair| per_hour(view, held.symbol, pair));
        let taken = view.profit(held).coarse() >= held.notional * (DOLLAR / 100);
        taken || edge.is_some_and(|edge| edge * 24 < -10 * BPS)
    }
}

/// Bruce188, `BotConfiguration.cs`: two perpetuals, one hedge at a time; entered at 5 bps an hour that pay the fees within
/// 8 h; left below −2 bps an hour after 4 h, or after 48 h.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bruce188;

impl Rule for Bruce188 {
    fn most(&self, _: &Caps) -> usize {
        1
    }

    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let pair = view.pair(symbol, pair)?;
        let edge = per_hour(view, symbol, pair)?;
        let pays = edge * 8 >= fees(pair, Liquidity::Taker) * MILLIONTH;
        (!pair.is_carry() && edge >= 5 * BPS && pays).then_some(edge)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let hours = view.now() + 1 - held.entry;
        let edge = view
            .pair(held.symbol, held.pair)
            .and_then(|pair| per_hour(view, held.symbol, pair));
        hours >= 48 || (hours >= 4 && edge.is_some_and(|edge| edge < -2 * BPS))
    }
}

/// c9s/bbgo, `pkg/strategy/xfundingv2`: carry on Binance, perpetuals passive; entered at 5 % a year that pay the fees
/// within 48 h; after a flip beyond −3 bps per 8 h left once in profit, or worse than −3 %.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bbgo;

impl Rule for Bbgo {
    fn manner(&self) -> Manner {
        Manner {
            passive_entry: true,
            passive_exit: true,
        }
    }

    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let pair = view.pair(symbol, pair)?;
        let edge = per_hour(view, symbol, pair)?;
        let there = pair.is_carry() && pair.is_single_venue() && pair.long.venue == VenueId::Binance;
        let pays = edge * 48 >= fees(pair, Liquidity::Maker) * MILLIONTH;
        (there && edge * 8_760 >= 500 * BPS && pays).then_some(edge)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let edge = view
            .pair(held.symbol, held.pair)
            .and_then(|pair| per_hour(view, held.symbol, pair));
        let flipped = edge.is_some_and(|edge| edge * 8 < -3 * BPS);
        let profit = view.profit(held).coarse();
        flipped && (profit > 0 || profit < -3 * held.notional * (DOLLAR / 100))
    }
}

/// The seed's `strategy/config.ts`: any hedge, in at 10 bps per 8 h, out at 3.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeedSpread;

impl Rule for SeedSpread {
    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let edge = per_hour(view, symbol, view.pair(symbol, pair)?)?;
        (edge * 8 >= 10 * BPS).then_some(edge)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let edge = view
            .pair(held.symbol, held.pair)
            .and_then(|pair| per_hour(view, held.symbol, pair));
        edge.is_some_and(|edge| edge * 8 <= 3 * BPS)
    }
}

/// The seed's 30 bps read over a week: any hedge whose last rate would bring 30 bps after all costs in seven days; looked at
/// again after seven days, and left when the rate is not above nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeedWeek;

impl Rule for SeedWeek {
    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let pair = view.pair(symbol, pair)?;
        let costs = fees(pair, Liquidity::Taker) + slippage(view, symbol, pair);
        let net = per_hour(view, symbol, pair)? * 168 - costs * MILLIONTH;
        (net >= 30 * BPS).then_some(net)
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let hours = view.now() + 1 - held.entry;
        let edge = view
            .pair(held.symbol, held.pair)
            .and_then(|pair| per_hour(view, held.symbol, pair));
        hours >= 168 && edge.is_some_and(|edge| edge <= 0)
    }
}
