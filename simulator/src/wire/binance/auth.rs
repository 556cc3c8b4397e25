//! Who asks: key, time window, signature.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::codes::{self, Refusal};
use super::params::Params;

/// Window of a request that names none, ms.
const DEFAULT_WINDOW_MS: i64 = 5_000;
/// Longest window that the venue takes, ms.
const LONGEST_WINDOW_MS: i64 = 60_000;
/// How far a stamp may be ahead of the venue's clock, ms.
const AHEAD_MS: i64 = 1_000;

/// HMAC-SHA256 of `payload` under `secret`, lower-case hex. `None` never happens: HMAC takes keys of any length.
pub fn sign(secret: &str, payload: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(payload.as_bytes());
    Some(hex::encode(mac.finalize().into_bytes()))
}

/// The key header: -2014 when absent or of characters that no key has.
pub fn key_format(key: Option<&str>) -> Result<&str, Refusal> {
    let fits = |key: &&str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    key.filter(fits).ok_or(codes::KEY_FORMAT)
}

/// The stamp against the venue's clock. `speed` is how many times faster than the wall the venue's clock runs:
/// the window, which is about transport, widens by it.
pub fn window(params: &Params, now_ms: i64, speed: u32) -> Result<(), Refusal> {
    let sent = params
        .need("timestamp")?
        .parse::<i64>()
        .map_err(|_| codes::missing("timestamp"))?;
    // The spot market takes microseconds too; sixteen digits cannot be milliseconds of this age.
    let sent = if sent > 100_000_000_000_000 { sent / 1_000 } else { sent };
    let window = match params.decimal("recvWindow")? {
        None => DEFAULT_WINDOW_MS,
        Some(asked) => i64::try_from(asked.ceil().mantissa()).unwrap_or(i64::MAX),
    };
    if window > LONGEST_WINDOW_MS {
        return Err(codes::BAD_RECV_WINDOW);
    }
    let speed = i64::from(speed.max(1));
    if sent >= now_ms + AHEAD_MS * speed {
        return Err(codes::EARLY);
    }
    if now_ms - sent > window * speed {
        return Err(codes::STALE);
    }
    Ok(())
}

/// The signature over the payload, hex in either case.
pub fn signature(params: &Params, secret: &str) -> Result<(), Refusal> {
    let given = params.need("signature")?;
    if given.len() != 64 || !given.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(codes::illegal("signature", "^[A-Fa-f0-9]{64}$"));
    }
    let right = sign(secret, params.payload()).is_some_and(|right| right.eq_ignore_ascii_case(given));
    if right { Ok(()) } else { Err(codes::SIGNATURE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key pair and digests of the venue's own documentation (REST, "SIGNED endpoint example for POST /api/v3/order").
    const SECRET: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    const ORDER: &str = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
    const DIGEST: &str = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71";

    #[test]
    fn the_documented_example_is_accepted() {
        assert_eq!(sign(SECRET, ORDER).unwrap(), DIGEST);
        let query = Params::read(&format!("{ORDER}&signature={DIGEST}"), "");
        assert_eq!(signature(&query, SECRET), Ok(()));
        let body = Params::read("", &format!("{ORDER}&signature={}", DIGEST.to_uppercase()));
        assert_eq!(signature(&body, SECRET), Ok(()));
    }

    #[test]
    fn the_documented_mixed_example_is_accepted() {
        let query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC";
        let body = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        let digest = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77";
        let mixed = Params::read(query, &format!("{body}&signature={digest}"));
        assert_eq!(signature(&mixed, SECRET), Ok(()));
    }

    #[test]
    fn a_changed_payload_is_refused() {
        let params = Params::read(&format!("{}&signature={DIGEST}", ORDER.replace("BUY", "SELL")), "");
        assert_eq!(signature(&params, SECRET), Err(codes::SIGNATURE));
        assert_eq!(signature(&Params::read(ORDER, ""), SECRET).unwrap_err().code, -1102);
        assert_eq!(
            signature(&Params::read("signature=zz", ""), SECRET).unwrap_err().code,
            -1100
        );
    }

    #[test]
    fn the_window_is_5_seconds_behind_and_1_ahead_and_widens_with_speed() {
        let at = |stamp: i64| Params::read(&format!("timestamp={stamp}"), "");
        let now = 1_790_000_000_000;
        assert_eq!(window(&at(now - 5_000), now, 1), Ok(()));
        assert_eq!(window(&at(now - 5_001), now, 1), Err(codes::STALE));
        assert_eq!(window(&at(now + 999), now, 1), Ok(()));
        assert_eq!(window(&at(now + 1_000), now, 1), Err(codes::EARLY));
        assert_eq!(window(&at(now - 300_000), now, 60), Ok(()));
        assert_eq!(window(&at(now * 1_000), now, 1), Ok(()));
        assert_eq!(
            window(&Params::read("timestamp=1&recvWindow=60001", ""), now, 1),
            Err(codes::BAD_RECV_WINDOW)
        );
        assert_eq!(window(&Params::default(), now, 1).unwrap_err().code, -1102);
    }

    #[test]
    fn a_key_has_letters_and_digits() {
        assert_eq!(key_format(Some("demo")), Ok("demo"));
        assert_eq!(key_format(None), Err(codes::KEY_FORMAT));
        assert_eq!(key_format(Some("no good")), Err(codes::KEY_FORMAT));
    }
}
