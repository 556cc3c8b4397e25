//! Messages out of files: one a line, or one document; packed or not; bare, or in a recorder's wrapper.

use std::borrow::Cow;
use std::io::Read as _;

use domain::time::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::exact::exact;

/// The most that a packed file may unpack to, in bytes.
const MOST_BYTES: u64 = 4 << 30;

/// The bytes of a file, unpacked where they are packed.
///
/// # Errors
/// When the packing is broken, or there is more than 4 GiB in it.
pub fn unpacked(bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut all = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .take(MOST_BYTES)
        .read_to_end(&mut all)?;
    if u64::try_from(all.len()).is_ok_and(|length| length >= MOST_BYTES) {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(all)
}

/// The messages in a file. `name` tells lines from a document where the bytes leave it open.
pub fn messages<'a>(name: &str, bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let is_lines = [".jsonl", ".ndjson"].iter().any(|end| name.ends_with(end));
    let lines = || {
        bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
    };
    if is_lines {
        return lines();
    }
    let is_document = serde_json::from_slice::<IgnoredAny>(bytes).is_ok() || !looks_like_lines(bytes);
    if is_document { vec![bytes.trim_ascii()] } else { lines() }
}

/// A document that is laid out over lines begins only once at the edge; messages one a line do so again and again.
fn looks_like_lines(bytes: &[u8]) -> bool {
    let mut begun = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        let begins = line.first().is_some_and(|byte| matches!(byte, b'{' | b'['));
        begun += u8::from(begins);
        if begun > 1 || begins && line.len() > 2 && serde_json::from_slice::<IgnoredAny>(line).is_ok() {
            return true;
        }
    }
    false
}

/// A message, out of its wrapper if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The message as it came.
    pub text: &'a str,
    /// The symbol that was asked for, where the recorder wrote the question down.
    pub asked: Option<Cow<'a, str>>,
    /// When the recorder received it, by its own clock.
    pub received: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow, default)]
    recv_ns: Option<&'a RawValue>,
    #[serde(borrow, default)]
    recv_s: Option<&'a RawValue>,
    #[serde(borrow, default)]
    at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    msg: Option<&'a RawValue>,
    #[serde(borrow, default)]
    rest: Option<&'a RawValue>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ws: Option<&'a RawValue>,
    #[serde(borrow, default)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    get: Option<Cow<'a, str>>,
}

/// Takes a recorder's wrapper off. Its lines begin with the instant of receipt: `recv_ns`, `recv_s` or `at`.
pub fn unwrapped(text: &str) -> Message<'_> {
    let bare = Message {
        text,
        asked: None,
        received: None,
    };
    if !["{\"recv_", "{\"at\":", "{ \"recv_", "{ \"at\":"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return bare;
    }
    let Ok(wrapper) = serde_json::from_str::<Wrapper<'_>>(text) else {
        return bare;
    };
    let Some(inner) = wrapper.msg.or(wrapper.rest).or(wrapper.body).or(wrapper.ws) else {
        return bare;
    };
    let asked = wrapper
        .url
        .or(wrapper.get)
        .and_then(|url| symbol_of(&url).map(Cow::Owned));
    let received = match (wrapper.recv_ns, wrapper.recv_s.or(wrapper.at)) {
        (Some(nanos), _) => nanos.get().parse().ok().map(|nanos: i64| nanos / 1_000_000),
        (None, Some(seconds)) => millis(seconds.get()),
        (None, None) => None,
    };
    Message {
        text: inner.get(),
        asked,
        received: received.map(Timestamp),
    }
}

/// Whole milliseconds of seconds that are written with a fraction.
fn millis(seconds: &str) -> Option<i64> {
    let exact = exact(seconds)?;
    i64::try_from((exact * Decimal::ONE_THOUSAND).trunc()).ok()
}

fn symbol_of(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("symbol="))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_documents_are_told_apart() {
        let count = |name, text: &str| messages(name, text.as_bytes()).len();
        assert_eq!(count("a.json", "{\n  \"a\": [\n    1\n  ]\n}\n"), 1);
        assert_eq!(count("a.json", "{\n  \"a\": [\n    1\n"), 1);
        assert_eq!(count("a.json", "<html>\n<body>\n"), 1);
        assert_eq!(count("a.json", "{\"a\":1}\n\n{\"a\":2}\n"), 2);
        assert_eq!(count("a.json", "<html>\n{\"a\":2}\n"), 2);
        assert_eq!(count("a.jsonl.gz", "<html>\n{\"a\"\nNaN\n"), 3);
        assert_eq!(count("a.txt", "{\"a\":1}"), 1);
    }

    #[test]
    fn a_wrapper_comes_off_and_a_bare_message_stays() {
        let taken =
            unwrapped(r#"{"recv_s":1.5,"url":"https://x/fapi/v1/depth?symbol=SUSHIUSDT&limit=5","rest":{"a":1}}"#);
        assert_eq!((taken.text, taken.asked.as_deref()), (r#"{"a":1}"#, Some("SUSHIUSDT")));
        assert_eq!(taken.received, Some(Timestamp(1500)));
        assert_eq!(
            unwrapped(r#"{"recv_ns":null,"msg":{"topic":"x"}}"#).text,
            r#"{"topic":"x"}"#
        );
        for bare in [r#"{"e":"x"}"#, r#"{"recv_ns":1}"#, r#"{"recv_ns":"#] {
            assert_eq!(unwrapped(bare).text, bare);
        }
    }
}
