//! Public data of one product as facts: the touch by `orderbook.1`, funding and mark by `tickers`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::instrument::{InstrumentId, Product};
use domain::market::{Book, MarketFact};
use domain::ports::VenueError;
use domain::time::{Machine, Timestamp};
use tokio::time::Instant;

use super::control::Subscriptions;
use super::merge::{Books, Tickers};
use super::parse::{Read, brief, category, instrument_id, malformed, touch};
use super::rest::{Query, Rest};
use super::wire::{Answer, Frame, Page, Pushed, TickerRow};
use super::{depth, ticker};
use crate::shared::ages::Ages;
use crate::shared::lookup::BySymbol;
use crate::shared::unreadable::LeftOut;

/// Topics of one request. The venue allows 10 on spot and names no limit on linear.
pub const fn topics_per_request(product: Product) -> usize {
    match product {
        Product::Spot => 10,
        Product::Perp => 100,
    }
}

/// How the frames begin that come by the thousand.
const BOOK: &str = "{\"topic\":\"orderbook.1.";
const TICKER: &str = "{\"topic\":\"tickers.";

/// A touch is said again after 3 s without a change, a ticker changes with the mark price. A market whose quotes are
/// thinned to one a minute is served, too.
const SPEAKS_WITHIN: Duration = Duration::from_secs(150);

/// Between two requests for a topic that cannot be read: each of its messages may be like that.
const MISSED_AGAIN: Duration = Duration::from_secs(30);

/// Characters of topics that one connection may hold.
const MOST_TOPIC_CHARACTERS: usize = 21_000;

/// The topics of an instrument. Spot tickers carry neither a touch nor funding.
fn topics_of(product: Product, instrument: &InstrumentId) -> impl Iterator<Item = String> {
    let ticker = (product == Product::Perp).then(|| format!("tickers.{}", instrument.symbol));
    std::iter::once(format!("orderbook.1.{}", instrument.symbol)).chain(ticker)
}

/// What the topics of an instrument take of a connection; quotes and commas count too.
fn characters(product: Product, instrument: &InstrumentId) -> usize {
    topics_of(product, instrument).map(|topic| topic.len() + 3).sum()
}

/// Instruments in as few parts as fit on one connection each.
pub fn by_connection(product: Product, instruments: &[InstrumentId]) -> Vec<&[InstrumentId]> {
    let (mut parts, mut from, mut taken) = (Vec::new(), 0, 0);
    for (at, instrument) in instruments.iter().enumerate() {
        let more = characters(product, instrument);
        if taken + more > MOST_TOPIC_CHARACTERS {
            parts.extend(instruments.get(from..at));
            (from, taken) = (at, 0);
        }
        taken += more;
    }
    parts.extend(instruments.get(from..).filter(|rest| !rest.is_empty()));
    parts
}

/// The topics of some instruments.
///
/// # Errors
/// When they do not fit on one connection.
fn topics(product: Product, instruments: &[InstrumentId]) -> Read<Vec<String>> {
    let taken: usize = instruments.iter().map(|one| characters(product, one)).sum();
    if taken > MOST_TOPIC_CHARACTERS {
        return Err(malformed(format!(
            "{} instruments do not fit on one connection",
            instruments.len()
        )));
    }
    Ok(instruments.iter().flat_map(|one| topics_of(product, one)).collect())
}

/// One public connection: what came over it, made whole.
pub struct PublicSession {
    product: Product,
    subscriptions: Subscriptions,
    ages: Ages,
    /// Topics that miss something are asked for anew, but not before these instants.
    not_before: BTreeMap<String, Instant>,
    /// Those of them whose turn it is.
    missed: Vec<String>,
    books: Books,
    tickers: Tickers,
    ids: BySymbol<InstrumentId>,
    /// Room for the levels of one message.
    levels: Book,
}

