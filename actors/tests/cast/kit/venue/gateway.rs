//! How a venue by script takes orders, tells of them, and ends them.

use std::time::Duration;

use domain::instrument::InstrumentId;
use domain::money::Quantity;
use domain::order::{ClientOrderId, Fill, OrderReport, OrderTicket, Placed, VenueOrderStatus};
use domain::ports::{Answer, OrderGateway, VenueError};

use super::{Cancel, FakeVenue, Find, Place, instrument};
use crate::kit::probes::Event;

impl OrderGateway for FakeVenue {
    fn place<'a>(&'a self, ticket: &'a OrderTicket) -> Answer<'a, Placed> {
        Box::pin(async move {
            if self.shut_for(&ticket.instrument).is_some() {
                return Placed::NotSent {
                    reason: "the rate budget asks to wait".to_owned(),
                };
            }
            self.events.push(Event::Sent(ticket.client_id.clone()));
            self.placed
                .borrow_mut()
                .push((self.clock.read().machine, ticket.clone()));
            let (none, all) = (Duration::ZERO, ticket.quantity);
            let confirmed = |venue_order_id| Placed::Confirmed { venue_order_id };
            let unknown = || Placed::Unknown {
                reason: "no answer in time".to_owned(),
            };
            match self.fate_of(ticket) {
                Place::Fill => confirmed(self.execute(ticket, all, none, none)),
                Place::Part(share) => {
                    let part =
                        instrument(ticket.instrument.clone()).to_units(domain::money::AssetQuantity(all.0 * share));
                    confirmed(self.execute(ticket, part, none, none))
                }
                Place::Refuse(code) | Place::RefuseLimit(code) => Placed::Refused {
                    code,
                    reason: "no".to_owned(),
                },
                Place::Lost => {
                    self.execute(ticket, all, none, none);
                    unknown()
                }
                Place::Vanish => unknown(),
                Place::Late(wait) => {
                    self.execute(ticket, all, wait, wait);
                    unknown()
                }
                Place::LateFills(wait) => confirmed(self.execute(ticket, all, none, wait)),
                Place::Hang => {
                    self.execute(ticket, all, none, none);
                    std::future::pending().await
                }
                Place::Slow(wait) => {
                    tokio::time::sleep(wait).await;
                    confirmed(self.execute(ticket, all, none, none))
                }
                Place::Rest => confirmed(self.rest(ticket)),
                Place::RestLost => {
                    self.rest(ticket);
                    unknown()
                }
                Place::Rejected => confirmed(self.execute(ticket, Quantity::ZERO, none, none)),
                Place::Over(more) => confirmed(self.execute(ticket, Quantity(all.0 + more), none, none)),
                Place::Arrives(after) => {
                    self.send_off(ticket, after);
                    unknown()
                }
                Place::Panic => panic!("the gateway is broken"),
            }
        })
    }

    fn shut_for(&self, _: &InstrumentId) -> Option<Duration> {
        let now = self.clock.read().machine;
        let until = self.shut_until.get().filter(|until| now < *until)?;
        Some(until.since(now))
    }

    fn find<'a>(
        &'a self,
        _: &'a InstrumentId,
        id: &'a ClientOrderId,
    ) -> Answer<'a, Result<Option<OrderReport>, VenueError>> {
        Box::pin(async move {
            self.asked.set(self.asked.get() + 1);
            let scripted = self.finds.borrow_mut().pop_front();
            match scripted {
                Some(Find::Error) => return Err(self.unreachable()),
                Some(Find::Absent) => return Ok(None),
                None if self.down.get() => return Err(self.unreachable()),
                None => {}
            }
            self.let_arrive();
            let now = self.clock.read().machine;
            let orders = self.orders.borrow();
            let seen = orders.get(id).filter(|order| now >= order.visible);
            Ok(seen.map(|order| order.report.clone()))
        })
    }

    fn open_orders<'a>(&'a self, of: &'a InstrumentId) -> Answer<'a, Result<Vec<OrderReport>, VenueError>> {
        Box::pin(async move {
            if self.down.get() {
                return Err(self.unreachable());
            }
            let orders = self.orders.borrow();
            let live = orders.values().map(|order| order.report.clone());
            Ok(live
                .filter(|report| report.instrument == *of && !report.status.is_terminal())
                .collect())
        })
    }

    fn fills_of<'a>(&'a self, order: &'a OrderReport) -> Answer<'a, Result<Vec<Fill>, VenueError>> {
        Box::pin(async move {
            let now = self.clock.read().machine;
            let orders = self.orders.borrow();
            let seen = orders.get(&order.client_id).filter(|order| now >= order.fills_visible);
            Ok(seen.map_or_else(Vec::new, |order| order.fills.clone()))
        })
    }

    fn cancel<'a>(&'a self, _: &'a InstrumentId, id: &'a ClientOrderId) -> Answer<'a, Result<(), VenueError>> {
        Box::pin(async move {
            let now = self.clock.read().machine;
            self.cancelled.borrow_mut().push((now, id.clone()));
            let scripted = self.cancels.borrow_mut().pop_front();
            if scripted == Some(Cancel::Vanish) || self.down.get() {
                return Err(self.unreachable());
            }
            let live = self.resting().into_iter().find(|report| report.client_id == *id);
            if let Some(report) = live {
                if scripted == Some(Cancel::TooLate) {
                    self.meet(report.quantity.0 - report.filled.0);
                }
                let mut orders = self.orders.borrow_mut();
                let status = &mut orders.get_mut(id).expect("it rests").report.status;
                if *status == VenueOrderStatus::Live {
                    *status = VenueOrderStatus::Cancelled;
                }
            }
            if scripted == Some(Cancel::Lost) {
                return Err(self.unreachable());
            }
            Ok(())
        })
    }
}
