//! Answers have the fields of the recorded ones.

use serde_json::Value;

use super::market::{Client, fixture, keys};
use crate::wire::Host;

/// Every recorded field is in ours, but for those that belong to other order types or account kinds.
fn covers(ours: &Value, recording: &str, absent: &[&str]) {
    let Some(recorded) = fixture(recording) else { return };
    let one = |value: &Value| {
        if value.is_array() {
            value[0].clone()
        } else {
            value.clone()
        }
    };
    let (ours, recorded) = (one(ours), one(&recorded));
    for key in keys(&recorded) {
        if absent.contains(&key) {
            continue;
        }
        let mine = ours
            .get(key)
            .unwrap_or_else(|| panic!("{recording}: no {key} in {ours}"));
        let same_kind = std::mem::discriminant(mine) == std::mem::discriminant(&recorded[key]);
        // Recordings disagree among themselves on these two.
        assert!(
            same_kind || ["tranId", "isAutoAddMargin"].contains(&key),
            "{recording}: {key} is {mine}, recorded {}",
            recorded[key]
        );
    }
}

#[test]
fn futures_market_answers_have_the_recorded_fields() {
    let mut client = Client::new(Host::BinanceUsdm);
    covers(
        &client.get("/fapi/v1/depth", "symbol=ABCUSDT&limit=5"),
        "futures-rest/jk_get_order_book.json",
        &[],
    );
    covers(
        &client.get("/fapi/v1/ticker/bookTicker", "symbol=ABCUSDT"),
        "futures-rest/jk_get_book_price.json",
        &[],
    );
    covers(
        &client.get("/fapi/v2/ticker/price", "symbol=ABCUSDT"),
        "futures-rest/jk_get_price.json",
        &[],
    );
    covers(
        &client.get("/fapi/v1/ticker/24hr", "symbol=ABCUSDT"),
        "futures-rest/ntpy_market_ticker_24hr.json",
        &[],
    );
    covers(
        &client.get("/fapi/v1/premiumIndex", "symbol=ABCUSDT"),
        "futures-rest/jk_get_mark_price.json",
        &[],
    );
    covers(
        &client.get("/fapi/v1/fundingInfo", ""),
        "futures-rest/jk_get_funding_info.json",
        &[],
    );
    covers(
        &client.get("/fapi/v1/fundingRate", "symbol=ABCUSDT"),
        "futures-rest/ntpy_market_funding_rate.json",
        &[],
    );
    covers(
        &client.get("/fapi/v1/time", ""),
        "futures-rest/jk_get_server_time.json",
        &[],
    );
    let info = client.get("/fapi/v1/exchangeInfo", "");
    covers(&info, "futures-rest/ntpy_market_exchange_info.json", &[]);
    let Some(recorded) = fixture("futures-rest/ntpy_market_exchange_info.json") else {
        return;
    };
    for key in keys(&recorded["symbols"][0]) {
        assert!(key == "settlePlan" || info["symbols"][0].get(key).is_some(), "{key}");
    }
}

