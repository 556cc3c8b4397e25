//! Messages of a public stream that cannot be read.
//!
//! - UN-1  One of them is left out and counted, and the others go on: a venue that tells nonsense of one symbol still tells
//!   the truth of the rest. What is known of that symbol grows old by itself.
//! - UN-2  A line that tells nothing else for a while is over: many in a row, or some over a time without a readable one.
//! - UN-3  The log hears of them at most once a minute for each line, with their count.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use domain::ports::VenueError;
use tokio::time::Instant;

/// So many in a row end the line.
pub const MOST_IN_A_ROW: u32 = 50;
/// As do some of them over this long without one that can be read.
pub const LONGEST_ROW: Duration = Duration::from_secs(30);
const TELL_EVERY: Duration = Duration::from_mins(1);

/// How many messages a venue's public streams have left out since the start.
#[derive(Clone, Debug, Default)]
pub struct LeftOut(Rc<Cell<u64>>);

impl LeftOut {
    /// Their number.
    pub fn count(&self) -> u64 {
        self.0.get()
    }

    /// One more was left out.
    pub fn add_one(&self) {
        self.0.set(self.0.get().saturating_add(1));
    }

    /// Of rows that were read one by one: those that could be. The others are counted; where none could be read, what came
    /// is no answer.
    ///
    /// # Errors
    /// The first row's error when every row has one.
    pub fn keep_readable<T>(&self, rows: impl Iterator<Item = Result<T, VenueError>>) -> Result<Vec<T>, VenueError> {
        let (mut readable, mut first) = (Vec::new(), None);
        for row in rows {
            match row {
                Ok(row) => readable.push(row),
                Err(error) => {
                    self.add_one();
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            Some(error) if readable.is_empty() => Err(error),
            _ => Ok(readable),
        }
    }
}

/// What one line could not read.
pub struct Unreadable {
    line: String,
    left_out: LeftOut,
    /// Since the last one that could be read.
    in_a_row: u32,
    /// When the first of the row came.
    since: Option<Instant>,
    told_at: Option<Instant>,
    /// Of which the log has not heard.
    untold: u64,
    log: slog::Logger,
}

impl Unreadable {
    /// Nothing yet. `line` is what the log calls it.
    pub fn new(line: impl Into<String>, left_out: &LeftOut, log: &slog::Logger) -> Self {
        Self {
            line: line.into(),
            left_out: left_out.clone(),
            in_a_row: 0,
            since: None,
            told_at: None,
            untold: 0,
            log: log.clone(),
        }
    }

    /// A message about the market was read.
    pub const fn read_one(&mut self) {
        (self.in_a_row, self.since) = (0, None);
    }

    /// Leaves out a message for this error.
    ///
    /// # Errors
    /// The same error: when it is about the line itself, and when the line tells nothing else.
    pub fn leave_out(&mut self, error: VenueError) -> Result<(), VenueError> {
        if !matches!(error, VenueError::Malformed { .. }) {
            return Err(error);
        }
        let now = Instant::now();
        self.left_out.add_one();
        self.in_a_row = self.in_a_row.saturating_add(1);
        let since = *self.since.get_or_insert(now);
        if self.in_a_row >= MOST_IN_A_ROW || now.duration_since(since) >= LONGEST_ROW {
            return Err(error);
        }
        self.untold = self.untold.saturating_add(1);
        if self.told_at.is_none_or(|at| now.duration_since(at) >= TELL_EVERY) {
            slog::warn!(self.log, "messages are unreadable and left out"; "line" => &self.line,
                "messages" => self.untold, "error" => %error);
            (self.told_at, self.untold) = (Some(now), 0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::instrument::VenueId;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::shared::fake::{pass, virtual_time};
    use crate::shared::row::malformed;

    /// Notes the counts that the log is told.
    struct Notes(Arc<Mutex<Vec<String>>>);

    impl slog::Drain for Notes {
        type Ok = ();
        type Err = slog::Never;

        fn log(&self, record: &slog::Record<'_>, _: &slog::OwnedKVList) -> Result<(), slog::Never> {
            struct Count(Option<String>);
            impl slog::Serializer for Count {
                fn emit_arguments(&mut self, key: slog::Key, value: &std::fmt::Arguments<'_>) -> slog::Result {
                    if key == "messages" {
                        self.0 = Some(value.to_string());
                    }
                    Ok(())
                }
            }
            let mut count = Count(None);
            slog::KV::serialize(&record.kv(), record, &mut count).unwrap();
            self.0.lock().unwrap().extend(count.0);
            Ok(())
        }
    }

    fn heard() -> (Unreadable, LeftOut, Arc<Mutex<Vec<String>>>) {
        let (left_out, notes) = (LeftOut::default(), Arc::default());
        let log = slog::Logger::root(Notes(Arc::clone(&notes)), slog::o!());
        (Unreadable::new("a line", &left_out, &log), left_out, notes)
    }

    #[test]
    fn of_many_rows_those_that_can_be_read_are_kept_and_none_is_no_answer() {
        let left_out = LeftOut::default();
        let rows = |good: &[bool]| {
            let rows: Vec<_> = good.iter().map(|good| good.then_some(7).ok_or_else(nonsense)).collect();
            left_out.keep_readable(rows.into_iter())
        };
        assert_eq!(rows(&[true, false, true]), Ok(vec![7, 7]));
        assert_eq!(rows(&[]), Ok(Vec::new()));
        assert_eq!((rows(&[false, false]), left_out.count()), (Err(nonsense()), 3));
    }

    fn nonsense() -> VenueError {
        malformed(VenueId::Binance, "nonsense")
    }

    #[test]
    fn one_among_many_is_left_out_counted_and_said_once_a_minute() {
        virtual_time(async {
            let (mut unreadable, left_out, notes) = heard();
            for _ in 0..200 {
                unreadable.leave_out(nonsense()).unwrap();
                unreadable.read_one();
                pass(1000).await;
            }
            assert_eq!(left_out.count(), 200);
            assert_eq!(*notes.lock().unwrap(), ["1", "60", "60", "60"]);
        });
    }

    #[test]
    fn nothing_else_ends_the_line() {
        virtual_time(async {
            let (mut unreadable, _, _) = heard();
            for _ in 1..MOST_IN_A_ROW {
                unreadable.leave_out(nonsense()).unwrap();
            }
            assert_eq!(unreadable.leave_out(nonsense()), Err(nonsense()));
            let (mut unreadable, _, _) = heard();
            unreadable.leave_out(nonsense()).unwrap();
            pass(29_000).await;
            unreadable.leave_out(nonsense()).unwrap();
            pass(1_000).await;
            assert_eq!(unreadable.leave_out(nonsense()), Err(nonsense()));
            // After a quiet while the first one is no row yet.
            unreadable.read_one();
            pass(60_000).await;
            unreadable.leave_out(nonsense()).unwrap();
        });
    }

    #[test]
    fn what_is_about_the_line_itself_is_never_left_out() {
        let (mut unreadable, left_out, _) = heard();
        let refused = VenueError::Refused {
            venue: VenueId::Binance,
            code: 1,
            reason: String::new(),
        };
        assert_eq!(unreadable.leave_out(refused.clone()), Err(refused));
        assert_eq!(left_out.count(), 0);
    }
}
