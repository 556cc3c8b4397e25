//! Every gate of a pair and of its size, one at a time, each with the numbers that it tells people; and which comes first.

use std::num::NonZeroU8;
use std::time::Duration;

use super::tests::{FEES, at, board, limits, plan, quote, rate};
use super::*;
use crate::fixtures::{dec, perp, spot};
use crate::forecast::Model;
use crate::money::{Quantity, Rate, Usd};
use crate::risk::{Exposure, Freshness};
use crate::time::{HOUR_MS, Timestamp};

/// What is changed of a market in which spot against Binance's perpetual pays 81 bps for 20.
type Change = fn(&mut Board, &InstrumentId);

fn carry() -> Pair {
    Pair {
        long: spot(VenueId::Binance, "BTCUSDT").id,
        short: perp(VenueId::Binance, "BTCUSDT").id,
    }
}

/// The gate that stops the carry, judged at a second, and what people are told.
fn stopped(change: Change, with: &Plan, now: Now) -> Option<(&'static str, String)> {
    let mut board = board("0.0009", "0.0001");
    change(&mut board, &carry().short);
    // Told of again, so that its pairs are judged at this time and not only when they changed.
    board.list(spot(VenueId::Binance, "BTCUSDT"), FEES);
    board.refresh(with, &limits(), now);
    let judged = board.opportunities().find(|one| one.pair == carry()).unwrap();
    judged.refused.as_ref().map(|gate| (gate.name(), gate.to_string()))
}

fn told(change: Change) -> (&'static str, String) {
    stopped(change, &plan(), at(11)).unwrap_or(("none", String::new()))
}

fn funding(board: &mut Board, id: &InstrumentId, predicted: &str, next: i64, cap: Option<&str>) {
    let terms = FundingTerms {
        predicted: Rate(dec(predicted)),
        next_settlement: Timestamp(next),
        interval_hours: NonZeroU8::new(8).unwrap(),
        cap: cap.map(|cap| Rate(dec(cap))),
        floor: None,
    };
    let fact = MarketFact::Funding {
        instrument: id.clone(),
        terms,
        venue_time: Timestamp(HOUR_MS),
    };
    board.observe(&fact, at(10));
}

fn relisted(board: &mut Board, id: &InstrumentId, change: fn(&mut Instrument)) {
    let mut instrument = board.listing(id).unwrap().instrument.clone();
    change(&mut instrument);
    board.list(instrument, FEES);
}

#[test]
fn an_open_market_is_not_stopped() {
    assert_eq!(told(|_, _| {}), ("none", String::new()));
}

#[test]
fn each_gate_of_a_pair_tells_its_numbers() {
    let cases: [(Change, &str, &str); 9] = [
        (
            |board, id| relisted(board, id, |of| of.status = TradingStatus::Crowded),
            "adl_high",
            "binance:perp:BTCUSDT is likely to be deleveraged, by its venue's word",
        ),
        (
            |board, id| relisted(board, id, |of| of.ends_at = Some(Timestamp(51 * HOUR_MS))),
            "delisting",
            "binance:perp:BTCUSDT ends in 50 h, which is less than 72 h",
        ),
        (
            |board, id| {
                board.forget(id.venue, id.product);
                board.observe(&rate(id, "0.0009"), at(10));
            },
            "missing",
            "no quote yet",
        ),
        (
            |board, id| {
                board.forget(id.venue, id.product);
                board.observe(&quote(id, "100"), at(10));
            },
            "missing",
            "no funding rate yet",
        ),
        (
            |board, id| funding(board, id, "0.11", 8 * HOUR_MS, None),
            "missing",
            "no believable funding rate yet",
        ),
        (
            |board, id| {
                board.observe(&quote(id, "104"), at(10));
            },
            "basis",
            "the legs are 400.0 bps apart",
        ),
        (
            |board, id| funding(board, id, "0.0003", 8 * HOUR_MS, None),
            "spread",
            "net 7.00 bps, least 10 bps",
        ),
        // The venue pays no more than its cap, whatever its estimate says: 9 settlements of 2 bps for 20.
        (
            |board, id| funding(board, id, "0.0009", 8 * HOUR_MS, Some("0.0002")),
            "spread",
            "net -2.00 bps, least 10 bps",
        ),
        (
            |board, id| funding(board, id, "0.0009", HOUR_MS, None),
            "blackout",
            "a settlement is too near",
        ),
    ];
    for (change, name, words) in cases {
        assert_eq!(told(change), (name, words.to_owned()));
    }
}

