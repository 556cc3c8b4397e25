//! One pass of work on a hedge: what it is for, how an entry is divided, and what has been tried.

use rust_decimal::prelude::ToPrimitive;

use crate::money::AssetQuantity;
use crate::order::{LegIndex, Purpose};

/// What the engine wants of a hedge now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Both legs at the target.
    Enter,
    /// Both legs equal, by reducing the larger one.
    Balance,
    /// Both legs flat.
    Exit,
}

/// How an entry is carried out. The default takes from the book, all of it at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Asset units that are entered before the other leg must hold the same: the most that may stand alone. All at once
    /// where there is none.
    pub slice: Option<AssetQuantity>,
    /// Whether the first leg of each slice rests in the book before the remainder is taken from it.
    pub rests_first: bool,
}

impl Course {
    /// Whether what the first order of a slice left undone is asked for again, once the other leg holds the same.
    pub(super) const fn completes(self) -> bool {
        self.rests_first || self.slice.is_some()
    }

    /// The size of one slice of a target.
    pub(super) fn slice_of(self, target: AssetQuantity) -> AssetQuantity {
        self.slice.map_or(target, |slice| slice.min(target))
    }

    /// How many slices a target may take: half as many again as there are, for some are filled in part.
    pub(super) fn most_slices(self, target: AssetQuantity) -> u32 {
        let slices = self
            .slice
            .and_then(|slice| target.0.checked_div(slice.0))
            .and_then(|slices| slices.ceil().to_u32())
            .unwrap_or(1);
        slices.saturating_add(slices / 2)
    }
}

/// One pass of work on a hedge: the goal and the attempts spent on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// What it is for.
    pub goal: Goal,
    /// The leg that goes first: the one with the thinner book.
    pub first: LegIndex,
    pub(super) course: Course,
    pub(super) slice: Option<Slice>,
    pub(super) slices: u32,
    pub(super) stopped: bool,
    entries: [u8; 2],
    reductions: [u8; 2],
}

/// The slice that is being entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    /// What the first leg held when it began.
    pub from: AssetQuantity,
    /// What it is to hold when the slice is whole.
    pub until: AssetQuantity,
    /// Whether its first leg has rested already.
    pub rested: bool,
}

impl Job {
    /// A job with nothing tried yet.
    pub const fn new(goal: Goal, first: LegIndex) -> Self {
        Self {
            goal,
            first,
            course: Course {
                slice: None,
                rests_first: false,
            },
            slice: None,
            slices: 0,
            stopped: false,
            entries: [0, 0],
            reductions: [0, 0],
        }
    }

    /// An entry that is carried out in its own way.
    pub const fn entry(first: LegIndex, course: Course) -> Self {
        let mut job = Self::new(Goal::Enter, first);
        job.course = course;
        job
    }

    /// Nothing more of the first leg is entered. What it holds is still matched by the other one, or taken back.
    pub const fn stop(&mut self) {
        self.stopped = true;
    }

    /// Whether it may spend time waiting, as nothing that must be quick does.
    pub const fn waits(&self) -> bool {
        matches!(self.goal, Goal::Enter) && self.course.completes() && !self.stopped
    }

    pub(super) fn begin(&mut self, slice: Slice) {
        self.slice = Some(slice);
        self.slices = self.slices.saturating_add(1);
        self.entries = [0, 0];
    }

    pub(super) const fn tried(&self, leg: LegIndex, purpose: Purpose) -> u8 {
        let [long, short] = if purpose.reduces() {
            self.reductions
        } else {
            self.entries
        };
        match leg {
            LegIndex::Long => long,
            LegIndex::Short => short,
        }
    }

    pub(super) fn spend(&mut self, leg: LegIndex, purpose: Purpose) {
        let [long, short] = if purpose.reduces() {
            &mut self.reductions
        } else {
            &mut self.entries
        };
        *(if leg == LegIndex::Long { long } else { short }) += 1;
    }

    /// An order of the first leg begins anew what the second one has to match.
    pub(super) fn renew(&mut self, leg: LegIndex) {
        let [long, short] = &mut self.entries;
        *(if leg == LegIndex::Long { long } else { short }) = 0;
    }

    pub(super) const fn rest(&mut self) {
        if let Some(slice) = &mut self.slice {
            slice.rested = true;
        }
    }
}
