"""Which checks run together on one simulator.

Each group has a simulator of its own, so that what one leaves behind disturbs no other.
"""

import ccxt_bybit
import ccxt_spot
import ccxt_usdm

# Two accounts: one that may everything, one that may only look.
ACCOUNTS = [
    {
        "key": "strangerkey",
        "secret": "strangersecret",
        "balances": {
            "binance": {"spot": {"USDT": "100000", "BTC": "1"}, "usdm": {"USDT": "100000"}},
            "bybit": {"unified": {"USDT": "100000", "BTC": "1"}},
        },
    },
    {
        "key": "readonly",
        "secret": "readonlysecret",
        "balances": {"binance": {"spot": {"USDT": "10"}, "usdm": {"USDT": "10"}}, "bybit": {"unified": {"USDT": "10"}}},
        "permissions": {"read": True, "spot": False, "futures": False},
    },
]

GROUPS = [
    ("ccxt-spot", [ccxt_spot.suite], {"accounts": ACCOUNTS}),
    ("ccxt-usdm", [ccxt_usdm.suite], {"accounts": ACCOUNTS}),
    ("ccxt-bybit", [ccxt_bybit.suite], {"accounts": ACCOUNTS}),
]
