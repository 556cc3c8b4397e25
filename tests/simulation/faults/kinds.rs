//! How each kind of order lives and ends at the venues' twin, by the adapters' real bytes.

use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::money::{Bps, Price};
use domain::order::{ClientOrderId, OrderKind, OrderReport, OrderTicket, Placed, VenueOrderStatus};
use domain::ports::VenueError;
use domain::setup::{MarginMode, Setup};

use super::bench::{Bench, bench};

/// Every market in which we trade.
const MARKETS: [(VenueId, Product); 4] = [
    (VenueId::Binance, Product::Spot),
    (VenueId::Binance, Product::Perp),
    (VenueId::Bybit, Product::Spot),
    (VenueId::Bybit, Product::Perp),
];

/// An order to buy, at a limit so far from the best ask; negative is below it, and rests.
async fn buy(bench: &Bench, market: (VenueId, Product), kind: fn(Price) -> OrderKind, away: i64) -> OrderTicket {
    let (venue, product) = market;
    let name = format!("fakind-{venue}-{}-{}", product.as_str(), bench.serial());
    let mut ticket = bench.ticket(venue, product, &name).await;
    let all = bench.instruments(venue, product).await;
    let instrument = all.into_iter().find(|one| one.id == ticket.instrument).unwrap();
    let book = bench.venue(venue).data.book(&ticket.instrument).await.unwrap();
    let wanted = book.quote().unwrap().ask.shifted(Bps(away.into()));
    ticket.kind = kind(instrument.price_on_tick(wanted, ticket.side));
    ticket
}

async fn word(bench: &Bench, ticket: &OrderTicket) -> Option<OrderReport> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let gateway = bench.gateway(ticket.instrument.venue);
    gateway.find(&ticket.instrument, &ticket.client_id).await.unwrap()
}

async fn place(bench: &Bench, ticket: &OrderTicket) -> Placed {
    bench.gateway(ticket.instrument.venue).place(ticket).await
}

async fn cancel(bench: &Bench, instrument: &InstrumentId, ticket: &OrderTicket) {
    let gateway = bench.gateway(instrument.venue);
    gateway.cancel(instrument, &ticket.client_id).await.unwrap();
}

#[test]
fn an_order_that_rests_lives_until_it_is_cancelled() {
    bench(1, |bench| async move {
        for market in MARKETS {
            for kind in [
                |limit| OrderKind::PostOnly { limit },
                |limit| OrderKind::GoodTillCancel { limit },
            ] {
                let ticket = buy(&bench, market, kind, -100).await;
                let placed = place(&bench, &ticket).await;
                assert!(matches!(placed, Placed::Confirmed { .. }), "{market:?}: {placed:?}");
                let report = word(&bench, &ticket).await.unwrap();
                assert_eq!(report.status, VenueOrderStatus::Live, "{market:?} {ticket:?}");
                cancel(&bench, &ticket.instrument, &ticket).await;
                let report = word(&bench, &ticket).await.unwrap();
                assert_eq!(report.status, VenueOrderStatus::Cancelled, "{market:?} {ticket:?}");
                assert!(report.filled.is_zero());
                cancel(&bench, &ticket.instrument, &ticket).await; // over already: success
            }
        }
    });
}

#[test]
fn a_post_only_order_never_takes() {
    bench(1, |bench| async move {
        for market in MARKETS {
            let ticket = buy(&bench, market, |limit| OrderKind::PostOnly { limit }, 20).await;
            let placed = place(&bench, &ticket).await;
            let report = word(&bench, &ticket).await;
            let nothing = report
                .as_ref()
                .is_none_or(|report| report.status.is_terminal() && report.filled.is_zero());
            assert!(nothing, "{market:?}: {placed:?}, then {report:?}");
            assert!(
                matches!(placed, Placed::Refused { .. }) || report.is_some(),
                "{market:?}: {placed:?}"
            );
        }
    });
}

#[test]
fn fill_or_kill_is_all_or_nothing() {
    bench(1, |bench| async move {
        for market in MARKETS {
            let kind: fn(Price) -> OrderKind = |limit| OrderKind::FillOrKill { limit };
            let ticket = buy(&bench, market, kind, 20).await;
            place(&bench, &ticket).await;
            let report = word(&bench, &ticket).await.unwrap();
            assert_eq!(
                (report.status, report.filled),
                (VenueOrderStatus::Filled, ticket.quantity),
                "{market:?}"
            );
            let ticket = buy(&bench, market, kind, -100).await;
            let placed = place(&bench, &ticket).await;
            let report = word(&bench, &ticket).await;
            let nothing = report
                .as_ref()
                .is_none_or(|report| report.status.is_terminal() && report.filled.is_zero());
            assert!(nothing, "{market:?}: {placed:?}, then {report:?}");
        }
    });
}

#[test]
fn cancelling_all_takes_ours_and_leaves_those_of_others() {
    bench(1, |bench| async move {
        for market in MARKETS {
            let kind: fn(Price) -> OrderKind = |limit| OrderKind::GoodTillCancel { limit };
            let mut tickets = Vec::new();
            for number in 0..3 {
                let mut ticket = buy(&bench, market, kind, -100 - number).await;
                if number == 2 {
                    let foreign = ticket.client_id.as_str().replace("fakind", "theirs");
                    ticket.client_id = ClientOrderId::from_text(&foreign);
                }
                place(&bench, &ticket).await;
                tickets.push(ticket);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            let (gateway, instrument) = (bench.gateway(market.0), &tickets[0].instrument);
            assert_eq!(gateway.open_orders(instrument).await.unwrap().len(), 3, "{market:?}");
            let mut asked = gateway.cancel_all(instrument, "kind").await.unwrap();
            asked.sort();
            let mut ours: Vec<_> = tickets[..2].iter().map(|ticket| ticket.client_id.clone()).collect();
            ours.sort();
            assert_eq!(asked, ours, "{market:?}");
            tokio::time::sleep(Duration::from_secs(1)).await;
            let left = gateway.open_orders(instrument).await.unwrap();
            let left: Vec<_> = left.into_iter().map(|order| order.client_id).collect();
            assert_eq!(left, [tickets[2].client_id.clone()], "{market:?}");
            assert!(gateway.cancel_all(instrument, "kind").await.unwrap().is_empty());
        }
    });
}

#[test]
fn a_margin_mode_is_set_verified_and_not_changed_under_a_position() {
    bench(1, |bench| async move {
        for venue in VenueId::ALL {
            let ticket = bench.ticket(venue, Product::Perp, &format!("famode-{venue}")).await;
            let account = Rc::clone(&bench.venue(venue).account);
            let set = async |margin| {
                let setup = Setup { leverage: 3, margin };
                account.prepare(&ticket.instrument, setup).await
            };
            for margin in [
                MarginMode::Isolated,
                MarginMode::Isolated,
                MarginMode::Cross,
                MarginMode::Cross,
            ] {
                assert_eq!(set(margin).await, Ok(()), "{venue} {margin:?}");
            }
            place(&bench, &ticket).await;
            assert!(!word(&bench, &ticket).await.unwrap().filled.is_zero());
            assert_eq!(set(MarginMode::Cross).await, Ok(()), "{venue}");
            let refused = set(MarginMode::Isolated).await;
            assert!(
                matches!(refused, Err(VenueError::Refused { .. })),
                "{venue}: {refused:?}"
            );
        }
    });
}
