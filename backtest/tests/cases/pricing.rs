//! Hedges on data made by hand, with every amount worked out beside it.

use backtest::hedges::{Hedge, parse};
use backtest::history::History;
use backtest::price::{MarkSource, PriceError, Priced, price};
use rust_decimal::Decimal;

use crate::folder::{Folder, hours};

pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn hedge(symbol: &str, long: &str, short: &str, size: &str, hold: (i64, i64)) -> Hedge {
    let (entry, exit) = (hours(hold.0), hours(hold.1));
    let text = format!(
        r#"[{{"symbol":"{symbol}","long":"{long}","short":"{short}",{size},"entry":"{entry}","exit":"{exit}"}}]"#
    );
    parse(&text).unwrap().remove(0)
}

fn priced(folder: &Folder, hedge: &Hedge) -> Result<Priced, PriceError> {
    price(&mut History::open(folder.path()).unwrap(), hedge)
}

/// Settlements of 8 h with a mark of 100.
fn eight_hourly(folder: &Folder, venue: &str, symbol: &str, rate: &str, until: i64) {
    let rows: Vec<_> = (0..=until).step_by(8).map(|hour| (hour, rate, 8, "100")).collect();
    folder.funding(venue, symbol, &rows);
}

#[test]
fn a_carry_earns_what_its_perpetual_pays_less_four_fills() {
    let folder = Folder::new();
    eight_hourly(&folder, "binance", "BTCUSDT", "0.0003", 24);
    folder.bars("binance/spot", "BTCUSDT", 0, &["100", "100", "110"]);
    folder.bars("binance/perp", "BTCUSDT", 0, &["100", "101", "110.5"]);
    let hold = hedge("BTCUSDT", "binance-spot", "binance-perp", r#""quantity":"2""#, (1, 2));
    let short = priced(&folder, &hold).unwrap();
    assert_eq!(short.total.funding, Decimal::ZERO);
    // Spot 100 -> 110: +20; perp 101 -> 110.5: -19.
    assert_eq!(short.total.basis, Decimal::ONE);
    // Half a basis point of 200 + 220 + 202 + 221.
    assert_eq!(short.total.slippage, dec("0.04215"));
    // 10 bps of 200.01 and 219.989, 5 bps of 201.9899 and 221.01105.
    assert_eq!(short.total.fees, dec("0.419999") + dec("0.211500475"));
    assert_eq!(
        short.total.net(),
        short.total.basis - short.total.fees - short.total.slippage
    );
    assert_eq!(short.capital_tied(), dec("202") * dec("4") / dec("3"));
}

#[test]
fn a_settlement_counts_after_the_entry_and_at_the_exit() {
    let folder = Folder::new();
    eight_hourly(&folder, "binance", "BTCUSDT", "0.0003", 32);
    let paid = |entry, exit| {
        let hold = hedge(
            "BTCUSDT",
            "bybit-perp",
            "binance-perp",
            r#""fixed_notional":"10000""#,
            (entry, exit),
        );
        let folder_priced = priced(&folder, &hold).unwrap();
        folder_priced.payments.len()
    };
    eight_hourly(&folder, "bybit", "BTCUSDT", "0.0001", 32);
    assert_eq!(paid(8, 9), 0); // entered at the settlement itself: not eligible
    assert_eq!(paid(7, 8), 2);
    assert_eq!(paid(0, 24), 6);
    let hold = hedge(
        "BTCUSDT",
        "bybit-perp",
        "binance-perp",
        r#""fixed_notional":"10000""#,
        (0, 24),
    );
    let sums = priced(&folder, &hold).unwrap().total;
    // 3 x (3 - 1) USD; 21 bps of fees and 2 bps of slippage of 10,000.
    assert_eq!(
        (sums.funding, sums.basis, sums.slippage),
        (dec("6"), Decimal::ZERO, dec("2"))
    );
    assert_eq!(sums.fees, dec("21"));
}

#[test]
fn each_leg_keeps_its_own_schedule_and_its_changes() {
    let folder = Folder::new();
    // 8 h, then hourly from 9 to 12, then 4 h.
    let rows = [
        (0, "0.0001", 8, ""),
        (8, "0.0001", 8, ""),
        (9, "0.0010", 1, ""),
        (10, "0.0010", 1, ""),
        (11, "0.0010", 1, ""),
        (12, "0.0010", 1, ""),
        (16, "-0.0002", 4, ""),
    ];
    folder.funding("bybit", "INJUSDT", &rows);
    folder.funding(
        "binance",
        "INJUSDT",
        &[(0, "0", 8, ""), (8, "0.0004", 8, ""), (16, "0.0004", 8, "")],
    );
    let hold = hedge(
        "INJUSDT",
        "binance-perp",
        "bybit-perp",
        r#""fixed_notional":1000"#,
        (0, 16),
    );
    let priced = priced(&folder, &hold).unwrap();
    assert_eq!(priced.payments.len(), 8);
    // Short: 0.1 + 4 x 1 - 0.2; long: -2 x 0.4.
    assert_eq!(priced.total.funding, dec("3.1"));
    assert_eq!(priced.gaps, []);
}

#[test]
fn the_mark_is_looked_for_in_three_places_and_nowhere_else() {
    let folder = Folder::new();
    folder.funding(
        "bybit",
        "ETHUSDT",
        &[
            (0, "0", 8, "50"),
            (8, "0.001", 8, "100"),
            (16, "0.001", 8, ""),
            (24, "0.001", 8, ""),
        ],
    );
    folder.bars("bybit/perp", "ETHUSDT", 1, &["90"; 30]);
    folder.bars("bybit/mark", "ETHUSDT", 16, &["80"]);
    folder.bars("binance/spot", "ETHUSDT", 1, &["90"; 30]);
    let hold = |exit| hedge("ETHUSDT", "binance-spot", "bybit-perp", r#""quantity":"1""#, (1, exit));
    let sources: Vec<_> = priced(&folder, &hold(25))
        .unwrap()
        .payments
        .iter()
        .map(|p| (p.mark_source, p.cash))
        .collect();
    assert_eq!(
        sources,
        [
            (MarkSource::FundingFile, dec("0.1")),
            (MarkSource::MarkBar, dec("0.08")),
            (MarkSource::PerpBar, dec("0.09"))
        ]
    );
    // Without a bar at the third settlement there is no mark.
    let rows: Vec<_> = (1..30).filter(|hour| *hour != 24).map(|hour| (hour, "90")).collect();
    folder.put("klines/bybit/perp/ETHUSDT-1h.csv.gz", &crate::folder::bars_text(&rows));
    let error = priced(&folder, &hold(25)).unwrap_err();
    assert!(
        matches!(&error, PriceError::NoMark { at, .. } if *at == hours(24)),
        "{error}"
    );
    assert!(priced(&folder, &hold(23)).is_ok());
}

#[test]
fn a_thousandfold_perpetual_is_hedged_with_its_coin() {
    let folder = Folder::new();
    eight_hourly(&folder, "binance", "1000PEPEUSDT", "0.0001", 16);
    folder.bars("binance/perp", "1000PEPEUSDT", 0, &["0.0081", "0.0082"]);
    folder.bars("binance/spot", "PEPEUSDT", 0, &["0.0000081", "0.0000081"]);
    let hold = hedge(
        "1000PEPEUSDT",
        "binance-spot",
        "binance-perp",
        r#""quantity":"100000""#,
        (0, 1),
    );
    let priced = priced(&folder, &hold).unwrap();
    assert_eq!(priced.total.basis, dec("-10"));
    // 6 bps of 810 twice, 4 bps of 810 and 820.
    assert_eq!(priced.total.slippage, dec("1.624"));
}

#[test]
fn passive_fills_pay_less_and_slip_the_same() {
    let folder = Folder::new();
    for venue in ["binance", "bybit"] {
        eight_hourly(&folder, venue, "AAVEUSDT", "0", 16);
    }
    let text = |fee: &str| {
        format!(
            r#"{{"hedges":[{{"symbol":"AAVEUSDT","long":"bybit-perp","short":"binance-perp","fixed_notional":"10000",
            "entry":"2025-01-01T00:00Z","exit":"2025-01-01T09:01Z","note":[1],
            "fills":[{{"leg":"bybit-perp","what":"entry","fee_bps":"{fee}"}}]}}]}}"#
        )
    };
    let of = |fee: &str| priced(&folder, &parse(&text(fee)).unwrap()[0]).unwrap().total;
    assert_eq!(of("5.5").fees, dec("21"));
    // 2 in place of 5.5 bps of 10,004.
    assert_eq!(of("2").fees, dec("21") - dec("3.5014"));
    assert_eq!(of("2").slippage, of("5.5").slippage);
    assert!(
        parse(&text("3"))
            .unwrap_err()
            .to_string()
            .contains("5.5 (taker) or 2 (maker)")
    );
}

