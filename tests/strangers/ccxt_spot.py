"""ccxt.binance on the spot host."""

import time

import ccxt

from ccxt_clients import Held, binance
from harness import Suite, equal, expect, refused, until

suite = Suite("ccxt.binance")
at = Held(binance)
PAIR = "BTC/USDT"


def _order(client, order, wanted):
    """The order as the venue shows it, once it stands as wanted."""
    return until(
        lambda: (found := client.fetch_order(order["id"], PAIR))["status"] == wanted and found, what=f"status {wanted}"
    )


def _away(client, share, pair=PAIR):
    """A price that far from the bid, on the tick."""
    return float(client.price_to_precision(pair, client.fetch_ticker(pair)["bid"] * share))


@suite.check
def load_markets(venue):
    markets = at(venue).load_markets()
    market = markets[PAIR]
    expect(market["spot"] and market["active"], "BTC/USDT trades", market)
    expect(market["limits"]["cost"]["min"], "least value")
    expect(market["precision"]["price"] and market["precision"]["amount"], "precision")
    expect("BTC/USDT:USDT" in markets, "the perpetual, from the futures host")


@suite.check
def fetch_currencies(venue):
    expect("USDT" in at(venue).fetch_currencies(), "USDT")


@suite.check
def fetch_time(venue):
    expect(abs(at(venue).fetch_time() - time.time() * 1000) < 5_000, "the wall's time")


@suite.check
def fetch_status(venue):
    equal(at(venue).fetch_status()["status"], "ok", "status")


@suite.check
def fetch_ticker(venue):
    ticker = at(venue).fetch_ticker(PAIR)
    expect(0 < ticker["bid"] < ticker["ask"], ticker)
    expect(ticker["quoteVolume"] > 0 and ticker["high"] >= ticker["low"], ticker)


@suite.check
def fetch_tickers(venue):
    expect(len(at(venue).fetch_tickers([PAIR, "ETH/USDT"])) == 2, "two tickers")


@suite.check
def fetch_bids_asks(venue):
    expect(at(venue).fetch_bids_asks([PAIR])[PAIR]["ask"] > 0, "an ask")


@suite.check
def fetch_last_prices(venue):
    expect(at(venue).fetch_last_prices([PAIR])[PAIR]["price"] > 0, "a price")


@suite.check
def fetch_order_book(venue):
    book = at(venue).fetch_order_book(PAIR, 20)
    expect(len(book["bids"]) == 20 and len(book["asks"]) == 20 and book["bids"][0][0] < book["asks"][0][0], book)
    expect(book["nonce"], "an update id")


@suite.check
def fetch_ohlcv(venue):
    rows = at(venue).fetch_ohlcv(PAIR, "1h", limit=24)
    equal(len(rows), 24, "candles")
    expect(all(low <= open_ <= high and low <= close <= high for _, open_, high, low, close, _ in rows), rows)


@suite.check
def fetch_trades(venue):
    at(venue).fetch_trades(PAIR, limit=10)


@suite.check
def fetch_balance(venue):
    balance = at(venue).fetch_balance()
    equal(balance["USDT"]["total"], 100_000, "USDT")
    equal(balance["BTC"]["free"], 1, "BTC")


@suite.check
def fetch_trading_fee(venue):
    fee = at(venue).fetch_trading_fee(PAIR)
    expect(0 < fee["maker"] <= fee["taker"] < 0.01, fee)


@suite.check
def fetch_trading_fees(venue):
    expect(at(venue).fetch_trading_fees()[PAIR]["taker"] > 0, "a fee")


@suite.check
def market_order_fills_and_is_booked(venue):
    client = at(venue)
    before = client.fetch_balance()["BTC"]["total"]
    order = client.create_order(PAIR, "market", "buy", 0.01)
    equal((order["status"], order["filled"]), ("closed", 0.01), "order")
    trades = [row for row in client.fetch_my_trades(PAIR) if row["order"] == order["id"]]
    expect(trades and all(row["fee"]["currency"] == "BTC" for row in trades), trades)
    gained = client.fetch_balance()["BTC"]["total"] - before
    paid = sum(row["fee"]["cost"] for row in trades)
    expect(abs(gained - (0.01 - paid)) < 1e-9, "balance moved by", gained)
    expect(client.fetch_order_trades(order["id"], PAIR), "trades of the order")


