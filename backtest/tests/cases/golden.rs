//! The hedges that somebody else priced on the recorded data, to the last digit.

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

#[test]
fn the_golden_hedges_agree_to_the_last_digit() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let Ok(text) = fs::read_to_string(shared.join("backtest-golden.json")) else {
        println!("skipped: no recorded data beside the project");
        return;
    };
    let document: Value = serde_json::from_str(&text).unwrap();
    let golden = document["hedges"].as_array().unwrap();
    let hedges = hedges::parse(&text).unwrap();
    assert_eq!(hedges.len(), golden.len());
    let mut history = History::open(&shared.join("data")).unwrap();
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
