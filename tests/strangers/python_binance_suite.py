"""python-binance, synchronous client and sockets, pointed here by its own address attributes."""

import asyncio
import time

from binance import AsyncClient, BinanceSocketManager, Client

from harness import Suite, equal, expect, in_loop, refused, until

suite = Suite("python-binance")
KEYS = ("strangerkey", "strangersecret")
PAIR = {"symbol": "BTCUSDT"}


def _point(venue, kind):
    """The addresses are attributes of the client's class, texts that the constructor fills in."""
    kind.API_URL = f"http://{venue.spot}/api"
    kind.MARGIN_API_URL = f"http://{venue.spot}/sapi"
    kind.FUTURES_URL = f"http://{venue.usdm}/fapi"
    kind.FUTURES_DATA_URL = f"http://{venue.usdm}/futures/data"
    kind.WS_API_URL = f"ws://{venue.spot}/ws-api/v3"
    kind.WS_FUTURES_URL = f"ws://{venue.usdm}/ws-fapi/v1"


def client(venue, key=KEYS[0], secret=KEYS[1]):
    _point(venue, Client)
    return Client(key, secret)


def _away(client, share, futures=False):
    book = (client.futures_orderbook_ticker if futures else client.get_orderbook_ticker)(**PAIR)
    return f"{float(book['bidPrice']) * share:.1f}"


@suite.check
def spot_market_data(venue):
    api = client(venue)
    expect(abs(api.get_server_time()["serverTime"] - time.time() * 1000) < 5_000, "time")
    expect(api.get_exchange_info()["symbols"], "symbols")
    equal(api.get_symbol_info("BTCUSDT")["status"], "TRADING", "status")
    expect(len(api.get_order_book(**PAIR, limit=20)["bids"]) == 20, "book")
    expect(api.get_ticker(**PAIR)["lastPrice"] and api.get_all_tickers() and api.get_orderbook_tickers(), "tickers")
    equal(len(api.get_klines(**PAIR, interval="1h", limit=10)), 10, "candles")
    equal(len(api.get_recent_trades(**PAIR, limit=10)), 10, "trades")
    equal(len(api.get_aggregate_trades(**PAIR, limit=10)), 10, "trades")
    expect(float(api.get_avg_price(**PAIR)["price"]) > 0, "average price")
    expect(len(api.get_historical_klines("BTCUSDT", "1h", "2 days ago UTC")) >= 47, "history of candles")


@suite.check
def spot_account(venue):
    api = client(venue)
    expect(api.get_account()["canTrade"], "may trade")
    equal(float(api.get_asset_balance("USDT")["free"]), 100_000, "USDT")
    expect(api.get_trade_fee(**PAIR), "fees")
    equal(api.get_account_status()["data"], "Normal", "status")
    expect(api.get_account_api_permissions()["enableFutures"], "permissions")
    api.get_account_api_trading_status()
    equal(api.get_system_status()["status"], 0, "system")
    equal(api.get_deposit_history(), [], "deposits")
    equal(api.get_withdraw_history(), [], "withdrawals")


@suite.check
def spot_order_life(venue):
    api = client(venue)
    order = api.order_limit_buy(**PAIR, quantity="0.01", price=_away(api, 0.9), newClientOrderId="mine")
    equal(api.get_order(**PAIR, origClientOrderId="mine")["orderId"], order["orderId"], "by client id")
    expect(api.get_open_orders(**PAIR), "open orders")
    equal(api.cancel_order(**PAIR, orderId=order["orderId"])["status"], "CANCELED", "status")
    filled = api.order_market_buy(**PAIR, quantity="0.01")
    equal(filled["status"], "FILLED", "status")
    expect(filled["fills"], "fills")
    by_value = api.order_market_buy(**PAIR, quoteOrderQty="50")
    expect(float(by_value["cummulativeQuoteQty"]) <= 50, "spent")
    api.order_market_sell(**PAIR, quantity="0.01")
    expect(api.get_my_trades(**PAIR) and api.get_all_orders(**PAIR), "histories")
    api.create_test_order(**PAIR, side="BUY", type="MARKET", quantity="0.01")
    equal(api.create_order(**PAIR, side="BUY", type="LIMIT", timeInForce="FOK", quantity="0.01", price=_away(api, 0.9))["status"], "EXPIRED", "FOK")
    refused(lambda: api.create_order(**PAIR, side="BUY", type="LIMIT_MAKER", quantity="0.01", price=_away(api, 1.05)), -2010)


