//! What is shown is what was computed, and the report needs nothing but itself.

use std::time::Duration;

use backtest::engine::Caps;
use backtest::hedges::parse;
use backtest::history::History;
use backtest::price::price;
use backtest::report::{Effort, PricedList, compared, html, json, table};
use backtest::rules::expected::Settings;
use backtest::study::{Study, study};
use backtest::sweep::{grid, splits, sweep, walk_forward};
use backtest::tape::{Period, Tape, build};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::folder::{Folder, hours};
use crate::market::market;

fn studied(folder: &Folder) -> (Tape, Study) {
    let tape = build(&mut History::open(folder.path()).unwrap(), &[], Period::default()).unwrap();
    let settings = Settings {
        least_net: 0,
        haircut: 0,
        hold_hours: 240,
        ..Settings::default()
    };
    let study = study(&tape, Caps::default(), settings, |_, _| {}).unwrap();
    (tape, study)
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

#[test]
fn the_hedges_of_a_study_can_be_priced_from_its_answer() {
    let folder = market(4, 50, None);
    let (tape, study) = studied(&folder);
    let answer = compared::study(&study, &tape, Effort::default());
    let list = parse(&answer.to_string()).unwrap();
    assert!(list.len() > 3);
    let mut history = History::open(folder.path()).unwrap();
    let mut total = Decimal::ZERO;
    for (hedge, shown) in list.iter().zip(answer["hedges"].as_array().unwrap()) {
        let priced = price(&mut history, hedge).unwrap();
        for (name, amount) in [
            ("funding", priced.total.funding),
            ("fees", priced.total.fees),
            ("slippage", priced.total.slippage),
            ("basis", priced.total.basis),
            ("net", priced.total.net()),
        ] {
            assert_eq!(decimal(&shown[name]), amount, "{name} of {shown}");
        }
        total += priced.total.net();
    }
    assert_eq!(decimal(&answer["result"]["net"]), total);
    assert_eq!(answer["rules"].as_array().unwrap().len(), study.rows.len());
    assert_eq!(answer["events"].as_u64(), Some(tape.events));
}

#[test]
fn a_priced_list_is_answered_with_its_sums_and_what_failed() {
    let folder = market(4, 20, None);
    let at = |hour| hours(hour).to_string();
    let text = format!(
        r#"[{{"id":"A","symbol":"BTCUSDT","long":"binance-spot","short":"binance-perp","quantity":"0.1","entry":"{}","exit":"{}"}}]"#,
        at(5),
        at(50)
    );
    let hedge = parse(&text).unwrap().remove(0);
    let priced = price(&mut History::open(folder.path()).unwrap(), &hedge).unwrap();
    let list = PricedList {
        hedges: vec![priced.clone(), priced],
        failed: vec![(2, Some("C".to_owned()), "no bar".to_owned())],
    };
    let effort = Effort {
        load: Duration::from_millis(250),
        ..Effort::default()
    };
    let answer = json::priced(&list, effort);
    let hedge = &answer["hedges"][0];
    assert_eq!(
        (&hedge["id"], &hedge["long"], &hedge["short"]),
        (&"A".into(), &"binance-spot".into(), &"binance-perp".into())
    );
    assert_eq!(hedge["settlements"].as_u64(), Some(6));
    assert_eq!(hedge["payments"].as_array().unwrap().len(), 6);
    assert_eq!(decimal(&answer["total"]["net"]), decimal(&hedge["net"]) * Decimal::TWO);
    assert_eq!(answer["errors"][0]["index"].as_u64(), Some(2));
    assert_eq!(answer["load_seconds"].as_f64(), Some(0.25));
    // The table shows the same in cents.
    let shown = table::priced(&list);
    let net = decimal(&hedge["net"]).round_dp(2).to_string();
    assert_eq!(
        shown
            .lines()
            .filter(|line| line.starts_with('A') && line.trim_end().ends_with(&net))
            .count(),
        2,
        "{shown}"
    );
}

#[test]
fn the_report_is_one_file_that_needs_no_other() {
    let folder = market(4, 50, None);
    let (tape, study) = studied(&folder);
    let page = html::report(&study, &tape);
    for foreign in [
        "<script", "<link", "<img", "src=", "href=", "http:", "https:", "url(", "@import",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert_eq!(page.matches("<svg").count(), 5);
    for element in ["svg", "table", "tr", "td", "section", "div", "text"] {
        let opened = page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
        assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
    }
    for row in &study.rows {
        assert!(page.contains(row.name), "{}", row.name);
    }
    let hedges = page
        .split("Hedges of the own rule")
        .nth(1)
        .unwrap()
        .split("</table>")
        .next()
        .unwrap();
    assert_eq!(hedges.matches("<tr").count(), study.rows[0].outcome.closed.len() + 1);
}

#[test]
fn each_drawing_is_a_file_that_needs_no_other() {
    let folder = market(4, 50, None);
    let (tape, study) = studied(&folder);
    let drawings = html::drawings(&study, &tape);
    let names: Vec<_> = drawings.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "equity.svg",
            "falls.svg",
            "attribution.svg",
            "months.svg",
            "exposure.svg"
        ]
    );
    for (name, drawing) in drawings {
        assert!(
            drawing.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox="),
            "{name}: {drawing}"
        );
        assert!(
            drawing.ends_with("</svg>") && drawing.matches("<svg").count() == 1,
            "{name}"
        );
        assert!(drawing.contains("<style>") && !drawing.contains("<script"), "{name}");
        for element in ["text", "title", "style"] {
            let opened =
                drawing.matches(&format!("<{element}>")).count() + drawing.matches(&format!("<{element} ")).count();
            assert_eq!(
                opened,
                drawing.matches(&format!("</{element}>")).count(),
                "{name} {element}"
            );
        }
    }
}

