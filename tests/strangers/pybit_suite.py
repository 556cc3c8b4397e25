"""pybit's unified trading client, HTTP and sockets; only its addresses are changed."""

import time
import uuid

import pybit._websocket_trading
import pybit.unified_trading as unified

from harness import Suite, equal, expect, refused, until

suite = Suite("pybit")
KEYS = {"api_key": "strangerkey", "api_secret": "strangersecret"}
ORDER = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}


def http(venue, **options):
    session = unified.HTTP(**{**KEYS, **options})
    session.endpoint = f"http://{venue.bybit}"
    return session


def _point_sockets(venue):
    # The client builds its addresses from these three texts.
    unified.PUBLIC_WSS = f"ws://{venue.bybit}/v5/public/{{CHANNEL_TYPE}}"
    unified.PRIVATE_WSS = f"ws://{venue.bybit}/v5/private"
    pybit._websocket_trading.TRADE_WSS = f"ws://{venue.bybit}/v5/trade"


def _result(answer):
    equal(answer["retCode"], 0, "retCode")
    return answer["result"]


def _away(session, share, category="linear"):
    bid = float(_result(session.get_tickers(category=category, symbol="BTCUSDT"))["list"][0]["bid1Price"])
    return f"{bid * share:.1f}"


def _link():
    return uuid.uuid4().hex


@suite.check
def market_data(venue):
    session = http(venue)
    expect(abs(int(_result(session.get_server_time())["timeSecond"]) - time.time()) < 5, "time")
    for category in ("linear", "spot"):
        expect(_result(session.get_instruments_info(category=category))["list"], "instruments")
        expect(_result(session.get_tickers(category=category))["list"], "tickers")
        expect(len(_result(session.get_orderbook(category=category, symbol="BTCUSDT", limit=20))["b"]) == 20, "book")
        expect(_result(session.get_public_trade_history(category=category, symbol="BTCUSDT", limit=5))["list"], "tape")
        rows = _result(session.get_kline(category=category, symbol="BTCUSDT", interval=60, limit=10))["list"]
        equal(len(rows), 10, "candles")
    for unlisted in ("inverse", "option"):
        equal(_result(session.get_instruments_info(category=unlisted))["list"], [], unlisted)


@suite.check
def contract_data(venue):
    session, what = http(venue), {"category": "linear", "symbol": "BTCUSDT"}
    for call in (session.get_mark_price_kline, session.get_index_price_kline, session.get_premium_index_price_kline):
        equal(len(_result(call(**what, interval=60, limit=5))["list"]), 5, "candles")
    expect(len(_result(session.get_funding_rate_history(**what, limit=200))["list"]) == 200, "funding history")
    refused(lambda: session.get_funding_rate_history(**what, startTime=1), 10001)
    expect(_result(session.get_open_interest(**what, intervalTime="1h"))["list"], "open interest")
    expect(len(_result(session.get_risk_limit(**what))["list"]) > 1, "risk tiers")
    expect(float(_result(session.get_price_limit(**what))["buyLmt"]) > 0, "price limit")
    session.get_adl_alert()


@suite.check
def instruments_by_page(venue):
    session, names, cursor = http(venue), set(), None
    while cursor != "":
        page = _result(session.get_instruments_info(category="linear", limit=7, cursor=cursor))
        names |= {row["symbol"] for row in page["list"]}
        cursor = page["nextPageCursor"]
    equal(len(names), len(_result(session.get_instruments_info(category="linear"))["list"]), "instruments")


@suite.check
def account(venue):
    session = http(venue)
    wallet = _result(session.get_wallet_balance(accountType="UNIFIED"))["list"][0]
    coins = {row["coin"]: row["walletBalance"] for row in wallet["coin"]}
    equal(coins["USDT"], "100000", "USDT")
    equal(_result(session.get_account_info())["unifiedMarginStatus"], 6, "account status")
    expect(float(_result(session.get_fee_rates(category="linear", symbol="BTCUSDT"))["list"][0]["takerFeeRate"]) > 0, "fee")
    expect(_result(session.get_collateral_info())["list"], "collateral")
    equal(_result(session.get_api_key_information())["readOnly"], 0, "the key trades")
    equal(_result(session.get_borrow_history())["list"], [], "borrowed")
    expect(_result(session.get_coin_info())["rows"], "coins")
    session.get_coins_balance(accountType="UNIFIED")


