"""ccxt.binanceusdm on the futures host."""

import time

import ccxt

from ccxt_clients import Held, binance
from harness import Suite, equal, expect, refused, until

suite = Suite("ccxt.binanceusdm")
at = Held(lambda venue: binance(venue, ccxt.binanceusdm))
PAIR = "BTC/USDT:USDT"


def _order(client, order, wanted):
    return until(
        lambda: (found := client.fetch_order(order["id"], PAIR))["status"] == wanted and found, what=f"status {wanted}"
    )


def _away(client, share):
    return float(client.price_to_precision(PAIR, client.fetch_bids_asks([PAIR])[PAIR]["bid"] * share))


def _position(client):
    held = [row for row in client.fetch_positions([PAIR]) if row["contracts"]]
    return held[0] if held else None


def _flatten(client):
    position = _position(client)
    if position:
        side = "sell" if position["side"] == "long" else "buy"
        client.create_order(PAIR, "market", side, position["contracts"], None, {"reduceOnly": True})


@suite.check
def load_markets(venue):
    market = at(venue).load_markets()[PAIR]
    expect(market["swap"] and market["linear"] and market["active"], market)
    expect(market["limits"]["amount"]["min"] and market["limits"]["cost"]["min"], market["limits"])


@suite.check
def fetch_time(venue):
    expect(abs(at(venue).fetch_time() - time.time() * 1000) < 5_000, "the wall's time")


@suite.check
def fetch_ticker(venue):
    ticker = at(venue).fetch_ticker(PAIR)
    expect(ticker["last"] > 0 and ticker["quoteVolume"] > 0, ticker)


@suite.check
def fetch_tickers(venue):
    expect(len(at(venue).fetch_tickers()) > 5, "tickers")


@suite.check
def fetch_bids_asks(venue):
    row = at(venue).fetch_bids_asks()[PAIR]
    expect(row["bid"] < row["ask"], row)


@suite.check
def fetch_order_book(venue):
    book = at(venue).fetch_order_book(PAIR, 20)
    expect(len(book["bids"]) == 20 and book["bids"][0][0] < book["asks"][0][0], book)


@suite.check
def fetch_ohlcv(venue):
    equal(len(at(venue).fetch_ohlcv(PAIR, "1h", limit=24)), 24, "candles")


@suite.check
def fetch_mark_ohlcv(venue):
    equal(len(at(venue).fetch_mark_ohlcv(PAIR, "1h", limit=5)), 5, "candles")


@suite.check
def fetch_trades(venue):
    at(venue).fetch_trades(PAIR, limit=10)


@suite.check
def fetch_mark_price(venue):
    expect(at(venue).fetch_mark_price(PAIR)["markPrice"] > 0, "a mark")
    expect(PAIR in at(venue).fetch_mark_prices(), "all marks")


@suite.check
def fetch_open_interest(venue):
    expect(at(venue).fetch_open_interest(PAIR)["openInterestAmount"] > 0, "open interest")


@suite.check
def fetch_open_interest_history(venue):
    expect(len(at(venue).fetch_open_interest_history(PAIR, "1h", limit=5)) == 5, "rows")


@suite.check
def fetch_funding_rate(venue):
    row = at(venue).fetch_funding_rate(PAIR)
    expect(row["markPrice"] > 0 and row["fundingTimestamp"] > time.time() * 1000, row)
    expect(abs(row["fundingRate"]) < 0.1, row)


@suite.check
def fetch_funding_rates(venue):
    expect(len(at(venue).fetch_funding_rates()) > 5, "rates")


@suite.check
def fetch_funding_intervals(venue):
    at(venue).fetch_funding_intervals()


@suite.check
def fetch_funding_rate_history(venue):
    rows = at(venue).fetch_funding_rate_history(PAIR, limit=50)
    equal(len(rows), 50, "rows")
    stamps = [row["timestamp"] for row in rows]
    expect(stamps == sorted(stamps) and stamps[-1] <= time.time() * 1000, "in order, up to now")
    since = stamps[10] - 1_000
    later = at(venue).fetch_funding_rate_history(PAIR, since=since, limit=5)
    equal(later[0]["timestamp"], stamps[10], "first row since")


@suite.check
def fetch_balance(venue):
    equal(at(venue).fetch_balance()["USDT"]["total"], 100_000, "USDT")


@suite.check
def fetch_trading_fee(venue):
    fee = at(venue).fetch_trading_fee(PAIR)
    expect(0 < fee["maker"] <= fee["taker"] < 0.01, fee)


