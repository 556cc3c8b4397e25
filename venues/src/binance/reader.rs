//! Any message of this venue, whatever it is: pushed on a stream, or the answer to a question.
//!
//! What the engine itself reads is read by the engine's own parsers, so that a file of messages shows what the engine
//! would see. The kind of a message is told by its name where it has one, and by the fields that only its kind has.

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::market::MarketFact;
use domain::ports::VenueError;
use domain::time::Timestamp;
use rust_decimal::Decimal;

use super::parse::{self, FundingRules, Touch, instrument_id};
use super::{depth, told, told_user};
use crate::shared::event::{Event, Outcome};
use crate::shared::lookup::BySymbol;
use crate::shared::row::{Read, Row, malformed};
use crate::shared::scan::combined;

/// Envelopes lie in one another at most this deep.
const MOST_ENVELOPES: u8 = 3;
/// Why a contract is none of ours.
const OTHER_CONTRACT: &str = "a dated or coin-margined contract: only spot pairs and USDⓈ-M perpetuals are traded";

/// Reads messages of one product. What it keeps is the names it met, and the funding rules it was told.
#[derive(Debug)]
pub struct Reader {
    product: Product,
    met: BySymbol<InstrumentId>,
    rules: FundingRules,
}

/// What is known beside a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The symbol that was asked for: some answers do not repeat it.
    pub asked: Option<&'a str>,
    /// When the message came. It stands in where the venue tells no time.
    pub received: Timestamp,
}

impl Reader {
    /// A reader of a product.
    pub fn new(product: Product) -> Self {
        Self {
            product,
            met: BySymbol::default(),
            rules: FundingRules::new(),
        }
    }

    /// Reads one message and adds what it says to `out`, which is left as it was on an error.
    ///
    /// # Errors
    /// [`VenueError::Malformed`], or [`VenueError::Refused`] when the message is the venue's refusal.
    pub fn read(&mut self, text: &str, context: Context<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
        let before = out.len();
        let plain = match combined(text) {
            Some((stream, data)) if !is_partial(stream) => self.plain(data, context, out),
            Some(_) => None,
            None => self.plain(text, context, out),
        };
        if let Some(outcome) = plain {
            return Ok(outcome);
        }
        out.truncate(before);
        self.read_fully(text, context, out)
    }

