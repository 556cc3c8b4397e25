//! One pushed public message, from its text to facts.

use std::borrow::Cow;

use domain::instrument::{InstrumentId, VenueId};
use domain::market::MarketFact;
use domain::ports::VenueError;
use domain::time::Timestamp;

use super::parse::{self, FundingRules, Touch, Wanted, read};
use super::wire;
use crate::shared::lookup::BySymbol;
use crate::shared::scan::combined;

/// What a market stream said.
#[derive(Debug)]
pub enum Said<'a> {
    /// Facts of the stream of this name; none when they are older than what is known, or of an instrument that nobody
    /// asked for.
    Facts(Cow<'a, str>),
    /// The request of this number was taken. That is no evidence of data.
    Acknowledged(u64),
    /// The venue ends this connection.
    Over,
    /// Something that the engine does not need.
    Nothing,
}

/// Reads the messages of one connection.
#[derive(Debug)]
pub struct Decoder {
    wanted: Wanted,
    touches: BySymbol<Touched>,
}

/// An instrument with the number of its last touch.
#[derive(Debug)]
struct Touched {
    id: InstrumentId,
    update: u64,
    /// When the venue made the last mark.
    marked: Timestamp,
}

impl Decoder {
    /// Reads what concerns `instruments`; all of one product.
    pub fn new(instruments: &[InstrumentId]) -> Self {
        Self {
            wanted: wanted(instruments),
            touches: by_symbol(instruments, |id| Touched {
                id,
                update: 0,
                marked: Timestamp(0),
            }),
        }
    }

    /// Reads one message and adds its facts to `into`. `received` stands in where the venue tells no time.
    ///
    /// # Errors
    /// [`VenueError::Malformed`], and [`VenueError::Refused`] for a refused subscription.
    pub fn read<'a>(
        &mut self,
        text: &'a str,
        rules: &FundingRules,
        received: Timestamp,
        into: &mut Vec<MarketFact>,
    ) -> Result<Said<'a>, VenueError> {
        // What comes by the thousand is scanned; the full parser takes whatever is unusual, and allocates.
        if let Some((stream, data)) = combined(text) {
            if stream.ends_with("@bookTicker")
                && let Some(touch) = parse::scanned_touch(data)
            {
                self.newer(&touch, received, into);
                return Ok(Said::Facts(Cow::Borrowed(stream)));
            }
            if stream.contains("@markPrice")
                && let Some(mark) = parse::scanned_mark(data)
            {
                self.marked(&mark, rules, into);
                return Ok(Said::Facts(Cow::Borrowed(stream)));
            }
        }
        let envelope: wire::Envelope<'_> = read("market message", text)?;
        if let Some(error) = envelope.error {
            return Err(VenueError::Refused {
                venue: VenueId::Binance,
                code: error.code,
                reason: error.msg,
            });
        }
        if envelope.e.as_deref() == Some("serverShutdown") {
            return Ok(Said::Over);
        }
        let (Some(stream), Some(data)) = (envelope.stream, envelope.data) else {
            return Ok(envelope.id.map_or(Said::Nothing, Said::Acknowledged));
        };
        if stream.ends_with("@bookTicker") {
            self.touch(data.get(), received, into)?;
        } else if stream.contains("@markPrice") {
            self.marked(&parse::marked(data.get())?, rules, into);
        }
        Ok(Said::Facts(stream))
    }

    /// Reads a touch outside its envelope and adds its fact to `into`.
    ///
    /// # Errors
    /// [`VenueError::Malformed`].
    pub fn touch(&mut self, text: &str, received: Timestamp, into: &mut Vec<MarketFact>) -> Result<(), VenueError> {
        self.newer(&parse::touch(text)?, received, into);
        Ok(())
    }

    /// The facts of a mark, unless it is older than what is known.
    fn marked(&mut self, mark: &wire::MarkPrice<'_>, rules: &FundingRules, into: &mut Vec<MarketFact>) {
        let before = into.len();
        if let Some(id) = self.wanted.get(&mark.s) {
            into.extend(parse::mark_of(id, mark, rules));
        }
        if self.is_overtaken(into.get(before)) {
            into.truncate(before);
        }
    }

    /// Whether a mark is older than what is known; it is remembered otherwise.
    fn is_overtaken(&mut self, fact: Option<&MarketFact>) -> bool {
        let Some(
            MarketFact::Funding {
                instrument, venue_time, ..
            }
            | MarketFact::Mark {
                instrument, venue_time, ..
            },
        ) = fact
        else {
            return false;
        };
        let Some(known) = self.touches.get_mut(instrument.symbol.as_str()) else {
            return false;
        };
        if *venue_time < known.marked {
            return true;
        }
        known.marked = *venue_time;
        false
    }

    /// The fact of a touch, unless it is older than what is known: update numbers only grow.
    fn newer(&mut self, touch: &Touch<'_>, received: Timestamp, into: &mut Vec<MarketFact>) {
        let known = self.touches.get_mut(&touch.symbol);
        if let Some(known) = known.filter(|known| touch.update >= known.update) {
            known.update = touch.update;
            into.push(MarketFact::Quote {
                instrument: known.id.clone(),
                quote: touch.quote,
                venue_time: touch.venue_time.unwrap_or(received),
            });
        }
    }
}

/// Instruments by symbol.
pub(super) fn wanted(instruments: &[InstrumentId]) -> Wanted {
    by_symbol(instruments, |id| id)
}

fn by_symbol<T>(instruments: &[InstrumentId], value: impl Fn(InstrumentId) -> T) -> BySymbol<T> {
    instruments
        .iter()
        .map(|id| (id.symbol.as_str().to_owned(), value(id.clone())))
        .collect()
}
