//! What is wrong with a configuration, in words.

use std::fmt;

/// One thing that is wrong. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, as a file would say it; empty when the file as a whole is meant.
    pub key: String,
    /// The value as it was written; a secret's is hidden. `None` when there is none.
    pub value: Option<String>,
    /// The line of the file or the variable.
    pub place: String,
    /// What is wrong.
    pub why: String,
    /// What would be right; empty when nothing would.
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            out.write_str(&self.key)?;
            if let Some(value) = &self.value {
                write!(out, " = {value}")?;
            }
            if !self.place.is_empty() {
                write!(out, " ({})", self.place)?;
            }
            out.write_str(": ")?;
        } else if !self.place.is_empty() {
            write!(out, "{}: ", self.place)?;
        }
        out.write_str(&self.why)?;
        if !self.allowed.is_empty() {
            write!(out, "; allowed: {}", self.allowed)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration; the process ends with code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one; in the order of the file, then of the variables.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the configuration is refused:")?;
        for problem in &self.problems {
            write!(out, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
