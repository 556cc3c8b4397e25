//! The whole engine in virtual time: every actor, the adapters' real bytes, the venues' twin, a real ledger, and an
//! observer who sees both sides after every event.
//!
//! | module | what it proves |
//! |---|---|
//! | [`days`] | three days with faults, twice, to the same trace; a small campaign over seeds |
//! | [`rough`] | answers that get lost, orders that never arrive, a ledger that stutters: the engine's rules hold |
//! | [`faults`] | each known fault of a line, injected on that line: what the engine must do, and must not |
//! | [`mutants`] | planted bugs, each of which the observer must name: proof that a silent observer means something |
//! | [`wire`], [`books`] | how bugs are planted: around the gateways, around the journal |
//! | [`harness`] | a world on a thread of its own, as many at once as there are cores |

mod books;
mod days;
mod faults;
mod harness;
mod mutants;
mod rough;
mod wire;