impl PublicSession {
    /// A session for some instruments, and the requests to send.
    ///
    /// # Errors
    /// When the topics do not fit on one connection.
    pub fn new(product: Product, instruments: &[InstrumentId], now: Machine) -> Read<(Self, Vec<String>)> {
        let topics = topics(product, instruments)?;
        let (subscriptions, requests) = Subscriptions::new(&topics, topics_per_request(product), true, now);
        let session = Self {
            product,
            subscriptions,
            ages: Ages::new(topics, SPEAKS_WITHIN),
            not_before: BTreeMap::new(),
            missed: Vec::new(),
            books: Books::default(),
            tickers: Tickers::default(),
            ids: BySymbol::default(),
            levels: Book::default(),
        };
        Ok((session, requests))
    }

    /// Adds the facts in a text frame, by the scan where it is plain, by the full parser otherwise, and says whether it
    /// was of a topic.
    ///
    /// # Errors
    /// [`VenueError::Malformed`] when the frame cannot be read; another one when a subscription was refused.
    pub fn take(&mut self, text: &str, into: &mut Vec<MarketFact>) -> Read<bool> {
        if text.starts_with(BOOK)
            && let Some((topic, head)) = depth::scanned(text, &mut self.levels)
        {
            self.touched(&head, into)?;
            self.heard(topic);
            return Ok(true);
        }
        if text.starts_with(TICKER)
            && let Some((topic, pushed)) = ticker::scanned(text)
        {
            self.told(&pushed, into)?;
            self.heard(topic);
            return Ok(true);
        }
        let frame: Frame = read(text)?;
        let Some(topic) = &frame.topic else {
            return self.subscriptions.answered(&frame).map(|()| false);
        };
        if topic.starts_with("orderbook.1.") {
            let head = depth::full(text, &mut self.levels)?;
            self.touched(&head, into)?;
        } else if topic.starts_with("tickers.") {
            self.told(&ticker_of(&frame, text)?, into)?;
        }
        self.heard(topic);
        Ok(true)
    }

    /// Which of the topics that were asked for a frame is of, however much else of it can be read.
    pub fn topic_of(&self, text: &str) -> Option<String> {
        topic_in(text).filter(|topic| self.ages.has(topic))
    }

    /// A frame of a topic could not be read: what it changed is missing, so that what is known is worthless until the
    /// next snapshot. That comes with a new subscription, which is asked for now and then.
    pub fn miss(&mut self, topic: &str) {
        if let Some(symbol) = topic.strip_prefix("tickers.") {
            self.tickers.forget(symbol);
        } else if let Some(symbol) = topic.strip_prefix("orderbook.1.") {
            self.books.forget(symbol);
        }
        // It is served, whatever it says; its age is that of what could be read.
        self.subscriptions.heard(topic);
        let now = Instant::now();
        if self.not_before.get(topic).is_none_or(|at| now >= *at) {
            self.not_before.insert(topic.to_owned(), now + MISSED_AGAIN);
            self.missed.push(topic.to_owned());
        }
    }

    /// Whether every topic is live or may still come.
    ///
    /// # Errors
    /// When one is overdue.
    pub fn check(&self, now: Machine) -> Read<()> {
        self.subscriptions.check(now)
    }

    fn heard(&mut self, topic: &str) {
        self.subscriptions.heard(topic);
        self.ages.spoke(topic, Instant::now());
    }

    /// Requests for topics that miss something, or have fallen silent while others speak.
    pub fn ask_anew(&mut self) -> Vec<String> {
        let mut topics = self.ages.silent(Instant::now());
        topics.append(&mut self.missed);
        self.subscriptions.ask_anew(&topics)
    }

    fn touched(&mut self, head: &depth::Head<'_>, into: &mut Vec<MarketFact>) -> Read<()> {
        if let Some(quote) = self.books.apply(head, &self.levels)? {
            let fact = MarketFact::Quote {
                instrument: self.instrument(&head.symbol),
                quote,
                // Not when it was matched: a touch that stays as it is is told again and again, with its old time of matching.
                venue_time: Timestamp(head.ts),
            };
            into.push(fact);
        }
        Ok(())
    }

    fn told(&mut self, pushed: &ticker::Pushed<'_>, into: &mut Vec<MarketFact>) -> Read<()> {
        if let Some(whole) = self.tickers.apply(pushed)?.filter(|_| self.product == Product::Perp) {
            let instrument = self.instrument(&pushed.symbol);
            into.extend(whole.facts(&instrument, Timestamp(pushed.ts)));
        }
        Ok(())
    }

