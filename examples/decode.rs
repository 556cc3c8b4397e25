//! Raw messages of a venue in, one JSON object for each of them out: what the engine would read in it, or a typed error.
//!
//! `cargo run --example decode -- --venue binance|bybit --product spot|usdm|linear [--bench] FILE`
//!
//! FILE holds one message a line, or one JSON document, plain or packed with gzip; a recorder's wrapper comes off. With
//! `--bench` nothing is printed but nanoseconds a message, best and median of five passes, on stderr.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use domain::instrument::{Product, VenueId};
use domain::ports::VenueError;
use serde_json::{Value, json};
use venues::raw::{Reader, text};
use venues::shared::event::{Event, Outcome};
use venues::shared::event_json;
use venues::shared::recorded::{messages, unpacked, unwrapped};

const USAGE: &str = "usage: decode --venue binance|bybit --product spot|usdm|linear [--bench] FILE";
const PASSES: usize = 5;

struct Arguments {
    venue: VenueId,
    product: Product,
    bench: bool,
    file: String,
}

fn arguments() -> Option<Arguments> {
    let (mut venue, mut product, mut bench, mut file) = (None, None, false, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match &*word {
            "--venue" => venue = VenueId::parse(&words.next()?),
            "--product" => {
                product = match &*words.next()? {
                    "spot" => Some(Product::Spot),
                    "usdm" | "linear" | "perp" => Some(Product::Perp),
                    _ => None,
                }
            }
            "--bench" => bench = true,
            _ if file.is_none() && !word.starts_with("--") => file = Some(word),
            _ => return None,
        }
    }
    Some(Arguments {
        venue: venue?,
        product: product?,
        bench,
        file: file?,
    })
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has enough of it.
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", arguments.file);
            ExitCode::FAILURE
        }
    }
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let bytes = unpacked(std::fs::read(&arguments.file)?)?;
    let messages = messages(&arguments.file, &bytes);
    if arguments.bench {
        bench(arguments, &messages);
        return Ok(());
    }
    let mut reader = Reader::new(arguments.venue, arguments.product);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut events = Vec::new();
    for message in messages {
        events.clear();
        let outcome = reader.read_bytes(message, &mut events);
        writeln!(out, "{}", said(outcome, &events))?;
    }
    out.flush()?;
    Ok(())
}

/// One object for one message.
fn said(outcome: Result<Outcome, VenueError>, events: &[Event]) -> Value {
    match (outcome, events) {
        (Err(error), _) => json!({ "error": fault(&error) }),
        (Ok(Outcome::Ignored(reason)), []) => json!({ "event": "ignored", "reason": reason }),
        (Ok(_), [event]) => event_json::json(event),
        (Ok(_), events) => json!({ "events": events.iter().map(event_json::json).collect::<Vec<_>>() }),
    }
}

fn fault(error: &VenueError) -> Value {
    match error {
        VenueError::Malformed { reason, .. } => json!({ "kind": "malformed", "reason": reason }),
        VenueError::Refused { code, reason, .. } => json!({ "kind": "refused", "code": code, "reason": reason }),
        VenueError::Throttled { wait_seconds, .. } => {
            json!({ "kind": "throttled", "reason": format!("wait {wait_seconds} s") })
        }
        VenueError::Unreachable { reason, .. } => json!({ "kind": "unreachable", "reason": reason }),
    }
}

/// Reads all messages five times over. What a message says is left where it was written: the next takes its place.
#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of this machine, not of market time"
)]
fn bench(arguments: &Arguments, messages: &[&[u8]]) {
    let texts: Vec<_> = messages
        .iter()
        .filter_map(|message| text(arguments.venue, message).ok())
        .map(unwrapped)
        .collect();
    let (mut passes, mut events) = (Vec::new(), Vec::new());
    let mut told = 0_usize;
    for _ in 0..PASSES {
        let mut reader = Reader::new(arguments.venue, arguments.product);
        told = 0;
        let began = std::time::Instant::now();
        for message in &texts {
            events.clear();
            told += usize::from(reader.read(message, &mut events).is_ok());
        }
        passes.push(began.elapsed().as_nanos());
    }
    passes.sort_unstable();
    let each = |pass: Option<&u128>| {
        let count = u128::try_from(texts.len().max(1)).unwrap_or(1);
        pass.copied().unwrap_or_default() / count
    };
    eprintln!(
        "{} messages, {told} read, {} ns a message at best, {} ns median of {PASSES} passes",
        texts.len(),
        each(passes.first()),
        each(passes.get(PASSES / 2)),
    );
}
