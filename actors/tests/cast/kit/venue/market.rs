//! What a venue by script tells of its markets on request.

use domain::bounds::{Activity, Bounds};
use domain::forecast::Settlement;
use domain::instrument::{Instrument, InstrumentId, Product};
use domain::market::{Book, Level};
use domain::money::Quantity;
use domain::ports::{Answer, MarketData, VenueError};
use domain::time::Timestamp;

use super::{FakeVenue, id, instrument};

impl MarketData for FakeVenue {
    fn instruments(&self) -> Answer<'_, Result<Vec<Instrument>, VenueError>> {
        Box::pin(async move {
            assert!(!self.instruments_panic.get(), "the list of instruments is broken");
            if self.down.get() {
                return Err(self.unreachable());
            }
            let all = Product::ALL.map(|product| Instrument {
                ends_at: self.ends_at.get().filter(|_| product == Product::Perp),
                bounds: Bounds {
                    tiers: self.tiers.borrow().clone().filter(|_| product == Product::Perp),
                    ..Bounds::default()
                },
                ..instrument(id(self.id, product))
            });
            Ok(all
                .into_iter()
                .filter(|one| Some(one.id.product) != self.unlisted.get())
                .collect())
        })
    }

    fn book<'a>(&'a self, _: &'a InstrumentId) -> Answer<'a, Result<Book, VenueError>> {
        Box::pin(async move {
            if self.down.get() {
                return Err(self.unreachable());
            }
            let quote = self.quote();
            let level = |price, quantity| vec![Level { price, quantity }];
            Ok(Book {
                bids: level(quote.bid, quote.bid_quantity),
                asks: level(quote.ask, quote.ask_quantity),
            })
        })
    }

    fn funding_history<'a>(
        &'a self,
        _: &'a InstrumentId,
        since: Timestamp,
    ) -> Answer<'a, Result<Vec<Settlement>, VenueError>> {
        Box::pin(async move {
            if self.down.get() {
                return Err(self.unreachable());
            }
            Ok(self
                .settled
                .borrow()
                .iter()
                .filter(|row| row.at >= since)
                .copied()
                .collect())
        })
    }

    fn activity(&self) -> Answer<'_, Result<Vec<(InstrumentId, Activity)>, VenueError>> {
        Box::pin(async move {
            if self.down.get() {
                return Err(self.unreachable());
            }
            let traded = Activity {
                open_interest: None,
                volume_24h: self.volume.get(),
            };
            Ok(Product::ALL.map(|product| (id(self.id, product), traded)).to_vec())
        })
    }

    fn open_interest<'a>(&'a self, _: &'a InstrumentId) -> Answer<'a, Result<Option<Quantity>, VenueError>> {
        Box::pin(async move { Ok(self.interest.get()) })
    }
}