@suite.check
def fetch_trading_fees(venue):
    expect(at(venue).fetch_trading_fees()[PAIR]["taker"] > 0, "a fee")


@suite.check
def set_and_fetch_leverage(venue):
    client = at(venue)
    equal(client.set_leverage(7, PAIR)["leverage"], 7, "answer")
    equal(client.fetch_leverage(PAIR)["longLeverage"], 7, "leverage")
    refused(lambda: client.set_leverage(121, PAIR), -4028)
    client.set_leverage(5, PAIR)


@suite.check
def fetch_leverages(venue):
    expect(PAIR in at(venue).fetch_leverages([PAIR]), "the symbol")


@suite.check
def set_and_fetch_margin_mode(venue):
    client = at(venue)
    client.set_margin_mode("isolated", PAIR)
    equal(client.fetch_margin_mode(PAIR)["marginMode"], "isolated", "mode")
    client.set_margin_mode("cross", PAIR)
    equal(client.fetch_margin_mode(PAIR)["marginMode"], "cross", "mode")
    # The second time there is nothing to change, which the venue says with an error of its own.
    refused(lambda: client.fapiPrivatePostMarginType({"symbol": "BTCUSDT", "marginType": "CROSSED"}), -4046)


@suite.check
def fetch_margin_modes(venue):
    expect(PAIR in at(venue).fetch_margin_modes([PAIR]), "the symbol")


@suite.check
def set_and_fetch_position_mode(venue):
    client = at(venue)
    equal(client.fetch_position_mode(PAIR)["hedged"], False, "one-way at first")
    client.set_position_mode(True)
    equal(client.fetch_position_mode(PAIR)["hedged"], True, "after the change")
    refused(lambda: client.create_order(PAIR, "market", "buy", 0.01), -4061)
    client.set_position_mode(False)
    refused(lambda: client.set_position_mode(False), -4059)


@suite.check
def fetch_leverage_tiers(venue):
    tiers = at(venue).fetch_market_leverage_tiers(PAIR)
    expect(len(tiers) > 1, "more than one tier")
    expect(tiers[0]["maxLeverage"] > tiers[-1]["maxLeverage"], "less leverage with size")
    expect(tiers[0]["maintenanceMarginRate"] < tiers[-1]["maintenanceMarginRate"], "more margin with size")


@suite.check
def market_order_opens_and_closes(venue):
    client = at(venue)
    order = client.create_order(PAIR, "market", "sell", 0.02)
    filled = _order(client, order, "closed")
    equal((filled["filled"], filled["side"]), (0.02, "sell"), "order")
    position = _position(client)
    equal((position["side"], position["contracts"]), ("short", 0.02), "position")
    expect(position["entryPrice"] > 0 and position["markPrice"] > 0, position)
    expect(position["initialMargin"] > 0 and position["maintenanceMargin"] > 0, position)
    closed = client.create_order(PAIR, "market", "buy", 0.02, None, {"reduceOnly": True})
    equal(_order(client, closed, "closed")["filled"], 0.02, "closing")
    equal(_position(client), None, "position")
    trades = client.fetch_my_trades(PAIR)
    expect({order["id"], closed["id"]} <= {row["order"] for row in trades}, "both among the trades")
    expect(all(row["fee"]["currency"] == "USDT" for row in trades), trades)


@suite.check
def fetch_positions_every_way(venue):
    client = at(venue)
    client.create_order(PAIR, "market", "buy", 0.01)
    risk = client.fetch_positions_risk([PAIR])[0]
    equal(risk["contracts"], 0.01, "by risk")
    by_account = client.fetch_positions([PAIR], {"method": "account"})
    equal(by_account[0]["contracts"], 0.01, "by account")
    _flatten(client)


@suite.check
def fetch_adl_rank(venue):
    client = at(venue)
    client.create_order(PAIR, "market", "buy", 0.01)
    expect(client.fetch_positions_adl_rank([PAIR]), "a rank")
    client.fetch_adl_rank(PAIR)
    _flatten(client)


