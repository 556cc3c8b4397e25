"""Which checks run together on one simulator.

Each group has a simulator of its own, so that what one leaves behind disturbs no other.
"""

import binance_sdk_suite
import budgets
import ccxt_bybit
import ccxt_spot
import ccxt_streams
import ccxt_usdm
import events
import hostile
import pybit_suite
import python_binance_suite

# Three accounts: one that may everything, one that may only look, one that serves from elsewhere.
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
    {"key": "boundkey", "secret": "boundsecret", "addresses": ["10.1.2.3"]},
]

GROUPS = [
    ("ccxt-spot", [ccxt_spot.suite], {"accounts": ACCOUNTS}),
    ("ccxt-usdm", [ccxt_usdm.suite], {"accounts": ACCOUNTS}),
    ("ccxt-bybit", [ccxt_bybit.suite], {"accounts": ACCOUNTS}),
    ("ccxt-pro", [ccxt_streams.suite], {"accounts": ACCOUNTS}),
    ("pybit", [pybit_suite.suite], {"accounts": ACCOUNTS}),
    ("python-binance", [python_binance_suite.suite], {"accounts": ACCOUNTS}),
    ("binance-sdk", [binance_sdk_suite.suite], {"accounts": ACCOUNTS}),
    ("events", [events.suite], {"accounts": ACCOUNTS}),
    ("hostile", [hostile.suite], {"accounts": ACCOUNTS}),
    ("budgets", [budgets.suite], {"accounts": ACCOUNTS}),
]