@suite.check
def further_reads(venue):
    session = http(venue)
    linear = {"category": "linear", "symbol": "BTCUSDT"}
    equal(_result(session.get_smp_group())["smpGroup"], 0, "group")
    expect(_result(session.get_account_instruments_info(category="linear"))["list"], "instruments")
    equal(_result(session.get_positions(**linear))["list"][0]["adlRankIndicator"], 0, "no position, no queue")
    expect(_result(session.get_coin_balance(accountType="UNIFIED", coin="USDT"))["balance"], "one coin")
    expect("availableWithdrawal" in _result(session.get_transferable_amount(coinName="USDT")), "transferable")
    for call in (session.get_deposit_records, session.get_withdrawal_records):
        equal(_result(call())["rows"], [], "movements")
    equal(_result(session.get_internal_transfer_records())["list"], [], "transfers")
    # What is not served says so with HTTP 404, in the venue's shape, and never with a page.
    for call in (session.set_trading_stop, session.set_auto_add_margin, session.set_risk_limit, session.get_long_short_ratio):
        refused(lambda call=call: call(**linear), 404)


@suite.check
def self_trades(venue):
    session, link = http(venue), _link()
    session.place_order(**ORDER, price=_away(session, 0.97), orderLinkId=link, smpType="CancelBoth")
    what = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": link}
    equal(_result(session.get_open_orders(**what))["list"][0]["smpType"], "CancelBoth", "smpType")
    session.cancel_order(**what)
    refused(lambda: session.place_order(**ORDER, price=_away(session, 0.97), smpType="Maybe"), 10001)


@suite.check
def settings(venue):
    session, what = http(venue), {"category": "linear", "symbol": "BTCUSDT"}
    session.set_leverage(**what, buyLeverage="7", sellLeverage="7")
    refused(lambda: session.set_leverage(**what, buyLeverage="7", sellLeverage="7"), 110043)
    equal(_result(session.get_positions(**what))["list"][0]["leverage"], "7", "leverage")
    session.switch_position_mode(category="linear", coin="USDT", mode=3)
    refused(lambda: session.switch_position_mode(category="linear", coin="USDT", mode=3), 110025)
    equal([row["positionIdx"] for row in _result(session.get_positions(**what))["list"]], [1, 2], "rows")
    session.switch_position_mode(category="linear", coin="USDT", mode=0)
    session.set_margin_mode(setMarginMode="ISOLATED_MARGIN")
    session.set_margin_mode(setMarginMode="REGULAR_MARGIN")
    refused(lambda: session.set_margin_mode(setMarginMode="PORTFOLIO_MARGIN"), 3400045)


@suite.check
def limit_price_action(venue):
    session = http(venue)
    far = {**ORDER, "price": _away(session, 1.5), "timeInForce": "PostOnly"}
    session.set_limit_price_action(category="linear", modifyEnable=False)
    refused(lambda: session.place_order(**far), 110003)
    equal(_result(session.get_user_setting_config())["lpaPerp"], False, "setting")
    session.set_limit_price_action(category="linear", modifyEnable=True)


@suite.check
def order_life(venue):
    session = http(venue)
    link = _link()
    placed = _result(session.place_order(**ORDER, price=_away(session, 0.97), orderLinkId=link))
    what = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": link}
    row = _result(session.get_open_orders(**what))["list"][0]
    equal((row["orderId"], row["orderStatus"]), (placed["orderId"], "New"), "order")
    session.amend_order(**what, qty="0.02")
    equal(_result(session.get_open_orders(**what))["list"][0]["qty"], "0.02", "quantity")
    refused(lambda: session.amend_order(**what, qty="0.02"), 10001)
    session.cancel_order(**what)
    equal(_result(session.get_order_history(**what))["list"][0]["orderStatus"], "Cancelled", "status")
    refused(lambda: session.cancel_order(**what), 110001)
    refused(lambda: session.place_order(**ORDER, price=_away(session, 0.97), orderLinkId=link), 110072)