    /// The id of a symbol, made once.
    fn instrument(&mut self, symbol: &str) -> InstrumentId {
        if let Some(id) = self.ids.get(symbol) {
            return id.clone();
        }
        let id = instrument_id(self.product, symbol);
        self.ids.insert(symbol, id.clone());
        id
    }
}

/// The topic that a frame names, however much else of it can be read.
pub fn topic_in(text: &str) -> Option<String> {
    let plain = text.split_once("\"topic\":\"");
    match plain.and_then(|(_, rest)| rest.split_once('"')) {
        Some((topic, _)) => Some(topic.to_owned()),
        None => read::<Frame>(text).ok()?.topic,
    }
}

/// A pushed ticker, by the full parser.
pub fn ticker_of<'a>(frame: &Frame, text: &str) -> Read<ticker::Pushed<'a>> {
    let row = read::<Pushed<TickerRow>>(text)?.data;
    Ok(ticker::Pushed {
        kind: frame.kind.clone().unwrap_or_default().into(),
        figures: ticker::Figures::of(&row)?,
        symbol: row.symbol.into(),
        ts: frame.ts,
    })
}

/// The market now, of all the instruments at once.
///
/// # Errors
/// When the venue does not tell, or no row of it can be read. A row that cannot be is left out and counted.
pub async fn catch_up(
    rest: &Rest,
    product: Product,
    instruments: &[InstrumentId],
    left_out: &LeftOut,
) -> Result<Vec<MarketFact>, VenueError> {
    let wanted: BTreeSet<&str> = instruments
        .iter()
        .map(|instrument| instrument.symbol.as_str())
        .collect();
    let query = Query::new().with("category", category(product));
    let answer: Answer<Page<TickerRow>> = rest.public_answer("/v5/market/tickers", &query).await?;
    let venue_time = Timestamp(answer.time);
    let rows = answer.result.list.iter();
    let told = rows.filter(|row| wanted.contains(row.symbol.as_str())).map(|row| {
        let instrument = instrument_id(product, &row.symbol);
        let mut facts = Vec::new();
        facts.extend(touch(row)?.map(|quote| MarketFact::Quote {
            instrument: instrument.clone(),
            quote,
            venue_time,
        }));
        if product == Product::Perp {
            facts.extend(ticker::Figures::of(row)?.facts(&instrument, venue_time));
        }
        Ok(facts)
    });
    Ok(left_out.keep_readable(told)?.concat())
}

