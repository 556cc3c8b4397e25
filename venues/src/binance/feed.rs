//! Public streams. Spot needs one route; perpetuals need two, since touches and marks are served on different ones.

use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::ports::{Answer, FactStream, MarketFeed, VenueError};

use tokio::time::Instant;

use super::Core;
use super::books::Shelf;
use super::decode::{Decoder, Said, wanted};
use super::host::Params;
use super::parse::{self, Wanted};
use super::wire;
use crate::shared::ages::Ages;
use crate::shared::books::Books;
use crate::shared::merge::Merged;
use crate::shared::periodic::Periodic;
use crate::shared::scan::combined;
use crate::shared::stream::{Line, Patience};
use crate::shared::unreadable::Unreadable;

/// The venue takes 1024 streams on one connection.
const STREAMS_PER_LINE: usize = 1000;
/// Keeps one control message well below the venue's bound on its size.
pub(super) const STREAMS_PER_REQUEST: usize = 100;
/// Spot takes five control messages a second, futures ten.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(250);
pub(super) const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(10);
/// A mark is pushed every second.
pub(super) const MARK_WITHIN: Duration = Duration::from_secs(15);
/// A touch is pushed when it moves; a quiet symbol may take its time.
const TOUCH_WITHIN: Duration = Duration::from_mins(2);
/// Intervals change at short notice.
const RULES_EVERY: Duration = Duration::from_mins(10);
const RULES_RETRY: Duration = Duration::from_mins(1);

/// Market data of one product.
pub struct Feed {
    core: Rc<Core>,
    product: Product,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Topic {
    Touch,
    Mark,
}

impl Topic {
    fn stream(self, symbol: &str) -> String {
        let symbol = symbol.to_lowercase();
        match self {
            Self::Touch => format!("{symbol}@bookTicker"),
            Self::Mark => format!("{symbol}@markPrice@1s"),
        }
    }

    const fn within(self) -> Duration {
        match self {
            Self::Touch => TOUCH_WITHIN,
            Self::Mark => MARK_WITHIN,
        }
    }
}

impl Feed {
    pub(super) const fn new(core: Rc<Core>, product: Product) -> Self {
        Self { core, product }
    }

    async fn start(
        &self,
        instruments: &[InstrumentId],
        interest: &Interest,
    ) -> Result<Box<dyn FactStream<MarketFact>>, VenueError> {
        let core = &self.core;
        let mut parts: Vec<Box<dyn FactStream<MarketFact>>> = Vec::new();
        let chosen: Vec<_> = instruments
            .iter()
            .filter(|id| id.venue == VenueId::Binance && id.product == self.product)
            .cloned()
            .collect();
        // What comes is judged by the venue's clock; by ours while the venue does not tell it.
        if let Err(error) = core.host(self.product).settle_clock().await {
            slog::warn!(core.log, "the venue's clock was not measured"; "error" => %error);
        }
        if self.product == Product::Perp {
            core.refresh_rules().await?;
            parts.push(Box::new(rules_watch(core.clone())));
        }
        for some in chosen.chunks(STREAMS_PER_LINE) {
            parts.push(Box::new(Ears::open(core, self.product, Topic::Touch, some).await?));
            if self.product == Product::Perp {
                parts.push(Box::new(Ears::open(core, self.product, Topic::Mark, some).await?));
            }
        }
        let shelf = Shelf::new(core.clone(), self.product);
        let of_feed = (VenueId::Binance, self.product);
        parts.push(Box::new(Books::new(
            shelf,
            of_feed,
            &chosen,
            interest,
            (&core.left_out, &core.log),
        )));
        let ready = catch_up(core, self.product, &wanted(&chosen)).await?;
        Ok(Box::new(Merged::new(ready, parts)))
    }
}

impl MarketFeed for Feed {
    fn open<'a>(
        &'a self,
        instruments: &'a [InstrumentId],
        interest: &'a Interest,
    ) -> Answer<'a, Result<Box<dyn FactStream<MarketFact>>, VenueError>> {
        Box::pin(self.start(instruments, interest))
    }

    fn clock_ahead_ms(&self) -> i64 {
        self.core.host(self.product).clock_ahead_ms()
    }

    fn left_out(&self) -> u64 {
        self.core.left_out.count()
    }
}

/// What is true now, so that nobody waits for the first push of a quiet symbol.
async fn catch_up(core: &Core, product: Product, wanted: &Wanted) -> Result<Vec<MarketFact>, VenueError> {
    let host = core.host(product);
    let (path, weight) = match product {
        Product::Spot => ("/api/v3/ticker/bookTicker", 4),
        Product::Perp => ("/fapi/v1/ticker/bookTicker", 5),
    };
    let tickers = host.public(path, Params::new(), weight).await?;
    let mut facts = parse::rest_tickers(&tickers, wanted, host.venue_time(), &core.left_out)?;
    if product == Product::Perp {
        let index = host.public("/fapi/v1/premiumIndex", Params::new(), 10).await?;
        let rules = core.rules.borrow();
        facts.extend(parse::premium_index(&index, wanted, &rules, &core.left_out)?);
    }
    Ok(facts)
}

/// Re-reads the funding rules. Trouble in reaching the venue is waited out: the sockets notice a lost venue themselves.
fn rules_watch(core: Rc<Core>) -> Periodic {
    Periodic::new(
        RULES_EVERY,
        Box::new(move || {
            let core = core.clone();
            Box::pin(async move {
                match core.refresh_rules().await {
                    Ok(()) => Ok(RULES_EVERY),
                    Err(VenueError::Unreachable { .. }) => Ok(RULES_RETRY),
                    Err(VenueError::Throttled { wait_seconds, .. }) => Ok(Duration::from_secs(wait_seconds)),
                    Err(error) => Err(error),
                }
            })
        }),
    )
}

