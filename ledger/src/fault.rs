//! What went wrong, in the two words that the caller acts on: ask again, or don't.

use diesel::result::{DatabaseErrorKind, Error};
use domain::journal::JournalError;

/// A [`JournalError`] on its way out of a transaction.
#[derive(Debug)]
pub struct Fault(pub JournalError);

impl Fault {
    /// The record cannot be taken as it is.
    pub fn refused(why: impl Into<String>) -> Self {
        Self(JournalError::Refused(why.into()))
    }
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Self(error)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self(JournalError::Unavailable(error.to_string()))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let refused = match &error {
            Error::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation => true,
                DatabaseErrorKind::Unknown => is_about_the_record(information.message()),
                _ => false,
            },
            Error::InvalidCString(_)
            | Error::NotFound
            | Error::QueryBuilderError(_)
            | Error::DeserializationError(_)
            | Error::SerializationError(_) => true,
            _ => false,
        };
        let text = error.to_string();
        Self(if refused {
            JournalError::Refused(text)
        } else {
            JournalError::Unavailable(text)
        })
    }
}

impl From<deadpool::managed::PoolError<diesel_async::pooled_connection::PoolError>> for Fault {
    fn from(error: deadpool::managed::PoolError<diesel_async::pooled_connection::PoolError>) -> Self {
        Self(JournalError::Unavailable(error.to_string()))
    }
}

/// Errors without a kind of their own: those about a value bring the same answer for ever; all others (busy, I/O, full,
/// a server that stops) may pass.
fn is_about_the_record(message: &str) -> bool {
    const ABOUT_VALUES: [&str; 7] = [
        "invalid input syntax",
        "out of range",
        "overflow",
        "malformed JSON",
        "datatype mismatch",
        "cannot store",
        "append-only",
    ];
    ABOUT_VALUES.iter().any(|words| message.contains(words))
}
