"""Budgets: what the venues say and do when a client asks too much. Last of all, since it ends with a ban."""

import ccxt

from ccxt_clients import binance, bybit
from harness import Suite, equal, expect, refused

suite = Suite("budgets")
SWAP = "BTC/USDT:USDT"


def _headers(client):
    return {name.lower(): value for name, value in client.last_response_headers.items()}


def _exhaust(call, most, *codes):
    """Calls until the venue refuses, which it must before so many calls."""
    for _ in range(most):
        try:
            call()
        except ccxt.BaseError as error:
            if not any(str(code) in str(error) for code in codes):
                raise
            return error
    expect(False, "never refused")


@suite.check
def binance_spot_counts_orders(venue):
    client = binance(venue, enableRateLimit=False)
    client.load_markets()
    price = client.price_to_precision("BTC/USDT", client.fetch_ticker("BTC/USDT")["bid"] * 0.9)
    error = _exhaust(lambda: client.create_order("BTC/USDT", "limit", "buy", 0.001, price), 60, -1015)
    expect(isinstance(error, ccxt.DDoSProtection), type(error))
    expect(int(_headers(client)["retry-after"]) > 0, "when to come again")


@suite.check
def binance_usdm_counts_orders_in_headers(venue):
    client = binance(venue, ccxt.binanceusdm, enableRateLimit=False)
    client.load_markets()
    client.create_order(SWAP, "market", "buy", 0.01)
    headers = _headers(client)
    equal((headers["x-mbx-order-count-10s"], headers["x-mbx-order-count-1m"]), ("1", "1"), "counts")


@suite.check
def binance_usdm_weight_429_then_418(venue):
    client = binance(venue, ccxt.binanceusdm, enableRateLimit=False)
    ask = lambda: client.fapiPublicGetDepth({"symbol": "BTCUSDT", "limit": 1000})
    _exhaust(ask, 200, -1003)
    equal(client.last_http_response is not None and "-1003" in client.last_http_response, True, "-1003")
    expect(int(_headers(client)["retry-after"]) > 0, "when to come again")
    for _ in range(60):
        refused(ask, -1003)
    error = refused(ask, -1003)
    expect("banned until" in str(error), error)


@suite.check
def bybit_orders_of_a_second(venue):
    client = bybit(venue, enableRateLimit=False)
    client.load_markets()
    price = client.price_to_precision(SWAP, client.fetch_ticker(SWAP)["bid"] * 0.97)
    error = _exhaust(lambda: client.create_order(SWAP, "limit", "buy", 0.001, price), 30, 10006)
    expect(isinstance(error, ccxt.RateLimitExceeded), type(error))
    equal(_headers(client)["x-bapi-limit-status"], "0", "left")


@suite.check
def bybit_address_403(venue):
    client = bybit(venue, enableRateLimit=False)
    error = _exhaust(client.fetch_time, 1_300, 403, 10018)
    expect("too frequent" in str(error), error)
