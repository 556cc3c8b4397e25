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
        venue.move(name, product, "ETHUSDT", interval_hours=1, funding_rate="0.0123", funding_cap="0.02")
        row = client.fetch_funding_rate("ETH/USDT:USDT")
        expect(abs(row["fundingRate"] - 0.0123) < 1e-9, row["fundingRate"])
        expect(row["fundingTimestamp"] - client.fetch_time() <= 3_600_000, "within the hour")
    # Bybit's interval stands among the instruments, which the client keeps.
    unified.load_markets(True)
    equal(unified.fetch_funding_rate("ETH/USDT:USDT")["interval"], "1h", "interval")
    intervals = usdm.fetch_funding_intervals()
    equal(intervals["ETH/USDT:USDT"]["interval"], "1h", "interval")


@suite.check
def a_change_that_is_announced(venue):
    usdm, unified = _clients(venue)
    due = usdm.fetch_funding_rate("SOL/USDT:USDT")["fundingTimestamp"]
    wait = (due - usdm.fetch_time()) // 1_000 + 60
    for name, product in (("binance", "usdm"), ("bybit", "linear")):
        venue.move(name, product, "SOLUSDT", interval_hours=2, funding_rate="0.5", funding_cap="0.004", in_s=wait)
    venue.move("binance", "usdm", "SOLUSDT", special_rate="0.03", in_s=wait)
    intervals = usdm.fetch_funding_intervals()
    expect(intervals.get("SOL/USDT:USDT", {}).get("interval") != "2h", "not yet")
    venue.sim("POST", "clock", {"advance_s": wait + 5 * 3_600})
    usdm, unified = _clients(venue)
    for client in (usdm, unified):
        rate = client.fetch_funding_rate("SOL/USDT:USDT")
        expect(abs(rate["fundingRate"] - 0.004) < 1e-9, "the cap", rate["fundingRate"])
        rows = [row for row in client.fetch_funding_rate_history("SOL/USDT:USDT", limit=4)]
        regular = [row for row in rows if row["info"].get("rateType") != "Special"]
        later = [row for row in regular if row["timestamp"] > due + 60_000]
        equal([row["fundingRate"] for row in later], [0.004, 0.004], "settlements")
        apart = (later[1]["timestamp"] - later[0]["timestamp"]) / 3_600_000
        expect(abs(apart - 2) < 0.01, "hours apart", apart)
    history = usdm.fapiPublicGetFundingRate({"symbol": "SOLUSDT", "startTime": due + 1_000})
    equal([row["fundingRate"] for row in history if row["rateType"] == "Special"], ["0.03000000"], "special rows")
    equal(usdm.fetch_funding_intervals()["SOL/USDT:USDT"]["interval"], "2h", "interval")


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
    equal(usdm.fapiPublicGetSymbolAdlRisk({"symbol": "BTCUSDT"})["adlRisk"], "high", "the symbol's risk")
    equal(int(usdm.fapiPrivateGetAdlQuantile({"symbol": "BTCUSDT"})[0]["adlQuantile"]["SHORT"]), 4, "queue")
    equal(int(unified.fetch_positions([SWAP])[0]["info"]["adlRankIndicator"]), 5, "queue")


@suite.check
def delisting(venue):
    usdm, unified = _clients(venue)
    rule = {"action": "DELIST", "args": {"symbol": "DOGEUSDT", "in_s": 7_200}}
    venue.sim("POST", "faults", {"rules": [rule]})
    ends = usdm.fetch_time() + 7_200_000
    row = next(row for row in usdm.fapiPublicGetExchangeInfo()["symbols"] if row["symbol"] == "DOGEUSDT")
    equal(row["status"], "TRADING", "status")
    expect(abs(int(row["deliveryDate"]) - ends) < 60_000, "announced", row["deliveryDate"])
    row = unified.publicGetV5MarketInstrumentsInfo({"category": "linear", "symbol": "DOGEUSDT"})["result"]["list"][0]
    expect(abs(int(row["deliveryTime"]) - ends) < 60_000, "announced", row["deliveryTime"])
    for name, product, client in (("binance", "usdm", usdm), ("bybit", "linear", unified)):
        venue.move(name, product, "XRPUSDT", status="delisted")
        market = client.load_markets(True).get("XRP/USDT:USDT")
        expect(market is None or not market["active"], name, "still lists it as active")


@suite.check
def self_trades(venue):
    usdm, unified = _clients(venue)
    modes = (
        (usdm, "binance", "usdm", "selfTradePreventionMode", ("EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH")),
        (unified, "bybit", "linear", "smpType", ("CancelMaker", "CancelTaker", "CancelBoth")),
    )
    for client, name, product, field, words in modes:
        # A book of 20,000 dollars: ten coins go through it and meet what rests behind.
        venue.move(name, product, "ETHUSDT", depth_usd="20000")
        pair = "ETH/USDT:USDT"
        ask = client.fetch_order_book(pair)["asks"][0][0]
        for word, maker, taker in zip(words, (True, False, True), (False, True, True)):
            own = client.create_order(pair, "limit", "sell", 0.1, float(client.price_to_precision(pair, ask * 1.02)))
            high = float(client.price_to_precision(pair, ask * 1.03))
            new = client.create_order(pair, "limit", "buy", 10.0, high, {field: word, "timeInForce": "IOC"})
            own = client.fetch_order(own["id"], pair, {"acknowledged": True})["info"]
            new = client.fetch_order(new["id"], pair, {"acknowledged": True})["info"]
            if name == "binance":
                equal(own["status"], "EXPIRED_IN_MATCH" if maker else "NEW", word)
                equal(new["status"], "EXPIRED_IN_MATCH" if taker else "EXPIRED", word)
            else:
                equal(own["cancelType"], "CancelBySmp" if maker else "UNKNOWN", word)
                equal(new["cancelType"], "CancelBySmp" if taker else "UNKNOWN", word)
            client.cancel_all_orders(pair)
            held = [row for row in client.fetch_positions([pair]) if row["contracts"]]
            if held:
                side = "sell" if held[0]["side"] == "long" else "buy"
                client.create_order(pair, "market", side, held[0]["contracts"], None, {"reduceOnly": True})


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