#[test]
fn futures_account_answers_have_the_recorded_fields() {
    let conditional = ["activatePrice", "priceRate"];
    let mut client = Client::new(Host::BinanceUsdm);
    let placed = client.ok(
        "POST",
        "/fapi/v1/order",
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=90&newClientOrderId=a",
    );
    covers(
        &placed,
        "futures-rest/jk_place_multiple_orders.json",
        &["activatePrice", "priceRate", "avgPrice", "cumQuote"],
    );
    covers(
        &client.ok("GET", "/fapi/v1/order", "symbol=ABCUSDT&origClientOrderId=a"),
        "futures-rest/jk_get_order.json",
        &conditional,
    );
    covers(
        &client.ok("GET", "/fapi/v1/openOrders", ""),
        "futures-rest/jk_get_open_orders.json",
        &conditional,
    );
    client.ok(
        "POST",
        "/fapi/v1/order",
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1",
    );
    covers(
        &client.ok("GET", "/fapi/v1/userTrades", "symbol=ABCUSDT"),
        "futures-rest/ntpy_account_trades.json",
        &[],
    );
    covers(
        &client.ok("GET", "/fapi/v1/income", ""),
        "futures-rest/jk_get_income_history.json",
        &[],
    );
    let account = client.ok("GET", "/fapi/v3/account", "");
    covers(&account, "futures-rest/jk_get_account_info_v3.json", &[]);
    if let Some(recorded) = fixture("futures-rest/jk_get_account_info_v3.json") {
        for list in ["assets", "positions"] {
            for key in keys(&recorded[list][0]) {
                assert!(account[list][0].get(key).is_some(), "{list} {key}");
            }
        }
    }
    covers(
        &client.ok("GET", "/fapi/v2/positionRisk", "symbol=ABCUSDT"),
        "futures-rest/nt_position_risk.json",
        &[],
    );
    covers(
        &client.ok("GET", "/fapi/v1/symbolConfig", ""),
        "futures-rest/ntpy_account_symbol_config.json",
        &[],
    );
    covers(
        &client.ok("GET", "/fapi/v1/accountConfig", ""),
        "futures-rest/jk_get_account_configuration.json",
        &[],
    );
    covers(
        &client.ok("GET", "/fapi/v1/commissionRate", "symbol=ABCUSDT"),
        "futures-rest/jk_get_user_commission_rate.json",
        &[],
    );
    covers(
        &client.ok("GET", "/fapi/v1/leverageBracket", ""),
        "futures-rest/jk_get_brackets.json",
        &[],
    );
    covers(
        &client.ok("GET", "/fapi/v1/adlQuantile", ""),
        "futures-rest/jk_get_position_adl_quantile_estimation.json",
        &[],
    );
    covers(
        &client.ok("POST", "/fapi/v1/leverage", "symbol=ABCUSDT&leverage=3"),
        "futures-rest/jk_change_initial_leverage.json",
        &[],
    );
    covers(
        &client.ok("GET", "/fapi/v1/positionSide/dual", ""),
        "futures-rest/ntpy_account_position_side_dual.json",
        &[],
    );
    covers(
        &client.ok("POST", "/fapi/v1/listenKey", ""),
        "futures-rest/jk_start_user_stream.json",
        &[],
    );
}

#[test]
fn spot_answers_have_the_recorded_fields() {
    let mut client = Client::new(Host::BinanceSpot);
    covers(
        &client.get("/api/v3/depth", "symbol=ABCUSDT"),
        "spot-rest/nt_depth_response.json",
        &[],
    );
    covers(
        &client.get("/api/v3/ticker/bookTicker", "symbol=ABCUSDT"),
        "spot-rest/jk_get_book_price.json",
        &[],
    );
    covers(
        &client.get("/api/v3/ticker/price", "symbol=ABCUSDT"),
        "spot-rest/jk_get_price.json",
        &[],
    );
    covers(
        &client.get("/api/v3/ticker/24hr", "symbol=ABCUSDT"),
        "spot-rest/jk_get_ticker.json",
        &[],
    );
    let info = client.get("/api/v3/exchangeInfo", "symbols=%5B%22ABCUSDT%22%5D");
    covers(
        &info["symbols"],
        "spot-rest/jk_get_exchange_info.json",
        &["timezone", "serverTime", "rateLimits", "exchangeFilters", "symbols"],
    );
    if let Some(recorded) = fixture("spot-rest/jk_get_exchange_info.json") {
        for key in keys(&recorded["symbols"][0]) {
            assert!(info["symbols"][0].get(key).is_some(), "{key}");
        }
    }
    let full = client.ok(
        "POST",
        "/api/v3/order",
        "symbol=ABCUSDT&side=BUY&type=MARKET&quantity=1",
    );
    covers(&full, "spot-rest/nt_new_order_full_response.json", &[]);
    client.ok(
        "POST",
        "/api/v3/order",
        "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=90&newClientOrderId=a",
    );
    covers(
        &client.ok("GET", "/api/v3/openOrders", ""),
        "spot-rest/jk_get_open_orders.json",
        &[],
    );
    covers(
        &client.ok("GET", "/api/v3/allOrders", "symbol=ABCUSDT"),
        "spot-rest/jk_get_orders.json",
        &[],
    );
    covers(
        &client.ok("DELETE", "/api/v3/order", "symbol=ABCUSDT&origClientOrderId=a"),
        "spot-rest/jk_cancel_order.json",
        &[],
    );
    covers(
        &client.ok("GET", "/api/v3/myTrades", "symbol=ABCUSDT"),
        "spot-rest/jk_get_user_trades.json",
        &[],
    );
    covers(
        &client.ok("GET", "/api/v3/account", ""),
        "spot-rest/nt_account_response.json",
        &[],
    );
}
