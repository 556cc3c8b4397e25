//! When a hedge is left.

use super::Plan;
use crate::carry::Costs;
use crate::money::Bps;

/// Whether a hedge is worth leaving, with the numbers (ST-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StayOrLeave {
    /// It is expected to bring this much over the planned hold.
    Stay(Bps),
    /// It is expected to lose more than leaving and coming back would cost.
    Leave {
        /// Expected over the planned hold.
        expected: Bps,
        /// What would have been tolerated.
        tolerated: Bps,
    },
}

/// Weighs staying against leaving, for a hedge that has been held for so many whole hours. The cost of leaving itself is paid sooner or later and does not count.
pub fn stay_or_leave(expected: Bps, costs: &Costs, plan: &Plan, held_hours: u32) -> StayOrLeave {
    let tolerated = Bps(-(costs.fees + costs.slippage).0 * plan.reentry_share);
    if expected < tolerated && held_hours >= plan.minimum_hold_hours {
        StayOrLeave::Leave { expected, tolerated }
    } else {
        StayOrLeave::Stay(expected)
    }
}
