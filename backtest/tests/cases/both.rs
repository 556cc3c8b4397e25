//! The running engine's ranking and the backtest's own rule are one decision: the same settlements and costs, told to both,
//! give the same entries and the same exits.

use std::collections::BTreeMap;
use std::num::NonZeroU8;
use std::path::Path;
use std::time::Duration;

use backtest::costs::Liquidity;
use backtest::engine::{Caps, Held, Manner, Rule, View, run};
use backtest::hedges::Market;
use backtest::history::History;
use backtest::rules::expected::{Expected, Settings};
use backtest::tape::{self, Period, Tape, build};
use domain::bounds::{Bounds, Shares};
use domain::forecast::{Forecaster, Settlement};
use domain::funding::FundingTerms;
use domain::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, TradingStatus};
use domain::market::{MarketFact, Quote};
use domain::money::{Bps, Price, Quantity, Rate, Usd};
use domain::risk::{Freshness, Limits};
use domain::strategy::{self, Board, Plan, StayOrLeave, stay_or_leave};
use domain::time::{Machine, Now, Timestamp};
use rust_decimal::Decimal;

use crate::market::market;

/// The own rule, and beside it the engine's board, asked the same questions.
struct Both {
    rule: Expected,
    board: Board,
    plan: Plan,
    limits: Limits,
    /// Settlements told to the board so far.
    told: BTreeMap<InstrumentId, usize>,
    wishes: u32,
    wanted: u32,
    left: u32,
}

fn id(view: &View<'_>, symbol: usize, market: Market) -> InstrumentId {
    InstrumentId {
        venue: market.venue,
        product: market.product,
        symbol: Name::new(view.name(symbol)),
    }
}

/// What is decided after an hour has ended is done a minute after the next begins.
fn when(view: &View<'_>) -> Now {
    let market = view.time(view.now() + 1).plus_millis(60_000);
    Now {
        market,
        machine: Machine(Duration::from_millis(u64::try_from(market.millis()).unwrap())),
    }
}

impl Both {
    fn new(settings: Settings) -> Self {
        let plan = Plan {
            hold_hours: settings.hold_hours.unsigned_abs(),
            reentry_share: Decimal::new(settings.reentry_share, 2),
            minimum_hold_hours: settings.minimum_hold_hours,
            rotation: settings.rotation,
            forecast: Some(Forecaster::new(settings.model())),
        };
        let most = Usd(Decimal::from(1_000_000));
        let limits = Limits {
            min_spread: Bps(Decimal::new(settings.least_net, 6)),
            max_position: most,
            max_venue: most,
            max_total: most,
            max_daily_loss: most,
            max_drawdown: Bps(Decimal::from(10_000)),
            max_slippage: Bps(Decimal::from(100)),
            delisting_hours: 72,
            shares: Shares::default(),
            freshness: Freshness::DEFAULT,
        };
        Self {
            rule: Expected::new(settings),
            board: Board::default(),
            plan,
            limits,
            told: BTreeMap::new(),
            wishes: 0,
            wanted: 0,
            left: 0,
        }
    }

    /// Tells the board of a market what the rule knows of it.
    fn tell(&mut self, view: &View<'_>, symbol: usize, market: Market) {
        let (id, now) = (id(view, symbol, market), when(view));
        let passive = match market.product {
            Product::Spot => Liquidity::Taker,
            Product::Perp => Liquidity::Maker,
        };
        let fee = Rate(Decimal::new(tape::fee(market, passive), 6));
        if self.board.listing(&id).is_none() {
            self.board
                .list(instrument(id.clone()), FeeRates { maker: fee, taker: fee });
        }
        // A touch as wide as the table's slippage: half of it is paid by each fill.
        let (mid, slip) = (Decimal::ONE_HUNDRED, Decimal::new(view.slip(symbol, market.product), 4));
        let quote = Quote {
            bid: Price(mid - slip),
            ask: Price(mid + slip),
            bid_quantity: Quantity(Decimal::TEN),
            ask_quantity: Quantity(Decimal::TEN),
        };
        let venue_time = now.market;
        let fact = MarketFact::Quote {
            instrument: id.clone(),
            quote,
            venue_time,
        };
        assert!(self.board.observe(&fact, now));
        if market.product == Product::Perp {
            self.tell_settled(view, symbol, market, &id);
        }
    }

