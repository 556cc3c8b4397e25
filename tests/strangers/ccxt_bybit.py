"""ccxt.bybit: spot and linear perpetuals of the unified account."""

import time

import ccxt

from ccxt_clients import Held, bybit
from harness import Suite, equal, expect, refused, until

suite = Suite("ccxt.bybit")
at = Held(bybit)
PAIR = "BTC/USDT"
SWAP = "BTC/USDT:USDT"


def _order(client, order, wanted, pair=SWAP):
    def look():
        found = client.fetch_order(order["id"], pair, {"acknowledged": True})
        return found["status"] == wanted and found

    return until(look, what=f"status {wanted}")


def _away(client, share, pair=SWAP):
    return float(client.price_to_precision(pair, client.fetch_ticker(pair)["bid"] * share))


def _position(client, pair=SWAP):
    held = [row for row in client.fetch_positions([pair]) if row["contracts"]]
    return held[0] if held else None


def _flatten(client):
    position = _position(client)
    if position:
        side = "sell" if position["side"] == "long" else "buy"
        client.create_order(SWAP, "market", side, position["contracts"], None, {"reduceOnly": True})


@suite.check
def load_markets(venue):
    markets = at(venue).load_markets()
    expect(markets[PAIR]["spot"] and markets[SWAP]["linear"], "both markets")
    expect(markets[SWAP]["limits"]["leverage"]["max"] > 1, "leverage")


@suite.check
def fetch_currencies(venue):
    expect("USDT" in at(venue).fetch_currencies(), "USDT")


@suite.check
def fetch_time(venue):
    expect(abs(at(venue).fetch_time() - time.time() * 1000) < 5_000, "the wall's time")


@suite.check
def fetch_tickers(venue):
    client = at(venue)
    for pair in (PAIR, SWAP):
        ticker = client.fetch_ticker(pair)
        expect(ticker["bid"] < ticker["ask"] and ticker["quoteVolume"] > 0, ticker)
    expect(len(client.fetch_tickers([SWAP, "ETH/USDT:USDT"])) == 2, "two tickers")
    expect(len(client.fetch_bids_asks([SWAP])) == 1, "best prices")


@suite.check
def fetch_order_book(venue):
    for pair in (PAIR, SWAP):
        book = at(venue).fetch_order_book(pair, 20)
        expect(len(book["bids"]) == 20 and book["bids"][0][0] < book["asks"][0][0], book)


@suite.check
def candles(venue):
    client = at(venue)
    equal(len(client.fetch_ohlcv(SWAP, "1h", limit=24)), 24, "candles")
    equal(len(client.fetch_mark_ohlcv(SWAP, "1h", limit=5)), 5, "of the mark")
    equal(len(client.fetch_index_ohlcv(SWAP, "1h", limit=5)), 5, "of the index")


@suite.check
def fetch_trades(venue):
    at(venue).fetch_trades(SWAP, limit=10)


@suite.check
def funding_rates(venue):
    client = at(venue)
    row = client.fetch_funding_rate(SWAP)
    expect(row["fundingTimestamp"] > time.time() * 1000 and row["interval"], row)
    expect(len(client.fetch_funding_rates()) > 5, "rates")


@suite.check
def funding_rate_history(venue):
    client = at(venue)
    rows = client.fetch_funding_rate_history(SWAP, limit=50)
    equal(len(rows), 50, "rows")
    later = client.fetch_funding_rate_history(SWAP, since=rows[10]["timestamp"], limit=5)
    expect(rows[10]["timestamp"] <= later[0]["timestamp"] <= rows[11]["timestamp"], "first row since")


@suite.check
def open_interest(venue):
    client = at(venue)
    expect(client.fetch_open_interest(SWAP)["openInterestAmount"] > 0, "open interest")
    expect(client.fetch_open_interest_history(SWAP, "1h", limit=5), "history")


@suite.check
def fetch_balance(venue):
    balance = at(venue).fetch_balance()
    equal(balance["USDT"]["total"], 100_000, "USDT")
    equal(balance["BTC"]["total"], 1, "BTC")


