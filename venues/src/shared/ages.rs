//! How long each topic of a connection has been silent, by its own measure.
//!
//! - AG-1  A topic that is silent for longer than its bound is asked for anew while the others go on: a venue may stop
//!   serving one of many and keep the connection.
//! - AG-2  One that stays silent is asked for ever more rarely, and never costs the connection: it may have been halted.
//!   What it said goes stale by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// Between two looks at all topics.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Topics that are asked for anew at a time.
const MOST: usize = 10;
/// The wait after asking anew doubles up to so many times.
const MOST_DOUBLINGS: u32 = 8;

struct Age {
    heard: Instant,
    /// How often it was asked for anew since it was heard.
    asked: u32,
}

/// The ages of the topics of one connection.
pub struct Ages {
    bound: Duration,
    topics: BTreeMap<String, Age>,
    look_at: Instant,
}

impl Ages {
    /// Topics that speak at least once within `bound`.
    pub fn new(topics: impl IntoIterator<Item = String>, bound: Duration) -> Self {
        let heard = Instant::now();
        Self {
            bound,
            topics: topics
                .into_iter()
                .map(|topic| (topic, Age { heard, asked: 0 }))
                .collect(),
            look_at: heard + bound,
        }
    }

    /// A topic has spoken.
    pub fn spoke(&mut self, topic: &str, now: Instant) {
        if let Some(age) = self.topics.get_mut(topic) {
            (age.heard, age.asked) = (now, 0);
        }
    }

    /// Whether a topic is one of them.
    pub fn has(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }

    /// The topics that are to be asked for anew.
    pub fn silent(&mut self, now: Instant) -> Vec<String> {
        if now < self.look_at {
            return Vec::new();
        }
        self.look_at = now + LOOK_EVERY;
        let bound = self.bound;
        let is_due = |age: &Age| now.duration_since(age.heard) >= bound * 2_u32.pow(age.asked.min(MOST_DOUBLINGS));
        let due = self.topics.iter_mut().filter(|(_, age)| is_due(age)).take(MOST);
        due.map(|(topic, age)| {
            age.asked += 1;
            topic.clone()
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f001_a_silent_topic_is_asked_for_anew_and_ever_more_rarely() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let topics = ["a", "b"].map(str::to_owned);
        let mut ages = Ages::new(topics, Duration::from_secs(15));
        let mut asked = Vec::new();
        for second in 0..130 {
            ages.spoke("a", at(second));
            asked.extend(ages.silent(at(second)).into_iter().map(|topic| (second, topic)));
        }
        let seconds: Vec<u64> = asked.iter().map(|(second, _)| *second).collect();
        assert!(asked.iter().all(|(_, topic)| topic == "b"), "{asked:?}");
        assert!(
            matches!(seconds[..], [15..=20, 30..=36, 60..=66, 120..=126]),
            "{seconds:?}"
        );
        ages.spoke("b", at(130));
        assert_eq!(ages.silent(at(140)), Vec::<String>::new());
        assert!(!ages.silent(at(151)).is_empty());
    }
}
