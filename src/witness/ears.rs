//! What leaves a process as bytes, and what it hears: decorators that change nothing.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actors::engine::VenueParts;
use domain::bounds::Activity;
use domain::instrument::{FeeRates, Instrument, InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::market::{Book, MarketFact};
use domain::money::Quantity;
use domain::ports::{AccountView, Answer, Clock, FactStream, MarketData, MarketFeed, VenueError};
use domain::position::{AccountTruth, Balance};
use domain::setup::Setup;
use domain::time::Timestamp;
use observer::{Fact, Input, Request};
use simulator::wire::Host;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::Witness;
use super::words::product_name;

/// Requests that make an order, with the words before its name, its quantity and its price.
const CREATES: [(&str, [&str; 3]); 3] = [
    (
        "POST /v5/order/create ",
        ["\"orderLinkId\":\"", "\"qty\":\"", "\"price\":\""],
    ),
    ("POST /fapi/v1/order ", ["newClientOrderId=", "&quantity=", "&price="]),
    ("POST /api/v3/order ", ["newClientOrderId=", "&quantity=", "&price="]),
];
/// Requests that cancel one, with the word before its name.
const CANCELS: [(&str, &str); 3] = [
    ("POST /v5/order/cancel ", "\"orderLinkId\":\""),
    ("DELETE /fapi/v1/order?", "origClientOrderId="),
    ("DELETE /api/v3/order?", "origClientOrderId="),
];
/// No request of an order is longer.
const LONGEST: usize = 1 << 13;

/// Tells what time it is on any thread.
pub type Watch = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// One process as it is listened to.
#[derive(Clone)]
pub struct Ears {
    /// Who is told.
    pub witness: Witness,
    /// Which process.
    pub process: u32,
}

/// A venue's end of a connection, which hears what the process sent.
pub struct Overheard {
    io: DuplexStream,
    ears: Ears,
    watch: Watch,
    venue: &'static str,
    /// What was sent and is not understood yet.
    text: String,
}

impl Overheard {
    /// Listens at the end of a host.
    pub fn new(io: DuplexStream, host: Host, ears: Ears, watch: Watch) -> Self {
        let venue = match host {
            Host::BinanceSpot | Host::BinanceUsdm => "binance",
            Host::Bybit => "bybit",
        };
        Self {
            io,
            ears,
            watch,
            venue,
            text: String::new(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        if self.text.is_empty() && !(bytes.starts_with(b"POST ") || bytes.starts_with(b"DELETE ")) {
            return;
        }
        self.text.push_str(&String::from_utf8_lossy(bytes));
        if let Some(request) = request(&self.text, self.venue, self.ears.process) {
            self.text.clear();
            self.ears.witness.tell((self.watch)(), Fact::Sent(request));
        } else if self.text.len() > LONGEST || !is_order(&self.text) {
            self.text.clear();
        }
    }
}

fn is_order(text: &str) -> bool {
    let creates = CREATES.iter().map(|(begin, _)| begin);
    let cancels = CANCELS.iter().map(|(begin, _)| begin);
    creates.chain(cancels).any(|begin| text.starts_with(*begin))
}

/// The word after `before`.
fn word(text: &str, before: &str) -> Option<String> {
    let rest = text.split_once(before)?.1;
    rest.split(['"', '&', ' ']).next().map(str::to_owned)
}

/// Whether a request has arrived to the end of its body.
fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, length)| length.trim().parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

/// A request about an order, if the text is one and is whole.
fn request(text: &str, venue: &str, process: u32) -> Option<Request> {
    if !is_whole(text) {
        return None;
    }
    let (client_id, quantity, price, cancels) =
        if let Some((_, [id, quantity, price])) = CREATES.iter().find(|(begin, _)| text.starts_with(begin)) {
            (word(text, id)?, word(text, quantity), word(text, price), false)
        } else {
            let (_, id) = CANCELS.iter().find(|(begin, _)| text.starts_with(begin))?;
            (word(text, id)?, None, None, true)
        };
    Some(Request {
        process,
        venue: venue.to_owned(),
        client_id,
        quantity,
        price,
        cancels,
    })
}

impl AsyncRead for Overheard {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, into);
        if let Some(bytes) = into.filled().get(before..)
            && !bytes.is_empty()
        {
            self.hear(bytes);
        }
        read
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Listens to what a process hears of its venues.
pub fn listen(parts: Vec<VenueParts>, ears: &Ears, clock: &Rc<dyn Clock>) -> Vec<VenueParts> {
    parts.into_iter().map(|venue| listened(venue, ears, clock)).collect()
}

fn listened(mut venue: VenueParts, ears: &Ears, clock: &Rc<dyn Clock>) -> VenueParts {
    let (ears, clock) = (ears.clone(), Rc::clone(clock));
    let heard = Heard {
        venue: venue.id,
        ears,
        clock,
    };
    venue.account = Rc::new(Account(heard.clone(), Rc::clone(&venue.account)));
    venue.data = Rc::new(Data(heard.clone(), Rc::clone(&venue.data)));
    venue.feeds = std::mem::take(&mut venue.feeds)
        .into_iter()
        .map(|(product, feed)| {
            let feed: Rc<dyn MarketFeed> = Rc::new(Feed(heard.clone(), product, feed));
            (product, feed)
        })
        .collect();
    venue
}

/// Whose, and who is told.
#[derive(Clone)]
struct Heard {
    venue: VenueId,
    ears: Ears,
    clock: Rc<dyn Clock>,
}

impl Heard {
    fn tell(&self, fact: Fact) {
        self.ears.witness.tell(self.clock.now().market, fact);
    }

    fn market(&self, instrument: &InstrumentId, input: Input) {
        self.tell(Fact::Heard {
            process: self.ears.process,
            venue: instrument.venue.to_string(),
            product: product_name(instrument),
            symbol: instrument.symbol.to_string(),
            input,
        });
    }
}

struct Account(Heard, Rc<dyn AccountView>);

impl AccountView for Account {
    fn truth<'a>(
        &'a self,
        since: Timestamp,
        instruments: &'a [InstrumentId],
    ) -> Answer<'a, Result<AccountTruth, VenueError>> {
        Box::pin(async move {
            let truth = self.1.truth(since, instruments).await?;
            self.0.tell(Fact::AccountRead {
                process: self.0.ears.process,
                venue: self.0.venue.to_string(),
            });
            Ok(truth)
        })
    }

    fn balances(&self) -> Answer<'_, Result<Vec<Balance>, VenueError>> {
        self.1.balances()
    }

    fn fees<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<FeeRates, VenueError>> {
        self.1.fees(instrument)
    }

    fn prepare<'a>(&'a self, instrument: &'a InstrumentId, setup: Setup) -> Answer<'a, Result<(), VenueError>> {
        self.1.prepare(instrument, setup)
    }
}

