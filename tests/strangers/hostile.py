"""A venue where documented promises do not hold: ids taken twice, requests that lag, answers that are lost, a clock that is wrong."""

import ccxt

from ccxt_clients import binance, bybit
from harness import Suite, equal, expect, refused, until

suite = Suite("hostile")
SWAP = "BTC/USDT:USDT"


def _clients(venue):
    usdm, unified = binance(venue, ccxt.binanceusdm), bybit(venue)
    for client in (usdm, unified):
        client.load_markets()
    return (("binance", usdm, "newClientOrderId"), ("bybit", unified, "orderLinkId"))


def _rules(venue, *rules):
    venue.sim("DELETE", "faults")
    venue.sim("POST", "faults", {"rules": list(rules)})


def _rest(client, **more):
    price = client.fetch_ticker(SWAP)["bid"] or client.fetch_ticker(SWAP)["last"]
    return client.create_order(SWAP, "limit", "buy", 0.01, float(client.price_to_precision(SWAP, price * 0.97)), more)


def _known(venue, name, link):
    rows = venue.sim("GET", "truth")["venues"][name]["orders"]
    return [row for row in rows if row["client_id"] == link]


@suite.check
def duplicate_ids_are_taken(venue):
    for name, client, field in _clients(venue):
        _rest(client, **{field: "twin-1"})
        refused(lambda: _rest(client, **{field: "twin-1"}), -4116, 110072)
        _rules(venue, {"venue": name, "action": "ACCEPT_DUPLICATE_IDS"})
        _rest(client, **{field: "twin-1"})
        equal(len(_known(venue, name, "twin-1")), 2, "orders under one id")
        _rules(venue)
        refused(lambda: _rest(client, **{field: "twin-1"}), -4116, 110072)
        client.cancel_all_orders(SWAP)


@suite.check
def requests_lag(venue):
    for name, client, field in _clients(venue):
        _rules(venue, {"venue": name, "action": "LAG", "args": {"ms": 3_000}})
        order = _rest(client, **{field: f"late-{name}"})
        equal(client.fetch_open_orders(SWAP), [], "not yet")
        until(lambda: client.fetch_open_orders(SWAP), 15, what="the order")
        equal(client.fetch_open_orders(SWAP)[0]["id"], order["id"], "order")
        _rules(venue)
        client.cancel_all_orders(SWAP)


@suite.check
def answers_are_lost(venue):
    paths = {"binance": "/fapi/v1/order", "bybit": "/v5/order/create"}
    for name, client, field in _clients(venue):
        for verb, made in (("DROP_RESP", 1), ("DROP_REQ", 0)):
            link = f"lost-{verb.lower().replace('_', '-')}"
            _rules(venue, {"venue": name, "match": {"method": "POST", "path": paths[name]}, "action": verb})
            try:
                _rest(client, **{field: link})
            except ccxt.NetworkError:
                pass
            else:
                expect(False, "an answer came")
            equal(len(_known(venue, name, link)), made, verb)
        client.cancel_all_orders(SWAP)


@suite.check
def a_chance_takes_some(venue):
    (_, client, _), _ = _clients(venue)
    rule = {"venue": "binance", "match": {"path": "/fapi/v1/time"}, "count": None, "chance": "0.4"}
    _rules(venue, {**rule, "action": "REPLY", "args": {"status": 503, "body": {"code": -1001, "msg": "Internal error."}}})
    failed = 0
    for _ in range(40):
        try:
            client.fetch_time()
        except ccxt.BaseError:
            failed += 1
    expect(4 <= failed <= 28, "failed", failed)
    equal(venue.sim("GET", "faults")["rules"][0]["fired"], failed, "counted")
    _rules(venue)


@suite.check
def the_clock_is_wrong(venue):
    codes = {"binance": -1021, "bybit": 10002}
    for name, client, _ in _clients(venue):
        _rules(venue, {"venue": name, "action": "SKEW", "args": {"ms": 60_000}})
        refused(client.fetch_balance, codes[name])
        client.load_time_difference()
        client.options["adjustForTimeDifference"] = True
        expect(client.fetch_balance()["USDT"]["total"] > 0, "after the client has looked at the clock")
        _rules(venue)


@suite.check
def a_bad_rule_is_named(venue):
    for rule, word in (
        ({"action": "EXPLODE"}, "EXPLODE"),
        ({"action": "RESET", "chance": "2"}, "chance"),
        ({"action": "MARKET", "args": {"symbol": "BTCUSDT", "interval_hours": 5}}, "interval_hours"),
    ):
        try:
            _rules(venue, rule)
        except Exception as error:  # urllib's
            expect(word in error.read().decode(), word)
        else:
            expect(False, "taken", rule)
    _rules(venue)


@suite.check
def keys_are_bound(venue):
    keys = {"apiKey": "boundkey", "secret": "boundsecret"}
    for client, code in ((binance(venue, ccxt.binance, **keys), -2015), (bybit(venue, **keys), 10010)):
        refused(client.fetch_balance, code)
