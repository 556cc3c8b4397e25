//! One pushed public message, from its text to facts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::instrument::{InstrumentId, VenueId};
use domain::market::MarketFact;
use domain::ports::VenueError;
use domain::time::Timestamp;

use super::parse::{self, FundingRules, Wanted, read};
use super::wire;

/// What a market stream said.
#[derive(Debug)]
pub enum Said<'a> {
    /// Facts of one stream; none when they are older than what is known, or of an instrument that nobody asked for.
    Facts {
        /// The stream's name.
        stream: Cow<'a, str>,
        /// The facts.
        facts: Vec<MarketFact>,
    },
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
    updates: BTreeMap<InstrumentId, u64>,
}

impl Decoder {
    /// Reads what concerns `instruments`; all of one product.
    pub fn new(instruments: &[InstrumentId]) -> Self {
        Self {
            wanted: wanted(instruments),
            updates: BTreeMap::new(),
        }
    }

    /// Reads one message. `received` stands in where the venue tells no time.
    ///
    /// # Errors
    /// [`VenueError::Malformed`], and [`VenueError::Refused`] for a refused subscription.
    pub fn read<'a>(
        &mut self,
        text: &'a str,
        rules: &FundingRules,
        received: Timestamp,
    ) -> Result<Said<'a>, VenueError> {
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
        let facts = if stream.ends_with("@bookTicker") {
            self.touch(data.get(), received)?
        } else if stream.contains("@markPrice") {
            parse::mark_price(data.get(), &self.wanted, rules)?
        } else {
            Vec::new()
        };
        Ok(Said::Facts { stream, facts })
    }

    /// Reads a touch outside its envelope.
    ///
    /// # Errors
    /// [`VenueError::Malformed`].
    pub fn touch(&mut self, text: &str, received: Timestamp) -> Result<Vec<MarketFact>, VenueError> {
        let Some((update, fact)) = parse::book_ticker(text, &self.wanted, received)? else {
            return Ok(Vec::new());
        };
        match self.updates.get_mut(fact.instrument()) {
            // Update numbers only grow; what is older arrived late.
            Some(known) if update < *known => return Ok(Vec::new()),
            Some(known) => *known = update,
            None => {
                self.updates.insert(fact.instrument().clone(), update);
            }
        }
        Ok(vec![fact])
    }
}

/// Instruments by symbol.
pub(super) fn wanted(instruments: &[InstrumentId]) -> Wanted {
    instruments
        .iter()
        .map(|id| (id.symbol.as_str().to_owned(), id.clone()))
        .collect()
}
