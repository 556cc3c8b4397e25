//! Logs: one JSON object a line or text for people, on standard error, with every known secret rewritten.
//!
//! - TE-1  No byte of a known secret leaves: neither as it is nor escaped, percent-encoded or in base64.
//! - TE-2  Nothing is dropped: a full queue makes the writer wait, and the money path logs little.
//!
//! A typed secret cannot be logged by mistake; the scrubber catches what was pasted into a message or a panic.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use slog::{Drain, FnValue, Level, Logger, Never, PushFnValue, Record, o};
use slog_async::{Async, AsyncGuard, OverflowStrategy};

use crate::clock;
use crate::config::LogFormat;

/// Records that may wait to be written.
const QUEUE: usize = 4_096;
/// Shorter secrets would rewrite ordinary words.
const SHORTEST_SECRET: usize = 6;
/// What is written in a secret's place.
const REDACTED: &str = "[redacted]";

/// Keep it to the end of `main`: dropping it writes what is still queued.
pub struct Guard {
    _bridge: slog_scope::GlobalLoggerGuard,
    _queue: AsyncGuard,
}

/// Starts logging to standard error, passes the libraries' warnings on, and logs panics before they unwind.
pub fn start(level: Level, format: LogFormat, secrets: &[SecretString]) -> (Logger, Guard) {
    let text = match format {
        LogFormat::Json => false,
        LogFormat::Text => true,
        LogFormat::Auto => io::stderr().is_terminal(),
    };
    let (log, queue) = logger(io::stderr(), level, text, secrets);
    let bridge = slog_scope::set_global_logger(log.clone());
    // It fails when a bridge stands already, which is what is wanted.
    let _ = slog_stdlog::init_with_level(log::Level::Warn);
    log_panics(log.clone());
    (
        log,
        Guard {
            _bridge: bridge,
            _queue: queue,
        },
    )
}

/// A logger that writes to `out`: text for people, or JSON lines with `ts`, `level`, `msg` and the record's own keys.
pub fn logger(
    out: impl Write + Send + 'static,
    level: Level,
    text: bool,
    secrets: &[SecretString],
) -> (Logger, AsyncGuard) {
    let out = Scrub::new(out, secrets);
    if text {
        let decorator = slog_term::PlainDecorator::new(out);
        let format = slog_term::FullFormat::new(decorator).use_custom_timestamp(|out| write!(out, "{}", now()));
        queued(format.build().fuse(), level)
    } else {
        queued(json(out).fuse(), level)
    }
}

fn json(out: impl Write) -> slog_json::Json<impl Write> {
    slog_json::Json::new(out)
        .set_flush(true)
        .add_key_value(o!(
            "ts" => FnValue(|_: &Record<'_>| now()),
            "level" => FnValue(|record: &Record<'_>| record.level().as_str()),
            "msg" => PushFnValue(|record: &Record<'_>, serializer| serializer.emit(record.msg())),
        ))
        .build()
}

fn queued<D>(drain: D, level: Level) -> (Logger, AsyncGuard)
where
    D: Drain<Ok = (), Err = Never> + Send + 'static,
{
    let (queue, guard) = Async::new(drain)
        .chan_size(QUEUE)
        .overflow_strategy(OverflowStrategy::Block)
        .build_with_guard();
    let root = slog::LevelFilter::new(queue.fuse(), level);
    (Logger::root(root.fuse(), o!()), guard)
}

fn log_panics(log: Logger) {
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let said = payload.downcast_ref::<&str>().copied();
        let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        slog::crit!(log, "panic: {}", said.unwrap_or("without a text"); "at" => place);
    }));
}

/// Rewrites every known secret before a line leaves the process.
struct Scrub<W> {
    out: W,
    held: Vec<u8>,
    forms: Arc<[SecretString]>,
}

impl<W: Write> Scrub<W> {
    fn new(out: W, secrets: &[SecretString]) -> Self {
        let mut forms: Vec<SecretString> = secrets
            .iter()
            .filter(|secret| secret.expose_secret().len() >= SHORTEST_SECRET)
            .flat_map(|secret| forms_of(secret.expose_secret()))
            .collect();
        // The longest first: one secret may begin another.
        forms.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
        Self {
            out,
            held: Vec::with_capacity(512),
            forms: forms.into(),
        }
    }

    fn release(&mut self, bytes: usize) -> io::Result<()> {
        let line: Vec<u8> = self.held.drain(..bytes).collect();
        let mut text = String::from_utf8_lossy(&line).into_owned();
        for form in self.forms.iter().map(ExposeSecret::expose_secret) {
            if text.contains(form) {
                text = text.replace(form, REDACTED);
            }
        }
        self.out.write_all(text.as_bytes())
    }
}