@suite.check
def market_order_by_cost(venue):
    order = at(venue).create_market_buy_order_with_cost(PAIR, 100)
    expect(90 < order["cost"] <= 100, order["cost"])


@suite.check
def limit_order_rests_is_found_and_cancelled(venue):
    client = at(venue)
    price = _away(client, 0.9)
    order = client.create_order(PAIR, "limit", "buy", 0.01, price, {"newClientOrderId": "strange-1"})
    equal((order["status"], order["clientOrderId"]), ("open", "strange-1"), "order")
    equal(client.fetch_order(None, PAIR, {"origClientOrderId": "strange-1"})["id"], order["id"], "by client id")
    expect(order["id"] in [row["id"] for row in client.fetch_open_orders(PAIR)], "among open orders")
    expect(client.fetch_balance()["USDT"]["used"] > 0, "funds are held")
    equal(client.cancel_order(order["id"], PAIR)["status"], "canceled", "cancel")
    equal(client.fetch_order(order["id"], PAIR)["status"], "canceled", "order")
    equal(client.fetch_balance()["USDT"]["used"], 0, "funds held")


@suite.check
def immediate_or_cancel(venue):
    client = at(venue)
    order = client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 1.01), {"timeInForce": "IOC"})
    equal((order["status"], order["filled"]), ("closed", 0.01), "crossing")
    order = client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.99), {"timeInForce": "IOC"})
    equal((order["status"], order["filled"]), ("expired", 0), "not crossing")


@suite.check
def fill_or_kill(venue):
    client = at(venue)
    order = client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.99), {"timeInForce": "FOK"})
    equal(order["status"], "expired", "order")


@suite.check
def post_only_rests_or_is_refused(venue):
    client = at(venue)
    order = client.create_order(PAIR, "limit", "sell", 0.01, _away(client, 1.05), {"postOnly": True})
    equal(_order(client, order, "open")["type"], "limit", "type")
    client.cancel_order(order["id"], PAIR)
    refused(lambda: client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 1.05), {"postOnly": True}), "immediately match")


@suite.check
def resting_order_is_filled_as_maker(venue):
    client = at(venue)
    price = _away(client, 0.98)
    order = client.create_order(PAIR, "limit", "buy", 0.01, price)
    venue.move("binance", "spot", "BTCUSDT", mark_price=str(price * 0.99))
    equal(_order(client, order, "closed")["average"], price, "average price")
    trade = [row for row in client.fetch_my_trades(PAIR) if row["order"] == order["id"]][0]
    equal(trade["takerOrMaker"], "maker", "role")


@suite.check
def edit_order_replaces(venue):
    client = at(venue)
    order = client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.9))
    changed = client.edit_order(order["id"], PAIR, "limit", "buy", 0.02, _away(client, 0.89))
    equal((changed["status"], changed["amount"]), ("open", 0.02), "replacement")
    equal(client.fetch_order(order["id"], PAIR)["status"], "canceled", "replaced order")
    client.cancel_order(changed["id"], PAIR)


@suite.check
def cancel_all_orders(venue):
    client = at(venue)
    for step in (0.9, 0.91, 0.92):
        client.create_order(PAIR, "limit", "buy", 0.01, _away(client, step))
    equal(len(client.cancel_all_orders(PAIR)), 3, "cancelled")
    equal(client.fetch_open_orders(PAIR), [], "open orders")
    refused(lambda: client.cancel_all_orders(PAIR), -2011)


@suite.check
def histories(venue):
    client = at(venue)
    expect(client.fetch_orders(PAIR), "orders")
    expect(client.fetch_closed_orders(PAIR), "closed orders")
    expect(client.fetch_canceled_orders(PAIR), "cancelled orders")