    /// As [`Reader::read`], by the full parser alone. Whatever is read in place is read the same here.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read_fully(&mut self, text: &str, context: Context<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
        let before = out.len();
        let read = self.any(text.trim(), context, out, 0);
        if read.is_err() {
            out.truncate(before);
        }
        read
    }

    /// What comes by the thousand, read in place; `None` leaves it to [`Reader::any`].
    fn plain(&mut self, text: &str, context: Context<'_>, out: &mut Vec<Event>) -> Option<Outcome> {
        if text.starts_with("{\"e\":\"bookTicker\"") || text.starts_with("{\"u\":") {
            let touch = parse::scanned_touch(text).filter(|touch| !is_negative(touch))?;
            self.touched(&touch, context, out)
        } else if text.starts_with("{\"e\":\"depthUpdate\"") {
            let change = depth::scanned_change(text)?;
            self.changed(change, out)
        } else if text.starts_with("{\"e\":\"markPriceUpdate\"") {
            let mark = parse::scanned_mark(text)?;
            let id = self.instrument(&mark.s)?;
            out.extend(parse::mark_of(&id, &mark, &self.rules).map(Event::Market));
            Some(Outcome::Told)
        } else {
            None
        }
    }

    /// A pair with an empty side, or whose sides cross, has no touch.
    fn touched(&mut self, touch: &Touch<'_>, context: Context<'_>, out: &mut Vec<Event>) -> Option<Outcome> {
        let instrument = self.instrument(&touch.symbol)?;
        if touch.quote.is_sane() {
            out.push(Event::Market(MarketFact::Quote {
                instrument,
                quote: touch.quote,
                venue_time: touch.venue_time.unwrap_or(context.received),
            }));
        }
        Some(Outcome::Told)
    }

    fn changed(&mut self, change: depth::Change<'_>, out: &mut Vec<Event>) -> Option<Outcome> {
        out.push(Event::BookChange {
            instrument: self.instrument(&change.symbol)?,
            change: change.levels,
            span: change.span,
            venue_time: change.venue_time,
        });
        Some(Outcome::Told)
    }

    /// The id of a symbol, made once; `None` for a contract of another kind.
    fn instrument(&mut self, symbol: &str) -> Option<InstrumentId> {
        if let Some(id) = self.met.get(symbol) {
            return Some(id.clone());
        }
        if symbol.contains('_') || symbol.is_empty() {
            return None;
        }
        let id = instrument_id(self.product, symbol);
        self.met.insert(symbol, id.clone());
        Some(id)
    }

    /// Whatever it is.
    fn any(&mut self, text: &str, context: Context<'_>, out: &mut Vec<Event>, depth: u8) -> Read<Outcome> {
        if depth > MOST_ENVELOPES {
            return Err(malformed(VenueId::Binance, "envelopes inside envelopes"));
        }
        if text.starts_with('[') {
            return self.list(text, context, out);
        }
        let row = Row::read(VenueId::Binance, text)?;
        if row.has("stream") {
            let stream = row.text("stream")?;
            let symbol = stream.split('@').next().unwrap_or_default().to_uppercase();
            let data = row.some("data")?;
            if is_partial(&stream) {
                return self.partial(data, &symbol, context, out);
            }
            return self.any(data, context, out, depth + 1);
        }
        if let Some(event) = row.raw("event") {
            return self.any(event, context, out, depth + 1);
        }
        if row.has("e") {
            return self.event(&row, text, context, out);
        }
        if let Some(error) = row.raw("error") {
            return Err(refusal(&Row::read(VenueId::Binance, error)?)?);
        }
        if row.has("code") && row.has("msg") {
            return answered(&row, out);
        }
        if row.has("result") && row.has("id") {
            return match row.raw("result") {
                None => Ok(acknowledged(out)),
                Some(result) => self.any(result, context, out, depth + 1),
            };
        }
        if let Some(data) = row.raw("data") {
            return self.any(data, context, out, depth + 1);
        }
        if row.has("u") && row.has("s") && row.has_any(&["b", "B", "a", "A"]) {
            return self.event_of("bookTicker", text, context, out);
        }
        told::told(&self.telling(context), text, &row, out)
    }

    fn telling<'a>(&'a self, context: Context<'a>) -> told::Telling<'a> {
        told::Telling {
            product: self.product,
            context,
            rules: &self.rules,
        }
    }

    /// A list is of one kind: that of its first row.
    fn list(&mut self, text: &str, context: Context<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
        if text.trim_start_matches('[').trim_start().starts_with(']') {
            serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map_err(|error| malformed(VenueId::Binance, error.to_string()))?;
            return Ok(Outcome::Told);
        }
        let rows: Vec<&serde_json::value::RawValue> =
            serde_json::from_str(text).map_err(|error| malformed(VenueId::Binance, error.to_string()))?;
        let first = rows.first().map_or("", |row| row.get());
        if first.starts_with('[') {
            return Ok(Outcome::Ignored("bars of the past: the engine trades on what is now"));
        }
        let row = Row::read(VenueId::Binance, first)?;
        if row.has("e") {
            let mut outcome = Outcome::Told;
            for raw in rows {
                let row = Row::read(VenueId::Binance, raw.get())?;
                if let ignored @ Outcome::Ignored(_) = self.event(&row, raw.get(), context, out)? {
                    outcome = ignored;
                }
            }
            return Ok(if out.is_empty() { outcome } else { Outcome::Told });
        }
        if row.has("fundingIntervalHours") {
            self.rules.extend(parse::funding_rules(text)?);
        }
        told::told(&self.telling(context), text, &row, out)
    }

    /// A pushed event, by its name.
    fn event(&mut self, row: &Row<'_>, text: &str, context: Context<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
        let name = row.text("e")?;
        if name == "24hrTicker" {
            return told::day(&self.telling(context), row, ["s", "q"], out);
        }
        if matches!(&*name, "trade" | "aggTrade") {
            return self.trade(row, &name, out);
        }
        if matches!(&*name, "bookTicker" | "depthUpdate" | "markPriceUpdate") {
            return self.event_of(&name, text, context, out);
        }
        told_user::told(self.product, &name, row, text, out)
    }

    fn event_of(&mut self, name: &str, text: &str, context: Context<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
        let told = match name {
            "depthUpdate" => self.changed(depth::full_change(text)?, out),
            "markPriceUpdate" => {
                let mark = parse::marked(text)?;
                self.instrument(&mark.s).map(|id| {
                    out.extend(parse::mark_of(&id, &mark, &self.rules).map(Event::Market));
                    Outcome::Told
                })
            }
            _ => {
                let touch = parse::full_touch(text)?;
                if is_negative(&touch) {
                    return Err(malformed(VenueId::Binance, "bookTicker: a negative figure"));
                }
                self.touched(&touch, context, out)
            }
        };
        Ok(told.unwrap_or(Outcome::Ignored(OTHER_CONTRACT)))
    }

    fn trade(&mut self, row: &Row<'_>, name: &str, out: &mut Vec<Event>) -> Read<Outcome> {
        let Some(instrument) = self.instrument(&row.text("s")?) else {
            return Ok(Outcome::Ignored(OTHER_CONTRACT));
        };
        let id = row.id(if name == "trade" { "t" } else { "a" })?;
        out.push(told::public_trade(instrument, id, row, ["p", "q", "T", "m"])?);
        Ok(Outcome::Told)
    }

    /// The best levels of a book, pushed whole; spot does not repeat the symbol in it.
    fn partial(&mut self, data: &str, symbol: &str, context: Context<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
        let row = Row::read(VenueId::Binance, data)?;
        if !row.has("e") {
            let asked = Some(symbol);
            return told::told(&self.telling(Context { asked, ..context }), data, &row, out);
        }
        let change = depth::full_change(data)?;
        let instrument = self.instrument(&change.symbol);
        if instrument.is_none() {
            return Ok(Outcome::Ignored(OTHER_CONTRACT));
        }
        out.push(Event::Book {
            instrument,
            book: change.levels,
            update: change.span.last,
            venue_time: Some(change.venue_time),
        });
        Ok(Outcome::Told)
    }
}

