//! Payloads read: our own samples, and every recorded one where the recordings are at hand.

use std::path::PathBuf;

use domain::instrument::{Name, Product, Side, TradingStatus};
use domain::money::{Price, Quantity, Rate, Usd};
use domain::order::{Fill, VenueOrderStatus};
use domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;

use super::parse::{instrument, number, optional, required, touch};
use super::parse_account::{Execution, balance, balances, execution, fees, funding, order, position};
use super::ticker::Figures;
use super::wire::{
    Answer, BookRow, CoinRow, ExecutionRow, FeeRow, InstrumentRow, LogRow, OrderRow, Page, PositionRow, Pushed,
    TickerRow, WalletRow,
};

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn sample<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/bybit")
        .join(name);
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Answer<Page<T>>>(&text).unwrap().result.list
}

/// A recorded payload; `None`, with a word, where the recordings are not at hand.
fn recorded(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/fixtures/bybit")
        .join(name);
    let text = std::fs::read_to_string(path).ok();
    if text.is_none() {
        println!("skipped: no recording {name}");
    }
    text
}

fn recorded_rows<T: DeserializeOwned>(name: &str) -> Vec<T> {
    recorded(name).map_or_else(Vec::new, |text| {
        serde_json::from_str::<Answer<Page<T>>>(&text).unwrap().result.list
    })
}

fn pushed_rows<T: DeserializeOwned>(name: &str) -> Vec<T> {
    recorded(name).map_or_else(Vec::new, |text| {
        serde_json::from_str::<Pushed<Vec<T>>>(&text).unwrap().data
    })
}

#[test]
fn only_usdt_perpetuals_are_instruments_and_a_delisting_one_is_restricted() {
    let rows: Vec<InstrumentRow> = sample("instruments_linear.json");
    let read: Vec<_> = rows
        .iter()
        .filter_map(|row| instrument(Product::Perp, row).unwrap())
        .collect();
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].asset.as_str(), read[0].multiplier), ("PEPE", dec("1000")));
    assert_eq!(read[0].base, Name::new("1000PEPE"));
    assert_eq!(
        (read[0].lot, read[0].max_market_quantity),
        (Quantity(dec("100")), Quantity(dec("9800000")))
    );
    assert_eq!(
        (read[0].tick, read[0].min_notional),
        (Price(dec("0.0000001")), Usd(dec("5")))
    );
    assert_eq!(read[0].status, TradingStatus::Trading);
    assert_eq!((read[0].ends_at, read[0].greatest_price.is_some()), (None, true));
    // It trades until the end of which notice has been given.
    assert_eq!(
        (read[1].status, read[1].ends_at),
        (TradingStatus::Trading, Some(Timestamp(1_790_100_000_000)))
    );
}

/// Every word that the venue has for the status of a market. Only the first is entered, and not in the auction before a
/// listing.
#[test]
fn each_status_of_a_market_is_known_and_only_trading_opens() {
    let status = |product, sample_of, word: &str, is_pre_listing| {
        let mut rows: Vec<InstrumentRow> = sample(sample_of);
        let row = &mut rows[0];
        (row.status, row.is_pre_listing) = (word.to_owned(), is_pre_listing);
        instrument(product, row).unwrap().unwrap().status
    };
    for (product, file) in [
        (Product::Spot, "instruments_spot.json"),
        (Product::Perp, "instruments_linear.json"),
    ] {
        for (word, wanted) in [
            ("Trading", TradingStatus::Trading),
            ("PreLaunch", TradingStatus::PreLaunch),
            ("Delivering", TradingStatus::Ended),
            ("Closed", TradingStatus::Ended),
            ("Settling", TradingStatus::Halted),
            ("ANewWord", TradingStatus::Halted),
        ] {
            assert_eq!(status(product, file, word, false), wanted, "{product} {word}");
            assert_eq!(wanted.is_open(), word == "Trading");
        }
        assert_eq!(status(product, file, "Trading", true), TradingStatus::PreLaunch);
    }
}