@suite.check
def fees(venue):
    client = at(venue)
    expect(0 < client.fetch_trading_fee(SWAP)["taker"] < 0.01, "contract")
    expect(0 < client.fetch_trading_fee(PAIR)["taker"] < 0.01, "spot")
    expect(client.fetch_trading_fees({"type": "linear"}), "all")


@suite.check
def set_and_fetch_leverage(venue):
    client = at(venue)
    client.set_leverage(7, SWAP)
    equal(client.fetch_leverage(SWAP)["longLeverage"], 7, "leverage")
    refused(lambda: client.set_leverage(7, SWAP), 110043)
    refused(lambda: client.set_leverage(900, SWAP), 110013, 10001)
    client.set_leverage(5, SWAP)


@suite.check
def set_margin_mode(venue):
    client = at(venue)
    client.set_margin_mode("isolated")
    equal(client.privateGetV5AccountInfo()["result"]["marginMode"], "ISOLATED_MARGIN", "mode")
    client.set_margin_mode("cross")
    equal(client.privateGetV5AccountInfo()["result"]["marginMode"], "REGULAR_MARGIN", "mode")


@suite.check
def set_position_mode(venue):
    client = at(venue)
    client.set_position_mode(True, SWAP)
    refused(lambda: client.set_position_mode(True, SWAP), 110025)
    refused(lambda: client.create_order(SWAP, "market", "buy", 0.01), "position idx")
    client.set_position_mode(False, SWAP)


@suite.check
def fetch_leverage_tiers(venue):
    tiers = at(venue).fetch_market_leverage_tiers(SWAP)
    expect(len(tiers) > 1 and tiers[0]["maxLeverage"] > tiers[-1]["maxLeverage"], tiers[:2])
    expect(at(venue).fetch_leverage_tiers([SWAP]), "of all")


@suite.check
def market_order_opens_and_closes(venue):
    client = at(venue)
    order = client.create_order(SWAP, "market", "sell", 0.02)
    equal(_order(client, order, "closed")["filled"], 0.02, "filled")
    position = _position(client)
    equal((position["side"], position["contracts"]), ("short", 0.02), "position")
    expect(position["entryPrice"] > 0 and position["initialMargin"] > 0, position)
    closed = client.create_order(SWAP, "market", "buy", 0.02, None, {"reduceOnly": True})
    equal(_order(client, closed, "closed")["filled"], 0.02, "closing")
    equal(_position(client), None, "position")
    trades = client.fetch_my_trades(SWAP)
    expect({order["id"], closed["id"]} <= {row["order"] for row in trades}, "both among the trades")
    expect(client.fetch_order_trades(order["id"], SWAP), "trades of the order")
    equal(client.fetch_position(SWAP)["contracts"] or 0, 0, "flat row")


@suite.check
def closed_profits(venue):
    rows = at(venue).fetch_positions_history([SWAP])
    expect(rows, "a closed position")


@suite.check
def spot_market_order(venue):
    client = at(venue)
    before = client.fetch_balance()["BTC"]["total"]
    order = client.create_order(PAIR, "market", "buy", 0.01)
    equal(_order(client, order, "closed", PAIR)["filled"], 0.01, "filled")
    expect(0.0099 < client.fetch_balance()["BTC"]["total"] - before < 0.01, "less the fee")
    by_cost = client.create_market_buy_order_with_cost(PAIR, 100)
    until(lambda: client.fetch_order_trades(by_cost["id"], PAIR), what="its trades")
    client.create_order(PAIR, "market", "sell", 0.01)
    expect(client.fetch_my_trades(PAIR), "trades")


@suite.check
def limit_order_rests_is_found_and_cancelled(venue):
    client = at(venue)
    for pair in (SWAP, PAIR):
        link = "strange-1"
        order = client.create_order(pair, "limit", "buy", 0.01, _away(client, 0.96, pair), {"orderLinkId": link})
        found = _order(client, order, "open", pair)
        equal(found["clientOrderId"], link, "client id")
        by_link = client.fetch_open_orders(pair, params={"orderLinkId": link})
        equal([row["id"] for row in by_link], [order["id"]], "by client id")
        equal(client.fetch_open_order(order["id"], pair)["id"], order["id"], "open order")
        client.cancel_order(order["id"], pair)
        equal(_order(client, order, "canceled", pair)["filled"], 0, "filled")


