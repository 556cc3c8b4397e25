"""ccxt.pro: public and private streams, orders over sockets."""

import asyncio

import ccxt.pro

from ccxt_clients import binance, bybit
from harness import Suite, equal, expect, in_loop

suite = Suite("ccxt.pro")
SPOT = "BTC/USDT"
SWAP = "BTC/USDT:USDT"


async def _public(client, pair, mark=False):
    try:
        await client.load_markets()
        book = await client.watch_order_book(pair)
        expect(book["bids"][0][0] < book["asks"][0][0], "bids under asks")
        again = await client.watch_order_book(pair)
        expect(again["asks"], "asks")
        ticker = await client.watch_ticker(pair)
        expect(ticker["last"] > 0, ticker)
        best = await client.watch_bids_asks([pair])
        expect(best[pair]["bid"] > 0, best)
        trades = await client.watch_trades(pair)
        expect(trades[0]["price"] > 0, trades)
        candles = await client.watch_ohlcv(pair, "1m")
        expect(candles[-1][4] > 0, candles)
        if mark:
            expect((await client.watch_mark_price(pair))["markPrice"] > 0, "a mark")
    finally:
        await client.close()


async def _seen(watch, wanted):
    """Watches on and on until something is as wanted; to be begun before the cause."""
    while True:
        found = await watch()
        if wanted(found):
            return found


async def _private(client, pair, amount, **last):
    """An order's life, a fill and what both move, as the private streams tell it."""
    try:
        await client.load_markets()
        orders = asyncio.ensure_future(client.watch_orders(pair))
        await asyncio.sleep(1)
        ticker = await client.fetch_ticker(pair)
        bid = ticker["bid"] or ticker["last"]
        price = client.price_to_precision(pair, bid * 0.97)
        placed = await client.create_order(pair, "limit", "buy", amount, price)
        seen = await orders
        equal((seen[-1]["id"], seen[-1]["status"]), (placed["id"], "open"), "placed")
        orders = asyncio.ensure_future(client.watch_orders(pair))
        await asyncio.sleep(0.2)
        await client.cancel_order(placed["id"], pair)
        equal((await orders)[-1]["status"], "canceled", "cancelled")
        trades = asyncio.ensure_future(client.watch_my_trades(pair))
        less = _seen(lambda: client.watch_balance(last.get("balance", {})), lambda row: row["USDT"]["total"] < 100_000)
        balance = asyncio.ensure_future(less)
        await asyncio.sleep(1)
        filled = await client.create_order(pair, "market", "buy", amount)
        seen = await trades
        equal((seen[-1]["order"], seen[-1]["amount"]), (filled["id"], amount), "fill")
        await balance
        await client.create_order(pair, "market", "sell", last.pop("sell", amount), None, last.pop("closing", {}))
    finally:
        await client.close()


async def _positions(client, amount=0.01):
    try:
        await client.load_markets()
        some = _seen(lambda: client.watch_positions([SWAP]), lambda rows: any(row["contracts"] for row in rows))
        watched = asyncio.ensure_future(some)
        await asyncio.sleep(1)
        await client.create_order(SWAP, "market", "buy", amount)
        held = [row for row in await watched if row["contracts"]]
        equal((held[0]["side"], held[0]["contracts"]), ("long", amount), "position")
        await client.create_order(SWAP, "market", "sell", amount, None, {"reduceOnly": True})
    finally:
        await client.close()


@suite.check
@in_loop()
async def binance_public(venue):
    await _public(binance(venue, ccxt.pro.binance), SPOT)


@suite.check
@in_loop()
async def binanceusdm_public(venue):
    await _public(binance(venue, ccxt.pro.binanceusdm), SWAP, mark=True)


@suite.check
@in_loop()
async def bybit_public_spot(venue):
    await _public(bybit(venue, ccxt.pro.bybit), SPOT)


@suite.check
@in_loop()
async def bybit_public_linear(venue):
    await _public(bybit(venue, ccxt.pro.bybit), SWAP)


@suite.check
@in_loop()
async def binance_private(venue):
    await _private(binance(venue, ccxt.pro.binance), SPOT, 0.01, sell=0.009)


@suite.check
@in_loop()
async def binanceusdm_private(venue):
    await _private(binance(venue, ccxt.pro.binanceusdm), SWAP, 0.01, closing={"reduceOnly": True})


@suite.check
@in_loop()
async def bybit_private_linear(venue):
    await _private(bybit(venue, ccxt.pro.bybit), SWAP, 0.01, closing={"reduceOnly": True})


@suite.check
@in_loop()
async def bybit_private_spot(venue):
    await _private(bybit(venue, ccxt.pro.bybit), SPOT, 0.01, sell=0.009, balance={"type": "spot"})


@suite.check
@in_loop()
async def binanceusdm_positions(venue):
    await _positions(binance(venue, ccxt.pro.binanceusdm))


@suite.check
@in_loop()
async def bybit_positions(venue):
    await _positions(bybit(venue, ccxt.pro.bybit))


async def _orders_over_socket(client, pair):
    try:
        await client.load_markets()
        ticker = await client.fetch_ticker(pair)
        price = client.price_to_precision(pair, (ticker["bid"] or ticker["last"]) * 0.97)
        order = await client.create_order_ws(pair, "limit", "buy", 0.01, price)
        expect(order["id"], order)
        await client.cancel_order_ws(order["id"], pair)
        found = await client.fetch_order(order["id"], pair, {"acknowledged": True})
        equal(found["status"], "canceled", "status")
    finally:
        await client.close()


@suite.check
@in_loop()
async def binance_orders_over_socket(venue):
    await _orders_over_socket(binance(venue, ccxt.pro.binance), SPOT)


@suite.check
@in_loop()
async def binanceusdm_orders_over_socket(venue):
    await _orders_over_socket(binance(venue, ccxt.pro.binanceusdm), SWAP)


@suite.check
@in_loop()
async def bybit_orders_over_socket(venue):
    await _orders_over_socket(bybit(venue, ccxt.pro.bybit), SWAP)


@suite.check
@in_loop()
async def binance_account_over_socket(venue):
    client = binance(venue, ccxt.pro.binance)
    try:
        await client.load_markets()
        # ccxt reads this answer as a futures account's; the answer itself is whole.
        expect((await client.fetch_balance_ws())["info"]["balances"], "balances")
        equal(await client.fetch_open_orders_ws(SPOT), [], "open orders")
        await client.fetch_my_trades_ws(SPOT)
        expect(await client.fetch_ohlcv_ws(SPOT, "1m"), "candles")
        await client.fetch_trades_ws(SPOT)
    finally:
        await client.close()


@suite.check
@in_loop()
async def binanceusdm_account_over_socket(venue):
    client = binance(venue, ccxt.pro.binanceusdm)
    try:
        await client.load_markets()
        expect((await client.fetch_balance_ws())["USDT"]["total"] > 0, "balance")
        equal([row for row in await client.fetch_positions_ws([SWAP]) if row["contracts"]], [], "positions")
    finally:
        await client.close()