struct Data(Heard, Rc<dyn MarketData>);

impl MarketData for Data {
    fn instruments(&self) -> Answer<'_, Result<Vec<Instrument>, VenueError>> {
        self.1.instruments()
    }

    fn book<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Book, VenueError>> {
        Box::pin(async move {
            let book = self.1.book(instrument).await?;
            self.0.market(instrument, Input::Book);
            Ok(book)
        })
    }

    fn funding_history<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        since: domain::time::Timestamp,
    ) -> Answer<'a, Result<Vec<domain::forecast::Settlement>, VenueError>> {
        self.1.funding_history(instrument, since)
    }

    fn activity(&self) -> Answer<'_, Result<Vec<(InstrumentId, Activity)>, VenueError>> {
        self.1.activity()
    }

    fn open_interest<'a>(&'a self, perpetual: &'a InstrumentId) -> Answer<'a, Result<Option<Quantity>, VenueError>> {
        self.1.open_interest(perpetual)
    }
}

struct Feed(Heard, Product, Rc<dyn MarketFeed>);

impl MarketFeed for Feed {
    fn open<'a>(
        &'a self,
        instruments: &'a [InstrumentId],
        interest: &'a Interest,
    ) -> Answer<'a, Result<Box<dyn FactStream<MarketFact>>, VenueError>> {
        Box::pin(async move {
            let facts = self.2.open(instruments, interest).await?;
            let stream = Stream {
                heard: self.0.clone(),
                product: self.1,
                facts,
                ended: false,
            };
            Ok(Box::new(stream) as Box<dyn FactStream<MarketFact>>)
        })
    }

    fn clock_ahead_ms(&self) -> i64 {
        self.2.clock_ahead_ms()
    }

    fn left_out(&self) -> u64 {
        self.2.left_out()
    }
}

struct Stream {
    heard: Heard,
    product: Product,
    facts: Box<dyn FactStream<MarketFact>>,
    ended: bool,
}

impl FactStream<MarketFact> for Stream {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Poll<Result<(), VenueError>> {
        let before = into.len();
        let polled = self.facts.poll_facts(cx, into);
        for fact in into.iter().skip(before) {
            match fact {
                MarketFact::Quote { instrument, .. } => self.heard.market(instrument, Input::Quote),
                MarketFact::Funding { instrument, .. } => self.heard.market(instrument, Input::Funding),
                MarketFact::Book { instrument, .. } => self.heard.market(instrument, Input::Book),
                _ => {}
            }
        }
        if matches!(polled, Poll::Ready(Err(_))) && !self.ended {
            self.ended = true;
            let product = match (self.heard.venue, self.product) {
                (_, Product::Spot) => "spot",
                (VenueId::Binance, Product::Perp) => "usdm",
                (VenueId::Bybit, Product::Perp) => "linear",
            };
            self.heard.tell(Fact::Deaf {
                process: self.heard.ears.process,
                venue: self.heard.venue.to_string(),
                product: product.to_owned(),
            });
        }
        polled
    }
}