@suite.check
def transfer_between_wallets(venue):
    client = at(venue)
    before = client.fetch_balance({"type": "swap"})["USDT"]["total"]
    client.transfer("USDT", 1_000, "spot", "linear")
    equal(client.fetch_balance({"type": "swap"})["USDT"]["total"], before + 1_000, "futures wallet")
    client.transfer("USDT", 1_000, "linear", "spot")
    rows = client.fetch_transfers("USDT", params={"fromAccountType": "spot", "toAccountType": "linear"})
    expect(any(row["amount"] == 1_000 for row in rows), rows)


@suite.check
def deposits_and_withdrawals_are_empty(venue):
    equal(at(venue).fetch_deposits("USDT"), [], "deposits")
    equal(at(venue).fetch_withdrawals("USDT"), [], "withdrawals")


@suite.check
def wrong_signature(venue):
    refused(binance(venue, secret="wrong").fetch_balance, -1022)


@suite.check
def unknown_key(venue):
    refused(binance(venue, apiKey="nobody").fetch_balance, -2015)


@suite.check
def late_timestamp(venue):
    client = binance(venue)
    client.options["timeDifference"] = 60_000
    refused(client.fetch_balance, -1021)


@suite.check
def early_timestamp(venue):
    client = binance(venue)
    client.options["timeDifference"] = -60_000
    refused(client.fetch_balance, -1021)


@suite.check
def key_without_the_right_to_trade(venue):
    client = binance(venue, apiKey="readonly", secret="readonlysecret")
    equal(client.fetch_balance()["USDT"]["total"], 10, "balance")
    refused(lambda: client.create_order(PAIR, "market", "buy", 0.01), -2015)


@suite.check
def filters(venue):
    client = at(venue)
    symbol = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    price = _away(client, 0.9)
    place = lambda **more: (lambda: client.private_post_order({**symbol, **more}))
    refused(place(quantity="0.000001", price=price), "LOT_SIZE")
    refused(place(quantity="0.01", price="100.001"), "PERCENT_PRICE_BY_SIDE", "PRICE_FILTER")
    refused(place(quantity="0.00001", price=price), "NOTIONAL")
    refused(place(quantity="0.01000001", price=price), "LOT_SIZE")
    refused(place(quantity="0.0100000001", price=price), -1111)
    refused(place(quantity="0.01", price=price * 100), "PERCENT_PRICE_BY_SIDE")


@suite.check
def insufficient_balance(venue):
    error = refused(lambda: at(venue).create_order(PAIR, "market", "buy", 10), -2010, "insufficient balance")
    expect(isinstance(error, ccxt.InsufficientFunds), type(error))


@suite.check
def unknown_orders(venue):
    client = at(venue)
    error = refused(lambda: client.fetch_order("1", PAIR), -2013)
    expect(isinstance(error, ccxt.OrderNotFound), type(error))
    error = refused(lambda: client.cancel_order("1", PAIR), -2011)
    expect(isinstance(error, ccxt.OrderNotFound), type(error))


@suite.check
def duplicate_client_id(venue):
    client = at(venue)
    place = lambda: client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.9), {"newClientOrderId": "twice"})
    first = place()
    refused(place, -2010)
    client.cancel_order(first["id"], PAIR)
    client.cancel_order(place()["id"], PAIR)


@suite.check
def unknown_symbol(venue):
    refused(lambda: at(venue).public_get_depth({"symbol": "NONEUSDT"}), -1121)


@suite.check
def used_weight_is_told(venue):
    client = at(venue)
    client.fetch_order_book(PAIR, 20)
    headers = {name.lower(): value for name, value in client.last_response_headers.items()}
    expect(int(headers["x-mbx-used-weight-1m"]) > 0, headers)
    client.cancel_order(client.create_order(PAIR, "limit", "buy", 0.01, _away(client, 0.9))["id"], PAIR)