@suite.check
def edit_order(venue):
    client = at(venue)
    for pair in (SWAP, PAIR):
        order = client.create_order(pair, "limit", "buy", 0.01, _away(client, 0.96, pair))
        price = _away(client, 0.955, pair)
        client.edit_order(order["id"], pair, "limit", "buy", 0.02, price)
        found = _order(client, order, "open", pair)
        equal((found["amount"], found["price"]), (0.02, price), "changed order")
        client.cancel_order(order["id"], pair)


@suite.check
def immediate_or_cancel(venue):
    client = at(venue)
    order = client.create_order(SWAP, "limit", "buy", 0.01, _away(client, 1.01), {"timeInForce": "IOC"})
    equal(_order(client, order, "closed")["filled"], 0.01, "crossing")
    order = client.create_order(SWAP, "limit", "buy", 0.01, _away(client, 0.99), {"timeInForce": "IOC"})
    equal(_order(client, order, "canceled")["filled"], 0, "not crossing")
    _flatten(client)


@suite.check
def fill_or_kill(venue):
    client = at(venue)
    order = client.create_order(SWAP, "limit", "buy", 0.01, _away(client, 0.99), {"timeInForce": "FOK"})
    equal(_order(client, order, "canceled")["filled"], 0, "filled")


@suite.check
def post_only_rests_or_is_cancelled(venue):
    client = at(venue)
    order = client.create_order(SWAP, "limit", "sell", 0.01, _away(client, 1.03), {"postOnly": True})
    _order(client, order, "open")
    client.cancel_order(order["id"], SWAP)
    order = client.create_order(SWAP, "limit", "buy", 0.01, _away(client, 1.03), {"postOnly": True})
    found = _order(client, order, "canceled")
    equal(found["info"]["rejectReason"], "EC_PostOnlyWillTakeLiquidity", "reason")


@suite.check
def reduce_only_is_refused_when_flat(venue):
    client = at(venue)
    refused(lambda: client.create_order(SWAP, "market", "buy", 0.01, None, {"reduceOnly": True}), 110017)


@suite.check
def create_and_cancel_several_orders(venue):
    client = at(venue)
    row = {"symbol": SWAP, "type": "limit", "side": "buy", "amount": 0.01, "price": _away(client, 0.96)}
    orders = client.create_orders([row, row])
    equal(len(client.fetch_open_orders(SWAP)), 2, "open orders")
    client.cancel_orders([order["id"] for order in orders], SWAP)
    equal(client.fetch_open_orders(SWAP), [], "open orders")


@suite.check
def cancel_all_orders(venue):
    client = at(venue)
    for pair in (SWAP, PAIR):
        for step in (0.96, 0.97):
            client.create_order(pair, "limit", "buy", 0.01, _away(client, step, pair))
        client.cancel_all_orders(pair)
        equal(client.fetch_open_orders(pair), [], "open orders")


@suite.check
def resting_order_is_filled_as_maker(venue):
    client = at(venue)
    price = _away(client, 0.98)
    order = client.create_order(SWAP, "limit", "buy", 0.01, price)
    venue.move("bybit", "linear", "BTCUSDT", mark_price=str(round(price * 0.99, 1)))
    equal(_order(client, order, "closed")["average"], price, "average price")
    trade = [row for row in client.fetch_my_trades(SWAP) if row["order"] == order["id"]][0]
    equal(trade["takerOrMaker"], "maker", "role")
    _flatten(client)


@suite.check
def hedge_mode_holds_both_sides(venue):
    client = at(venue)
    client.set_position_mode(True, SWAP)
    client.create_order(SWAP, "market", "buy", 0.02, None, {"positionIdx": 1})
    client.create_order(SWAP, "market", "sell", 0.01, None, {"positionIdx": 2})
    held = {row["side"]: row["contracts"] for row in client.fetch_positions([SWAP]) if row["contracts"]}
    equal(held, {"long": 0.02, "short": 0.01}, "positions")
    refused(lambda: client.set_position_mode(False, SWAP), 110024)
    client.create_order(SWAP, "market", "sell", 0.02, None, {"positionIdx": 1, "reduceOnly": True})
    client.create_order(SWAP, "market", "buy", 0.01, None, {"positionIdx": 2, "reduceOnly": True})
    equal(_position(client), None, "position")
    client.set_position_mode(False, SWAP)


