//! Hedges that were priced by others on the recorded data, to the last digit: those beside the data, and six more in
//! `hedges.json`, worked out line by line with another program in another language.

use std::fs;
use std::path::Path;

use backtest::hedges;
use backtest::history::History;
use backtest::price::price;
use rust_decimal::Decimal;
use serde_json::Value;

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

/// Prices every hedge of a list and holds each line against what the list says.
fn compare(text: &str, data: &Path) {
    let document: Value = serde_json::from_str(text).unwrap();
    let golden = document["hedges"].as_array().unwrap();
    let hedges = hedges::parse(text).unwrap();
    assert_eq!(hedges.len(), golden.len());
    let mut history = History::open(data).unwrap();
    for (hedge, golden) in hedges.iter().zip(golden) {
        let priced = price(&mut history, hedge).unwrap();
        let id = &golden["id"];
        let want = |field: &str| decimal(&golden["totals_exact"][field]);
        assert_eq!(priced.total.funding, want("funding"), "{id}");
        assert_eq!(priced.total.fees, want("fees"), "{id}");
        assert_eq!(priced.total.slippage, want("slippage"), "{id}");
        assert_eq!(priced.total.basis, want("basis"), "{id}");
        assert_eq!(priced.total.net(), want("net"), "{id}");
        assert_eq!(
            priced.payments.len(),
            usize::try_from(golden["settlements_earned"].as_u64().unwrap()).unwrap()
        );
        assert_eq!(
            priced.entry_notional().round_dp(2),
            decimal(&golden["entry_notional_larger_leg"])
        );
        assert_eq!(priced.capital_tied().round_dp(2), decimal(&golden["capital_tied"]));
        assert_eq!(priced.gaps, [], "{id}");
        let want: Vec<Decimal> = golden["settlements"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| decimal(&row["cash"]))
            .collect();
        let paid: Vec<Decimal> = priced.payments.iter().map(|payment| payment.cash).collect();
        assert_eq!(paid, want, "{id}");
        let fees: Vec<Decimal> = golden["fills"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fill| decimal(&fill["fee"]))
            .collect();
        assert_eq!(
            priced.fills.iter().map(|fill| fill.fee).collect::<Vec<_>>(),
            fees,
            "{id}"
        );
    }
}

/// The recorded data, where they lie beside the project.
fn shared() -> Option<std::path::PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    if !shared.join("data").is_dir() {
        println!("skipped: no recorded data beside the project");
        return None;
    }
    Some(shared)
}

#[test]
fn the_golden_hedges_agree_to_the_last_digit() {
    if let Some(shared) = shared() {
        let text = fs::read_to_string(shared.join("backtest-golden.json")).unwrap();
        compare(&text, &shared.join("data"));
    }
}

#[test]
fn six_more_hedges_agree_to_the_last_digit() {
    if let Some(shared) = shared() {
        compare(include_str!("../hedges.json"), &shared.join("data"));
    }
}