/// One socket of one route.
struct Ears {
    core: Rc<Core>,
    line: Line,
    product: Product,
    decoder: Decoder,
    /// Of the topics that speak whether anything has changed or not: marks.
    ages: Option<Ages>,
    unreadable: Unreadable,
    serial: u64,
}

impl Ears {
    async fn open(
        core: &Rc<Core>,
        product: Product,
        topic: Topic,
        instruments: &[InstrumentId],
    ) -> Result<Self, VenueError> {
        let (part, name) = match (product, topic) {
            (Product::Spot, _) => ("", "spot market stream"),
            (Product::Perp, Topic::Touch) => ("public", "futures touches"),
            (Product::Perp, Topic::Mark) => ("market", "futures marks"),
        };
        let base = route(core, product, part);
        let patience = Patience {
            data_silence: (topic == Topic::Mark && !instruments.is_empty()).then_some(core.config.marks_within),
            ..Patience::default()
        };
        let mut line = Line::connect(&core.transport, VenueId::Binance, name, &base, patience).await?;
        let streams: Vec<String> = instruments.iter().map(|id| topic.stream(id.symbol.as_str())).collect();
        // Not queued: what is asked for after this call has to come after the subscriptions.
        for (number, some) in (1_u64..).zip(streams.chunks(STREAMS_PER_REQUEST)) {
            if number > 1 {
                tokio::time::sleep(BETWEEN_REQUESTS).await;
            }
            line.send(control("SUBSCRIBE", some, number)).await?;
            line.await_topics([acknowledgement(number)], ACKNOWLEDGED_WITHIN);
        }
        let ages = (topic == Topic::Mark).then(|| Ages::new(streams.iter().cloned(), core.config.marks_within));
        line.await_topics(streams, topic.within());
        Ok(Self {
            core: core.clone(),
            line,
            product,
            decoder: Decoder::new(instruments),
            ages,
            unreadable: Unreadable::new(name, &core.left_out, &core.log),
            serial: 1_000,
        })
    }

    /// Asks again for what has fallen silent while the rest of the connection goes on.
    fn ask_anew(&mut self, silent: &[String]) {
        if silent.is_empty() {
            return;
        }
        slog::warn!(self.core.log, "topics are silent and asked for anew"; "topics" => silent.join(" "));
        for method in ["UNSUBSCRIBE", "SUBSCRIBE"] {
            self.serial += 1;
            self.line.queue(control(method, silent, self.serial));
            self.line
                .await_topics([acknowledgement(self.serial)], ACKNOWLEDGED_WITHIN);
        }
    }

    /// Leaves out a message that cannot be read. Touches and marks are told whole each time: nothing else is missing.
    fn miss(&mut self, text: &str, error: VenueError) -> Result<(), VenueError> {
        self.unreadable.leave_out(error)?;
        // The topic is served, whatever it says; its age is that of what could be read.
        if let Some(stream) = stream_of(text) {
            self.line.topic_spoke(&stream);
        }
        Ok(())
    }

    fn hear(&mut self, text: &str, into: &mut Vec<MarketFact>) -> Result<(), VenueError> {
        let received = self.core.host(self.product).venue_time();
        let said = {
            let rules = self.core.rules.borrow();
            self.decoder.read(text, &rules, received, into)?
        };
        match said {
            Said::Facts(stream) => {
                self.unreadable.read_one();
                self.line.topic_spoke(&stream);
                if let Some(ages) = &mut self.ages {
                    let now = Instant::now();
                    ages.spoke(&stream, now);
                    let silent = ages.silent(now);
                    self.ask_anew(&silent);
                }
            }
            Said::Acknowledged(id) => self.line.topic_spoke(&acknowledgement(id)),
            Said::Over => return Err(self.line.over("the venue shuts this connection down")),
            Said::Nothing => {}
        }
        Ok(())
    }
}

/// Where the streams of a product are; futures have several parts, and each serves its own.
pub(super) fn route(core: &Core, product: Product, part: &str) -> String {
    match product {
        Product::Spot => format!("{}/stream", core.config.spot_ws_url),
        Product::Perp => format!("{}/{part}/stream", core.config.usdm_ws_url),
    }
}

/// A control message.
pub(super) fn control(method: &str, streams: &[String], number: u64) -> String {
    serde_json::json!({ "method": method, "params": streams, "id": number }).to_string()
}

/// The stream that a message is of, as far as its envelope tells.
pub(super) fn stream_of(text: &str) -> Option<String> {
    if let Some((stream, _)) = combined(text) {
        return Some(stream.to_owned());
    }
    let envelope: wire::Envelope<'_> = serde_json::from_str(text).ok()?;
    envelope.stream.map(Into::into)
}

pub(super) fn acknowledgement(number: u64) -> String {
    format!("subscription {number}")
}

impl FactStream<MarketFact> for Ears {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Poll<Result<(), VenueError>> {
        loop {
            let text = ready!(self.line.poll_next(cx))?;
            match self.hear(&text, into) {
                Ok(()) => return Poll::Ready(Ok(())),
                // At most so many in a row that this ends.
                Err(error) => self.miss(&text, error)?,
            }
        }
    }
}
