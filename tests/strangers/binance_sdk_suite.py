"""Binance's own connectors (spot, USDⓈ-M), REST, WebSocket API and streams, through their configuration."""

import asyncio

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_spot.spot import Spot

from harness import Suite, equal, expect, in_loop, refused

suite = Suite("binance-sdk")
KEYS = {"api_key": "strangerkey", "api_secret": "strangersecret"}


def spot(venue, **keys):
    keys = {**KEYS, **keys}
    return Spot(
        config_rest_api=ConfigurationRestAPI(**keys, base_path=f"http://{venue.spot}", retries=0, timeout=10_000),
        config_ws_api=ConfigurationWebSocketAPI(**keys, stream_url=f"ws://{venue.spot}/ws-api/v3"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"ws://{venue.spot}"),
    )


def usdm(venue, **keys):
    keys = {**KEYS, **keys}
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(**keys, base_path=f"http://{venue.usdm}", retries=0, timeout=10_000),
        config_ws_api=ConfigurationWebSocketAPI(**keys, stream_url=f"ws://{venue.usdm}/ws-fapi/v1"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=f"ws://{venue.usdm}"),
    )


@suite.check
def spot_market_data(venue):
    api = spot(venue).rest_api
    expect(api.time().data().server_time > 0, "time")
    expect(api.exchange_info().data().symbols, "symbols")
    expect(len(api.depth("BTCUSDT", limit=20).data().bids) == 20, "book")
    equal(len(api.klines("BTCUSDT", "1h", limit=5).data()), 5, "candles")
    equal(len(api.agg_trades("BTCUSDT", limit=5).data()), 5, "trades")
    api.ticker24hr(symbol="BTCUSDT").data()
    api.ticker_book_ticker(symbol="BTCUSDT").data()
    expect(float(api.avg_price("BTCUSDT").data().price) > 0, "average price")


@suite.check
def spot_order_life(venue):
    api = spot(venue).rest_api
    expect(api.get_account().data().can_trade, "may trade")
    price = round(float(api.avg_price("BTCUSDT").data().price) * 0.9, 1)
    order = api.new_order("BTCUSDT", "BUY", "LIMIT", time_in_force="GTC", quantity=0.01, price=price).data()
    equal(api.get_order("BTCUSDT", order_id=order.order_id).data().status, "NEW", "status")
    equal(api.order_amend_keep_priority("BTCUSDT", 0.005, order_id=order.order_id).data().amended_order.qty, "0.00500000", "quantity")
    replaced = api.order_cancel_replace(
        "BTCUSDT", "BUY", "LIMIT", "STOP_ON_FAILURE", time_in_force="GTC", quantity=0.01, price=price, cancel_order_id=order.order_id
    ).data()
    equal(replaced.cancel_result, "SUCCESS", "cancel")
    expect(api.get_open_orders(symbol="BTCUSDT").data(), "open orders")
    api.delete_open_orders("BTCUSDT")
    api.new_order("BTCUSDT", "BUY", "MARKET", quantity=0.01)
    expect(api.my_trades("BTCUSDT").data() and api.all_orders("BTCUSDT").data(), "histories")
    expect(api.account_commission("BTCUSDT").data().standard_commission, "fees")
    expect(api.rate_limit_order().data(), "order budgets")


@suite.check
def usdm_market_data(venue):
    api = usdm(venue).rest_api
    expect(api.check_server_time().data().server_time > 0, "time")
    expect(api.exchange_information().data().symbols, "symbols")
    expect(len(api.order_book("BTCUSDT", limit=20).data().bids) == 20, "book")
    api.mark_price(symbol="BTCUSDT").data()
    api.get_funding_rate_info().data()
    equal(len(api.get_funding_rate_history(symbol="BTCUSDT", limit=10).data()), 10, "funding history")
    equal(len(api.kline_candlestick_data("BTCUSDT", "1h", limit=5).data()), 5, "candles")
    expect(float(api.open_interest("BTCUSDT").data().open_interest) > 0, "open interest")
    equal(len(api.open_interest_statistics("BTCUSDT", "1h", limit=5).data()), 5, "its history")
    api.adl_risk(symbol="BTCUSDT").data()
    equal(len(api.recent_trades_list("BTCUSDT", limit=5).data()), 5, "trades")
    api.ticker24hr_price_change_statistics(symbol="BTCUSDT").data()
    api.symbol_order_book_ticker(symbol="BTCUSDT").data()


@suite.check
def usdm_account_and_settings(venue):
    api = usdm(venue).rest_api
    equal(float(api.account_information_v3().data().total_wallet_balance), 100_000, "wallet")
    expect(api.account_information_v2().data().positions, "positions of the second generation")
    expect(api.futures_account_balance_v3().data(), "balance")
    expect(api.futures_account_configuration().data().can_trade, "may trade")
    equal(api.change_initial_leverage("BTCUSDT", 7).data().leverage, 7, "leverage")
    expect(api.symbol_configuration(symbol="BTCUSDT").data(), "symbol configuration")
    api.notional_and_leverage_brackets(symbol="BTCUSDT").data()
    expect(float(api.user_commission_rate("BTCUSDT").data().taker_commission_rate) > 0, "fee")
    equal(api.get_current_position_mode().data().dual_side_position, False, "one-way")
    equal(api.get_current_multi_assets_mode().data().multi_assets_margin, False, "single-asset mode")
    refused(lambda: api.change_position_mode("false"), "No need to change position side")
    expect(api.query_user_rate_limit().data(), "order budgets")