#[test]
fn what_is_missing_is_reported_and_not_filled() {
    let folder = Folder::new();
    // 16 and 24 are missing; the last row is 32, so 40 is missing too.
    folder.funding(
        "binance",
        "BTCUSDT",
        &[(0, "0.0001", 8, ""), (8, "0.0001", 8, ""), (32, "0.0001", 8, "")],
    );
    folder.funding(
        "bybit",
        "BTCUSDT",
        &[
            (8, "0.05", 8, ""),
            (16, "0", 8, ""),
            (24, "0", 8, ""),
            (32, "0", 8, ""),
            (40, "0", 8, ""),
        ],
    );
    let hold = |entry, exit| {
        hedge(
            "BTCUSDT",
            "bybit-perp",
            "binance-perp",
            r#""fixed_notional":"10000""#,
            (entry, exit),
        )
    };
    let gaps = |entry, exit| -> Vec<(String, usize)> {
        let priced = priced(&folder, &hold(entry, exit)).unwrap();
        priced
            .gaps
            .iter()
            .map(|gap| (gap.series.venue.to_string(), gap.gap.missing))
            .collect()
    };
    assert_eq!(gaps(0, 41), [("binance".to_owned(), 2), ("binance".to_owned(), 1)]);
    assert_eq!(gaps(0, 15), []);
    assert_eq!(gaps(17, 40), [("binance".to_owned(), 1), ("binance".to_owned(), 1)]);
    // Two settlements before the first row of Bybit.
    assert_eq!(gaps(-9, 9).last(), Some(&("bybit".to_owned(), 2)));
    let rough = priced(&folder, &hold(0, 15)).unwrap();
    assert_eq!(rough.beyond_cap.len(), 1);
    assert_eq!(rough.total.funding, dec("1") - dec("500"));
    // Nothing at all is recorded there: that is no gap but an error.
    let error = priced(&folder, &hold(60, 80)).unwrap_err();
    assert!(matches!(error, PriceError::Outside { .. }), "{error}");
}
