//! Why an order is sent: the reason, and everything that the decision and the executor saw, as the intent's row keeps it.

use std::sync::Arc;
use std::time::Duration;

use domain::hedge::Hedge;
use domain::market::{Book, Heard};
use domain::order::LegIndex;
use domain::strategy::{Entry, Listing};
use domain::time::Machine;
use serde_json::{Value, json};

/// Where a book comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Kept from its changes.
    Stream,
    /// Asked for.
    Request,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Request => "request",
        }
    }
}

/// The books of both legs, each as far as it could be read.
pub(super) struct Books {
    pub(super) long: Option<Arc<Book>>,
    pub(super) short: Option<Arc<Book>>,
    /// Neither book is of an earlier time.
    pub(super) known_at: Machine,
    /// Where the long leg's and the short leg's come from.
    pub(super) from: (Source, Source),
}

impl Books {
    /// Neither book can be older.
    pub(super) fn age(&self, now: Machine) -> Duration {
        now.since(self.known_at)
    }

    pub(super) fn of(&self, leg: LegIndex) -> Option<&Book> {
        match leg {
            LegIndex::Long => self.long.as_deref(),
            LegIndex::Short => self.short.as_deref(),
        }
    }

    const fn source(&self, leg: LegIndex) -> Source {
        match leg {
            LegIndex::Long => self.from.0,
            LegIndex::Short => self.from.1,
        }
    }
}

/// A reason with the inputs of the decision behind it.
pub(super) struct Why {
    pub(super) reason: String,
    decision: Value,
}

impl Why {
    /// An entry, with what was known of both markets; ages are those at `now`.
    pub(super) fn entry(entry: &Entry, now: Machine) -> Self {
        let outlook = entry.opportunity.outlook;
        let net = outlook.map_or_else(|| "unknown".to_owned(), |o| o.net().0.round_dp(2).to_string());
        let decision = json!({
            "net_bps": outlook.map(|o| o.net().to_string()),
            "funding_bps": outlook.map(|o| o.funding.to_string()),
            "costs_bps": outlook.map(|o| o.costs.total().to_string()),
            "settlements": outlook.map(|o| o.settlements),
            "break_even_hours": outlook.and_then(|o| o.break_even_hours),
            "notional_usd": entry.notional.to_string(),
            "long": market(&entry.long, now),
            "short": market(&entry.short, now),
        });
        Self {
            reason: format!("expected net carry {net} bps"),
            decision,
        }
    }

    /// An exit or a repair: what it reduces is a matter of what is held.
    pub(super) fn reduction(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            decision: Value::Null,
        }
    }

    /// The inputs of one order of the job: the decision's, and the books and holdings right before it.
    pub(super) fn with(&self, hedge: &Hedge, books: &Books, now: Machine) -> Value {
        let leg = |index: LegIndex| {
            let quote = books.of(index).and_then(Book::quote);
            json!({
                "instrument": hedge.leg(index).instrument.id.to_string(),
                "held": hedge.leg(index).held.to_string(),
                "bid": quote.map(|quote| quote.bid.to_string()),
                "ask": quote.map(|quote| quote.ask.to_string()),
                "book_from": books.source(index).as_str(),
            })
        };
        json!({
            "decision": self.decision,
            "long": leg(LegIndex::Long),
            "short": leg(LegIndex::Short),
            "books_age_ms": millis(books.age(now)),
            "net_delta": hedge.net_delta().to_string(),
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// What was known of one market, each input with the venue's time of it and its age by receipt.
fn market(listing: &Listing, now: Machine) -> Value {
    let quote = listing.quote.as_ref().map(|heard| {
        let quote = &heard.value;
        heard_as(
            heard,
            now,
            &json!({ "bid": quote.bid.to_string(), "ask": quote.ask.to_string() }),
        )
    });
    let funding = listing.funding.as_ref().map(|heard| {
        let terms = &heard.value;
        let value = json!({
            "predicted": terms.predicted.0.to_string(),
            "interval_hours": terms.interval_hours,
            "next_settlement": terms.next_settlement.to_string(),
        });
        heard_as(heard, now, &value)
    });
    json!({
        "instrument": listing.instrument.id.to_string(),
        "taker_fee": listing.fees.taker.0.to_string(),
        "quote": quote,
        "funding": funding,
    })
}

fn heard_as<T: Clone>(heard: &Heard<T>, now: Machine, value: &Value) -> Value {
    json!({
        "value": value,
        "venue_time": heard.venue_time.to_string(),
        "age_ms": millis(now.since(heard.at)),
        "delay_ms": millis(heard.delay),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
