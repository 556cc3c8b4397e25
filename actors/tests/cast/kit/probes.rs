//! The clock, the order of events, the log and a channel to people.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::alert::Alert;
use domain::order::ClientOrderId;
use domain::ports::{AlertSink, Answer, Clock};
use domain::time::{Machine, Now, Timestamp};
use slog::{Drain, KV, Logger, OwnedKVList, Record, o};
use tokio::time::Instant;

/// Both clocks follow the runtime's; the calendar goes on from life to life.
pub struct TestClock {
    epoch: Cell<Timestamp>,
    started: Cell<Option<Instant>>,
    /// How far this machine's wall clock is off, in milliseconds.
    off: Cell<i64>,
    /// Makes the next reader of the clock panic, whoever it is.
    pub bomb: Cell<bool>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self {
            epoch: Cell::new(Timestamp(1_800_000_000_000)),
            started: Cell::new(None),
            off: Cell::new(0),
            bomb: Cell::new(false),
        }
    }
}

impl TestClock {
    /// Sets the calendar, before anything begins.
    pub fn set(&self, market: Timestamp) {
        self.epoch.set(market);
    }

    pub fn begin(&self) {
        self.started.set(Some(Instant::now()));
    }

    /// The process is gone for a second.
    pub fn end(&self) {
        self.epoch.set(self.read().market.plus_millis(1_000));
        self.started.set(None);
    }

    /// Somebody sets this machine's wall clock; the venues' go on as they were.
    pub fn jump(&self, millis: i64) {
        self.off.set(self.off.get() + millis);
    }

    pub fn machine(&self) -> Machine {
        self.read().machine
    }

    pub fn read(&self) -> Now {
        let elapsed = self.started.get().map_or(Duration::ZERO, |started| started.elapsed());
        Now {
            market: self
                .epoch
                .get()
                .plus_millis(i64::try_from(elapsed.as_millis()).unwrap()),
            machine: Machine(elapsed),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        assert!(!self.bomb.replace(false), "the clock is broken");
        let now = self.read();
        Now {
            market: now.market.plus_millis(self.off.get()),
            ..now
        }
    }
}

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The ledger has the order.
    Durable(ClientOrderId),
    /// The gateway was handed the order.
    Sent(ClientOrderId),
}

#[derive(Clone, Default)]
pub struct Events(Rc<RefCell<Vec<Event>>>);

impl Events {
    pub fn push(&self, event: Event) {
        self.0.borrow_mut().push(event);
    }

    pub fn all(&self) -> Vec<Event> {
        self.0.borrow().clone()
    }
}

/// The lines of the log.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub fn logger(&self) -> Logger {
        Logger::root(self.clone().fuse(), o!())
    }

    pub fn any(&self, words: &[&str]) -> bool {
        let lines = self.0.lock().unwrap();
        lines.iter().any(|line| words.iter().all(|word| line.contains(word)))
    }
}

struct Pairs<'a>(&'a mut String);

impl slog::Serializer for Pairs<'_> {
    fn emit_arguments(&mut self, key: slog::Key, value: &fmt::Arguments<'_>) -> slog::Result {
        write!(self.0, " {key}={value}").map_err(slog::Error::from)
    }
}

impl Drain for Lines {
    type Ok = ();
    type Err = slog::Error;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> slog::Result {
        let mut line = record.msg().to_string();
        record.kv().serialize(record, &mut Pairs(&mut line))?;
        values.serialize(record, &mut Pairs(&mut line))?;
        self.0.lock().unwrap().push(line);
        Ok(())
    }
}

/// How a channel is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Up,
    Down,
    Hanging,
}

/// A channel to people.
pub struct Sink {
    name: &'static str,
    pub mood: Cell<Mood>,
    pub taken: RefCell<Vec<Alert>>,
    pub tried: Cell<usize>,
}

impl Sink {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            mood: Cell::new(Mood::Up),
            taken: RefCell::default(),
            tried: Cell::new(0),
        }
    }

    /// How often a text with these words was taken.
    pub fn count(&self, words: &str) -> usize {
        let taken = self.taken.borrow();
        taken.iter().filter(|alert| alert.text.contains(words)).count()
    }
}

impl AlertSink for Sink {
    fn name(&self) -> &'static str {
        self.name
    }

    fn wants(&self, _: &Alert) -> bool {
        true
    }

    fn deliver<'a>(&'a self, alert: &'a Alert, _: Timestamp) -> Answer<'a, Result<(), String>> {
        Box::pin(async move {
            self.tried.set(self.tried.get() + 1);
            match self.mood.get() {
                Mood::Up => {
                    self.taken.borrow_mut().push(alert.clone());
                    Ok(())
                }
                Mood::Down => Err("the channel is down".to_owned()),
                Mood::Hanging => std::future::pending().await,
            }
        })
    }
}
