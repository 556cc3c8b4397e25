//! What may be done twice.
//!
//! - I18  A second reconciliation of an unchanged world writes and sends nothing; a process that has read the ledger
//!   believes what the one before it believed, unless rows were written in between.

use crate::fact::Belief;
use crate::findings::Findings;

/// What is being repeated.
#[derive(Debug, Default)]
pub struct Repeats {
    repeating: bool,
    believed: Option<Belief>,
}

impl Repeats {
    /// A repetition begins.
    pub fn begin(&mut self) {
        self.repeating = true;
    }

    /// It is over.
    pub fn end(&mut self, findings: &mut Findings) {
        self.repeating = false;
        findings.exercise("I18");
    }

    /// It found something: it says nothing then.
    pub fn give_up(&mut self) {
        self.repeating = false;
    }

    /// Rows were written.
    pub fn rows(&self, count: u64, findings: &mut Findings) {
        if count > 0 && self.repeating {
            findings.broken("I18", format!("a repeated reconciliation wrote {count} rows"));
        }
    }

    /// A row was written that changes what is held.
    pub fn changed(&mut self) {
        self.believed = None;
    }

    /// Bytes of an order left.
    pub fn sent(&self, client_id: &str, findings: &mut Findings) {
        if self.repeating {
            findings.broken("I18", format!("a repeated reconciliation sent {client_id}"));
        }
    }

    /// A process says what it believes.
    pub fn believe(&mut self, belief: &Belief, findings: &mut Findings) {
        if let Some(before) = self.believed.replace(belief.clone())
            && before.process != belief.process
        {
            findings.exercise("I18");
            if before.text != belief.text {
                let (old, new) = (&before.text, &belief.text);
                findings.broken(
                    "I18",
                    format!("a rebuilt process believes {new}; the one before it, {old}"),
                );
            }
        }
    }
}
