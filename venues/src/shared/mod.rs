//! What every adapter needs and no venue owns.
//!
//! ```text
//! transport   how bytes reach a host: sockets, or pipes inside the process
//! rest        one signed request, its outcome, and the gate of the rate budget
//! ages        how long each topic has been silent
//! books       books of interest, on a connection of their own
//! class       what a code says about the order that it answers
//! budget      request weight, and the windows in which nothing may be sent
//! offset      how far the venue's clock is from ours
//! sign        HMAC-SHA256
//! stream      one websocket: deadlines, keep-alive, silence; never mends itself
//! scan        plain messages read in place, without a tree
//! exact       numbers of the wire as decimals
//! row         an object of the wire, field by field
//! event       what any message says, in the words of the domain
//! event_json  an event as JSON
//! recorded    messages out of files
//! ladder      the levels of a book in order
//! lookup      a market by its symbol
//! inspect     what a check before trading asks: reach, clock, key, account
//! merge       several streams of facts as one
//! periodic    a chore that keeps a stream alive
//! tiers       risk tiers as they were told last
//! unreadable  messages that are left out, and when there are too many of them
//! ```

pub mod ages;
#[cfg(test)]
mod allocation_tests;
pub mod books;
pub mod budget;
pub mod class;
pub mod event;
pub mod event_json;
pub mod exact;
#[cfg(test)]
pub mod fake;
pub mod inspect;
pub mod ladder;
pub mod lookup;
pub mod merge;
#[cfg(test)]
mod nonsense_tests;
pub mod offset;
pub mod periodic;
pub mod recorded;
pub mod rest;
pub mod row;
#[cfg(test)]
mod scale_tests;
pub mod scan;
pub mod sign;
pub mod stream;
pub mod tiers;
pub mod transport;
pub mod unreadable;