@suite.check
def histories(venue):
    client = at(venue)
    for pair in (SWAP, PAIR):
        expect(client.fetch_closed_orders(pair), "closed orders")
        expect(client.fetch_canceled_orders(pair), "cancelled orders")
        expect(client.fetch_canceled_and_closed_orders(pair), "both")


@suite.check
def ledger(venue):
    client = at(venue)
    rows = client.fetch_ledger("USDT")
    expect(any(row["type"] == "trade" for row in rows), rows[:2])
    equal(client.fetch_funding_history(SWAP), [], "funding before any settlement")


@suite.check
def transfers_and_deposits(venue):
    client = at(venue)
    client.fetch_transfers("USDT")
    equal(client.fetch_deposits("USDT"), [], "deposits")
    equal(client.fetch_withdrawals("USDT"), [], "withdrawals")


@suite.check
def fetch_my_liquidations(venue):
    equal(at(venue).fetch_my_liquidations(SWAP), [], "liquidations")


@suite.check
def wrong_signature(venue):
    refused(bybit(venue, secret="wrong").fetch_balance, 10004)


@suite.check
def unknown_key(venue):
    refused(bybit(venue, apiKey="nobody").fetch_balance, 10003)


@suite.check
def late_timestamp(venue):
    client = bybit(venue)
    client.options["timeDifference"] = 60_000
    client.options["enableUnifiedMargin"] = False
    client.options["enableUnifiedAccount"] = True
    refused(client.fetch_balance, 10002)


@suite.check
def key_without_the_right_to_trade(venue):
    client = bybit(venue, apiKey="readonly", secret="readonlysecret")
    equal(client.fetch_balance()["USDT"]["total"], 10, "balance")
    refused(lambda: client.create_order(SWAP, "market", "buy", 0.01), 10005)


@suite.check
def filters(venue):
    client = at(venue)
    price = str(_away(client, 0.96))
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": price}
    place = lambda **more: (lambda: client.privatePostV5OrderCreate({**order, **more}))
    refused(place(qty="0.0105"), 10001)
    refused(place(qty="0.0001"), 10001)
    refused(place(qty="1000000"), 10001)
    refused(place(price=price + "3"), 10001)
    refused(place(symbol="NONEUSDT"), 10001)
    refused(place(category="spot", qty="0.00001", price="60000.123"), 170134, 170140, 170136)


@suite.check
def insufficient_margin(venue):
    error = refused(lambda: at(venue).create_order(SWAP, "market", "buy", 15), 110007)
    expect(isinstance(error, ccxt.InsufficientFunds), type(error))
    refused(lambda: at(venue).create_order(PAIR, "market", "sell", 15), 170131)


@suite.check
def unknown_orders(venue):
    client = at(venue)
    error = refused(lambda: client.cancel_order("00000000-0000-4000-9f33-000000000001", SWAP), 110001)
    expect(isinstance(error, ccxt.OrderNotFound), type(error))
    refused(lambda: client.cancel_order("00000000-0000-4000-9f33-000000000001", PAIR), 170213)


@suite.check
def duplicate_client_id(venue):
    client = at(venue)
    place = lambda pair: client.create_order(pair, "limit", "buy", 0.01, _away(client, 0.96, pair), {"orderLinkId": "twice"})
    client.cancel_order(place(SWAP)["id"], SWAP)
    refused(lambda: place(SWAP), 110072)
    client.cancel_order(place(PAIR)["id"], PAIR)
    refused(lambda: place(PAIR), 170141)


@suite.check
def budgets_are_told(venue):
    client = at(venue)
    client.fetch_balance()
    headers = {name.lower(): value for name, value in client.last_response_headers.items()}
    expect(int(headers["x-bapi-limit"]) > 0 and int(headers["x-bapi-limit-status"]) >= 0, headers)
    expect(int(headers["x-bapi-limit-reset-timestamp"]) > 0, headers)
