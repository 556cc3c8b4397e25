use std::num::NonZeroU8;
use std::time::Duration;

use super::*;
use crate::bounds::Shares;
use crate::fixtures::{dec, perp, spot};
use crate::money::{AssetQuantity, Quantity, Rate, Usd};
use crate::risk::Exposure;
use crate::time::{HOUR_MS, Machine, Timestamp};

pub(super) const FEES: FeeRates = FeeRates {
    maker: Rate(Decimal::ZERO),
    taker: Rate(Decimal::from_parts(5, 0, 0, false, 4)),
};

pub(super) fn plan() -> Plan {
    Plan {
        hold_hours: 72,
        reentry_share: dec("0.3"),
        minimum_hold_hours: 0,
        rotation: false,
        forecast: None,
    }
}

pub(super) fn limits() -> Limits {
    Limits {
        min_spread: Bps(dec("10")),
        max_position: Usd(dec("1000")),
        max_venue: Usd(dec("5000")),
        max_total: Usd(dec("5000")),
        max_daily_loss: Usd(dec("100")),
        max_drawdown: Bps(dec("1000")),
        max_slippage: Bps(dec("5")),
        delisting_hours: 72,
        shares: Shares::default(),
        freshness: Freshness::DEFAULT,
    }
}

pub(super) fn at(seconds: u64) -> Now {
    Now {
        market: Timestamp(HOUR_MS),
        machine: Machine(Duration::from_secs(seconds)),
    }
}

pub(super) fn quote(id: &InstrumentId, price: &str) -> MarketFact {
    let price = Price(dec(price));
    let quote = Quote {
        bid: price,
        ask: price,
        bid_quantity: Quantity(dec("9")),
        ask_quantity: Quantity(dec("9")),
    };
    MarketFact::Quote {
        instrument: id.clone(),
        quote,
        venue_time: Timestamp(HOUR_MS),
    }
}

pub(super) fn rate(id: &InstrumentId, rate: &str) -> MarketFact {
    let terms = FundingTerms {
        predicted: Rate(dec(rate)),
        next_settlement: Timestamp(8 * HOUR_MS),
        interval_hours: NonZeroU8::new(8).unwrap(),
        cap: None,
        floor: None,
    };
    MarketFact::Funding {
        instrument: id.clone(),
        terms,
        venue_time: Timestamp(HOUR_MS),
    }
}

/// Spot and perp of one venue, perp of the other.
pub(super) fn board(binance_rate: &str, bybit_rate: &str) -> Board {
    let mut board = Board::default();
    let listed = [
        spot(VenueId::Binance, "BTCUSDT"),
        perp(VenueId::Binance, "BTCUSDT"),
        perp(VenueId::Bybit, "BTCUSDT"),
    ];
    for instrument in listed {
        let id = instrument.id.clone();
        board.list(instrument, FEES);
        board.observe(&quote(&id, "100"), at(10));
        if id.product == Product::Perp {
            board.observe(
                &rate(
                    &id,
                    if id.venue == VenueId::Binance {
                        binance_rate
                    } else {
                        bybit_rate
                    },
                ),
                at(10),
            );
        }
    }
    board.refresh(&plan(), &limits(), at(10));
    board
}

#[test]
fn the_best_pair_buys_the_cheap_leg_and_sells_the_dear_one() {
    let board = board("-0.0003", "0.0005");
    let best = board.enterable(&plan(), &limits(), at(11)).remove(0);
    assert_eq!(
        (best.pair.long.venue, best.pair.short.venue),
        (VenueId::Binance, VenueId::Bybit)
    );
    assert_eq!(
        (best.kind, best.outlook.unwrap().funding),
        (HedgeKind::CrossVenue, Bps(dec("72")))
    );
    assert_eq!(board.opportunities().count(), 4);
}

#[test]
fn f009_what_was_old_when_it_came_stops_its_pairs_until_something_younger_comes() {
    let mut board = board("-0.0003", "0.0005");
    let bybit = perp(VenueId::Bybit, "BTCUSDT").id;
    let pairs = |board: &mut Board| {
        board.refresh(&plan(), &limits(), at(11));
        board.enterable(&plan(), &limits(), at(11)).len()
    };
    let before = pairs(&mut board);
    for (told, what) in [
        (quote(&bybit, "100"), "quote"),
        (rate(&bybit, "0.0005"), "funding rate"),
    ] {
        let mut later = at(11);
        later.market = later.market.plus_millis(10_001);
        board.observe(&told, later);
        assert_eq!(pairs(&mut board), 0, "{what}");
        let late = Gate::Late {
            what,
            delay: Duration::from_millis(10_001),
            bound: Duration::from_secs(10),
        };
        assert_eq!(late.name(), "stale");
        assert!(board.opportunities().any(|one| one.refused.as_ref() == Some(&late)));
        board.observe(&told, at(11));
        assert_eq!(pairs(&mut board), before, "{what}");
    }
}