@suite.check
def spot_refusals(venue):
    api = client(venue)
    refused(lambda: client(venue, secret="wrong").get_account(), -1022)
    refused(lambda: client(venue, key="nobody").get_account(), -2015)
    refused(lambda: api.get_order(**PAIR, orderId=1), -2013)
    refused(lambda: api.cancel_order(**PAIR, orderId=1), -2011)
    refused(lambda: api.get_order_book(symbol="NONEUSDT"), -1121)
    refused(lambda: api.order_market_buy(**PAIR, quantity="10"), -2010)
    refused(lambda: api.order_market_buy(**PAIR, quantity="0.000001"), -1013)
    refused(lambda: api.order_limit_buy(**PAIR, quantity="0.01", price="60000.001"), -1013)
    # The listen keys of the spot market are gone; the endpoint says so.
    refused(api.stream_get_listen_key, -1199)


@suite.check
def usdm_market_data(venue):
    api = client(venue)
    api.futures_ping()
    expect(abs(api.futures_time()["serverTime"] - time.time() * 1000) < 5_000, "time")
    expect(api.futures_exchange_info()["symbols"], "symbols")
    expect(len(api.futures_order_book(**PAIR, limit=20)["asks"]) == 20, "book")
    for call in (api.futures_klines, api.futures_mark_price_klines, api.futures_premium_index_klines):
        equal(len(call(**PAIR, interval="1h", limit=5)), 5, "candles")
    for call in (api.futures_index_price_klines,):
        equal(len(call(pair="BTCUSDT", interval="1h", limit=5)), 5, "candles")
    equal(len(api.futures_continuous_klines(pair="BTCUSDT", contractType="PERPETUAL", interval="1h", limit=5)), 5, "candles")
    expect(float(api.futures_mark_price(**PAIR)["markPrice"]) > 0, "mark")
    equal(len(api.futures_funding_rate(**PAIR, limit=100)), 100, "funding history")
    expect(api.futures_ticker(**PAIR) and api.futures_symbol_ticker(**PAIR), "tickers")
    expect(float(api.futures_open_interest(**PAIR)["openInterest"]) > 0, "open interest")
    equal(len(api.futures_open_interest_hist(**PAIR, period="1h", limit=5)), 5, "its history")
    equal(len(api.futures_recent_trades(**PAIR, limit=5)), 5, "trades")
    expect(len(api.futures_leverage_bracket(**PAIR)[0]["brackets"]) > 1, "brackets")


@suite.check
def usdm_account_and_settings(venue):
    api = client(venue)
    rows = {row["asset"]: row for row in api.futures_account_balance()}
    equal(float(rows["USDT"]["balance"]), 100_000, "USDT")
    expect(float(api.futures_account()["totalWalletBalance"]) == 100_000, "wallet")
    expect(api.futures_account_config()["canTrade"], "may trade")
    expect(float(api.futures_commission_rate(**PAIR)["takerCommissionRate"]) > 0, "fee")
    equal(api.futures_change_leverage(**PAIR, leverage=7)["leverage"], 7, "leverage")
    equal(api.futures_symbol_config(**PAIR)[0]["leverage"], 7, "leverage")
    api.futures_change_margin_type(**PAIR, marginType="ISOLATED")
    refused(lambda: api.futures_change_margin_type(**PAIR, marginType="ISOLATED"), -4046)
    api.futures_change_margin_type(**PAIR, marginType="CROSSED")
    api.futures_change_position_mode(dualSidePosition="true")
    expect(api.futures_get_position_mode()["dualSidePosition"], "hedge mode")
    api.futures_change_position_mode(dualSidePosition="false")
    refused(lambda: api.futures_change_position_mode(dualSidePosition="false"), -4059)
    equal(api.futures_get_multi_assets_mode()["multiAssetsMargin"], False, "single-asset mode")