#[test]
fn shards_of_a_sweep_are_its_whole_and_the_walk_forward_chooses_the_best_before_each_year() {
    // Twenty days with no New Year in them.
    let folder = market(8, 20, None);
    let tape = build(&mut History::open(folder.path()).unwrap(), &[], Period::default()).unwrap();
    assert_eq!(splits(&tape), []);
    let all = sweep(&tape, Caps::default(), (1, 1), |_, _| {}).unwrap();
    assert_eq!(all.len(), grid().len());
    let mut parts = Vec::new();
    for shard in 1..=3 {
        parts.extend(sweep(&tape, Caps::default(), (shard, 3), |_, _| {}).unwrap());
    }
    assert_eq!(parts.len(), all.len());
    assert!(all.iter().all(|point| parts.contains(point)));
    assert_eq!(walk_forward(&tape, &all), []);
}

#[test]
fn the_walk_forward_chooses_by_what_was_known() {
    use backtest::sweep::Point;
    let tape = Tape {
        start: hours(-24 * 100),
        hours: 24 * 600,
        ..Tape::default()
    };
    assert_eq!(
        splits(&tape).iter().map(|(_, year)| *year).collect::<Vec<_>>(),
        [2025, 2026]
    );
    let point = |quick_hours, at_splits: &[(i64, i64)]| Point {
        settings: Settings {
            quick_hours,
            ..Settings::default()
        },
        trades: 1,
        at_splits: at_splits.to_vec(),
    };
    // The second one is best before 2025, the first one before 2026, the third one only at the end.
    let points = [
        point(1, &[(100, 1), (900, 1), (950, 1)]),
        point(2, &[(200, 1), (250, 10), (260, 10)]),
        point(3, &[(150, 10), (300, 10), (9_999, 10)]),
    ];
    let folds: Vec<_> = walk_forward(&tape, &points)
        .iter()
        .map(|fold| (fold.year, fold.chosen.quick_hours, fold.before, fold.judged))
        .collect();
    assert_eq!(folds, [(2025, 2, 200, 50), (2026, 1, 900, 50)]);
    // As a file that a spreadsheet reads, and a line for each year beside it.
    let points = points.map(|point| Point {
        at_splits: point
            .at_splits
            .iter()
            .map(|(net, fall)| (net * 1_000_000, fall * 1_000_000))
            .collect(),
        ..point
    });
    let csv = table::swept(&tape, &points);
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "quick_hours,slow_hours,quick_share_percent,haircut_percent,reentry_percent,trades,net_before_2025,drawdown_before_2025,net_before_2026,drawdown_before_2026,net,drawdown",
            "1,180,60,140,100,1,1.00,0.01,9.00,0.01,9.50,0.01"
        ]
    );
    assert_eq!(lines.len(), 4);
    let walked = table::walked(&tape, &points);
    assert!(
        walked.contains("chosen before 2026: quick 1 h")
            && walked.ends_with("9.00 before (fall 0.01), 0.50 in the year\n"),
        "{walked}"
    );
}

#[test]
fn symbols_are_summed_by_group() {
    let folder = market(4, 50, None);
    let (tape, study) = studied(&folder);
    for row in &study.rows {
        let [(inside, by), (outside, others)] = row.measure.groups(&["BTCUSDT"]);
        assert_eq!(inside.and(&outside), row.measure.sums, "{}", row.name);
        assert_eq!(by + others, row.measure.trades, "{}", row.name);
    }
    assert!(study.rows.iter().any(|row| row.measure.groups(&["BTCUSDT"])[0].1 > 0));
    assert!(table::study(&study, &tape).contains("net and trades of BTCUSDT"));
}
