//! One check and how it ended, and all of them for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Ok,
    /// It may be meant so, but deserves a look.
    Warn,
    /// It does not hold: do not trade.
    Fail,
    /// It could not be looked at, or does not apply.
    Skipped,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Skipped => "skipped",
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name; a contract.
    pub id: String,
    /// How it ended.
    pub status: Status,
    /// What was seen.
    pub saw: String,
    /// What to do about it, where something is to be done.
    pub fix: Option<String>,
}

impl Check {
    fn new(id: &str, status: Status, saw: impl Into<String>, fix: Option<&str>) -> Self {
        Self {
            id: id.to_owned(),
            status,
            saw: saw.into(),
            fix: fix.map(str::to_owned),
        }
    }

    /// It holds.
    pub fn ok(id: &str, saw: impl Into<String>) -> Self {
        Self::new(id, Status::Ok, saw, None)
    }

    /// It deserves a look.
    pub fn warn(id: &str, saw: impl Into<String>, fix: &str) -> Self {
        Self::new(id, Status::Warn, saw, Some(fix))
    }

    /// It does not hold.
    pub fn fail(id: &str, saw: impl Into<String>, fix: &str) -> Self {
        Self::new(id, Status::Fail, saw, Some(fix))
    }

    /// It was not looked at.
    pub fn skipped(id: &str, why: impl Into<String>) -> Self {
        Self::new(id, Status::Skipped, why, None)
    }

    /// It holds, or it fails with this to be done.
    pub fn holds(id: &str, holds: bool, saw: impl Into<String>, fix: &str) -> Self {
        if holds {
            Self::ok(id, saw)
        } else {
            Self::fail(id, saw, fix)
        }
    }
}

/// All checks, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// One more.
    pub fn add(&mut self, check: Check) {
        self.0.push(check);
    }

    /// Several that were not looked at, for one reason.
    pub fn skip(&mut self, ids: &[String], why: &str) {
        self.0.extend(ids.iter().map(|id| Check::skipped(id, why)));
    }

    fn count(&self, status: Status) -> usize {
        self.0.iter().filter(|check| check.status == status).count()
    }

    /// Whether any does not hold.
    pub fn has_failed(&self) -> bool {
        self.count(Status::Fail) > 0
    }

    /// For programs.
    ///
    /// # Errors
    /// Never in practice: the rows are plain texts.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&serde_json::json!({
            "ok": !self.has_failed(), "failed": self.count(Status::Fail), "warned": self.count(Status::Warn),
            "skipped": self.count(Status::Skipped), "checks": self.0,
        }))
    }

    /// For people: one line a check, and a line of help under what needs some.
    pub fn words(&self) -> String {
        let width = self.0.iter().map(|check| check.id.len()).max().unwrap_or_default();
        let mut out = String::new();
        for Check { id, status, saw, fix } in &self.0 {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{:7}  {id:width$}  {saw}", status.word());
            if let Some(fix) = fix {
                let _ = writeln!(out, "{:7}  {:width$}  -> {fix}", "", "");
            }
        }
        let (all, failed, warned, skipped) = (
            self.0.len(),
            self.count(Status::Fail),
            self.count(Status::Warn),
            self.count(Status::Skipped),
        );
        let _ = write!(
            out,
            "{all} checks: {failed} failed, {warned} to look at, {skipped} skipped"
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_stands_under_its_check_and_one_failure_is_enough() {
        let mut all = Checks::default();
        all.add(Check::ok("a.one", "seen"));
        assert!(!all.has_failed());
        all.add(Check::warn("a.two.long", "odd", "look"));
        all.add(Check::holds("b", false, "bad", "mend it"));
        all.skip(&["c".to_owned()], "no key");
        assert!(all.has_failed());
        let expected = "ok       a.one       seen\n\
                        WARN     a.two.long  odd\n                     -> look\n\
                        FAIL     b           bad\n                     -> mend it\n\
                        skipped  c           no key\n\
                        4 checks: 1 failed, 1 to look at, 1 skipped";
        assert_eq!(all.words(), expected);
        let told: serde_json::Value = serde_json::from_str(&all.json().unwrap()).unwrap();
        assert_eq!((&told["ok"], &told["failed"]), (&false.into(), &1.into()));
        assert_eq!(told["checks"][2]["status"], "fail");
        assert_eq!(told["checks"][2]["fix"], "mend it");
    }
}
