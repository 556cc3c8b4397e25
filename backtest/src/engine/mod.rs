//! The event loop: hour by hour, settlements, fills, marks, decisions; in this order.
//!
//! - A decision at hour `t` sees settlements stamped `<= t` and bars closed by `t`, and nothing else: [`View`].
//! - Its orders fill at the open of the bar that begins at `t + 1`, a minute after that hour's settlement: what is entered
//!   there does not earn it, what is left there does.
//! - Every amount is [`Exact`]; marks alone are cut to hundred-millionths of a dollar.
//!
//! ```text
//! view    what a decision may see
//! book    open hedges, their cash and their marks
//! fill    one order meets one bar
//! margin  how far a hedge has drifted, and what is done then
//! turn    an hour of the loop
//! change  a hedge gives way to a better one
//! ```

mod book;
mod change;
mod fill;
mod margin;
mod turn;
mod view;

pub use book::{Cause, Closed, Held, Sums};
pub use margin::LIQUIDATION_PER_MILLE;
pub use turn::{RunError, run};
pub use view::View;

use crate::tape::Hour;

/// A dollar in the unit of marks.
pub const DOLLAR: i64 = 100_000_000;

/// What the owner allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// US dollars that may be tied up, by the margins at entry.
    pub capital: i64,
    /// Hedges at once.
    pub hedges: usize,
    /// US dollars of each leg at entry.
    pub notional: i64,
    /// Whether hedges are priced on bars.
    pub priced: bool,
    /// Whether hedges of funding alone are held where there are no bars.
    pub funding_only: bool,
    /// Per mille against its entry at which a hedge is left and entered again with the usual notional.
    pub recentre: Option<i64>,
    /// Whether a hedge whose margin is gone is closed.
    pub liquidate: bool,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            capital: 100_000,
            hedges: 10,
            notional: 10_000,
            priced: true,
            funding_only: true,
            recentre: None,
            liquidate: false,
        }
    }
}

/// How a rule wants its orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Perpetuals are entered passively.
    pub passive_entry: bool,
    /// Perpetuals are left passively.
    pub passive_exit: bool,
}

/// Decides. What it is asked about is always the same hour of [`View`], and what it answers is filled an hour later.
pub trait Rule {
    /// US dollars of each leg.
    fn notional(&self, caps: &Caps) -> i64 {
        caps.notional
    }

    /// Hedges at once.
    fn most(&self, caps: &Caps) -> usize {
        caps.hedges
    }

    /// How orders are given.
    fn manner(&self) -> Manner {
        Manner::default()
    }

    /// A perpetual of this symbol has just settled.
    fn heard(&mut self, view: &View<'_>, symbol: usize) {
        let _ = (view, symbol);
    }

    /// How much a pair is wanted, in any unit in which more is better; `None` when it is not. Asked after every settlement
    /// of its symbol.
    fn wish(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64>;

    /// Whether a pair that is wanted may be entered at the prices seen now. Asked every hour.
    fn agree(&mut self, view: &View<'_>, symbol: usize, pair: usize) -> bool {
        let _ = (view, symbol, pair);
        true
    }

    /// What a pair is expected to receive an hour, in units of 10⁻¹⁰ of notional, where the rule has a view of it: kept
    /// with the hedge, to be held against what was paid.
    fn forecast(&self, view: &View<'_>, symbol: usize, pair: usize) -> Option<i64> {
        let _ = (view, symbol, pair);
        None
    }

    /// Whether a hedge is left. Asked every hour.
    fn leave(&mut self, view: &View<'_>, held: &Held) -> bool;

    /// Whether hedges may give way to others.
    fn rotates(&self) -> bool {
        false
    }

    /// What it would gain to leave a hedge for a pair that is wanted and finds no room beside it, in any unit in which more is
    /// better; `None` where it stays. Asked when something has settled.
    fn gives_way(&mut self, view: &View<'_>, held: &Held, wanted: (usize, usize)) -> Option<i64> {
        let _ = (view, held, wanted);
        None
    }

    /// A hedge of this symbol has been left.
    fn left(&mut self, view: &View<'_>, closed: &Closed) {
        let _ = (view, closed);
    }
}

/// The account at a midnight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Midnight {
    /// When.
    pub hour: Hour,
    /// Everything so far, what is open marked at its last price.
    pub sums: Sums,
    /// Margins at entry of what is open, 10⁻⁸ USD.
    pub tied: i64,
}

/// What a run has brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Every hedge, in the order of leaving.
    pub closed: Vec<Closed>,
    /// Marked profit at each hour, in units of 10⁻⁸ USD.
    pub equity: Vec<i64>,
    /// At each midnight, and at the end: the sums with what is open marked, and the margins at entry in 10⁻⁸ USD.
    pub days: Vec<Midnight>,
    /// Sum over hours of the margins at entry, 10⁻⁸ USD.
    pub tied: i128,
    /// The same with margins marked to price.
    pub marked_tied: i128,
    /// Hours with at least one hedge.
    pub hours_in_market: u32,
    /// The most hedges at once.
    pub most_at_once: usize,
    /// Settlements and bars that the loop went through.
    pub events: u64,
    /// Entries that were ordered and did not fill.
    pub missed: u32,
}