@suite.check
def limit_order_rests_is_found_and_cancelled(venue):
    client = at(venue)
    price = _away(client, 0.9)
    order = client.create_order(PAIR, "limit", "buy", 0.01, price, {"newClientOrderId": "strange/1:a.b"})
    equal((order["status"], order["clientOrderId"]), ("open", "strange/1:a.b"), "order")
    equal(client.fetch_order(None, PAIR, {"origClientOrderId": "strange/1:a.b"})["id"], order["id"], "by client id")
    expect(order["id"] in [row["id"] for row in client.fetch_open_orders(PAIR)], "among open orders")
    equal(client.fetch_open_order(order["id"], PAIR)["id"], order["id"], "open order")
    equal(client.cancel_order(order["id"], PAIR)["status"], "canceled", "cancel")
    equal(_order(client, order, "canceled")["filled"], 0, "filled")


@suite.check
def edit_order(venue):
    client = at(venue)
    order = client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.9))
    price = _away(client, 0.89)
    changed = client.edit_order(order["id"], PAIR, "limit", "buy", 0.02, price)
    equal((changed["id"], changed["amount"], changed["price"]), (order["id"], 0.02, price), "changed order")
    client.cancel_order(order["id"], PAIR)


@suite.check
def immediate_or_cancel(venue):
    client = at(venue)
    order = client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 1.01), {"timeInForce": "IOC"})
    equal(_order(client, order, "closed")["filled"], 0.01, "crossing")
    order = client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.99), {"timeInForce": "IOC"})
    equal(_order(client, order, "expired")["filled"], 0, "not crossing")
    _flatten(client)


@suite.check
def fill_or_kill(venue):
    client = at(venue)
    refused(lambda: client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.99), {"timeInForce": "FOK"}), -5021)


@suite.check
def post_only_rests_or_is_refused(venue):
    client = at(venue)
    order = client.create_order(PAIR, "limit", "sell", 0.01, _away(client, 1.05), {"timeInForce": "GTX"})
    _order(client, order, "open")
    client.cancel_order(order["id"], PAIR)
    refused(lambda: client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 1.05), {"postOnly": True}), -5022)


@suite.check
def reduce_only_is_refused_when_flat(venue):
    client = at(venue)
    refused(lambda: client.create_order(PAIR, "market", "buy", 0.01, None, {"reduceOnly": True}), -2022)


@suite.check
def create_and_cancel_several_orders(venue):
    client = at(venue)
    price = _away(client, 0.9)
    row = {"symbol": PAIR, "type": "limit", "side": "buy", "amount": 0.01, "price": price}
    bad = {**row, "price": _away(client, 0.1)}
    orders = client.create_orders([row, row, bad])
    equal(sorted(order["status"] for order in orders), ["open", "open", "rejected"], "batch")
    ended = client.cancel_orders([order["id"] for order in orders if order["status"] == "open"], PAIR)
    equal([order["status"] for order in ended], ["canceled", "canceled"], "cancels")


@suite.check
def cancel_all_orders(venue):
    client = at(venue)
    for step in (0.9, 0.91, 0.92):
        client.create_order(PAIR, "limit", "buy", 0.01, _away(client, step))
    client.cancel_all_orders(PAIR)
    equal(client.fetch_open_orders(PAIR), [], "open orders")
    client.cancel_all_orders(PAIR)


@suite.check
def resting_order_is_filled_as_maker(venue):
    client = at(venue)
    price = _away(client, 0.98)
    order = client.create_order(PAIR, "limit", "buy", 0.01, price)
    venue.move("binance", "usdm", "BTCUSDT", mark_price=str(round(price * 0.99, 1)))
    equal(_order(client, order, "closed")["average"], price, "average price")
    trade = [row for row in client.fetch_my_trades(PAIR) if row["order"] == order["id"]][0]
    equal(trade["takerOrMaker"], "maker", "role")
    _flatten(client)


@suite.check
def hedge_mode_holds_both_sides(venue):
    client = at(venue)
    client.set_position_mode(True)
    client.create_order(PAIR, "market", "buy", 0.02, None, {"positionSide": "LONG"})
    client.create_order(PAIR, "market", "sell", 0.01, None, {"positionSide": "SHORT"})
    held = {row["side"]: row["contracts"] for row in client.fetch_positions([PAIR])}
    equal(held, {"long": 0.02, "short": 0.01}, "positions")
    refused(lambda: client.set_position_mode(False), -4068)
    client.create_order(PAIR, "market", "sell", 0.02, None, {"positionSide": "LONG"})
    client.create_order(PAIR, "market", "buy", 0.01, None, {"positionSide": "SHORT"})
    equal(client.fetch_positions([PAIR]), [], "positions")
    client.set_position_mode(False)


