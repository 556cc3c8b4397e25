//! What sockets say beside data: subscriptions, their acknowledgements, heartbeats.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::instrument::VenueId;
use domain::ports::VenueError;
use domain::time::Machine;
use serde_json::json;

use super::parse::{Read, brief, malformed, shortened};
use super::wire::Frame;

/// Within this the venue has acknowledged a subscription, and each topic that begins with a snapshot has sent it.
const FIRST_WORD: Duration = Duration::from_secs(20);

/// The heartbeat that the venue asks for every 20 s.
pub const PING: &str = r#"{"req_id":"ping","op":"ping"}"#;

/// What was asked for and is not yet proven: a topic is live after its own acknowledgement *and* its first message.
#[derive(Debug)]
pub struct Subscriptions {
    unacknowledged: BTreeMap<String, Vec<String>>,
    silent: BTreeSet<String>,
    /// Requests for topics that had fallen silent.
    anew: BTreeSet<String>,
    serial: u64,
    asked_at: Machine,
}

impl Subscriptions {
    /// Subscriptions to `topics`, at most `per_request` of them in one request, and the requests to send.
    /// `begin_with_snapshot` says whether each topic must speak at once.
    pub fn new(topics: &[String], per_request: usize, begin_with_snapshot: bool, now: Machine) -> (Self, Vec<String>) {
        let mut requests = Vec::new();
        let mut unacknowledged = BTreeMap::new();
        for (serial, batch) in topics.chunks(per_request.max(1)).enumerate() {
            let id = format!("s{serial}");
            requests.push(json!({"req_id": id, "op": "subscribe", "args": batch}).to_string());
            unacknowledged.insert(id, batch.to_vec());
        }
        let silent = if begin_with_snapshot {
            topics.iter().cloned().collect()
        } else {
            BTreeSet::new()
        };
        let subscriptions = Self {
            unacknowledged,
            silent,
            anew: BTreeSet::new(),
            serial: 0,
            asked_at: now,
        };
        (subscriptions, requests)
    }

    /// Takes an answer to something that was asked.
    ///
    /// # Errors
    /// When the venue refused a subscription: all topics of that request are dead.
    pub fn answered(&mut self, frame: &Frame) -> Read<()> {
        if !matches!(frame.op.as_deref(), Some("subscribe" | "unsubscribe")) {
            return Ok(()); // a pong, in one of its shapes
        }
        let id = frame.req_id.as_deref().unwrap_or_default();
        if self.anew.remove(id) {
            return Ok(()); // taken or not, the topic speaks or it does not
        }
        let Some(topics) = self.unacknowledged.remove(id) else {
            return Err(malformed(format!("an acknowledgement of `{}`", shortened(id))));
        };
        if frame.success == Some(true) {
            return Ok(());
        }
        Err(refused(
            frame,
            &format!("subscription to {}", topics.first().map_or("nothing", String::as_str)),
        ))
    }

    /// The requests that ask again for topics that have fallen silent.
    pub fn ask_anew(&mut self, topics: &[String]) -> Vec<String> {
        let mut requests = Vec::new();
        for op in ["unsubscribe", "subscribe"].into_iter().filter(|_| !topics.is_empty()) {
            self.serial += 1;
            let id = format!("a{}", self.serial);
            requests.push(json!({"req_id": id, "op": op, "args": topics}).to_string());
            self.anew.insert(id);
        }
        requests
    }

    /// Whether nothing is left to acknowledge.
    pub fn is_acknowledged(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// Notes that a topic spoke.
    pub fn heard(&mut self, topic: &str) {
        self.silent.remove(topic);
    }

    /// Whether everything that was asked for is proven, or may still come.
    ///
    /// # Errors
    /// When an acknowledgement or the first message of a topic is overdue.
    pub fn check(&self, now: Machine) -> Read<()> {
        if now.since(self.asked_at) < FIRST_WORD {
            return Ok(());
        }
        let overdue = self.unacknowledged.values().flatten().chain(&self.silent).next();
        overdue.map_or(Ok(()), |topic| {
            Err(VenueError::Unreachable {
                venue: VenueId::Bybit,
                reason: format!("no word on topic {topic} in {} s", FIRST_WORD.as_secs()),
            })
        })
    }
}

/// The refusal of something that was asked on a socket.
pub fn refused(frame: &Frame, what: &str) -> VenueError {
    let words = frame
        .ret_msg
        .as_deref()
        .or(frame.ret_message.as_deref())
        .unwrap_or_default();
    VenueError::Refused {
        venue: VenueId::Bybit,
        code: frame.ret_code.unwrap_or(-1),
        reason: format!("{what}: {}", brief(words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(json: &str) -> Frame {
        serde_json::from_str(json).unwrap()
    }

    fn topics() -> Vec<String> {
        ["tickers.A", "tickers.B", "tickers.C"].map(str::to_owned).to_vec()
    }

    fn after(seconds: u64) -> Machine {
        Machine(Duration::from_secs(seconds))
    }

    #[test]
    fn requests_stay_inside_the_argument_limit() {
        let (_, requests) = Subscriptions::new(&topics(), 2, true, after(0));
        assert_eq!(
            requests,
            [
                r#"{"args":["tickers.A","tickers.B"],"op":"subscribe","req_id":"s0"}"#,
                r#"{"args":["tickers.C"],"op":"subscribe","req_id":"s1"}"#
            ]
        );
    }

    #[test]
    fn one_acknowledgement_proves_its_own_topics_only() {
        let (mut asked, _) = Subscriptions::new(&topics(), 2, false, after(0));
        asked
            .answered(&frame(
                r#"{"success":true,"ret_msg":"","req_id":"s0","op":"subscribe"}"#,
            ))
            .unwrap();
        asked.check(after(19)).unwrap();
        assert!(
            matches!(asked.check(after(20)), Err(VenueError::Unreachable { reason, .. }) if reason.contains("tickers.C"))
        );
        assert!(
            asked
                .answered(&frame(
                    r#"{"success":true,"ret_msg":"","req_id":"s0","op":"subscribe"}"#
                ))
                .is_err()
        );
    }

    #[test]
    fn a_refused_topic_ends_the_stream_and_pongs_do_not() {
        let (mut asked, _) = Subscriptions::new(&topics(), 10, false, after(0));
        asked
            .answered(&frame(
                r#"{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"ping","op":"ping"}"#,
            ))
            .unwrap();
        asked
            .answered(&frame(
                r#"{"req_id":"ping","op":"pong","args":["1790000000000"],"conn_id":"c"}"#,
            ))
            .unwrap();
        let refusal = asked.answered(&frame(
            r#"{"success":false,"ret_msg":"error:handler not found,topic:tickers.B","req_id":"s0","op":"subscribe"}"#,
        ));
        assert!(matches!(refusal, Err(VenueError::Refused { reason, .. }) if reason.contains("tickers.B")));
    }

    #[test]
    fn a_topic_that_never_speaks_is_dead_although_acknowledged() {
        let (mut asked, _) = Subscriptions::new(&topics(), 10, true, after(0));
        asked
            .answered(&frame(
                r#"{"success":true,"ret_msg":"","req_id":"s0","op":"subscribe"}"#,
            ))
            .unwrap();
        asked.heard("tickers.A");
        asked.heard("tickers.B");
        assert!(matches!(asked.check(after(20)), Err(VenueError::Unreachable { .. })));
        asked.heard("tickers.C");
        asked.check(after(20)).unwrap();
    }
}