@suite.check
def market_order_and_its_traces(venue):
    session = http(venue)
    link = _link()
    session.place_order(**{**ORDER, "orderType": "Market", "orderLinkId": link})
    fills = _result(session.get_executions(category="linear", orderLinkId=link))["list"]
    expect(fills and fills[0]["execType"] == "Trade" and float(fills[0]["execFee"]) > 0, fills)
    position = _result(session.get_positions(category="linear", settleCoin="USDT"))["list"][0]
    equal((position["side"], position["size"]), ("Buy", "0.01"), "position")
    close = {**ORDER, "side": "Sell", "orderType": "Market", "qty": "0", "reduceOnly": True, "closeOnTrigger": True}
    session.place_order(**close)
    equal(_result(session.get_positions(category="linear", settleCoin="USDT"))["list"], [], "positions")
    closed = _result(session.get_closed_pnl(category="linear"))["list"][0]
    equal(closed["closedSize"], "0.01", "closed")
    fees = float(closed["openFee"]) + float(closed["closeFee"])
    moved = (float(closed["cumExitValue"]) - float(closed["cumEntryValue"])) - fees
    expect(abs(float(closed["closedPnl"]) - moved) < 1e-6, closed)
    log = _result(session.get_transaction_log(accountType="UNIFIED", category="linear"))["list"]
    expect([row for row in log if row["type"] == "TRADE"], "in the log")
    refused(lambda: session.place_order(**close), 110017, 10001)


@suite.check
def batches(venue):
    session = http(venue)
    row = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": _away(session, 0.97)}
    answer = session.place_batch_order(category="linear", request=[row, {**row, "qty": "0.00001"}])
    equal([part["code"] for part in answer["retExtInfo"]["list"]], [0, 10001], "codes")
    made = _result(answer)["list"][0]["orderId"]
    which = {"symbol": "BTCUSDT", "orderId": made}
    equal(session.amend_batch_order(category="linear", request=[{**which, "qty": "0.02"}])["retExtInfo"]["list"][0]["code"], 0, "amend")
    equal(session.cancel_batch_order(category="linear", request=[which])["retExtInfo"]["list"][0]["code"], 0, "cancel")


@suite.check
def cancel_all(venue):
    session = http(venue)
    for share in (0.96, 0.97):
        session.place_order(**ORDER, price=_away(session, share))
    refused(lambda: session.cancel_all_orders(category="linear"), 10001)
    equal(len(_result(session.cancel_all_orders(category="linear", settleCoin="USDT"))["list"]), 2, "cancelled")


@suite.check
def spot_orders(venue):
    session = http(venue)
    spot = {"category": "spot", "symbol": "BTCUSDT"}
    session.place_order(**spot, side="Buy", orderType="Market", qty="500")
    session.place_order(**spot, side="Sell", orderType="Market", qty="0.001")
    rows = _result(session.get_executions(**spot))["list"]
    equal({row["side"]: row["feeCurrency"] for row in rows}, {"Buy": "BTC", "Sell": "USDT"}, "fees")
    refused(lambda: session.place_order(**spot, side="Sell", orderType="Market", qty="20"), 170131)


@suite.check
def margin_in_isolation(venue):
    session, what = http(venue), {"category": "linear", "symbol": "ETHUSDT"}
    session.set_margin_mode(setMarginMode="ISOLATED_MARGIN")
    session.place_order(**what, side="Buy", orderType="Market", qty="1")
    before = float(_result(session.get_positions(**what))["list"][0]["positionBalance"])
    session.add_or_reduce_margin(**what, margin="25")
    after = float(_result(session.get_positions(**what))["list"][0]["positionBalance"])
    expect(abs(after - before - 25) < 1e-6, before, after)
    refused(lambda: session.set_margin_mode(setMarginMode="REGULAR_MARGIN"), 3400045)
    session.place_order(**what, side="Sell", orderType="Market", qty="1", reduceOnly=True)
    session.set_margin_mode(setMarginMode="REGULAR_MARGIN")