@suite.check
def isolated_margin_can_be_moved(venue):
    client = at(venue)
    client.set_margin_mode("isolated", PAIR)
    client.create_order(PAIR, "market", "buy", 0.01)
    before = _position(client)["collateral"]
    client.add_margin(PAIR, 50)
    expect(abs(_position(client)["collateral"] - before - 50) < 5, "collateral grew")
    client.reduce_margin(PAIR, 45)
    refused(lambda: client.set_margin_mode("cross", PAIR), -4048)
    _flatten(client)
    client.set_margin_mode("cross", PAIR)


@suite.check
def histories(venue):
    client = at(venue)
    expect(client.fetch_orders(PAIR), "orders")
    expect(client.fetch_closed_orders(PAIR), "closed orders")
    expect(client.fetch_canceled_orders(PAIR), "cancelled orders")


@suite.check
def ledger(venue):
    client = at(venue)
    rows = client.fetch_ledger("USDT")
    expect({"fee", "trade"} & {row["type"] for row in rows}, rows[:2])
    expect(client.fapiPrivateGetIncome({"incomeType": "COMMISSION"}), "commissions")
    equal(client.fetch_funding_history(PAIR), [], "funding before any settlement")


@suite.check
def fetch_my_liquidations(venue):
    equal(at(venue).fetch_my_liquidations(PAIR), [], "liquidations")


@suite.check
def account_config(venue):
    row = at(venue).fapiPrivateGetAccountConfig()
    expect(row["canTrade"] and not row["dualSidePosition"], row)


@suite.check
def listen_keys(venue):
    client = at(venue)
    key = client.fapiPrivatePostListenKey()["listenKey"]
    equal(client.fapiPrivatePostListenKey()["listenKey"], key, "asked again")
    client.fapiPrivatePutListenKey({"listenKey": key})
    client.fapiPrivateDeleteListenKey({"listenKey": key})
    refused(client.fapiPrivatePutListenKey, -1125)


@suite.check
def filters(venue):
    client = at(venue)
    price = _away(client, 0.9)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    place = lambda **more: (lambda: client.fapiPrivatePostOrder({**order, **more}))
    refused(place(quantity="0.0001", price=price), -1111)
    refused(place(symbol="XRPUSDT", quantity="1", price=client.fetch_ticker("XRP/USDT:USDT")["last"]), -4164, -1111)
    refused(place(quantity="0.01", price=f"{price:.1f}3"), -1111, -4014)
    refused(place(quantity="100000", price=price), -4005)
    refused(place(quantity="0", price=price), -4003)
    refused(place(quantity="0.01", price=price * 20), -4016)


@suite.check
def insufficient_margin(venue):
    refused(lambda: at(venue).create_order(PAIR, "market", "buy", 15), -2019)


@suite.check
def unknown_orders(venue):
    client = at(venue)
    refused(lambda: client.fetch_order("1", PAIR), -2013)
    refused(lambda: client.cancel_order("1", PAIR), -2011)


@suite.check
def duplicate_client_id(venue):
    client = at(venue)
    place = lambda: client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.9), {"newClientOrderId": "twice"})
    first = place()
    refused(place, -4116)
    client.cancel_order(first["id"], PAIR)


@suite.check
def wrong_signature(venue):
    refused(binance(venue, ccxt.binanceusdm, secret="wrong").fetch_balance, -1022)


@suite.check
def late_timestamp(venue):
    client = binance(venue, ccxt.binanceusdm)
    client.options["timeDifference"] = 60_000
    refused(client.fetch_balance, -1021)


@suite.check
def key_without_the_right_to_trade(venue):
    client = binance(venue, ccxt.binanceusdm, apiKey="readonly", secret="readonlysecret")
    equal(client.fetch_balance()["USDT"]["total"], 10, "balance")
    refused(lambda: client.create_order(PAIR, "market", "buy", 0.01), -2015)


@suite.check
def budgets_are_told(venue):
    client = at(venue)
    client.cancel_order(client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.9))["id"], PAIR)
    client.fetch_time()
    headers = {name.lower(): value for name, value in client.last_response_headers.items()}
    expect(int(headers["x-mbx-used-weight-1m"]) > 0, headers)


@suite.check
def halted_symbol(venue):
    client = at(venue)
    venue.move("binance", "usdm", "ETHUSDT", status="halted")
    equal(client.load_markets(True)["ETH/USDT:USDT"]["active"], False, "active")
    refused(lambda: client.create_order("ETH/USDT:USDT", "market", "buy", 1), -4108)
    venue.move("binance", "usdm", "ETHUSDT", status="trading")
