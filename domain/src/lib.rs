//! Pure decisions and the ports through which the engine meets the world.
//!
//! Nothing here does I/O, reads a clock, draws a random number or logs: whatever time it is comes in as [`time::Now`].
//! From the ground up, each line needs only those before it:
//!
//! ```text
//! money, time      exact amounts with their units; market time and machine time
//! bounds           how much of it, at which leverage and prices, and of how large a market
//! instrument       what can be traded, on which grid
//! funding          rates, intervals, settlements and who is eligible for them
//! forecast         what a perpetual is expected to pay, from what it has paid
//! market           quotes and books, and the proof that they are fresh
//! carry            what a pair would earn, and when it breaks even
//! setup            how an instrument is set at its venue before it is traded
//! order            one order: its ticket, its outcome, its states
//! hedge            two legs, and the machine that says which order is next
//! position         what an account holds, by the venue's word
//! accounting       positions, cash and profit recomputed from rows
//! postings         the same as double entry: rows that add up to nothing
//! reconcile        the ledger held against the venues: typed inconsistencies
//! risk             the gates that an entry passes
//! execution        how one order meets one book
//! strategy         when to enter, when to leave
//! named            which pairs scanners of other processes have named
//! shadow           what was not entered or not kept would have earned
//! lease, pause     who may trade, and whether
//! alert            what people are told
//! journal          the records that the ledger keeps
//! portfolio        all hedges, their orders, and the rows that are believed
//! interest         whose books are worth keeping
//! crash            named places at which a process may be told to die
//! ports            what the engine needs of the world: one small trait for one customer
//! ```

pub mod accounting;
pub mod alert;
pub mod bounds;
pub mod carry;
pub mod crash;
pub mod execution;
#[cfg(test)]
mod fixtures;
pub mod forecast;
pub mod funding;
pub mod hedge;
pub mod instrument;
pub mod interest;
pub mod journal;
pub mod lease;
pub mod market;
pub mod money;
pub mod named;
pub mod order;
pub mod pause;
pub mod portfolio;
pub mod ports;
pub mod position;
pub mod postings;
pub mod reconcile;
pub mod risk;
pub mod setup;
pub mod shadow;
pub mod strategy;
pub mod time;
