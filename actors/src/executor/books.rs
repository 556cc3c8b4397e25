//! The books that an order is shaped by: kept from the stream where they are fresh, asked for otherwise.
//!
//! - EB-1  A book that is kept is used only while nothing is missing in it and it was heard within the bound,
//!   and not late by the venue's clock.
//! - EB-2  One that was heard before our last order of the instrument was over is not used: it may still show what that
//!   order took.

use std::sync::Arc;

use domain::crash::{self, Point};
use domain::instrument::InstrumentId;
use domain::market::Book;
use domain::time::Machine;
use slog::warn;

use super::Hands;
use super::why::{Books, Source};
use crate::messages::GetBook;

/// One book, since when it is known at the earliest, and where it comes from.
struct Read {
    book: Option<Arc<Book>>,
    known_at: Machine,
    from: Source,
}

impl Hands {
    /// The books of two legs, read side by side.
    pub(super) async fn books(&self, long: &InstrumentId, short: &InstrumentId) -> Books {
        let (long, short) = futures_util::future::join(self.book(long), self.book(short)).await;
        Books {
            known_at: long.known_at.min(short.known_at),
            long: long.book,
            short: short.book,
            from: (long.from, short.from),
        }
    }

    async fn book(&self, id: &InstrumentId) -> Read {
        if let Some(kept) = self.kept_book(id).await {
            return kept;
        }
        let asked = self.wires.clock.now().machine;
        let book = match self.wires.desks.get(&id.venue) {
            Some(desk) => {
                crash::point(Point::JobBeforeBook);
                let answer = desk.data.book(id).await;
                crash::point(Point::JobBookRead);
                match answer {
                    Ok(book) => Some(Arc::new(book)),
                    Err(error) => {
                        warn!(self.log, "a book could not be read"; "instrument" => %id, "error" => %error);
                        None
                    }
                }
            }
            None => None,
        };
        Read {
            book,
            known_at: asked,
            from: Source::Request,
        }
    }

    async fn kept_book(&self, id: &InstrumentId) -> Option<Read> {
        let heard = self.wires.books.send(GetBook(id.clone())).await.ok().flatten()?;
        let is_old = self.acted.borrow().get(id).is_some_and(|acted| heard.at <= *acted);
        if is_old || heard.value.quote().is_none() {
            return None;
        }
        let now = self.wires.clock.now().machine;
        let freshness = &self.settings.limits.freshness;
        // A part of the bound is left for the ledger: the book is looked at again once the order is durable.
        let fresh = heard.fresh(now, freshness.within(freshness.book * 3 / 4)).ok()?;
        Some(Read {
            book: Some(Arc::clone(fresh.get())),
            known_at: heard.at,
            from: Source::Stream,
        })
    }
}