@suite.check
def usdm_order_life(venue):
    api = usdm(venue).rest_api
    bid = float(api.order_book("BTCUSDT", limit=5).data().bids[0][0])
    price = round(bid * 0.9, 1)
    order = api.new_order("BTCUSDT", "BUY", "LIMIT", time_in_force="GTC", quantity=0.01, price=price).data()
    equal(api.query_order("BTCUSDT", order_id=order.order_id).data().status, "NEW", "status")
    changed = api.modify_order("BTCUSDT", "BUY", quantity=0.02, price=price, order_id=order.order_id).data()
    equal(changed.orig_qty, "0.02", "quantity")
    expect(api.current_all_open_orders(symbol="BTCUSDT").data(), "open orders")
    api.query_current_open_order("BTCUSDT", order_id=order.order_id).data()
    equal(api.cancel_order("BTCUSDT", order_id=order.order_id).data().status, "CANCELED", "status")
    api.cancel_all_open_orders("BTCUSDT")
    api.new_order("BTCUSDT", "BUY", "MARKET", quantity=0.01)
    expect(api.position_information_v3(symbol="BTCUSDT").data(), "position")
    expect(api.position_adl_quantile_estimation(symbol="BTCUSDT").data(), "quantile")
    api.new_order("BTCUSDT", "SELL", "MARKET", quantity=0.01, reduce_only="true")
    expect(api.account_trade_list("BTCUSDT").data() and api.all_orders(symbol="BTCUSDT").data(), "histories")
    expect(api.get_income_history().data(), "income")
    equal(api.users_force_orders().data(), [], "liquidations")
    refused(lambda: api.new_order("BTCUSDT", "SELL", "MARKET", quantity=0.01, reduce_only="true"), "ReduceOnly Order is rejected")


@suite.check
def refusals(venue):
    refused(spot(venue, api_secret="wrong").rest_api.get_account, "Signature for this request is not valid")
    refused(usdm(venue, api_secret="wrong").rest_api.account_information_v3, "Signature for this request is not valid")
    refused(usdm(venue, api_key="nobody").rest_api.account_information_v3, "Invalid API-key")


async def _first(subscribing):
    stream = await subscribing
    heard = asyncio.get_running_loop().create_future()
    stream.on("message", lambda data: heard.done() or heard.set_result(data))
    return await asyncio.wait_for(heard, 10)


@suite.check
@in_loop(60)
async def spot_streams(venue):
    client = spot(venue)
    connection = await client.websocket_streams.create_connection()
    try:
        expect(await _first(connection.book_ticker(symbol="btcusdt")), "best prices")
        expect(await _first(connection.diff_book_depth(symbol="btcusdt")), "book")
        expect(await _first(connection.kline(symbol="btcusdt", interval="1m")), "candle")
        expect(await _first(connection.agg_trade(symbol="btcusdt")), "trade")
        expect(await _first(connection.ticker(symbol="btcusdt")), "ticker")
    finally:
        await connection.close_connection(close_session=True)


@suite.check
@in_loop(60)
async def usdm_streams(venue):
    client = usdm(venue)
    connection = await client.websocket_streams.create_connection()
    try:
        expect(await _first(connection.individual_symbol_book_ticker_streams(symbol="btcusdt")), "best prices")
        expect(await _first(connection.mark_price_stream(symbol="btcusdt")), "mark")
        expect(await _first(connection.diff_book_depth_streams(symbol="btcusdt")), "book")
        expect(await _first(connection.aggregate_trade_streams(symbol="btcusdt")), "trade")
        expect(await _first(connection.kline_candlestick_streams(symbol="btcusdt", interval="1m")), "candle")
    finally:
        await connection.close_connection(close_session=True)


@suite.check
@in_loop(60)
async def usdm_user_stream(venue):
    client = usdm(venue)
    key = client.rest_api.start_user_data_stream().data().listen_key
    connection = await client.websocket_streams.create_connection()
    try:
        heard = []
        stream = await connection.user_data(key)
        stream.on("message", heard.append)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(client.rest_api.new_order, "BTCUSDT", "BUY", "MARKET", quantity=0.01)
        for _ in range(100):
            if any("ORDER_TRADE_UPDATE" in str(one) or "OrderTradeUpdate" in type(getattr(one, "actual_instance", one)).__name__ for one in heard):
                break
            await asyncio.sleep(0.1)
        else:
            expect(False, "no order update among", heard[:3])
        await asyncio.to_thread(client.rest_api.new_order, "BTCUSDT", "SELL", "MARKET", quantity=0.01, reduce_only="true")
    finally:
        await connection.close_connection(close_session=True)


@suite.check
@in_loop(60)
async def orders_over_sockets(venue):
    client = spot(venue)
    connection = await client.websocket_api.create_connection()
    try:
        answer = await connection.order_place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.001)
        equal(answer.data().result.status, "FILLED", "status")
        expect((await connection.account_status()).data().result.balances, "balances")
    finally:
        await connection.close_connection(close_session=True)
    client = usdm(venue)
    connection = await client.websocket_api.create_connection()
    try:
        answer = await connection.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01)
        expect(answer.data().result.order_id, "order")
        expect((await connection.position_information_v2()).data().result, "positions")
        await connection.new_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity=0.01, reduce_only="true")
    finally:
        await connection.close_connection(close_session=True)
