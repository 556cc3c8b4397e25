//! The deciding backtest: the engine's own rule, the rules to beat and the bound, over one tape and under the same caps.

use crate::engine::{Caps, Outcome, Rule, RunError, run};
use crate::measure::Measure;
use crate::rules::expected::{Expected, Settings};
use crate::rules::foresight::Foresight;
use crate::rules::hold::Hold;
use crate::rules::peers;
use crate::tape::{Pair, Tape};

/// What a row of the comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The engine's own rule.
    Own,
    /// A rule to beat.
    Baseline,
    /// What nobody can know.
    Bound,
}

impl Role {
    /// Its name in results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Baseline => "baseline",
            Self::Bound => "bound",
        }
    }
}

/// One rule over the tape.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Where it was read, and how.
    pub source: &'static str,
    /// What it is here.
    pub role: Role,
    /// What it did.
    pub outcome: Outcome,
    /// What that was worth.
    pub measure: Measure,
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Study {
    /// What was asked for.
    pub caps: Caps,
    /// What the own rule was set to.
    pub settings: Settings,
    /// The own rule first, then the baselines, then the bound.
    pub rows: Vec<Row>,
    /// The bound without caps and before basis, in units of 10⁻⁸ USD.
    pub relaxed_bound: i64,
}

/// A rule and what is told of it.
type Named = (&'static str, &'static str, Role, Box<dyn Rule>);

fn rules(tape: &Tape, caps: &Caps, settings: Settings, foresight: Foresight) -> Vec<Named> {
    let carries = tape
        .symbols
        .iter()
        .filter(|symbol| symbol.pairs.iter().any(Pair::is_carry))
        .count();
    let baseline = |name, source, rule: Box<dyn Rule>| (name, source, Role::Baseline, rule);
    vec![
        (
            "expected value",
            "this engine: persistence of funding, haircut by past error, entry and exit by expected value",
            Role::Own,
            Box::new(Expected::new(settings)),
        ),
        baseline(
            "hold BTC+ETH",
            "always-hold: carry of BTC and ETH from the first bar to the last",
            Box::new(Hold::majors()),
        ),
        baseline(
            "hold all",
            "always-hold: one carry of every symbol, equal shares of the capital",
            Box::new(Hold::everything(carries, caps)),
        ),
        baseline(
            "Hummingbot v2",
            "hummingbot/hummingbot scripts/v2_funding_rate_arb.py: in at 0.1 %/day, out at +1 % or below -0.1 %/day",
            Box::new(peers::Hummingbot),
        ),
        baseline(
            "Bruce188",
            "Bruce188 BotConfiguration.cs: in at 5 bps/h, out below -2 bps/h after 4 h or after 48 h, one at a time",
            Box::new(peers::Bruce188),
        ),
        baseline(
            "BBGO xfunding v2",
            "c9s/bbgo pkg/strategy/xfundingv2: Binance carry at 5 % a year, break-even 48 h, passive perpetuals",
            Box::new(peers::Bbgo),
        ),
        baseline(
            "seed 10/3",
            "the seed's strategy/config.ts: any hedge, in at 10 bps per 8 h, out at 3",
            Box::new(peers::SeedSpread),
        ),
        baseline(
            "seed 30 bps/7 d",
            "the seed's MIN_SPREAD_BPS of 30 over 7 days after all costs, out when the rate is not above 0",
            Box::new(peers::SeedWeek),
        ),
        (
            "perfect foresight",
            "bound: every settlement known in advance, basis not; taker",
            Role::Bound,
            Box::new(foresight),
        ),
    ]
}

/// Runs all of them; `done` is told how many are done and how many there are, before the first one and after each.
///
/// # Errors
/// The first [`RunError`].
pub fn study(
    tape: &Tape,
    caps: Caps,
    settings: Settings,
    mut done: impl FnMut(usize, usize),
) -> Result<Study, RunError> {
    let foresight = Foresight::of(tape, &caps);
    let relaxed_bound = foresight.relaxed();
    let rules = rules(tape, &caps, settings, foresight);
    let all = rules.len();
    let mut rows = Vec::with_capacity(all);
    done(0, all);
    for (name, source, role, mut rule) in rules {
        let outcome = run(tape, rule.as_mut(), &caps)?;
        rows.push(Row {
            name,
            source,
            role,
            measure: Measure::of(tape, &outcome, &caps),
            outcome,
        });
        done(rows.len(), all);
    }
    Ok(Study {
        caps,
        settings,
        rows,
        relaxed_bound,
    })
}
