//! What must be so when a hedge is begun.
//!
//! - I6   What the engine heard of the markets it enters is young and from a connection that lives.
//! - I12  No entry while a reason stands against it, and no reason of a person's is removed by the engine.
//! - I13  No entry before the ledger and both venues have been read in this term of office.

use std::collections::{BTreeMap, BTreeSet};

use crate::bounds::{Bounds, instrument};
use crate::fact::{Input, Intent, Request};
use crate::findings::Findings;

/// What the ledger must have been read as, beside the venues.
const LEDGER: &str = "ledger";
/// Everything that must have been read.
const TRUTHS: [&str; 3] = [LEDGER, "binance", "bybit"];

/// What stands against entries, and what was read and heard by each process.
#[derive(Debug, Default)]
pub struct Gates {
    pauses: BTreeMap<String, bool>,
    read: BTreeMap<u32, (u64, BTreeSet<String>)>,
    heard: BTreeMap<(u32, Input, String), i64>,
    /// Whether any process is known by its readings at all.
    told: bool,
}

impl Gates {
    /// A reason was committed.
    pub fn pause(&mut self, key: &str, clears_itself: bool, findings: &mut Findings) {
        findings.exercise("I12");
        self.pauses.insert(key.to_owned(), clears_itself);
    }

    /// A reason was removed.
    pub fn unpause(&mut self, key: &str, by_engine: bool, findings: &mut Findings) {
        findings.exercise("I12");
        if self.pauses.remove(key) == Some(false) && by_engine {
            findings.broken("I12", format!("the engine itself removed `{key}`"));
        }
    }

    /// Whether entries are stopped.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        !self.pauses.is_empty()
    }

    /// A process leads: in a new epoch nothing is known yet.
    pub fn lease(&mut self, process: u32, epoch: u64) {
        self.told = true;
        let (known, read) = self.read.entry(process).or_default();
        if *known != epoch {
            (*known, *read) = (epoch, BTreeSet::new());
        }
    }

    /// The ledger was read.
    pub fn loaded(&mut self, process: u32) {
        self.account(process, LEDGER);
    }

    /// A venue told all of its account.
    pub fn account(&mut self, process: u32, venue: &str) {
        self.read.entry(process).or_default().1.insert(venue.to_owned());
    }

    /// Something of a market was heard.
    pub fn hear(&mut self, process: u32, market: String, input: Input, at_ms: i64) {
        self.heard.insert((process, input, market), at_ms);
    }

    /// A connection ended: what it said is worth nothing.
    pub fn deaf(&mut self, process: u32, venue: &str, product: &str) {
        let prefix = instrument(venue, product, "");
        self.heard
            .retain(|(who, input, market), _| *who != process || *input == Input::Book || !market.starts_with(&prefix));
    }

    /// Bytes of an opening order left; `begins` when nothing of its hedge is held.
    pub fn opening(&self, request: &Request, intent: &Intent, begins: bool, bounds: &Bounds, findings: &mut Findings) {
        if !self.told {
            return;
        }
        let id = &request.client_id;
        self.judge_age(request.process, intent, Input::Book, bounds, findings);
        if !begins {
            return;
        }
        findings.exercise("I12");
        if let Some(key) = self.pauses.keys().next() {
            findings.broken("I12", format!("{id} begins a hedge although `{key}` stands against it"));
        }
        findings.exercise("I13");
        let nothing = BTreeSet::new();
        let read = self.read.get(&request.process).map_or(&nothing, |(_, read)| read);
        for truth in TRUTHS.iter().filter(|truth| !read.contains(**truth)) {
            findings.broken(
                "I13",
                format!("{id} begins a hedge before the {truth} was read in this epoch"),
            );
        }
        self.judge_age(request.process, intent, Input::Quote, bounds, findings);
        if intent.product != "spot" {
            self.judge_age(request.process, intent, Input::Funding, bounds, findings);
        }
    }

    fn judge_age(&self, process: u32, intent: &Intent, input: Input, bounds: &Bounds, findings: &mut Findings) {
        let Some(most) = bounds.oldest_ms.get(&input) else {
            return;
        };
        findings.exercise("I6");
        let market = instrument(&intent.venue, &intent.product, &intent.symbol);
        let (id, now) = (&intent.client_id, findings.at_ms());
        match self.heard.get(&(process, input, market.clone())) {
            None => findings.broken("I6", format!("{id} was sent without a living {input:?} of {market}")),
            Some(at) if now - at > *most => {
                let age = now - at;
                findings.broken(
                    "I6",
                    format!("{id} was sent on a {input:?} of {market} that is {age} ms old, allowed {most}"),
                );
            }
            Some(_) => {}
        }
    }
}