impl<W: Write> Write for Scrub<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n') {
            self.release(end + 1)?;
        }
        Ok(bytes.len())
    }

    /// Lines leave as they end; a half one is held, so that no secret slips through in two pieces.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W> Drop for Scrub<W> {
    fn drop(&mut self) {
        self.held.fill(0);
    }
}

/// A secret as it stands in a message, in JSON, in an address, and in base64.
fn forms_of(secret: &str) -> Vec<SecretString> {
    let escaped = serde_json::to_string(secret).unwrap_or_default();
    let mut forms = vec![
        secret.to_owned(),
        escaped.trim_matches('"').to_owned(),
        percent(secret),
        base64(secret.as_bytes(), b"+/"),
        base64(secret.as_bytes(), b"-_"),
    ];
    forms.sort();
    forms.dedup();
    forms.into_iter().map(SecretString::from).collect()
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Base64 of the whole groups of three bytes: the rest depends on what follows. `last` are its last two digits.
fn base64(bytes: &[u8], last: &[u8; 2]) -> String {
    let digit = |value: u32| -> char {
        match u8::try_from(value & 63).unwrap_or_default() {
            value @ 0..26 => char::from(b'A' + value),
            value @ 26..52 => char::from(b'a' + (value - 26)),
            value @ 52..62 => char::from(b'0' + (value - 52)),
            62 => char::from(last[0]),
            _ => char::from(last[1]),
        }
    };
    let (groups, _) = bytes.as_chunks::<3>();
    groups
        .iter()
        .map(|[a, b, c]| u32::from_be_bytes([0, *a, *b, *c]))
        .flat_map(|group| [18, 12, 6, 0].map(|shift| digit(group >> shift)))
        .collect()
}

fn now() -> String {
    iso(clock::wall())
}

/// ISO-8601 UTC with milliseconds.
pub fn iso(at: Timestamp) -> String {
    let ms = at.millis();
    let (days, ms) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    // The civil calendar in years that begin with March, counted in eras of 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const CANARY: &str = "kanarie\"42/+vogel";

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(text: bool, level: Level, say: impl FnOnce(&Logger)) -> String {
        let sink = Sink::default();
        let (log, guard) = logger(
            sink.clone(),
            level,
            text,
            &[CANARY.into(), "kanarie".into(), "no".into()],
        );
        say(&log);
        drop((log, guard));
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn f110_a_secret_in_a_message_or_a_value_never_leaves() {
        for text in [false, true] {
            let out = written(text, Level::Info, |log| {
                slog::info!(log, "key {CANARY} no"; "url" => format!("https://h/?k={}", percent(CANARY)));
                slog::info!(log, "header"; "basic" => base64(CANARY.as_bytes(), b"+/"), "raw" => CANARY);
            });
            assert_eq!(out.matches(REDACTED).count(), 4, "{out}");
            assert!(out.contains(" no"), "short words stay: {out}");
            for form in forms_of(CANARY) {
                assert!(!out.contains(form.expose_secret()), "{out}");
            }
            assert!(!out.contains("vogel") && !out.contains("kanarie"), "{out}");
        }
    }

    #[test]
    fn a_line_is_an_object_and_the_level_holds() {
        let out = written(false, Level::Warning, |log| {
            slog::info!(log, "not this");
            slog::warn!(log, "this"; "venue" => "bybit", "n" => 3);
        });
        assert_eq!(out.lines().count(), 1, "{out}");
        let line: serde_json::Value = serde_json::from_str(&out).unwrap();
        let expected = [("level", "WARNING"), ("msg", "this"), ("venue", "bybit")];
        assert!(expected.iter().all(|(key, value)| line[*key] == *value), "{out}");
        assert_eq!(line["n"], 3);
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
        let debug = written(true, Level::Debug, |log| slog::debug!(log, "fine"));
        assert!(debug.contains("DEBG fine"), "{debug}");
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_without_secrets() {
        let out = written(false, Level::Critical, |log| {
            log_panics(log.clone());
            let thread = std::thread::Builder::new().name("falls".to_owned());
            assert!(thread.spawn(|| panic!("lost {CANARY}")).unwrap().join().is_err());
            drop(std::panic::take_hook());
        });
        let lines = out
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let said = lines
            .filter(|line| line["msg"] == "panic: lost [redacted]")
            .collect::<Vec<_>>();
        assert_eq!(said.len(), 1, "{out}");
        assert!(said[0]["at"].as_str().unwrap().contains("telemetry.rs:"), "{out}");
        assert_eq!(said[0]["level"], "CRITICAL");
    }

    #[test]
    fn base64_and_the_calendar_are_the_usual_ones() {
        assert_eq!(base64(b"Man is>?", b"+/"), "TWFuIGlz");
        assert_eq!(base64(&[251, 255, 191], b"+/"), "+/+/");
        assert_eq!(base64(&[251, 255, 191], b"-_"), "-_-_");
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_435_445_123, "2026-11-23T12:04:05.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(Timestamp(ms)), text);
        }
    }
}
