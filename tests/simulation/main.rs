//! The whole engine in virtual time: every actor, the adapters' real bytes, the venues' twin, a real ledger, and an
//! observer who sees both sides after every event.
//!
//! | module | what it proves |
//! |---|---|
//! | [`days`] | three days with faults, twice, to the same trace; a small campaign over seeds |
//! | [`rough`] | answers that get lost, orders that never arrive, a ledger that stutters: the engine's rules hold |
//! | [`faults`] | each known fault of a line, injected on that line: what the engine must do, and must not |
//! | [`gate`] | with the strategy's own checks removed, the last gate before the wire holds |
//! | [`mutants`] | planted bugs, each of which the observer must name: proof that a silent observer means something |
//! | [`wire`], [`books`] | how bugs are planted: around the gateways, around the journal |
//! | [`harness`] | a world on a thread of its own, as many at once as there are cores |

mod books;
mod days;
mod faults;
mod gate;
mod harness;
mod mutants;
mod rough;
mod wire;

/// What every world puts to the test, also without troubles.
const IN_EVERY_WORLD: [&str; 15] = [
    "I1", "I2a", "I2b", "I3", "I4", "I5", "I6", "I8", "I9", "I10", "I11", "I12", "I13", "I14", "I18",
];