    fn tell_settled(&mut self, view: &View<'_>, symbol: usize, market: Market, id: &InstrumentId) {
        let rows = view.settled(symbol, market.venue);
        let known = self.told.entry(id.clone()).or_default();
        let fresh: Vec<_> = rows[*known..]
            .iter()
            .map(|row| Settlement {
                rate: Rate(Decimal::new(row.rate, 10)),
                at: view.time(row.hour),
            })
            .collect();
        *known = rows.len();
        let Some(last) = rows.last() else { return };
        let now = when(view);
        let mut next_settlement = view.time(last.hour);
        while next_settlement <= now.market {
            next_settlement = next_settlement.plus_hours(i64::from(last.interval));
        }
        let terms = FundingTerms {
            // Nothing rests on the running estimate: it may be as wrong as it likes.
            predicted: Rate(Decimal::new(-9, 2)),
            next_settlement,
            interval_hours: NonZeroU8::new(last.interval).unwrap(),
            cap: None,
            floor: None,
        };
        let fact = MarketFact::Funding {
            instrument: id.clone(),
            terms,
            venue_time: now.market,
        };
        assert!(self.board.observe(&fact, now));
        assert!(self.board.recall(id, &fresh, &self.plan));
    }

    fn pair(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> strategy::Pair {
        let legs = view.pair(symbol, pair).unwrap();
        self.tell(view, symbol, legs.long);
        self.tell(view, symbol, legs.short);
        strategy::Pair {
            long: id(view, symbol, legs.long),
            short: id(view, symbol, legs.short),
        }
    }
}

fn instrument(id: InstrumentId) -> Instrument {
    Instrument {
        asset: id.symbol.clone(),
        base: id.symbol.clone(),
        quote: Name::new("USDT"),
        multiplier: Decimal::ONE,
        tick: Price(Decimal::new(1, 4)),
        lot: Quantity(Decimal::new(1, 3)),
        min_quantity: Quantity(Decimal::new(1, 3)),
        max_quantity: Quantity(Decimal::from(1_000_000)),
        max_market_quantity: Quantity(Decimal::from(1_000_000)),
        min_notional: Usd(Decimal::from(5)),
        least_price: Price(Decimal::ZERO),
        greatest_price: None,
        ends_at: None,
        bounds: Bounds::default(),
        status: TradingStatus::Trading,
        id,
    }
}

impl Rule for Both {
    fn manner(&self) -> Manner {
        self.rule.manner()
    }

    fn heard(&mut self, view: &View<'_>, symbol: usize) {
        self.rule.heard(view, symbol);
    }

    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let wish = self.rule.wish(view, symbol, pair);
        let legs = self.pair(view, symbol, pair);
        self.board.refresh(&self.plan, &self.limits, when(view));
        let judged = self.board.opportunities().find(|one| one.pair == legs).unwrap();
        assert_eq!(
            wish.is_some(),
            judged.refused.is_none(),
            "{} {judged:?}",
            view.time(view.now())
        );
        self.wishes += 1;
        self.wanted += u32::from(wish.is_some());
        wish
    }

    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool {
        let leaves = self.rule.leave(view, held);
        let legs = self.pair(view, held.symbol, held.pair);
        let (expected, costs) = self
            .board
            .stay(&legs, &self.plan, &self.limits.freshness, when(view))
            .unwrap();
        let verdict = stay_or_leave(
            expected,
            &costs,
            &self.plan,
            u32::try_from(view.now() - held.entry).unwrap(),
        );
        assert_eq!(leaves, matches!(verdict, StayOrLeave::Leave { .. }), "{verdict:?}");
        self.left += u32::from(leaves);
        leaves
    }
}

fn replayed(tape: &Tape, settings: Settings) -> Both {
    let mut both = Both::new(settings);
    run(tape, &mut both, &Caps::default()).unwrap();
    both
}

#[test]
fn the_engines_ranking_decides_as_the_own_rule_does() {
    let folder = market(11, 50, None);
    let tape = build(&mut History::open(folder.path()).unwrap(), &[], Period::default()).unwrap();
    let settings = Settings {
        least_net: 0,
        haircut: 0,
        reentry_share: 0,
        stay_hours: 72,
        hold_hours: 72,
        ..Settings::default()
    };
    let both = replayed(&tape, settings);
    assert!(
        both.wanted > 20 && both.wishes > 2 * both.wanted,
        "{} of {}",
        both.wanted,
        both.wishes
    );
    assert!(both.left > 0, "nothing was left");
}

/// A week in which hedges are entered and left, as it was recorded.
#[test]
fn a_recorded_week_through_both_gives_the_same_decisions() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if !data.exists() {
        println!("skipped: no recorded data at {}", data.display());
        return;
    }
    let week = |first: i64| Period {
        from: Some(Timestamp(first)),
        to: Some(Timestamp(first).plus_hours(7 * 24)),
    };
    let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "WIFUSDT", "LINKUSDT"].map(str::to_owned);
    // 2024-03-01 and 2025-02-01.
    let (mut wishes, mut wanted) = (0, 0);
    for first in [1_709_251_200_000, 1_738_368_000_000] {
        let tape = build(&mut History::open(&data).unwrap(), &symbols, week(first)).unwrap();
        let both = replayed(&tape, Settings::default());
        (wishes, wanted) = (wishes + both.wishes, wanted + both.wanted);
    }
    assert!(wanted > 50 && wishes > wanted, "{wanted} of {wishes}");
}