@suite.check
def usdm_order_life(venue):
    api = client(venue)
    place = lambda **more: api.futures_create_order(**PAIR, **more)
    order = place(side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=_away(api, 0.9, True), newClientOrderId="mine")
    equal(order["status"], "NEW", "status")
    equal(api.futures_get_order(**PAIR, origClientOrderId="mine")["orderId"], order["orderId"], "by client id")
    changed = api.futures_modify_order(**PAIR, orderId=order["orderId"], side="BUY", quantity="0.02", price=_away(api, 0.89, True))
    equal(changed["origQty"], "0.02", "quantity")
    expect(api.futures_get_open_orders(**PAIR), "open orders")
    equal(api.futures_cancel_order(**PAIR, orderId=order["orderId"])["status"], "CANCELED", "status")
    place(side="SELL", type="MARKET", quantity="0.02")
    held = [row for row in api.futures_position_information(**PAIR) if float(row["positionAmt"])]
    equal(float(held[0]["positionAmt"]), -0.02, "position")
    result = place(side="BUY", type="MARKET", quantity="0.02", reduceOnly="true", newOrderRespType="RESULT")
    equal(result["status"], "FILLED", "status")
    refused(lambda: place(side="BUY", type="MARKET", quantity="0.02", reduceOnly="true"), -2022)
    expect(api.futures_account_trades(**PAIR) and api.futures_get_all_orders(**PAIR), "histories")
    expect({row["incomeType"] for row in api.futures_income_history()} >= {"COMMISSION", "REALIZED_PNL"}, "income")
    refused(lambda: place(side="BUY", type="LIMIT", timeInForce="GTX", quantity="0.01", price=_away(api, 1.05, True)), -5022)


@suite.check
def usdm_batches_and_modes(venue):
    api = client(venue)
    row = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    rows = [{**row, "price": _away(api, 0.9, True)}, {**row, "price": _away(api, 0.89, True), "selfTradePreventionMode": "EXPIRE_BOTH"}]
    placed = api.futures_place_batch_order(batchOrders=rows)
    equal([one["selfTradePreventionMode"] for one in placed], ["EXPIRE_MAKER", "EXPIRE_BOTH"], "modes")
    ended = api.futures_cancel_orders(**PAIR, orderidlist=[one["orderId"] for one in placed])
    equal([one["status"] for one in ended], ["CANCELED", "CANCELED"], "statuses")
    expect(api.futures_symbol_adl_risk(**PAIR)["adlRisk"] in ("low", "medium", "high"), "risk")
    equal(api.futures_adl_quantile_estimate(**PAIR), [], "no position, no queue")
    expect(api.futures_v1_get_funding_info(), "intervals")
    expect(api.futures_v1_get_rate_limit_order(), "order limits")
    expect(api.futures_api_trading_status(**PAIR) and api.futures_rpi_depth(**PAIR)["bids"], "further reads")
    for path in (api.futures_basis, api.futures_global_longshort_ratio):
        refused(lambda path=path: path(pair="BTCUSDT", symbol="BTCUSDT", contractType="PERPETUAL", period="1h"), -5000)


@suite.check
def usdm_dead_man_switch(venue):
    api = client(venue)
    api.futures_create_order(**PAIR, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=_away(api, 0.9, True))
    api.futures_countdown_cancel_all(**PAIR, countdownTime=1_000)
    until(lambda: not api.futures_get_open_orders(**PAIR), 5, what="the end of the countdown")


