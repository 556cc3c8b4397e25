//! Commands from a Telegram chat: to look from anywhere, and to stop from anywhere.
//!
//! ```text
//! order   what a message asks for; pure
//! desk    who may ask, what is confirmed, what is done and answered
//! line    asks Telegram for messages and sends the answers; only while this process leads
//! ```
//!
//! - TG-1  Only the configured chat is heard, in it only the users of the list where there is one; anybody else is not even answered.
//! - TG-2  What changes something is done after its code was sent back within a minute, by whoever asked. A code works once.
//! - TG-3  What changes something is audited before it acts. Only `resume` depends on the audit.
//! - TG-4  A message older than two minutes is not carried out: it was meant for another moment.
//! - TG-5  Only the process that leads asks for messages: Telegram serves one.

mod desk;
mod line;
mod order;

pub use self::desk::{Allowed, Desk};
pub use self::line::Line;
