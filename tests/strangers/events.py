"""What happens to an account by itself: funding, delisting, deleveraging, liquidation. The clock runs ahead here."""

import ccxt

from ccxt_clients import binance, bybit
from harness import Suite, equal, expect

suite = Suite("events")
SWAP = "BTC/USDT:USDT"


def _clients(venue):
    """Both, set to the venue's clock by their own means."""
    usdm, unified = binance(venue, ccxt.binanceusdm), bybit(venue)
    for client in (usdm, unified):
        client.load_time_difference()
        client.load_markets()
    return usdm, unified


@suite.check
def funding_is_paid_and_listed(venue):
    usdm, unified = _clients(venue)
    for client in (usdm, unified):
        client.create_order(SWAP, "market", "sell", 0.05)
    due = usdm.fetch_funding_rate(SWAP)["fundingTimestamp"]
    venue.sim("POST", "clock", {"advance_s": (due - usdm.fetch_time()) // 1_000 + 30})
    usdm, unified = _clients(venue)
    truth = {name: rows["funding"] for name, rows in venue.sim("GET", "truth")["venues"].items()}
    # ccxt hands on the figures as they come: Binance says what was received, Bybit what was paid.
    for client, name, sign in ((usdm, "binance", 1), (unified, "bybit", -1)):
        rows = client.fetch_funding_history(SWAP)
        equal([sign * row["amount"] for row in rows], [float(row["amount"]) for row in truth[name]], name)
    income = usdm.fapiPrivateGetIncome({"incomeType": "FUNDING_FEE"})
    equal([str(row["tranId"]) for row in income], [row["id"] for row in truth["binance"]], "ids")
    log = unified.privateGetV5AccountTransactionLog({"type": "SETTLEMENT"})["result"]["list"]
    equal(float(log[0]["funding"]), float(truth["bybit"][0]["amount"]), "settlement")
    paid = unified.privateGetV5ExecutionList({"category": "linear", "execType": "Funding"})["result"]["list"]
    equal(-float(paid[0]["execFee"]), float(truth["bybit"][0]["amount"]), "execution")
    expect(any(row["type"] == "fee" or "FUNDING" in str(row) for row in usdm.fetch_ledger("USDT")), "ledger")


@suite.check
def interval_and_rate_change(venue):
    usdm, unified = _clients(venue)
    for name, product, client in (("binance", "usdm", usdm), ("bybit", "linear", unified)):
        venue.move(name, product, "ETHUSDT", interval_hours=1, funding_rate="0.0123")
        row = client.fetch_funding_rate("ETH/USDT:USDT")
        expect(abs(row["fundingRate"] - 0.0123) < 1e-9, row["fundingRate"])
        expect(row["fundingTimestamp"] - client.fetch_time() <= 3_600_000, "within the hour")
    # Bybit's interval stands among the instruments, which the client keeps.
    unified.load_markets(True)
    equal(unified.fetch_funding_rate("ETH/USDT:USDT")["interval"], "1h", "interval")
    intervals = usdm.fetch_funding_intervals()
    equal(intervals["ETH/USDT:USDT"]["interval"], "1h", "interval")


@suite.check
def deleveraging(venue):
    usdm, unified = _clients(venue)
    for name in ("binance", "bybit"):
        venue.sim("POST", "faults", {"rules": [{"venue": name, "action": "ADL", "args": {"symbol": "BTCUSDT", "fraction": "0.4"}}]})
    forced = usdm.fetch_my_liquidations(SWAP, params={"autoCloseType": "ADL"})
    equal(len(forced), 1, "forced orders")
    fills = unified.privateGetV5ExecutionList({"category": "linear", "execType": "AdlTrade"})["result"]["list"]
    equal(len(fills), 1, "executions")
    for client in (usdm, unified):
        equal(client.fetch_positions([SWAP])[0]["contracts"], 0.03, "position")


@suite.check
def delisting(venue):
    usdm, unified = _clients(venue)
    for name, product, client in (("binance", "usdm", usdm), ("bybit", "linear", unified)):
        venue.move(name, product, "XRPUSDT", status="delisted")
        market = client.load_markets(True).get("XRP/USDT:USDT")
        expect(market is None or not market["active"], name, "still lists it as active")


@suite.check
def liquidation(venue):
    usdm, unified = _clients(venue)
    for client, name, product in ((usdm, "binance", "usdm"), (unified, "bybit", "linear")):
        client.create_order(SWAP, "market", "sell", 1)
        venue.move(name, product, "BTCUSDT", mark_price="500000")
        equal([row for row in client.fetch_positions([SWAP]) if row["contracts"]], [], "positions")
    expect(usdm.fetch_my_liquidations(SWAP, params={"autoCloseType": "LIQUIDATION"}), "liquidations")
    fills = unified.privateGetV5ExecutionList({"category": "linear", "execType": "BustTrade"})["result"]["list"]
    expect(fills, "executions")
    equal(usdm.fetch_balance()["USDT"]["total"] >= 0, True, "nothing is owed")
