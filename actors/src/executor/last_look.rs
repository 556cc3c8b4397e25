//! The last look before a byte leaves: what has come to forbid an order while it was made durable, for the ledger may have
//! taken its time.
//!
//! - LL-1  Nothing is sent without the lease.
//! - LL-2  An entry is not begun on books that have grown old, nor after entries were paused.
//! - LL-3  The second leg of one is looked at again by newer books, for taking the first one back costs more than a look.

use domain::execution::still_fits;
use domain::hedge::Hedge;
use domain::order::{OrderTicket, Purpose};

use super::Hands;
use super::why::Books;

impl Hands {
    /// Why this order is not sent after all; `None` where nothing forbids it.
    pub(super) async fn last_look(&self, hedge: &Hedge, ticket: &OrderTicket, books: &Books) -> Option<String> {
        let opens = ticket.purpose == Purpose::Open;
        let begins = opens && hedge.long.held.is_zero() && hedge.short.held.is_zero();
        let aged = if opens { self.too_old(books) } else { None };
        let forbidden = match aged {
            Some(why) if begins => Some(why),
            Some(_) => self.by_newer_books(hedge, ticket).await,
            None => None,
        };
        if !self.may_send() {
            return Some("the lease is not held".to_owned());
        }
        let gate = self.entries.borrow();
        forbidden.or_else(|| gate.as_ref().filter(|_| begins).map(ToString::to_string))
    }

    fn too_old(&self, books: &Books) -> Option<String> {
        let (age, bound) = (self.age_of(books), self.settings.limits.freshness.book);
        (age > bound).then(|| format!("its book was {} ms old once it was durable", age.as_millis()))
    }

    async fn by_newer_books(&self, hedge: &Hedge, ticket: &OrderTicket) -> Option<String> {
        let books = self.books(&hedge.long.instrument.id, &hedge.short.instrument.id).await;
        let (most, instrument) = (self.settings.limits.max_slippage, &hedge.leg(ticket.leg).instrument);
        let fits = still_fits(ticket.kind, ticket.side, instrument, books.of(ticket.leg), most);
        self.too_old(&books).or_else(|| fits.err().map(|gate| gate.to_string()))
    }
}
