//! Any message of any venue: bytes in, events or one typed error out.

use domain::instrument::{Product, VenueId};
use domain::ports::VenueError;
use domain::time::Timestamp;

use crate::shared::event::{Event, Outcome};
use crate::shared::recorded::{Message, unwrapped};
use crate::shared::row::{Read, malformed};
use crate::{binance, bybit};

/// Reads the messages of one venue and product, in the order in which they came.
#[derive(Debug)]
pub enum Reader {
    /// Binance, spot or USDⓈ-M.
    Binance(binance::Reader),
    /// Bybit, spot or linear.
    Bybit(bybit::Reader),
}

impl Reader {
    /// A reader.
    pub fn new(venue: VenueId, product: Product) -> Self {
        match venue {
            VenueId::Binance => Self::Binance(binance::Reader::new(product)),
            VenueId::Bybit => Self::Bybit(bybit::Reader::new(product)),
        }
    }

    /// Whose messages it reads.
    pub const fn venue(&self) -> VenueId {
        match self {
            Self::Binance(_) => VenueId::Binance,
            Self::Bybit(_) => VenueId::Bybit,
        }
    }

    /// Reads one message, out of a recorder's wrapper if it has one, and adds what it says to `out`.
    ///
    /// # Errors
    /// [`VenueError::Malformed`] for what cannot be understood, [`VenueError::Refused`] when the message is the venue's
    /// refusal. `out` is then left as it was.
    pub fn read_bytes(&mut self, bytes: &[u8], out: &mut Vec<Event>) -> Result<Outcome, VenueError> {
        self.read(&unwrapped(text(self.venue(), bytes)?), out)
    }

    /// Reads one message that is out of its wrapper.
    ///
    /// # Errors
    /// As [`Reader::read_bytes`].
    pub fn read(&mut self, message: &Message<'_>, out: &mut Vec<Event>) -> Result<Outcome, VenueError> {
        match self {
            Self::Binance(reader) => reader.read(message.text, context(message), out),
            Self::Bybit(reader) => reader.read(message.text, out),
        }
    }

    /// As [`Reader::read`], by the full parsers alone. Whatever is read in place is read the same here.
    ///
    /// # Errors
    /// As [`Reader::read_bytes`].
    pub fn read_fully(&mut self, message: &Message<'_>, out: &mut Vec<Event>) -> Result<Outcome, VenueError> {
        match self {
            Self::Binance(reader) => reader.read_fully(message.text, context(message), out),
            Self::Bybit(reader) => reader.read_fully(message.text, out),
        }
    }
}

fn context<'a>(message: &'a Message<'_>) -> binance::Context<'a> {
    binance::Context {
        asked: message.asked.as_deref(),
        received: message.received.unwrap_or(Timestamp(0)),
    }
}

/// Bytes as text.
///
/// # Errors
/// [`VenueError::Malformed`] when they are none.
pub fn text(venue: VenueId, bytes: &[u8]) -> Read<&str> {
    std::str::from_utf8(bytes).map_err(|_| malformed(venue, "the message is no UTF-8 text"))
}
