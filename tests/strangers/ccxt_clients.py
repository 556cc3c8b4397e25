"""ccxt and ccxt.pro, pointed at the simulator by their own `urls` option and nothing else."""

import ccxt
import ccxt.pro

KEYS = {"apiKey": "strangerkey", "secret": "strangersecret"}


def _binance_urls(venue, known):
    hosts = {"api.binance.com": venue.spot, "fapi.binance.com": venue.usdm}

    def move(url):
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        # Coin-margined contracts and options have hosts of their own; the futures host says that it has none.
        here = hosts.get(host, venue.usdm)
        return f"{scheme.removesuffix('s')}://{here}/{path}"

    return {name: move(url) if isinstance(url, str) else url for name, url in known.items()}


def binance(venue, kind=ccxt.binance, **options):
    """Binance, spot or (as `ccxt.binanceusdm`) futures."""
    client = kind({**KEYS, **options})
    streams = client.urls["api"].pop("ws", None)
    client.urls["api"] = _binance_urls(venue, client.urls["api"])
    if streams:
        client.urls["api"]["ws"] = {
            **streams,
            # ccxt tells the spot market from futures by "/stream" in the address.
            "spot": f"ws://{venue.spot}/stream",
            "linear": f"ws://{venue.usdm}/ws",
            "ws-api": {"spot": f"ws://{venue.spot}/ws-api/v3", "linear": f"ws://{venue.usdm}/ws-fapi/v1"},
        }
    return client


def bybit(venue, kind=ccxt.bybit, **options):
    """Bybit."""
    client = kind({**KEYS, **options})
    at = f"http://{venue.bybit}"
    streams = client.urls["api"].pop("ws", None)
    client.urls["api"] = {name: at for name in client.urls["api"]}
    if streams:
        near = f"ws://{venue.bybit}/v5"
        client.urls["api"]["ws"] = {
            "public": {kind: f"{near}/public/{kind}" for kind in ("spot", "linear", "inverse", "option")},
            "private": {
                "spot": {"unified": f"{near}/private", "nonUnified": f"{near}/private"},
                "contract": f"{near}/private",
                "usdc": f"{near}/private",
                "trade": f"{near}/trade",
            },
        }
    return client


class Held:
    """One client for a whole suite, made when it is first asked for."""

    def __init__(self, make):
        self.make = make
        self.client = None

    def __call__(self, venue):
        if self.client is None:
            self.client = self.make(venue)
        return self.client
