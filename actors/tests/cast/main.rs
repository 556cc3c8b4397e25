//! The whole cast in virtual time, between scripted venues and a ledger in memory.
//!
//! | module | proves |
//! |---|---|
//! | `feeds` | a feed dies and returns alone; a dead money path ends the process |
//! | `streams` | a feed moves in time, a burst is one fact, no execution is left out, a kept book is used while it is whole |
//! | `orders` | durable before sent, sent once, refused when it must be, the way out always open |
//! | `fate` | a lost answer is proven before anything else happens |
//! | `legs` | parts, refusals, too much, runaway prices, strangers: the legs end equal |
//! | `positions` | each execution counts once; what was half done is finished; what differs is named |
//! | `breaker` | orders that go wrong again and again stop entries and no way out |
//! | `away` | the ledger is lost: ways out go on, ways in wait |
//! | `edge` | what is entered rests on what was paid, not on an estimate |
//! | `bounds` | a leg is no larger than its market and its risk tier bear, and has no more leverage than that |
//! | `shut` | nothing that needs both legs is begun while a venue takes no orders |
//! | `start` | nothing is traded before the truth is known; one executor at a time |
//! | `patient` | an entry that rests first, or goes in slices, stands alone with no more than it says and gives way |
//! | `truths` | old answers, late rows, short histories, jumping clocks, packets from the past |
//! | `people` | alerts arrive once; pauses are durable |

#[cfg(test)]
mod away;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod fate;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod legs;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod patient;
#[cfg(test)]
mod people;
#[cfg(test)]
mod positions;
#[cfg(test)]
mod shut;
#[cfg(test)]
mod start;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod truths;