#[test]
fn every_refused_pair_names_its_gate() {
    let board = board("0.0001", "0.0001");
    assert!(board.enterable(&plan(), &limits(), at(11)).is_empty());
    assert!(
        board
            .opportunities()
            .all(|pair| matches!(pair.refused, Some(Gate::Spread { .. })))
    );
}

#[test]
fn what_is_likely_to_be_deleveraged_is_not_entered_and_not_left_for_that() {
    let mut board = board("0.0009", "0.0001");
    let best = board.enterable(&plan(), &limits(), at(11)).remove(0).pair;
    let mut crowded = board.listing(&best.short).unwrap().instrument.clone();
    crowded.status = TradingStatus::Crowded;
    board.list(crowded, FEES);
    board.refresh(&plan(), &limits(), at(11));
    let judged = board.opportunities().find(|one| one.pair == best).unwrap();
    assert_eq!(judged.refused, Some(Gate::AdlHigh(best.short.to_string())));
    assert_eq!(board.must_leave(&best, &limits(), at(11)), None);
}

#[test]
fn what_ends_soon_is_not_entered_and_is_left_before_it_ends() {
    let mut board = board("0.0009", "0.0001");
    let best = board.enterable(&plan(), &limits(), at(11)).remove(0).pair;
    let now = at(11);
    let mut ends_in = |hours: i64, status| {
        let mut instrument = board.listing(&best.short).unwrap().instrument.clone();
        instrument.ends_at = Some(now.market.plus_hours(hours));
        instrument.status = status;
        board.list(instrument, FEES);
        board.refresh(&plan(), &limits(), now);
        let judged = board.opportunities().find(|one| one.pair == best).unwrap();
        (judged.refused.clone(), board.must_leave(&best, &limits(), now))
    };
    let gate = |hours, least| {
        Some(Gate::Delisting {
            what: best.short.to_string(),
            hours,
            least,
        })
    };
    assert_eq!(ends_in(72, TradingStatus::Trading), (None, None));
    assert_eq!(ends_in(71, TradingStatus::Trading), (gate(71, 72), None));
    assert_eq!(ends_in(24, TradingStatus::Trading), (gate(24, 72), None));
    assert_eq!(ends_in(23, TradingStatus::Trading), (gate(23, 72), gate(23, 24)));
    // What has ended takes no orders: nothing is begun that cannot be finished.
    let (refused, leave) = ends_in(-1, TradingStatus::Ended);
    assert!(matches!(refused, Some(Gate::Restricted { .. })) && leave.is_none());
    let long_hold = Plan {
        hold_hours: 100,
        ..plan()
    };
    let mut instrument = board.listing(&best.short).unwrap().instrument.clone();
    (instrument.ends_at, instrument.status) = (Some(now.market.plus_hours(99)), TradingStatus::Trading);
    board.list(instrument, FEES);
    board.refresh(&long_hold, &limits(), now);
    assert!(
        board
            .enterable(&long_hold, &limits(), now)
            .iter()
            .all(|one| one.pair != best),
        "it ends before it is planned to be left"
    );
}

#[test]
fn time_alone_stales_an_input() {
    let board = board("0.0009", "0.0001");
    assert!(!board.enterable(&plan(), &limits(), at(11)).is_empty());
    assert!(board.enterable(&plan(), &limits(), at(26)).is_empty());
}

#[test]
fn a_forgotten_venue_is_not_traded() {
    let mut board = board("0.0009", "0.0001");
    board.forget(VenueId::Binance, Product::Perp);
    board.refresh(&plan(), &limits(), at(11));
    assert!(board.enterable(&plan(), &limits(), at(11)).is_empty());
}

#[test]
fn one_change_recomputes_one_asset() {
    let mut board = board("0.0009", "0.0001");
    let eth = perp(VenueId::Bybit, "ETHUSDT");
    board.list(eth.clone(), FEES);
    assert_eq!(board.refresh(&plan(), &limits(), at(11)), 1);
    board.observe(&quote(&eth.id, "5"), at(11));
    assert_eq!(board.refresh(&plan(), &limits(), at(11)), 1);
    assert_eq!(board.refresh(&plan(), &limits(), at(11)), 0);
    assert!(!board.observe(&quote(&perp(VenueId::Bybit, "XYZUSDT").id, "5"), at(11)));
}

#[test]
fn an_entry_is_sized_by_the_room_on_the_common_lot() {
    let board = board("0.0009", "0.0001");
    let best = board.enterable(&plan(), &limits(), at(11)).remove(0);
    let entry = size(&best, &board, &Exposure::default(), &limits()).unwrap();
    assert_eq!(
        (entry.target, entry.notional),
        (AssetQuantity(dec("9.995")), Usd(dec("999.99975")))
    );
    let mut full = Exposure::default();
    full.add(VenueId::Binance, Usd(dec("4996")));
    assert!(matches!(
        size(&best, &board, &full, &limits()),
        Err(Gate::NoRoom { .. })
    ));
}

