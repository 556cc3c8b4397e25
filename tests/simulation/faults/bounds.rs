//! What the venues tell of risk tiers, price bands and the size of their markets, and that they hold us to it.

use domain::bounds::Tiers;
use domain::instrument::{Instrument, Product, VenueId};
use domain::money::Usd;
use domain::ports::VenueError;
use domain::setup::{MarginMode, Setup};
use rust_decimal::Decimal;

use super::bench::bench;

fn tiers(perpetual: &Instrument) -> &Tiers {
    perpetual.bounds.tiers.as_ref().unwrap()
}

#[test]
fn every_perpetual_is_told_with_its_tiers_and_a_higher_leverage_is_refused() {
    bench(3, |bench| async move {
        for venue in VenueId::ALL {
            let perpetuals = bench.instruments(venue, Product::Perp).await;
            assert!(perpetuals.len() >= 3, "{venue}");
            for perpetual in &perpetuals {
                let (small, most) = (Usd(Decimal::ONE), tiers(perpetual).most().unwrap());
                let (first, last) = (tiers(perpetual).of(small).unwrap(), tiers(perpetual).of(most).unwrap());
                assert!(first.leverage > last.leverage && first.maintenance.0 < last.maintenance.0);
                let edges = perpetual.bounds.band.unwrap();
                assert!(
                    edges.buy_most > Decimal::ONE && edges.sell_least < Decimal::ONE,
                    "{edges:?}"
                );
                let allowed = u8::try_from(first.leverage.trunc()).unwrap();
                let set = async |leverage| {
                    let margin = MarginMode::Cross;
                    let setup = Setup { leverage, margin };
                    bench.venue(venue).account.prepare(&perpetual.id, setup).await
                };
                assert_eq!(set(allowed).await, Ok(()), "{venue}");
                let refused = set(allowed + 1).await;
                assert!(
                    matches!(refused, Err(VenueError::Refused { .. })),
                    "{venue}: {refused:?}"
                );
            }
            let spot = bench.instruments(venue, Product::Spot).await;
            assert!(spot.iter().all(|one| one.bounds.tiers.is_none()), "{venue}");
        }
    });
}

#[test]
fn every_market_is_told_with_what_is_traded_and_what_is_open() {
    bench(3, |bench| async move {
        for venue in VenueId::ALL {
            let data = &bench.venue(venue).data;
            let told = data.activity().await.unwrap();
            for product in Product::ALL {
                for instrument in bench.instruments(venue, product).await {
                    let of_it = told.iter().find(|(id, _)| *id == instrument.id).unwrap().1;
                    assert!(of_it.volume_24h.unwrap() > Usd::ZERO, "{}", instrument.id);
                    if product == Product::Spot {
                        assert_eq!(of_it.open_interest, None, "{}", instrument.id);
                        continue;
                    }
                    let open = match of_it.open_interest {
                        Some(open) => open,
                        None => data.open_interest(&instrument.id).await.unwrap().unwrap(),
                    };
                    assert!(open.0 > Decimal::ZERO, "{}", instrument.id);
                }
            }
        }
    });
}

#[test]
fn tiers_that_cannot_be_read_anew_stay_what_they_were() {
    bench(1, |bench| async move {
        for (venue, path) in [
            ("binance", "/fapi/v1/leverageBracket"),
            ("bybit", "/v5/market/risk-limit"),
        ] {
            let id = VenueId::parse(venue).unwrap();
            let before = bench.instruments(id, Product::Perp).await;
            bench.inject(&serde_json::json!([{
                "venue": venue, "link": "rest", "match": { "path": path }, "count": 100,
                "action": "REPLY", "args": { "status": 503, "body": "<html>" }
            }]));
            let after = bench.instruments(id, Product::Perp).await;
            assert_eq!(after, before, "{venue}");
            assert!(tiers(&after[0]).most().is_some());
        }
    });
}
