//! Any message of this venue, whatever it is: pushed on a stream, or the answer to a question.
//!
//! What the engine itself reads is read by the engine's own parsers, so that a file of messages shows what the engine
//! would see. A change of a ticker is told together with what it leaves unchanged, where that is known.

use domain::instrument::{InstrumentId, Product, Side, VenueId};
use domain::market::{Book, MarketFact};
use domain::money::{Price, Quantity};
use domain::ports::VenueError;
use domain::time::Timestamp;

use super::control::refused;
use super::feed::{read, ticker_of};
use super::merge::Tickers;
use super::parse::{Read, brief, instrument_id, malformed};
use super::wire::Frame;
use super::{depth, private, ticker, told};
use crate::shared::event::{Event, Outcome, Span};
use crate::shared::lookup::BySymbol;
use crate::shared::row::Row;

/// Topics that nobody needs, and why.
const UNNEEDED: &[(&str, &str)] = &[
    (
        "execution.fast",
        "the same execution comes whole on `execution`, with its fee, and counts once",
    ),
    ("kline.", "bars: the engine trades on what is now"),
    (
        "priceLimit.",
        "price bands: an order outside of one is refused with a code",
    ),
    ("allLiquidation.", "liquidations of others"),
    ("liquidation.", "liquidations of others"),
    ("greeks", "options are not traded"),
    (
        "adlAlert.",
        "the venue's pool: our own place in the queue comes with the position",
    ),
    (
        "dcp.",
        "cancelling on disconnection is not offered to ordinary accounts",
    ),
];

/// Reads messages of one product.
#[derive(Debug)]
pub struct Reader {
    product: Product,
    met: BySymbol<InstrumentId>,
    tickers: Tickers,
    levels: Book,
}

impl Reader {
    /// A reader of a product.
    pub fn new(product: Product) -> Self {
        Self {
            product,
            met: BySymbol::default(),
            tickers: Tickers::default(),
            levels: Book::default(),
        }
    }

    /// Reads one message and adds what it says to `out`, which is left as it was on an error.
    ///
    /// # Errors
    /// [`VenueError::Malformed`], or [`VenueError::Refused`] when the message is the venue's refusal.
    pub fn read(&mut self, text: &str, out: &mut Vec<Event>) -> Result<Outcome, VenueError> {
        let before = out.len();
        if let Some(outcome) = self.plain(text, out) {
            return Ok(outcome);
        }
        out.truncate(before);
        self.read_fully(text, out)
    }

