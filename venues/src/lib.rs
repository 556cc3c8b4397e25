//! Adapters: Binance and Bybit as the domain ports see them.