@suite.check
def transfer(venue):
    api = client(venue)
    api.make_universal_transfer(type="MAIN_UMFUTURE", asset="USDT", amount="500")
    equal(float(api.futures_account()["totalWalletBalance"]) > 100_000, True, "wallet grew")
    equal(api.query_universal_transfer_history(type="MAIN_UMFUTURE")["total"], 1, "transfers")
    api.make_universal_transfer(type="UMFUTURE_MAIN", asset="USDT", amount="500")
    refused(lambda: api.make_universal_transfer(type="MAIN_UMFUTURE", asset="USDT", amount="500000"), -5002)


async def _manager(venue):
    _point(venue, AsyncClient)
    BinanceSocketManager.STREAM_URL = f"ws://{venue.spot}/"
    BinanceSocketManager.FSTREAM_URL = f"ws://{venue.usdm}/"
    api = await AsyncClient.create(*KEYS)
    return api, BinanceSocketManager(api)


async def _first(socket, kind=None):
    async with socket as stream:
        while True:
            message = await asyncio.wait_for(stream.recv(), 10)
            data = message.get("data", message) if isinstance(message, dict) else message
            if kind is None or (isinstance(data, dict) and data.get("e") == kind):
                return data


@suite.check
@in_loop(60)
async def public_streams(venue):
    api, sockets = await _manager(venue)
    try:
        expect((await _first(sockets.depth_socket("BTCUSDT", depth="20")))["bids"], "book")
        expect((await _first(sockets.symbol_book_ticker_socket("BTCUSDT")))["b"], "best prices")
        expect((await _first(sockets.kline_socket("BTCUSDT")))["k"], "candle")
        expect((await _first(sockets.trade_socket("BTCUSDT")))["p"], "trade")
        expect((await _first(sockets.symbol_ticker_socket("BTCUSDT")))["c"], "ticker")
        expect(await _first(sockets.multiplex_socket(["btcusdt@bookTicker", "ethusdt@bookTicker"])), "several")
        expect(await _first(sockets.futures_multiplex_socket(["btcusdt@markPrice@1s"])), "mark")
        expect(await _first(sockets.symbol_mark_price_socket("BTCUSDT")), "mark")
        expect(await _first(sockets.futures_depth_socket("BTCUSDT")), "book")
    finally:
        await api.close_connection()


@suite.check
@in_loop()
async def private_streams(venue):
    api, sockets = await _manager(venue)
    try:
        for socket, kind, order in (
            (sockets.user_socket(), "executionReport", api.order_market_buy(**PAIR, quantity="0.001")),
            (sockets.futures_user_socket(), "ORDER_TRADE_UPDATE", api.futures_create_order(**PAIR, side="BUY", type="MARKET", quantity="0.001")),
        ):
            async with socket as stream:
                await asyncio.sleep(0.3)
                placed = await order
                while True:
                    message = await asyncio.wait_for(stream.recv(), 10)
                    if message.get("e") == kind:
                        part = message.get("o", message) if kind == "ORDER_TRADE_UPDATE" else message
                        equal(part["i"], placed["orderId"], "order")
                        break
        await api.futures_create_order(**PAIR, side="SELL", type="MARKET", quantity="0.001", reduceOnly="true")
    finally:
        await api.close_connection()


@suite.check
@in_loop()
async def orders_over_sockets(venue):
    api, _ = await _manager(venue)
    try:
        book = await api.ws_get_orderbook_ticker(**PAIR)
        price = f"{float(book['bidPrice']) * 0.9:.1f}"
        order = await api.ws_create_order(**PAIR, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=price)
        equal((await api.ws_cancel_order(**PAIR, orderId=order["orderId"]))["status"], "CANCELED", "status")
        order = await api.ws_futures_create_order(**PAIR, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price=price)
        equal((await api.ws_futures_cancel_order(**PAIR, orderId=order["orderId"]))["status"], "CANCELED", "status")
    finally:
        await api.close_connection()
