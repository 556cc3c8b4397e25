//! Each bound of a leg, by its number.

use super::*;
use crate::bounds::{Bounds, PriceBand, Tier, Tiers};
use crate::instrument::Side;

fn limited(open_interest: Option<&str>, volume: Option<&str>) -> Limits {
    Limits {
        shares: Shares {
            open_interest: open_interest.map(|share| Bps(dec(share))),
            volume: volume.map(|share| Bps(dec(share))),
        },
        ..limits()
    }
}

fn sized(board: &Board, limits: &Limits) -> Result<Entry, Gate> {
    let best = board.enterable(&plan(), limits, at(11)).remove(0);
    size(&best, board, &Exposure::default(), limits)
}

/// The best pair is spot against the perpetual of one venue; that perpetual is listed again with these bounds.
fn bounded(bounds: Bounds) -> Board {
    let mut board = board("0.0009", "0.0001");
    let mut perpetual = perp(VenueId::Binance, "BTCUSDT");
    perpetual.bounds = bounds;
    board.list(perpetual, FEES);
    board.refresh(&plan(), &limits(), at(10));
    board
}

fn told(board: &mut Board, product: Product, open_interest: Option<&str>, volume: Option<&str>) {
    let id = match product {
        Product::Spot => spot(VenueId::Binance, "BTCUSDT").id,
        Product::Perp => perp(VenueId::Binance, "BTCUSDT").id,
    };
    let activity = Activity {
        open_interest: open_interest.map(|units| Quantity(dec(units))),
        volume_24h: volume.map(|usd| Usd(dec(usd))),
    };
    assert!(board.hear_activity(&id, activity));
}

#[test]
fn a_leg_is_at_most_its_share_of_the_open_interest() {
    let (mut board, limits) = (board("0.0009", "0.0001"), limited(Some("100"), None));
    assert_eq!(sized(&board, &limits), Err(Gate::Missing("open interest")));
    // 1 % of 400 units, at 100.05 each.
    told(&mut board, Product::Perp, Some("400"), None);
    assert_eq!(sized(&board, &limits).unwrap().notional, Usd(dec("400.2")));
    told(&mut board, Product::Perp, Some("4"), None);
    let refused = sized(&board, &limits).unwrap_err();
    assert_eq!(
        (refused.name(), refused.to_string().contains("is 4 USD")),
        ("open_interest", true),
        "{refused}"
    );
}

#[test]
fn a_leg_is_at_most_its_share_of_what_is_traded_on_either_side() {
    let (mut board, limits) = (board("0.0009", "0.0001"), limited(None, Some("10")));
    told(&mut board, Product::Perp, None, Some("900000"));
    assert_eq!(
        sized(&board, &limits),
        Err(Gate::Missing("volume of a day")),
        "that of the coin is not told"
    );
    told(&mut board, Product::Spot, None, Some("500000"));
    assert_eq!(
        sized(&board, &limits).unwrap().target,
        AssetQuantity(dec("4.997")),
        "500 USD at 100.05"
    );
    told(&mut board, Product::Spot, None, Some("4000"));
    assert!(matches!(sized(&board, &limits), Err(Gate::Volume { most, .. }) if most == Usd(dec("4"))));
}

#[test]
fn a_position_is_at_most_what_the_last_risk_tier_takes() {
    let tiers = |up_to: &str| Bounds {
        tiers: Some(
            Tiers::believable(vec![Tier {
                up_to: Usd(dec(up_to)),
                leverage: dec("20"),
                maintenance: Rate(dec("0.01")),
                deduction: Usd::ZERO,
            }])
            .unwrap(),
        ),
        ..Bounds::default()
    };
    assert_eq!(
        sized(&bounded(tiers("300.15")), &limits()).unwrap().target,
        AssetQuantity(dec("3"))
    );
    let refused = sized(&bounded(tiers("3")), &limits());
    assert!(matches!(refused, Err(Gate::MarginTier { most, .. }) if most == Usd(dec("3"))));
    let untold = Bounds {
        tiers: Some(Tiers::default()),
        ..Bounds::default()
    };
    assert_eq!(sized(&bounded(untold), &limits()), Err(Gate::Missing("risk tiers")));
}

#[test]
fn what_a_filter_would_refuse_is_not_entered_and_the_gate_says_which() {
    let most = Bounds {
        max_position: Some(Quantity(dec("0.04"))),
        ..Bounds::default()
    };
    let refused = sized(&bounded(most), &limits()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the greatest position of binance:perp:BTCUSDT ends at 0.04"
    );
    // A seller may ask 5 bps less than the middle, which is 99.95.
    let band = |sell_least: &str| Bounds {
        band: Some(PriceBand {
            buy_most: dec("1.05"),
            sell_least: dec(sell_least),
        }),
        ..Bounds::default()
    };
    assert!(sized(&bounded(band("0.9995")), &limits()).is_ok());
    let refused = sized(&bounded(band("0.9996")), &limits()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the band of prices for sellers of binance:perp:BTCUSDT ends at 99.96"
    );
    // It moves with the mark, not with the middle.
    let mut board = bounded(band("0.9995"));
    let mark = MarketFact::Mark {
        instrument: perp(VenueId::Binance, "BTCUSDT").id,
        mark: Price(dec("100.02")),
        index: None,
        venue_time: Timestamp(HOUR_MS),
    };
    board.observe(&mark, at(10));
    assert!(matches!(sized(&board, &limits()), Err(Gate::Filter { .. })));
    let buyer = super::super::caps::in_band;
    let (instrument, touch) = (board.listing(mark.instrument()).unwrap().instrument.clone(), touch());
    let verdict = |slippage: &str| buyer(&instrument, &touch, None, Side::Buy, Bps(dec(slippage)));
    assert!(
        verdict("500").is_ok() && verdict("501").is_err(),
        "a buyer's edge is above"
    );
}

fn touch() -> Quote {
    let MarketFact::Quote { quote, .. } = quote(&spot(VenueId::Binance, "BTCUSDT").id, "100") else {
        unreachable!()
    };
    quote
}