/// No price and no quantity of a book is below zero.
fn is_negative(touch: &Touch<'_>) -> bool {
    let quote = &touch.quote;
    [quote.bid.0, quote.bid_quantity.0, quote.ask.0, quote.ask_quantity.0]
        .iter()
        .any(Decimal::is_sign_negative)
}

/// Whether a stream pushes the best levels whole: `xrpusdt@depth20@100ms`.
fn is_partial(stream: &str) -> bool {
    stream
        .split('@')
        .nth(1)
        .and_then(|topic| topic.strip_prefix("depth"))
        .is_some_and(|levels| !levels.is_empty())
}

fn acknowledged(out: &mut Vec<Event>) -> Outcome {
    out.push(Event::Acknowledged);
    Outcome::Told
}

/// `{"code","msg"}`: 200 is consent, anything else a refusal.
fn answered(row: &Row<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
    match row.number("code")? {
        code if code == 200.into() => Ok(acknowledged(out)),
        _ => Err(refusal(row)?),
    }
}

/// The venue's refusal in `{"code","msg"}`.
pub fn refusal(row: &Row<'_>) -> Read<VenueError> {
    let code = i64::try_from(row.number("code")?).map_err(|_| row.wrong("code", "is no code"))?;
    let words = row.maybe_text("msg")?.unwrap_or_default();
    Ok(VenueError::Refused {
        venue: VenueId::Binance,
        code,
        reason: words.chars().take(200).collect(),
    })
}
