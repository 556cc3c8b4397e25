//! Parsing of committed samples and, where they are at hand, of recorded messages.

use std::path::{Path, PathBuf};

use domain::funding::FundingTerms;
use domain::instrument::{Name, Product, Side, TradingStatus};
use domain::market::MarketFact;
use domain::money::{Price, Quantity, Rate, Usd};
use domain::order::VenueOrderStatus;
use domain::position::{AccountFact, Wallet};
use domain::time::Timestamp;
use rust_decimal::Decimal;

use super::Decoder;
use super::depth;
use super::parse::{self, FundingRules, Wanted, instrument_id};
use super::parse_account::{self, Heard};
use super::wire;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/binance")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

fn recorded() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures/binance");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no recorded messages beside the project");
    None
}

fn wanted(product: Product, symbol: &str) -> Wanted {
    [(symbol.to_owned(), instrument_id(product, symbol))]
        .into_iter()
        .collect()
}

#[test]
fn instruments_keep_their_grid_their_multiplier_and_their_end() {
    let perps = parse::instruments(Product::Perp, &sample("usdm_exchange_info.json")).unwrap();
    assert_eq!(perps.len(), 2); // neither the quarterly nor the one in another quote
    let (xrp, pepe) = (&perps[0], &perps[1]);
    assert_eq!((xrp.tick, xrp.lot), (Price(dec("0.0001")), Quantity(dec("0.1"))));
    assert_eq!(xrp.max_market_quantity, Quantity(dec("200000")));
    assert_eq!((xrp.min_notional, xrp.status), (Usd(dec("5")), TradingStatus::Trading));
    assert_eq!(
        (&pepe.asset, pepe.multiplier),
        (&Name::new("PEPE"), Decimal::from(1000))
    );
    assert_eq!((xrp.ends_at, xrp.greatest_price.is_some()), (None, true));
    let told = |risk: &str| format!(r#"[{{"symbol":"XRPUSDT","adlRisk":"{risk}","updateTime":1}}]"#);
    let mut marked = perps.clone();
    parse::mark_crowded(&mut marked, &told("medium")).unwrap();
    assert_eq!(marked, perps);
    parse::mark_crowded(&mut marked, &told("high")).unwrap();
    assert_eq!((marked[0].status, &marked[1]), (TradingStatus::Crowded, pepe));
    // Its delivery date is the notice of its end: it trades until then.
    assert!(pepe.ends_at.is_some());
    let spot = parse::instruments(Product::Spot, &sample("spot_exchange_info.json")).unwrap();
    assert_eq!(spot[0].max_market_quantity, Quantity(dec("1500000.5")));
    assert_eq!(spot[0].min_notional, Usd(dec("5")));
    assert_eq!(spot[0].status, TradingStatus::Halted); // CANCEL_ONLY
}

/// Every word that the venue has for the status of a market. Only the first is entered.
#[test]
fn each_status_of_a_market_is_known_and_only_trading_opens() {
    let halted = ["HALT", "BREAK", "CANCEL_ONLY", "AUCTION_MATCH", "A_NEW_WORD", ""];
    let ended = [
        "PRE_DELIVERING",
        "DELIVERING",
        "DELIVERED",
        "PRE_SETTLE",
        "SETTLING",
        "CLOSE",
        "END_OF_DAY",
    ];
    let words = [("TRADING", TradingStatus::Trading)]
        .into_iter()
        .chain(["PENDING_TRADING", "PRE_TRADING"].map(|word| (word, TradingStatus::PreLaunch)))
        .chain(halted.map(|word| (word, TradingStatus::Halted)))
        .chain(ended.map(|word| (word, TradingStatus::Ended)));
    for (word, status) in words {
        for (product, file) in [
            (Product::Spot, "spot_exchange_info.json"),
            (Product::Perp, "usdm_exchange_info.json"),
        ] {
            let text = sample(file);
            let (before, rest) = text.split_once("\"status\"").unwrap();
            let (_, after) = rest.split_once(',').unwrap();
            let text = format!("{before}\"status\":\"{word}\",{after}");
            let told = &parse::instruments(product, &text).unwrap()[0];
            assert_eq!(told.status, status, "{product} {word}");
            assert_eq!(told.status.is_open(), word == "TRADING", "{product} {word}");
        }
    }
}

/// What a decoder of one symbol makes of a touch that is received at 5 ms.
fn touched(product: Product, symbol: &str, text: &str) -> Vec<MarketFact> {
    let mut facts = Vec::new();
    Decoder::new(&[instrument_id(product, symbol)])
        .touch(text, Timestamp(5), &mut facts)
        .unwrap();
    facts
}

#[test]
fn a_touch_carries_the_venues_time_or_that_of_receipt() {
    let text = sample("usdm_book_ticker.json");
    let [MarketFact::Quote { quote, venue_time, .. }] = touched(Product::Perp, "XRPUSDT", &text)[..] else {
        panic!("no touch");
    };
    assert_eq!(venue_time, Timestamp(1_790_000_001_001));
    assert_eq!(
        (quote.bid, quote.ask_quantity),
        (Price(dec("0.6126")), Quantity(dec("310.0")))
    );
    let spot = r#"{"u":1,"s":"XRPUSDT","b":"0.1","B":"1","a":"0.2","A":"1"}"#;
    let [MarketFact::Quote { venue_time, .. }] = touched(Product::Spot, "XRPUSDT", spot)[..] else {
        panic!("no touch");
    };
    assert_eq!(venue_time, Timestamp(5));
    assert!(
        touched(Product::Spot, "BTCUSDT", spot).is_empty(),
        "nobody asked for it"
    );
}

#[test]
fn a_touch_that_arrives_late_is_dropped() {
    let mut decoder = Decoder::new(&[instrument_id(Product::Spot, "XRPUSDT")]);
    let mut heard = |update: u64| {
        let text = format!(r#"{{"u":{update},"s":"XRPUSDT","b":"0.1","B":"1","a":"0.2","A":"1"}}"#);
        let mut facts = Vec::new();
        decoder.touch(&text, Timestamp(5), &mut facts).unwrap();
        facts.len()
    };
    assert_eq!([7, 6, 7, 8].map(&mut heard), [1, 0, 1, 1]);
}

/// Spoils a message in many ways: each byte left out, doubled, or replaced by one that JSON or a number knows.
fn spoilt(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for at in 0..text.len() {
        let (before, after) = (&text[..at], &text[at + 1..]);
        all.push(format!("{before}{after}"));
        all.push(format!("{}{}", &text[..=at], &text[at..]));
        for other in [
            "\"",
            "\\",
            "{",
            "}",
            ",",
            ":",
            " ",
            "0",
            "-",
            ".",
            "e",
            "null",
            "[",
            "\u{1}",
            "é",
            "99999999999999999999",
        ] {
            all.push(format!("{before}{other}{after}"));
        }
    }
    all
}

#[test]
fn the_scan_and_the_full_parser_agree() {
    let plain = r#"{"e":"bookTicker","u":9000123,"s":"XRPUSDT","b":"0.6126","B":"1200.1","a":"0.6127","A":"310.0","T":1790000001001,"E":1790000001004}"#;
    let twice = r#"{"u":1,"u":2,"s":"XRPUSDT","b":"0.1","B":"1","a":"0.2","A":"1"}"#;
    let numbers = r#"{"u":1,"s":"XRPUSDT","b":0.1,"B":"1","a":"0.2","A":"1"}"#;
    assert!(parse::scanned_touch(plain).is_some());
    assert_eq!([twice, numbers].map(parse::scanned_touch), [None, None]);
    let (mut scanned, all) = (0, spoilt(plain));
    for text in all.iter().map(String::as_str).chain([plain, twice, numbers]) {
        if let Some(touch) = parse::scanned_touch(text) {
            scanned += 1;
            assert_eq!(Ok(touch), parse::full_touch(text), "{text}");
        }
    }
    assert!(scanned > 300, "only {scanned} of {} were plain", all.len());
}

/// What a pushed mark says of the instruments that are wanted.
fn marks(text: &str, wanted: &parse::Wanted, rules: &FundingRules) -> Vec<MarketFact> {
    let mark = parse::marked(text).unwrap();
    let id = wanted.get(&mark.s);
    id.into_iter().flat_map(|id| parse::mark_of(id, &mark, rules)).collect()
}

#[test]
fn the_scan_of_a_changed_book_believes_no_more_than_the_full_parser() {
    let change = |price: &str, quantity: &str| {
        let level = format!(r#"[["{price}","{quantity}"],["0.2456","1"]]"#);
        format!(
            r#"{{"e":"depthUpdate","E":1626992755598,"T":1626992755496,"s":"XRPUSDT","U":7,"u":9,"pu":6,"b":{level},"a":[]}}"#
        )
    };
    for (price, quantity, sound) in [("0.2455", "0", true), ("0.", "15", false), ("0.2455", "-1", false)] {
        let text = change(price, quantity);
        let scanned = depth::scanned_change(&text);
        assert_eq!(scanned.is_some(), sound, "{text}");
        assert_eq!(scanned, depth::full_change(&text).ok(), "{text}");
    }
}

#[test]
fn funding_terms_join_the_mark_with_the_adjusted_rules() {
    let text = sample("usdm_mark_price.json");
    let wanted = wanted(Product::Perp, "XRPUSDT");
    let terms = |rules: &FundingRules| -> FundingTerms {
        let facts = marks(&text, &wanted, rules);
        assert!(matches!(facts[0], MarketFact::Mark { mark: Price(mark), .. } if mark == dec("0.61234567")));
        match &facts[1] {
            MarketFact::Funding { terms, .. } => terms.clone(),
            other => panic!("{other:?}"),
        }
    };
    let plain = terms(&FundingRules::new());
    assert_eq!((plain.interval_hours.get(), plain.cap), (8, None));
    assert_eq!(plain.predicted, Rate(dec("0.000312")));
    assert_eq!(plain.next_settlement, Timestamp(1_790_006_400_000));
    let rules = parse::funding_rules(
        r#"[{"symbol":"XRPUSDT","adjustedFundingRateCap":"0.02","adjustedFundingRateFloor":"-0.02","fundingIntervalHours":4}]"#,
    )
    .unwrap();
    let adjusted = terms(&rules);
    assert_eq!(
        (adjusted.interval_hours.get(), adjusted.cap),
        (4, Some(Rate(dec("0.02"))))
    );
    let never = r#"[{"symbol":"XRPUSDT","fundingIntervalHours":0}]"#;
    assert!(parse::funding_rules(never).is_err());
}

#[test]
fn an_execution_on_futures_is_an_order_and_a_fill() {
    let Heard::Facts(facts) = parse_account::futures_event(&sample("usdm_order_trade_update.json")).unwrap() else {
        panic!("the stream is not over");
    };
    let [AccountFact::Order(order), AccountFact::Fill(fill)] = facts.as_slice() else {
        panic!("{facts:?}");
    };
    assert_eq!(
        (order.status, order.filled),
        (VenueOrderStatus::Filled, Quantity(dec("40")))
    );
    assert_eq!((fill.trade_id.as_str(), fill.fee), ("771201", dec("0.0097936")));
    assert_eq!((fill.side, fill.client_id.as_str()), (Side::Sell, "fatest-1-1-1"));
    let odd = sample("usdm_order_trade_update.json").replace("FILLED", "SOMEHOW");
    assert!(parse_account::futures_event(&odd).is_err());
}

#[test]
fn an_execution_on_spot_may_be_charged_in_the_coin_itself() {
    let text = sample("spot_execution_report.json");
    let envelope: wire::SpotEnvelope<'_> = parse::read("sample", &text).unwrap();
    let Heard::Facts(facts) = parse_account::spot_event(envelope.event.unwrap().get()).unwrap() else {
        panic!("the stream is not over");
    };
    let AccountFact::Fill(fill) = &facts[1] else {
        panic!("{facts:?}")
    };
    assert_eq!((fill.fee, fill.fee_asset.as_str()), (dec("0.04"), "XRP"));
}

#[test]
fn ends_of_streams_are_heard() {
    assert!(matches!(
        parse_account::futures_event(r#"{"e":"listenKeyExpired"}"#),
        Ok(Heard::Over(_))
    ));
    assert!(matches!(
        parse_account::spot_event(r#"{"e":"eventStreamTerminated"}"#),
        Ok(Heard::Over(_))
    ));
    assert_eq!(
        parse_account::futures_event(r#"{"e":"SOMETHING_NEW"}"#),
        Ok(Heard::Facts(vec![]))
    );
}

#[test]
fn positions_of_nothing_are_left_out_and_hedge_mode_is_refused() {
    let row = |side: &str, amount: &str, liquidation: &str| {
        format!(
            r#"[{{"symbol":"XRPUSDT","positionSide":"{side}","positionAmt":"{amount}","entryPrice":"0.6","markPrice":"0.61","liquidationPrice":"{liquidation}"}}]"#
        )
    };
    assert_eq!(parse_account::positions(&row("BOTH", "0", "0")), Ok(vec![]));
    for none in ["0", "", "0.0000"] {
        assert_eq!(
            parse_account::positions(&row("BOTH", "-40", none)).unwrap()[0].liquidation_price,
            None
        );
    }
    let short = parse_account::positions(&row("BOTH", "-40", "0.9")).unwrap();
    assert_eq!(
        (short[0].quantity, short[0].liquidation_price),
        (Quantity(dec("-40")), Some(Price(dec("0.9"))))
    );
    assert!(parse_account::positions(&row("SHORT", "-40", "0.9")).is_err());
}

#[test]
fn only_funding_rows_become_payments() {
    let body = r#"[{"symbol":"XRPUSDT","incomeType":"FUNDING_FEE","income":"0.00764000","asset":"USDT","time":1790006400000,"tranId":5512093387},
        {"symbol":"XRPUSDT","incomeType":"COMMISSION","income":"-0.01","asset":"USDT","time":1790006400001,"tranId":"5512093387"}]"#;
    let (rows, last, payments) = parse_account::funding_page(body).unwrap();
    assert_eq!((rows, last, payments.len()), (2, Some(1_790_006_400_001), 1));
    assert_eq!(
        (payments[0].id.as_str(), payments[0].amount),
        ("5512093387:XRPUSDT", Usd(dec("0.00764")))
    );
}

#[test]
fn a_trade_or_a_fee_that_cannot_be_is_an_error() {
    let eth = instrument_id(Product::Perp, "ETHUSDT");
    let good = serde_json::json!([{
        "symbol": "ETHUSDT", "id": 7, "orderId": 9, "side": "SELL", "price": "7819.01", "qty": "0.002",
        "realizedPnl": "-0.91", "marginAsset": "USDT", "quoteQty": "15.6", "commission": "0.0078", "commissionAsset": "USDT",
        "time": 1_790_000_000_000_i64, "positionSide": "BOTH", "buyer": false, "maker": false,
    }]);
    assert!(parse_account::trades(&eth, &good.to_string()).is_ok());
    for (field, value) in [("qty", "-10"), ("qty", "0"), ("price", "0"), ("price", "-0.6")] {
        let mut bad = good.clone();
        bad[0][field] = value.into();
        assert!(
            parse_account::trades(&eth, &bad.to_string()).is_err(),
            "{field} {value}"
        );
    }
    for taker in ["-0.9", "40"] {
        let told = format!(r#"{{"symbol":"ETHUSDT","makerCommissionRate":"0.0002","takerCommissionRate":"{taker}"}}"#);
        assert!(parse_account::futures_fees(&told).is_err(), "{taker}");
    }
}

#[test]
fn recorded_account_answers_are_read() {
    let Some(folder) = recorded() else { return };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let order = parse_account::order(Product::Perp, &read("futures-rest/jk_get_order.json")).unwrap();
    assert_eq!(
        (order.venue_order_id.as_str(), order.quantity),
        ("1917641", Quantity(dec("0.40")))
    );
    let eth = instrument_id(Product::Perp, "ETHUSDT");
    let trades = parse_account::trades(&eth, &read("futures-rest/ntpy_account_trades.json")).unwrap();
    assert_eq!(trades[1].1.realised, Some(Usd(dec("-0.00325"))));
    let bnb = instrument_id(Product::Spot, "BNBBTC");
    let trades = parse_account::trades(&bnb, &read("spot-rest/jk_get_user_trades.json")).unwrap();
    assert_eq!((trades[0].0, trades[0].1.side), (28457, Side::Buy));
    assert_eq!(
        parse_account::positions(&read("futures-rest/nt_position_risk.json"))
            .unwrap()
            .len(),
        1
    );
    let fees = parse_account::futures_fees(&read("futures-rest/jk_get_user_commission_rate.json")).unwrap();
    assert_eq!(fees.taker, Rate(dec("0.0004")));
    assert_eq!(
        parse_account::funding_page(&read("futures-rest/jk_get_income_history.json"))
            .unwrap()
            .0,
        2
    );
    assert_eq!(
        parse_account::orders(Product::Spot, &read("spot-rest/jk_get_orders.json"))
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn recorded_public_answers_are_read() {
    let Some(folder) = recorded() else { return };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let perps = parse::instruments(Product::Perp, &read("futures-rest/ntpy_market_exchange_info.json")).unwrap();
    assert_eq!(
        (perps[0].tick, perps[0].min_notional),
        (Price(dec("0.10")), Usd(dec("10")))
    );
    let spot = parse::instruments(Product::Spot, &read("spot-rest/ntpy_market_exchange_info.json")).unwrap();
    assert!(
        spot.iter()
            .any(|instrument| instrument.max_market_quantity == Quantity(dec("112.21108820")))
    );
    assert_eq!(
        parse::funding_rules(&read("futures-rest/jk_get_funding_info.json"))
            .unwrap()
            .len(),
        1
    );
    let book = super::depth::book(&read("spot-rest/nt_depth_response.json")).unwrap();
    assert!(!book.bids.is_empty());
    let text = read("futures-ws-market/nt_book_ticker_stream.json");
    assert_eq!(touched(Product::Perp, "BNBUSDT", &text).len(), 1);
    let text = read("futures-ws-market/nt_mark_price_stream.json");
    let marks = marks(&text, &wanted(Product::Perp, "BTCUSDT"), &FundingRules::new());
    assert_eq!(marks.len(), 2);
}

#[test]
fn every_recorded_user_event_is_read() {
    let Some(folder) = recorded() else { return };
    let mut forced = 0;
    for (sub, product) in [("futures-ws-user", Product::Perp), ("spot-ws-user", Product::Spot)] {
        for entry in std::fs::read_dir(folder.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            // Some samples keep a wrapper of their collector.
            let event = ["data", "event"]
                .iter()
                .find_map(|key| value.get(key))
                .unwrap_or(&value);
            if event.get("e").is_none() {
                continue;
            }
            let event = event.to_string();
            let heard = match product {
                Product::Perp => parse_account::futures_event(&event),
                Product::Spot => parse_account::spot_event(&event),
            };
            let Ok(Heard::Facts(facts)) = heard else {
                panic!("{}: {heard:?}", path.display());
            };
            for fact in facts {
                match fact {
                    AccountFact::ForcedReduction { .. } => forced += 1,
                    AccountFact::Balance(balance) => assert_eq!(balance.wallet, Wallet::Spot),
                    AccountFact::Fill(fill) => assert!(fill.price.0 > Decimal::ZERO && fill.fee >= Decimal::ZERO),
                    _ => {}
                }
            }
        }
    }
    assert!(forced > 0, "liquidations and deleveraging are among the samples");
}

#[test]
fn regular_settlements_are_read_and_others_left_out() {
    let xrp = instrument_id(Product::Perp, "XRPUSDT");
    let row = |kind: &str, rate: &str, at: i64| {
        format!(r#"{{"symbol":"XRPUSDT","fundingRate":"{rate}","fundingTime":{at},"markPrice":"2.1"{kind}}}"#)
    };
    let body = format!(
        "[{},{},{}]",
        row("", "0.00010000", 1_789_999_200_001),
        row(r#","rateType":"Special""#, "0.05", 1_790_000_000_000),
        row(r#","rateType":"Regular""#, "-0.00020000", 1_790_028_000_000),
    );
    let (rows, last, settled) = parse::settled(&xrp, &body).unwrap();
    assert_eq!((rows, last), (3, Some(Timestamp(1_790_028_000_000))));
    let told: Vec<_> = settled.iter().map(|row| (row.rate, row.at.0)).collect();
    let rate = |text: &str| Rate(dec(text));
    assert_eq!(
        told,
        [
            (rate("0.0001"), 1_789_999_200_001),
            (rate("-0.0002"), 1_790_028_000_000)
        ]
    );
    for bad in [
        row("", "0.2", 1),
        row("", "x", 1),
        row("", "0.0001", 1).replace("XRPUSDT", "XRPUSDC"),
    ] {
        assert!(parse::settled(&xrp, &format!("[{bad}]")).is_err(), "{bad}");
    }
}
