//! One websocket of a venue. It connects, is listened to, and ends with a reason; it never mends itself.
//!
//! - ST-1  Silence is an end: no frame for `silence`, or no text for `data_silence`.
//! - ST-2  An acknowledged topic that does not speak within its deadline is an end: venues acknowledge topics they will
//!   never serve.
//! - ST-3  [`Line::next`] may be dropped and called again; nothing is lost.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::instrument::VenueId;
use domain::ports::VenueError;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame, Utf8Bytes};

use super::transport::{Frames, Transport, without_query};

/// How patient a line is.
#[derive(Clone, Debug)]
pub struct Patience {
    /// For the connection and the handshake, and for every write.
    pub connect: Duration,
    /// Longest time without any frame.
    pub silence: Duration,
    /// Longest time without a text message; `None` where quiet is normal.
    pub data_silence: Option<Duration>,
    /// How often to say that we are here.
    pub ping_every: Duration,
    /// What to say; `None` is a websocket ping.
    pub ping_text: Option<&'static str>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(45),
            data_silence: None,
            ping_every: Duration::from_secs(15),
            ping_text: None,
        }
    }
}

/// An open websocket.
pub struct Line {
    venue: VenueId,
    name: &'static str,
    socket: Box<dyn Frames>,
    patience: Patience,
    heard: Instant,
    text_heard: Instant,
    ping_at: Instant,
    awaited: BTreeMap<String, Instant>,
}

impl Line {
    /// Connects. `name` is what errors call this line.
    ///
    /// # Errors
    /// [`VenueError::Unreachable`].
    pub async fn connect(
        transport: &Transport,
        venue: VenueId,
        name: &'static str,
        url: &str,
        patience: Patience,
    ) -> Result<Self, VenueError> {
        let lost = |reason: String| VenueError::Unreachable {
            venue,
            reason: format!("{name}: {}: {reason}", without_query(url)),
        };
        let socket = timeout(patience.connect, transport.websocket(url))
            .await
            .map_err(|_| lost("no connection in time".to_owned()))?
            .map_err(lost)?;
        let now = Instant::now();
        Ok(Self {
            venue,
            name,
            socket,
            heard: now,
            text_heard: now,
            ping_at: now + patience.ping_every,
            patience,
            awaited: BTreeMap::new(),
        })
    }

    /// Sends one text message.
    ///
    /// # Errors
    /// [`VenueError::Unreachable`]; the line is over then.
    pub async fn send(&mut self, text: String) -> Result<(), VenueError> {
        self.write(Frame::text(text)).await
    }

    /// From now on each of these topics has to speak within `deadline`.
    pub fn await_topics(&mut self, topics: impl IntoIterator<Item = String>, deadline: Duration) {
        let until = Instant::now() + deadline;
        self.awaited.extend(topics.into_iter().map(|topic| (topic, until)));
    }

    /// A topic has spoken.
    pub fn topic_spoke(&mut self, topic: &str) {
        if !self.awaited.is_empty() {
            self.awaited.remove(topic);
        }
    }

    /// Whether a topic has still to speak for the first time.
    pub fn is_awaiting(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// The next text message.
    ///
    /// # Errors
    /// [`VenueError::Unreachable`] when the line is over: closed, broken, silent, or a topic never spoke.
    pub async fn next(&mut self) -> Result<Utf8Bytes, VenueError> {
        loop {
            let (until, why) = self.patience_ends();
            let wake = until.min(self.ping_at);
            match timeout_at(wake, self.socket.next()).await {
                Ok(Some(Ok(frame))) => {
                    self.heard = Instant::now();
                    match frame {
                        Frame::Text(text) => {
                            self.text_heard = self.heard;
                            return Ok(text);
                        }
                        Frame::Close(close) => {
                            let words = close.map_or_else(String::new, |close| format!(" ({})", close.code));
                            return Err(self.over(&format!("closed by the venue{words}")));
                        }
                        // The library answers pings while it is read.
                        Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) => {}
                    }
                }
                Ok(Some(Err(error))) => return Err(self.over(&error.to_string())),
                Ok(None) => return Err(self.over("closed")),
                Err(_) if Instant::now() >= until => return Err(self.over(&why)),
                Err(_) => self.ping().await?,
            }
        }
    }

    /// The next text message for which `wanted` gives something; others are dropped. For answers to our own requests.
    ///
    /// # Errors
    /// As [`Line::next`], and when nothing of the kind comes within `deadline`.
    pub async fn answer<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        mut wanted: impl FnMut(&str) -> Option<Result<T, VenueError>>,
    ) -> Result<T, VenueError> {
        let until = Instant::now() + deadline;
        loop {
            let Ok(next) = timeout_at(until, self.next()).await else {
                return Err(self.over(&format!("no answer to {what} in time")));
            };
            if let Some(answer) = wanted(next?.as_str()) {
                return answer;
            }
        }
    }

    /// An end of this line, with its reason.
    pub fn over(&self, reason: &str) -> VenueError {
        VenueError::Unreachable {
            venue: self.venue,
            reason: format!("{}: {reason}", self.name),
        }
    }

    fn patience_ends(&self) -> (Instant, String) {
        let mut end = (self.heard + self.patience.silence, None);
        if let Some(bound) = self.patience.data_silence {
            end = if self.text_heard + bound < end.0 {
                (self.text_heard + bound, None)
            } else {
                end
            };
        }
        if let Some((topic, until)) = self.awaited.iter().min_by_key(|(_, until)| **until)
            && *until < end.0
        {
            end = (*until, Some(topic));
        }
        let why = end
            .1
            .map_or_else(String::new, |topic| format!("{topic} was acknowledged and never spoke"));
        (
            end.0,
            if why.is_empty() {
                "silent for too long".to_owned()
            } else {
                why
            },
        )
    }

    async fn ping(&mut self) -> Result<(), VenueError> {
        self.ping_at = Instant::now() + self.patience.ping_every;
        let frame = match self.patience.ping_text {
            Some(text) => Frame::text(text),
            None => Frame::Ping(Bytes::new()),
        };
        self.write(frame).await
    }

    async fn write(&mut self, frame: Frame) -> Result<(), VenueError> {
        match timeout(self.patience.connect, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.over(&error.to_string())),
            Err(_) => Err(self.over("a write did not finish in time")),
        }
    }
}