#[test]
fn a_sign_flip_alone_is_no_reason_to_leave() {
    let costs = Costs {
        fees: Bps(dec("20")),
        slippage: Bps(dec("2")),
        basis: Bps::ZERO,
    };
    assert_eq!(
        stay_or_leave(Bps(dec("-4.5")), &costs, &plan(), 0),
        StayOrLeave::Stay(Bps(dec("-4.5")))
    );
    let leave = StayOrLeave::Leave {
        expected: Bps(dec("-18")),
        tolerated: Bps(dec("-6.6")),
    };
    assert_eq!(stay_or_leave(Bps(dec("-18")), &costs, &plan(), 0), leave);
    // Not before it has been held for a while.
    let patient = Plan {
        minimum_hold_hours: 24,
        ..plan()
    };
    let after = |hours| stay_or_leave(Bps(dec("-18")), &costs, &patient, hours);
    assert_eq!((after(23), after(24)), (StayOrLeave::Stay(Bps(dec("-18"))), leave));
}

#[test]
fn f008_legs_too_far_apart_are_a_data_fault() {
    let mut board = board("0.0009", "0.0001");
    board.observe(&quote(&spot(VenueId::Binance, "BTCUSDT").id, "90"), at(11));
    board.refresh(&plan(), &limits(), at(11));
    let refused = board
        .opportunities()
        .filter(|pair| matches!(pair.refused, Some(Gate::BasisOutOfRange(_))))
        .count();
    assert_eq!(refused, 2);
}

/// The change pays for itself, and what is left of it is what every entry has to bring: 60 from the new one after its own
/// costs, 15 from the old one, 11 for leaving it now.
#[test]
fn a_hedge_gives_way_only_to_what_pays_for_both_changes() {
    let costs = Costs {
        fees: Bps(dec("20")),
        slippage: Bps(dec("2")),
        basis: Bps(dec("7")),
    };
    let plan = Plan {
        minimum_hold_hours: 24,
        rotation: true,
        ..plan()
    };
    let to = |enters: &str, held| gives_way((Bps(dec("15")), &costs), Bps(dec(enters)), Bps(dec("30")), &plan, held);
    let rotation = to("60", 24).unwrap();
    assert_eq!((rotation.leaving, rotation.gain()), (Bps(dec("11")), Bps(dec("34"))));
    // At the bound, a hundredth below it, and an hour too early.
    assert!(to("56", 24).is_some());
    assert_eq!((to("55.99", 24), to("60", 23)), (None, None));
    let settled = Plan {
        rotation: false,
        ..plan
    };
    let never = gives_way((Bps(dec("15")), &costs), Bps(dec("900")), Bps(dec("30")), &settled, 99);
    assert_eq!(never, None);
}

#[test]
fn a_hedge_makes_room_for_another_pair_of_its_asset_and_at_its_venues_where_a_cap_stops_it() {
    let (here, there) = (VenueId::Binance, VenueId::Bybit);
    let pair = |long, short, symbol| Pair {
        long: perp(long, symbol).id,
        short: perp(short, symbol).id,
    };
    let wanted = |symbol: &str, pair| Opportunity {
        asset: Name::new(symbol),
        kind: HedgeKind::CrossVenue,
        pair,
        outlook: None,
        refused: None,
    };
    let (eth, held) = (Name::new("ETH"), pair(here, there, "ETHUSDT"));
    let room = |wanted: &Opportunity, gate: &Gate| makes_room((&eth, &held), wanted, gate);
    let turned = wanted("ETH", pair(there, here, "ETHUSDT"));
    let (same, other) = (wanted("ETH", held.clone()), wanted("SOL", pair(there, here, "SOLUSDT")));
    let alone = wanted("SOL", pair(here, here, "SOLUSDT"));
    let full = Gate::NoRoom { room: Usd(dec("0")) };
    assert!(room(&turned, &Gate::AlreadyHedged));
    assert!(!room(&same, &Gate::AlreadyHedged) && !room(&other, &Gate::AlreadyHedged));
    assert!(room(&other, &full));
    assert!(!room(&alone, &full), "its room is elsewhere");
    assert!(!room(&turned, &Gate::Blackout), "room does not help it");
}

/// Of two pairs whose expectations change places by chance none gives way to the other and back.
#[test]
fn two_hedges_that_are_alike_do_not_change_places() {
    let costs = Costs {
        fees: Bps(dec("20")),
        slippage: Bps(dec("2")),
        basis: Bps::ZERO,
    };
    let plan = Plan {
        rotation: true,
        ..plan()
    };
    // 22 in and out of the new one, 11 for leaving the old one, 10 to gain.
    for funding in -40_i64..=40 {
        for more in 0_i64..=60 {
            let (old, new) = (Bps(Decimal::from(funding)), Bps(Decimal::from(funding + more)));
            let there = gives_way((old, &costs), new - costs.total(), Bps(dec("10")), &plan, 9);
            let back = gives_way((new, &costs), old - costs.total(), Bps(dec("10")), &plan, 9);
            assert_eq!(back, None, "{funding} {more}");
            assert_eq!(there.is_some(), more >= 43, "{funding} {more}");
        }
    }
}

#[path = "strategy_caps_tests.rs"]
mod caps;