#[test]
fn a_market_that_takes_no_new_positions_is_named_with_its_reason() {
    let (name, words) = told(|board, id| relisted(board, id, |of| of.status = TradingStatus::Ended));
    let why = TradingStatus::Ended.words();
    assert_eq!((name, words), ("restricted", format!("binance:perp:BTCUSDT {why}")));
}

#[test]
fn what_is_old_tells_how_old_and_how_old_it_may_be() {
    let after = |seconds| stopped(|_, _| {}, &plan(), at(10 + seconds));
    let bounds = Freshness::DEFAULT;
    assert_eq!(after(bounds.quote.as_secs()), None);
    let old = "quote is 16000 ms old, allowed 15000 ms".to_owned();
    assert_eq!(after(16), Some(("stale", old)));
    // Quotes go on coming, rates do not.
    let quoted: Change = |board, id| {
        for id in [id.clone(), carry().long] {
            board.observe(&quote(&id, "100"), at(101));
        }
    };
    let rates = stopped(quoted, &plan(), at(101)).unwrap();
    assert_eq!(
        rates,
        ("stale", "funding rate is 91000 ms old, allowed 90000 ms".to_owned())
    );
    assert_eq!(bounds.funding, Duration::from_secs(90));
}

#[test]
fn a_forecast_needs_settlements_first() {
    let forecasting = Plan {
        forecast: Some(Forecaster::new(Model::default())),
        ..plan()
    };
    let want = ("missing", "no settlements to forecast from yet".to_owned());
    assert_eq!(stopped(|_, _| {}, &forecasting, at(11)), Some(want));
}

#[test]
fn of_several_gates_the_first_one_is_told() {
    let all: Change = |board, id| {
        relisted(board, id, |of| of.status = TradingStatus::Crowded);
        board.forget(id.venue, id.product);
    };
    assert_eq!(told(all).0, "adl_high");
    let some: Change = |board, id| {
        board.observe(&quote(id, "104"), at(10));
        funding(board, id, "-0.0009", HOUR_MS, None);
    };
    assert_eq!(told(some).0, "basis");
    let two: Change = |board, id| funding(board, id, "-0.0009", HOUR_MS, None);
    assert_eq!(told(two).0, "spread");
}

/// Several hedges fill the caps one after the other: 1,000 a leg, 2,500 at a venue, and so on until less is left than the
/// venues take.
#[test]
fn entries_are_sized_into_what_the_caps_leave() {
    let board = board("0.0009", "0.0001");
    let limits = Limits {
        max_venue: Usd(dec("5000")),
        max_total: Usd(dec("5600")),
        ..limits()
    };
    let best = board.enterable(&plan(), &limits, at(11)).remove(0);
    let mut exposure = Exposure::default();
    let mut sizes = Vec::new();
    let end = loop {
        match size(&best, &board, &exposure, &limits) {
            Ok(entry) => {
                sizes.push(entry.notional.0.round().to_string());
                for leg in [&best.pair.long, &best.pair.short] {
                    exposure.add(leg.venue, entry.notional);
                }
            }
            Err(gate) => break gate,
        }
    };
    // Both legs are at one venue: 2,500 a leg there, whatever is left in all.
    assert_eq!(
        (best.pair.long.venue, best.pair.short.venue),
        (VenueId::Binance, VenueId::Binance)
    );
    assert_eq!(sizes, ["1000", "1000", "500"]);
    let Gate::NoRoom { room } = &end else { panic!("{end}") };
    assert!(*room < Usd(dec("5")), "{room}");
    assert_eq!(end.to_string(), format!("only {} USD of room per leg", room.cents()));
    assert!(exposure.at(VenueId::Binance) <= limits.max_venue && exposure.total() <= limits.max_total);
}

/// An entry is no larger than what either venue takes in one order, and none at all where that is less than the other one's
/// least.
#[test]
fn what_a_venue_takes_in_one_order_bounds_an_entry() {
    let mut board = board("0.0009", "0.0001");
    relisted(&mut board, &carry().short, |of| {
        of.max_market_quantity = Quantity(dec("4"))
    });
    board.refresh(&plan(), &limits(), at(11));
    let best = board.enterable(&plan(), &limits(), at(11)).remove(0);
    let entry = size(&best, &board, &Exposure::default(), &limits()).unwrap();
    assert_eq!((entry.target.0, entry.notional), (dec("4"), Usd(dec("400.20"))));
    relisted(&mut board, &carry().short, |of| {
        of.max_market_quantity = Quantity(dec("0.04"))
    });
    let none = size(&best, &board, &Exposure::default(), &limits()).unwrap_err();
    assert_eq!(none.to_string(), "only 1000 USD of room per leg");
}