@suite.check
def refusals_of_the_door(venue):
    refused(http(venue, api_secret="wrong").get_account_info, 10004)
    refused(http(venue, api_key="nobody").get_account_info, 10003)
    reader = http(venue, api_key="readonly", api_secret="readonlysecret")
    refused(lambda: reader.place_order(**ORDER, price="60000"), 10005)


def _heard(messages, topic):
    return lambda: [message for message in list(messages) if message.get("topic", "").startswith(topic)]


@suite.check
def public_streams(venue):
    _point_sockets(venue)
    heard = []
    for kind in ("linear", "spot"):
        socket = unified.WebSocket(testnet=False, channel_type=kind)
        try:
            heard.clear()
            socket.orderbook_stream(50, "BTCUSDT", heard.append)
            socket.ticker_stream("BTCUSDT", heard.append)
            socket.trade_stream("BTCUSDT", heard.append)
            socket.kline_stream(1, "BTCUSDT", heard.append)
            until(_heard(heard, "orderbook.50"), what="book")
            until(_heard(heard, "tickers"), what="ticker")
            until(_heard(heard, "kline.1."), what="candle")
            until(_heard(heard, "publicTrade"), what="trade")
            book = _heard(heard, "orderbook.50")()[-1]["data"]
            expect(float(book["b"][0][0]) < float(book["a"][0][0]), "bids under asks")
        finally:
            socket.exit()


@suite.check
def private_streams(venue):
    _point_sockets(venue)
    session, heard = http(venue), []
    socket = unified.WebSocket(testnet=False, channel_type="private", **KEYS)
    try:
        socket.order_stream(heard.append)
        socket.execution_stream(heard.append)
        socket.fast_execution_stream(heard.append)
        socket.position_stream(heard.append)
        socket.wallet_stream(heard.append)
        time.sleep(0.5)
        link = _link()
        session.place_order(**{**ORDER, "orderType": "Market", "orderLinkId": link})
        for topic in ("order", "execution", "execution.fast", "position", "wallet"):
            until(lambda: [one for one in heard if one["topic"] == topic], what=topic)
        order = [one for one in heard if one["topic"] == "order"][-1]["data"][0]
        equal((order["orderLinkId"], order["orderStatus"]), (link, "Filled"), "order")
        session.place_order(**{**ORDER, "side": "Sell", "orderType": "Market", "reduceOnly": True})
        until(lambda: [one for one in heard if one["topic"] == "position" and one["data"][0]["size"] == "0"], what="flat")
    finally:
        socket.exit()


@suite.check
def trade_socket(venue):
    _point_sockets(venue)
    session, said = http(venue), []
    socket = unified.WebSocketTrading(testnet=False, **KEYS)
    try:
        time.sleep(0.3)
        link = _link()
        socket.place_order(said.append, said.append, **ORDER, price=_away(session, 0.97), orderLinkId=link)
        until(lambda: said, what="an answer")
        equal((said[0]["retCode"], said[0]["op"]), (0, "order.create"), "answer")
        which = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": link}
        said.clear()
        socket.amend_order(said.append, said.append, **which, qty="0.02")
        until(lambda: said, what="an answer")
        equal(said[0]["retCode"], 0, "amend")
        said.clear()
        socket.cancel_order(said.append, said.append, **which)
        until(lambda: said, what="an answer")
        equal(said[0]["retCode"], 0, "cancel")
        said.clear()
        socket.cancel_order(said.append, said.append, **which)
        until(lambda: said, what="an answer")
        equal(said[0]["retCode"], 110001, "second cancel")
        said.clear()
        row = {key: value for key, value in ORDER.items() if key != "category"}
        socket.place_batch_order(said.append, said.append, category="linear", request=[{**row, "price": _away(session, 0.97)}])
        until(lambda: said, what="an answer")
        equal(said[0]["retExtInfo"]["list"][0]["code"], 0, "batch")
        session.cancel_all_orders(category="linear", settleCoin="USDT")
    finally:
        socket.exit()