    /// As [`Reader::read`], by the full parser alone. Whatever is read in place is read the same here.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read_fully(&mut self, text: &str, out: &mut Vec<Event>) -> Result<Outcome, VenueError> {
        let before = out.len();
        let read = self.any(text.trim(), out);
        if read.is_err() {
            out.truncate(before);
        }
        read
    }

    /// What comes by the thousand, read in place; `None` leaves it to [`Reader::any`].
    fn plain(&mut self, text: &str, out: &mut Vec<Event>) -> Option<Outcome> {
        if text.starts_with("{\"topic\":\"orderbook.") {
            let mut levels = std::mem::take(&mut self.levels);
            let scanned = depth::scanned(text, &mut levels);
            let outcome = scanned.and_then(|(topic, head)| self.book(topic, &head, &mut levels, out).ok());
            self.levels = levels;
            outcome
        } else if text.starts_with("{\"topic\":\"tickers.") {
            let (_, pushed) = ticker::scanned(text)?;
            self.ticker(&pushed, out).ok()
        } else {
            None
        }
    }

    /// The id of a symbol, made once.
    fn instrument(&mut self, symbol: &str) -> InstrumentId {
        if let Some(id) = self.met.get(symbol) {
            return id.clone();
        }
        let id = instrument_id(self.product, symbol);
        self.met.insert(symbol, id.clone());
        id
    }

    /// A book. The topic of one level is the touch: that is what the engine takes it for.
    fn book(&mut self, topic: &str, head: &depth::Head<'_>, levels: &mut Book, out: &mut Vec<Event>) -> Read<Outcome> {
        if !head.is_whole() && head.kind != "delta" {
            return Err(malformed(format!("a book of type `{}`", brief(&head.kind))));
        }
        let instrument = self.instrument(&head.symbol);
        let venue_time = Timestamp(head.at());
        out.push(match levels.quote() {
            Some(quote) if topic.starts_with("orderbook.1.") && head.is_whole() => Event::Market(MarketFact::Quote {
                instrument,
                quote,
                venue_time,
            }),
            _ if head.is_whole() => Event::Book {
                instrument: Some(instrument),
                book: std::mem::take(levels),
                update: head.update,
                venue_time: Some(venue_time),
            },
            _ => Event::BookChange {
                instrument,
                change: std::mem::take(levels),
                span: Span {
                    last: head.update,
                    ..Span::default()
                },
                venue_time,
            },
        });
        Ok(Outcome::Told)
    }

    /// A ticker, together with what a change leaves unchanged. A change before its snapshot tells only what it carries.
    fn ticker(&mut self, pushed: &ticker::Pushed<'_>, out: &mut Vec<Event>) -> Read<Outcome> {
        let whole = if pushed.kind == "delta" && !self.tickers.knows(&pushed.symbol) {
            pushed.figures
        } else {
            self.tickers.apply(pushed)?.unwrap_or(pushed.figures)
        };
        let instrument = self.instrument(&pushed.symbol);
        let at = Timestamp(pushed.ts);
        if self.product == Product::Perp {
            out.extend(whole.facts(&instrument, at).map(Event::Market));
        }
        told::of_ticker(&whole, &pushed.figures, &instrument, at, out);
        Ok(Outcome::Told)
    }

    fn any(&mut self, text: &str, out: &mut Vec<Event>) -> Read<Outcome> {
        let row = Row::read(VenueId::Bybit, text)?;
        if row.has("topic") {
            return self.pushed(&row, text, out);
        }
        let frame: Frame = read(text)?;
        if let Some(op) = &frame.op {
            if frame.success == Some(false) || frame.ret_code.is_some_and(|code| code != 0) {
                return Err(refused(&frame, &brief(op)));
            }
            if op.starts_with("order.") {
                return told::receipt(&row.row("data")?, out);
            }
            out.push(Event::Acknowledged);
            return Ok(Outcome::Told);
        }
        match frame.ret_code {
            Some(0) => told::told(self.product, &row, out),
            Some(_) => Err(refused(&frame, "a request")),
            None if row.has_any(&["exch_ts", "recv_ms"]) => Ok(Outcome::Ignored(
                "a recorder's own digest of a book: no message of the venue",
            )),
            None => Err(malformed("a message of no known kind")),
        }
    }

    fn pushed(&mut self, row: &Row<'_>, text: &str, out: &mut Vec<Event>) -> Read<Outcome> {
        let topic = row.text("topic")?;
        let name = topic.split('.').next().unwrap_or_default();
        if let Some((_, reason)) = UNNEEDED.iter().find(|(start, _)| topic.starts_with(start)) {
            return Ok(Outcome::Ignored(reason));
        }
        match name {
            "orderbook" => {
                let mut levels = Book::default();
                let head = depth::full(text, &mut levels)?;
                self.book(&topic, &head, &mut levels, out)
            }
            "tickers" => {
                let pushed = ticker_of(&read(text)?, text)?;
                self.ticker(&pushed, out)
            }
            "publicTrade" => {
                for trade in row.rows("data")? {
                    let event = self.trade(&trade)?;
                    out.push(event);
                }
                Ok(Outcome::Told)
            }
            "order" | "execution" | "wallet" => {
                let before = out.len();
                out.extend(private::facts(name, text)?.into_iter().map(Event::Account));
                if name == "wallet" {
                    told::whole_wallets(&row.rows("data")?, out)?;
                }
                Ok(if out.len() == before {
                    Outcome::Ignored(
                        "executions that are no trades: funding is told by the transaction log, under the ids that count",
                    )
                } else {
                    Outcome::Told
                })
            }
            "position" => {
                for position in row.rows("data")? {
                    told::position(Product::Perp, &position, out)?;
                }
                Ok(Outcome::Told)
            }
            _ => Ok(Outcome::Ignored("a topic that the engine does not ask for")),
        }
    }

    fn trade(&mut self, row: &Row<'_>) -> Read<Event> {
        Ok(Event::Trade {
            instrument: self.instrument(&row.text("s")?),
            id: row.id("i")?,
            taker: match &*row.text("S")? {
                "Buy" => Side::Buy,
                "Sell" => Side::Sell,
                _ => return Err(row.wrong("S", "is no side")),
            },
            price: Price(row.number("p")?),
            quantity: Quantity(row.number("v")?),
            at: row.instant("T")?,
        })
    }
}