/// A frame that the venue pushed.
pub fn read<T: serde::de::DeserializeOwned>(text: &str) -> Read<T> {
    serde_json::from_str(text).map_err(|error| malformed(format!("a frame: {}", brief(&error.to_string()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::{Price, Rate};

    fn session() -> PublicSession {
        let instrument = instrument_id(Product::Perp, "XRPUSDT");
        let (session, requests) = PublicSession::new(Product::Perp, &[instrument], Machine::default()).unwrap();
        assert_eq!(
            requests,
            [r#"{"args":["orderbook.1.XRPUSDT","tickers.XRPUSDT"],"op":"subscribe","req_id":"s0"}"#]
        );
        session
    }

    fn taken(session: &mut PublicSession, text: &str) -> Read<Vec<MarketFact>> {
        let mut facts = Vec::new();
        session.take(text, &mut facts).map(|_| facts)
    }

    #[test]
    fn a_ticker_and_its_change_are_whole_facts() {
        let mut session = session();
        let facts = taken(
            &mut session,
            r#"{"topic":"tickers.XRPUSDT","type":"snapshot","cs":1,"ts":1790000000101,"data":{"symbol":"XRPUSDT",
                "fundingRate":"0.0002","nextFundingTime":"1790006400000","fundingIntervalHour":"8",
                "fundingCap":"0.005","markPrice":"0.6122","indexPrice":"0.6121","deliveryTime":"0"}}"#,
        )
        .unwrap();
        assert_eq!(facts.len(), 2);
        let facts = taken(&mut session, r#"{"topic":"tickers.XRPUSDT","type":"delta","cs":2,"ts":1790000000201,"data":{"symbol":"XRPUSDT","markPrice":"0.7"}}"#)
            .unwrap();
        assert!(
            matches!(&facts[0], MarketFact::Funding { terms, venue_time: Timestamp(1_790_000_000_201), .. }
            if terms.predicted == Rate("0.0002".parse().unwrap()))
        );
        assert!(matches!(&facts[1], MarketFact::Mark { mark, index: Some(_), .. }
            if *mark == Price("0.7".parse().unwrap())));
    }

    #[test]
    fn f009_a_touch_that_is_repeated_is_as_young_as_its_repetition() {
        // Nothing has changed for six minutes, and the venue says so.
        let facts = taken(
            &mut session(),
            r#"{"topic":"orderbook.1.XRPUSDT","type":"snapshot","ts":1790000360101,"data":{"s":"XRPUSDT",
                "b":[["0.6121","88"]],"a":[["0.6122","120"]],"u":70011,"seq":90221000001},"cts":1790000000099}"#,
        )
        .unwrap();
        assert!(
            matches!(&facts[..], [MarketFact::Quote { quote, venue_time: Timestamp(1_790_000_360_101), .. }]
            if quote.bid == Price("0.6121".parse().unwrap()))
        );
    }

    #[test]
    fn an_unreadable_frame_is_an_error_and_tells_its_topic_where_it_can() {
        let session = &mut session();
        let cut = r#"{"topic":"orderbook.1.XRPUSDT","type":"snapshot","ts":1,"data":{"s":"XRPUSDT","b":[["0.6x","88"]],"a":[],"u":2}}"#;
        for (text, topic) in [
            ("<html>", None),
            (cut, Some("orderbook.1.XRPUSDT")),
            (r#"{"topic":"tickers.XRPUSDT","type":"del"#, Some("tickers.XRPUSDT")),
            (r#"{"topic" : "tickers.XRPUSDT","data":7}"#, Some("tickers.XRPUSDT")),
            (r#"{"topic":"tickers.XRPUSDX","data":7}"#, None),
        ] {
            assert_eq!(session.topic_of(text).as_deref(), topic, "{text}");
        }
        assert!(taken(session, "<html>").is_err() && taken(session, cut).is_err());
    }

    #[test]
    fn what_follows_an_unreadable_change_is_no_fact_before_a_new_snapshot() {
        let session = &mut session();
        let ticker = |kind: &str, ts: u64, figures: &str| {
            format!(
                r#"{{"topic":"tickers.XRPUSDT","type":"{kind}","ts":{ts},"data":{{"symbol":"XRPUSDT",{figures}}}}}"#
            )
        };
        let whole = r#""markPrice":"0.6","indexPrice":"0.6""#;
        assert_eq!(taken(session, &ticker("snapshot", 1, whole)).unwrap().len(), 1);
        let bad = ticker("delta", 2, r#""markPrice":"NaN""#);
        assert!(taken(session, &bad).is_err());
        session.miss("tickers.XRPUSDT");
        // The mark of before would be told as if it were new.
        assert!(taken(session, &ticker("delta", 3, r#""indexPrice":"0.7""#)).is_err());
        session.miss("tickers.XRPUSDT");
        let asked = session.ask_anew();
        assert!(matches!(&asked[..], [off, on] if off.contains("unsubscribe") && on.contains("tickers.XRPUSDT")));
        assert!(session.ask_anew().is_empty(), "it is asked for once in a while");
        assert_eq!(taken(session, &ticker("snapshot", 4, whole)).unwrap().len(), 1);
        assert_eq!(
            taken(session, &ticker("delta", 5, r#""indexPrice":"0.7""#))
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn topics_that_do_not_fit_are_refused_before_they_are_sent() {
        let many: Vec<_> = (0..600)
            .map(|n| instrument_id(Product::Perp, &format!("COIN{n}USDT")))
            .collect();
        assert!(topics(Product::Perp, &many).is_err());
        let parts = by_connection(Product::Perp, &many);
        assert_eq!((parts.len(), parts.concat()), (2, many.clone()));
        assert!(parts.iter().all(|part| topics(Product::Perp, part).is_ok()));
        assert!(by_connection(Product::Spot, &[]).is_empty());
        assert_eq!(topics(Product::Spot, &many[..12]).unwrap().len(), 12);
    }
}
