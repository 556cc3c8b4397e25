//! HMAC-SHA256, as both venues want it.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The lower-case hexadecimal HMAC-SHA256 of `payload`.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub fn hmac_sha256(secret: &SecretString, payload: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any length will do");
    mac.update(payload.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Percent-encodes all but letters, digits and `-_.~`, as it must be before signing.
pub fn percent_encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret in the examples of Binance's spot documents.
    const SPOT: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    /// The secret in the examples of its USDⓈ-M documents.
    const FUTURES: &str = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";

    fn signed(secret: &str, payload: &str) -> String {
        hmac_sha256(&SecretString::from(secret), payload)
    }

    #[test]
    fn binance_spot_rest_api_example_1_query_string() {
        let query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        let signature = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";
        assert_eq!(signed(SPOT, query), signature);
    }

    #[test]
    fn binance_spot_rest_api_example_2_symbol_outside_ascii() {
        let symbol = percent_encode("１２３４５６");
        let query = format!(
            "symbol={symbol}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
        );
        let signature = "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3";
        assert_eq!(signed(SPOT, &query), signature);
    }

    #[test]
    fn binance_spot_rest_api_example_3_query_string_and_body_with_nothing_between() {
        let (query, body) = (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC",
            "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        );
        let signature = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77";
        assert_eq!(signed(SPOT, &format!("{query}{body}")), signature);
    }

    #[test]
    fn binance_spot_web_socket_api_example_hmac() {
        let payload = "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&newOrderRespType=ACK&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT";
        let signature = "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a";
        assert_eq!(signed(SPOT, payload), signature);
    }

    #[test]
    fn binance_usdm_general_info_example_1_query_string() {
        let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
        let signature = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9";
        assert_eq!(signed(FUTURES, query), signature);
    }

    #[test]
    fn only_what_is_reserved_is_encoded() {
        assert_eq!(percent_encode("币安USDT a-1_.~"), "%E5%B8%81%E5%AE%89USDT%20a-1_.~");
    }
}
