//! Who asks: the signature over the bytes as sent, and the time window.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::codes::{Refusal, Result};
use crate::market::Ms;

/// Milliseconds that a request may come from the future.
const AHEAD_MS: Ms = 1_000;
/// Window where the client names none.
const WINDOW_MS: Ms = 5_000;

/// The four headers, as text.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// `X-BAPI-API-KEY`.
    pub key: &'a str,
    /// `X-BAPI-TIMESTAMP`, milliseconds.
    pub timestamp: &'a str,
    /// `X-BAPI-RECV-WINDOW`, milliseconds; may be empty.
    pub window: &'a str,
    /// `X-BAPI-SIGN`, hexadecimal.
    pub sign: &'a str,
}

/// Whether `sign` is the hexadecimal HMAC-SHA256 of `parts`, in constant time.
pub fn signed(secret: &str, parts: &[&str], sign: &str) -> bool {
    let (Ok(mut mac), Ok(given)) = (Hmac::<Sha256>::new_from_slice(secret.as_bytes()), hex::decode(sign)) else {
        return false;
    };
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac.verify_slice(&given).is_ok()
}

impl Headers<'_> {
    /// Checks the time rule `now - window <= timestamp < now + 1000`, the window stretched by `speed` so that a client
    /// on a wall clock has as long as at the venue.
    ///
    /// # Errors
    /// 10001 for a time or window that is no number, 10002 outside the window.
    pub fn on_time(&self, now: Ms, speed: i64) -> Result<()> {
        let stamp: Ms = self
            .timestamp
            .parse()
            .map_err(|_| Refusal::parameter("Invalid timestamp"))?;
        let window: Ms = match self.window {
            "" => WINDOW_MS,
            text => text.parse().map_err(|_| Refusal::parameter("Invalid recv_window"))?,
        };
        let speed = speed.max(1);
        let earliest = now.saturating_sub(window.saturating_mul(speed));
        let latest = now.saturating_add(AHEAD_MS.saturating_mul(speed));
        if (earliest..latest).contains(&stamp) {
            return Ok(());
        }
        Err(Refusal::worded(
            10002,
            format!(
                "invalid request, please check your server timestamp or recv_window param. \
                 req_timestamp[{stamp}],server_timestamp[{now}],recv_window[{window}]"
            ),
        ))
    }

    /// Checks the signature over timestamp, key, window and payload (query or body, byte for byte).
    ///
    /// # Errors
    /// 10004 with the text that should have been signed.
    pub fn authentic(&self, secret: &str, payload: &str) -> Result<()> {
        if signed(secret, &[self.timestamp, self.key, self.window, payload], self.sign) {
            return Ok(());
        }
        let origin = format!("{}{}{}{payload}", self.timestamp, self.key, self.window);
        Err(Refusal::worded(10004, format!("error sign! origin_string[{origin}]")))
    }
}

#[cfg(test)]
pub(super) fn sign(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_signature_is_accepted_and_its_neighbours_are_not() {
        // RFC 4231, test case 2.
        let mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(signed("Jefe", &["what do ya want ", "for nothing?"], mac));
        assert!(!signed("Jefe", &["what do ya want for nothing!"], mac));
        assert!(!signed("Jeff", &["what do ya want for nothing?"], mac));
        assert!(!signed("Jefe", &["what do ya want for nothing?"], "not hex"));
        assert!(!signed("Jefe", &["what do ya want for nothing?"], &mac[..32]));
    }

    #[test]
    fn the_payload_is_signed_byte_for_byte() {
        let sign = sign("s", "1000k5000category=linear&symbol=BTCUSDT");
        let headers = Headers {
            key: "k",
            timestamp: "1000",
            window: "5000",
            sign: &sign,
        };
        assert_eq!(headers.authentic("s", "category=linear&symbol=BTCUSDT"), Ok(()));
        let refusal = headers.authentic("s", "symbol=BTCUSDT&category=linear").unwrap_err();
        assert_eq!(refusal.code, 10004);
        assert!(refusal.text.contains("origin_string[1000k5000symbol=BTCUSDT"));
    }

    #[test]
    fn the_window_is_open_behind_and_one_second_ahead() {
        let at = |timestamp, window, speed| {
            Headers {
                key: "k",
                timestamp,
                window,
                sign: "",
            }
            .on_time(100_000, speed)
            .map_err(|refusal| refusal.code)
        };
        assert_eq!(at("95000", "", 1), Ok(()));
        assert_eq!(at("94999", "", 1), Err(10002));
        assert_eq!(at("100999", "5000", 1), Ok(()));
        assert_eq!(at("101000", "5000", 1), Err(10002));
        assert_eq!(at("50000", "5000", 10), Ok(()));
        assert_eq!(at("49999", "5000", 10), Err(10002));
        assert_eq!(at("soon", "5000", 1), Err(10001));
        assert_eq!(at("100000", "long", 1), Err(10001));
    }
}