#[test]
fn a_spot_lot_is_its_base_precision_and_its_least_value_is_an_amount() {
    let rows: Vec<InstrumentRow> = sample("instruments_spot.json");
    let read: Vec<_> = rows
        .iter()
        .filter_map(|row| instrument(Product::Spot, row).unwrap())
        .collect();
    assert_eq!(read.len(), 1);
    assert_eq!(
        (read[0].lot, read[0].min_quantity),
        (Quantity(dec("0.01")), Quantity(dec("0.01")))
    );
    assert_eq!(
        (read[0].max_quantity, read[0].max_market_quantity),
        (Quantity(dec("900000")), Quantity(dec("450000")))
    );
    assert_eq!(read[0].min_notional, Usd(dec("5")));
}

#[test]
fn an_empty_text_is_never_a_zero() {
    assert!(number("", "x").is_err());
    assert!(required(Some(""), "x").is_err());
    assert!(required(None, "x").is_err());
    assert_eq!(optional(Some(""), "x").unwrap(), None);
    assert_eq!(optional(Some("0"), "x").unwrap(), Some(Decimal::ZERO));
    assert!(number("0.6l", "x").is_err());
    let coin = |json: &str| balance(&serde_json::from_str::<CoinRow>(json).unwrap());
    assert!(coin(r#"{"coin":"USDT","walletBalance":"","locked":"0"}"#).is_err());
    assert!(coin(r#"{"coin":"USDT","walletBalance":"5","locked":""}"#).is_err());
    let told = coin(r#"{"coin":"USDT","walletBalance":"5","locked":"2"}"#).unwrap();
    assert_eq!((told.total, told.free), (dec("5"), dec("3")));
    let ticker = TickerRow {
        symbol: "XRPUSDT".to_owned(),
        funding_rate: Some(String::new()),
        next_funding_time: Some("1790006400000".to_owned()),
        funding_interval_hour: Some("8".to_owned()),
        ..TickerRow::default()
    };
    assert_eq!(Figures::of(&ticker).unwrap().funding_terms(), None);
}

#[test]
fn an_execution_is_a_fill_a_forced_reduction_or_none_of_our_business() {
    let rows: Vec<ExecutionRow> = sample("executions.json");
    let Execution::Trade(fill) = execution(Product::Perp, &rows[0]).unwrap() else {
        panic!("a trade");
    };
    assert_eq!(
        (fill.trade_id.as_str(), fill.client_id.as_str()),
        ("e-1", "fatest-1-1-1")
    );
    assert_eq!((fill.quantity, fill.price), (Quantity(dec("12")), Price(dec("0.6123"))));
    assert_eq!((fill.fee, fill.fee_asset.as_str()), (dec("-0.00146952"), "USDT"));
    assert_eq!(
        (fill.side, fill.is_maker, fill.at),
        (Side::Sell, true, Timestamp(1_790_000_004_118))
    );
    assert!(matches!(
        execution(Product::Perp, &rows[1]).unwrap(),
        Execution::Funding(_)
    ));
    assert!(matches!(
        execution(Product::Perp, &rows[2]).unwrap(),
        Execution::Forced { kind, fill } if kind == "AdlTrade" && !fill.quantity.is_zero()
    ));
}

#[test]
fn an_execution_an_order_or_a_fee_that_cannot_be_is_an_error() {
    type Spoil = fn(&mut ExecutionRow);
    let spoils: [Spoil; 5] = [
        |row| row.exec_qty = "-7".to_owned(),
        |row| row.exec_qty = "0".to_owned(),
        |row| row.exec_price = "0".to_owned(),
        |row| row.exec_price = "-0.61".to_owned(),
        |row| row.exec_id = String::new(),
    ];
    for (index, spoil) in spoils.into_iter().enumerate() {
        let mut row = sample::<ExecutionRow>("executions.json").remove(0);
        assert!(execution(Product::Perp, &row).is_ok());
        spoil(&mut row);
        assert!(execution(Product::Perp, &row).is_err(), "case {index}");
    }
    let rates = |taker: &str| FeeRow {
        symbol: "XRPUSDT".to_owned(),
        maker_fee_rate: "-0.0001".to_owned(),
        taker_fee_rate: taker.to_owned(),
    };
    assert!(fees(&rates("0.00055")).is_ok(), "who rests may be paid for it");
    assert!(fees(&rates("-0.9")).is_err() && fees(&rates("40")).is_err());
}

#[test]
fn a_spot_buyer_pays_the_fee_in_the_coin_and_a_seller_in_the_quote() {
    let mut row = sample::<ExecutionRow>("executions.json").remove(0);
    let fee_asset = |row: &ExecutionRow| match execution(Product::Spot, row).unwrap() {
        Execution::Trade(Fill { fee_asset, .. }) => fee_asset,
        other => panic!("{other:?}"),
    };
    assert_eq!(fee_asset(&row).as_str(), "USDT");
    row.side = "Buy".to_owned();
    assert_eq!(fee_asset(&row).as_str(), "XRP");
    row.fee_currency = Some("MNT".to_owned());
    assert_eq!(fee_asset(&row).as_str(), "MNT");
    row.exec_fee = Some(String::new());
    assert!(execution(Product::Spot, &row).is_err());
}

#[test]
fn a_flat_position_is_none_and_no_liquidation_price_is_unknown() {
    let rows: Vec<PositionRow> = sample("positions.json");
    let read: Vec<_> = rows.iter().filter_map(|row| position(row).unwrap()).collect();
    assert_eq!(read.len(), 2);
    assert_eq!(
        (read[0].quantity, read[0].liquidation_price),
        (Quantity(dec("-40")), None)
    );
    assert_eq!(
        (read[1].quantity, read[1].liquidation_price),
        (Quantity(dec("100")), Some(Price(dec("0.04"))))
    );
}

#[test]
fn funding_is_received_when_positive_whatever_sign_the_rate_is_written_with() {
    let rows: Vec<LogRow> = sample("log.json");
    let read: Vec<_> = rows.iter().filter_map(|row| funding(row).unwrap()).collect();
    assert_eq!(read.len(), 2);
    assert_eq!(
        (read[0].id.as_str(), read[0].amount),
        ("881_XRPUSDT_1", Usd(dec("0.0048976")))
    );
    assert_eq!(read[0].rate, Some(Rate(dec("0.0002"))));
    assert_eq!(
        (read[1].amount, read[1].rate),
        (Usd(dec("-0.0011")), Some(Rate(dec("0.0001"))))
    );
    assert_eq!(read[0].settled_at, Timestamp(1_790_006_400_000));
}

#[test]
fn an_order_state_is_known_or_an_error() {
    let base = r#"{"symbol":"XRPUSDT","orderId":"o","orderLinkId":"fatest-1-1-1","side":"Buy","qty":"5",
        "cumExecQty":"2","orderStatus":"STATE","cancelType":"WHY","updatedTime":"1790000000000"}"#;
    let read = |state: &str, why: &str| {
        let row: OrderRow = serde_json::from_str(&base.replace("STATE", state).replace("WHY", why)).unwrap();
        order(Product::Perp, &row).map(|report| report.status)
    };
    assert_eq!(read("New", "").unwrap(), VenueOrderStatus::Live);
    assert_eq!(read("PartiallyFilled", "").unwrap(), VenueOrderStatus::Live);
    assert_eq!(read("Filled", "UNKNOWN").unwrap(), VenueOrderStatus::Filled);
    assert_eq!(
        read("PartiallyFilledCanceled", "UNKNOWN").unwrap(),
        VenueOrderStatus::Cancelled
    );
    assert_eq!(read("Cancelled", "CancelByUser").unwrap(), VenueOrderStatus::Cancelled);
    assert_eq!(
        read("Cancelled", "CancelByPrepareLiq").unwrap(),
        VenueOrderStatus::Expired
    );
    assert_eq!(read("Rejected", "").unwrap(), VenueOrderStatus::Rejected);
    assert!(read("Something", "").is_err());
}

#[test]
fn a_filter_that_is_missing_or_cannot_be_is_an_error_and_never_nothing() {
    type Spoil = fn(&mut InstrumentRow);
    let spoils: [Spoil; 5] = [
        |row| row.lot_size_filter.min_notional_value = None,
        |row| row.lot_size_filter.min_notional_value = Some("-5".to_owned()),
        |row| row.lot_size_filter.qty_step = Some("0".to_owned()),
        |row| row.lot_size_filter.min_order_qty = Some("-1".to_owned()),
        |row| row.price_filter.tick_size = "-0.0001".to_owned(),
    ];
    for (index, spoil) in spoils.into_iter().enumerate() {
        let mut row = sample::<InstrumentRow>("instruments_linear.json").remove(0);
        assert!(matches!(instrument(Product::Perp, &row), Ok(Some(_))));
        spoil(&mut row);
        assert!(instrument(Product::Perp, &row).is_err(), "case {index}");
    }
}

#[test]
fn recorded_public_answers_are_read() {
    for (name, product) in [
        ("rest/nt_instruments_linear.json", Product::Perp),
        ("rest/nt_instruments_linear_symbol_type.json", Product::Perp),
        ("rest/jk_get_linear_inverse_symbols.json", Product::Perp),
        ("rest/nt_instruments_spot.json", Product::Spot),
        ("rest/jk_get_account_spot_symbols.json", Product::Spot),
    ] {
        for row in recorded_rows::<InstrumentRow>(name) {
            assert!(instrument(product, &row).unwrap().is_some(), "{name}");
        }
    }
    for name in [
        "rest/rc_tickers_linear_all.json",
        "rest/jk_get_linear_inverse_tickers.json",
    ] {
        for row in recorded_rows::<TickerRow>(name) {
            let figures = Figures::of(&row).unwrap();
            assert!(figures.mark().is_some(), "{name} {}", row.symbol);
            touch(&row).unwrap();
        }
    }
    for row in recorded_rows::<TickerRow>("rest/jk_get_spot_tickers.json") {
        assert_eq!(touch(&row).unwrap().unwrap().bid, Price(dec("20517.96")));
    }
    if let Some(text) = recorded("rest/nt_orderbook.json") {
        let row: BookRow = serde_json::from_str::<Answer<BookRow>>(&text).unwrap().result;
        let book = super::parse::book(&row).unwrap();
        assert_eq!((book.bids.len(), book.asks[0].price), (3, Price(dec("27451"))));
    }
    for row in recorded_rows::<FeeRow>("rest/jk_get_fee_rate.json") {
        assert_eq!(fees(&row).unwrap().taker, Rate(dec("0.0006")));
    }
}

#[test]
fn recorded_private_answers_are_read() {
    for name in [
        "rest/nt_orders_realtime.json",
        "rest/nt_orders_realtime_tp_sl.json",
        "rest/nt_orders_history_with_duplicate.json",
        "rest/jk_get_orders.json",
        "rest/jk_get_order_history.json",
    ] {
        for row in recorded_rows::<OrderRow>(name) {
            order(Product::Perp, &row).unwrap();
        }
    }
    for name in ["rest/nt_executions.json", "rest/jk_get_user_trades.json"] {
        for row in recorded_rows::<ExecutionRow>(name) {
            assert!(
                matches!(execution(Product::Perp, &row).unwrap(), Execution::Trade(_)),
                "{name}"
            );
        }
    }
    for row in recorded_rows::<PositionRow>("rest/nt_positions_with_open_time.json") {
        position(&row).unwrap();
    }
    for name in ["rest/nt_wallet_balance.json", "rest/nt_wallet_balance_spot_short.json"] {
        let wallets = recorded_rows::<WalletRow>(name);
        println!("{name}: {:?}", balances(&wallets));
        balances(&wallets).unwrap();
    }
}

#[test]
fn recorded_pushes_are_read() {
    for name in [
        "ws-private/nt_order.json",
        "ws-private/nt_order_filled.json",
        "ws-private/nt_order_partially_filled_rejected.json",
        "ws-private/nt_order_stop_loss.json",
        "ws-private/nt_order_stop_market.json",
        "ws-private/jk_private_order.json",
    ] {
        for row in pushed_rows::<OrderRow>(name) {
            order(Product::Perp, &row).unwrap();
        }
    }
    for row in pushed_rows::<ExecutionRow>("ws-private/nt_execution.json") {
        assert!(matches!(execution(Product::Perp, &row).unwrap(), Execution::Trade(_)));
    }
    for row in pushed_rows::<ExecutionRow>("ws-private/nt_execution_adl.json") {
        assert!(matches!(
            execution(Product::Perp, &row).unwrap(),
            Execution::Forced { .. }
        ));
    }
    for row in pushed_rows::<WalletRow>("ws-private/jk_private_balance.json") {
        balances(&[row]).unwrap();
    }
}
