//! One websocket of a venue. It connects, is listened to, and ends with a reason; it never mends itself.
//!
//! - ST-1  Silence is an end: no frame for `silence`, or no text for `data_silence`.
//! - ST-2  An acknowledged topic that does not speak within its deadline is an end: venues acknowledge topics they will
//!   never serve.
//! - ST-3  [`Line::next`] may be dropped and called again; nothing is lost.
//! - ST-4  What is queued leaves in order and no faster than the venue takes it; a write that does not finish is an end.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::instrument::VenueId;
use domain::ports::VenueError;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, Sleep, sleep, timeout, timeout_at};
use tokio_tungstenite::tungstenite::{Bytes, Message as Frame, Utf8Bytes};

use super::transport::{Frames, Transport, without_query};

const UNWRITTEN: &str = "a write did not finish in time";

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
    /// Least time between two messages of ours that were queued.
    pub between_writes: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(45),
            data_silence: None,
            ping_every: Duration::from_secs(15),
            ping_text: None,
            between_writes: Duration::from_millis(250),
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
    /// What is to be sent, in order.
    queue: VecDeque<Frame>,
    write_at: Instant,
    /// Until when what was handed to the socket has to be gone.
    flushing: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
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
            alarm: Box::pin(sleep(patience.ping_every)),
            patience,
            awaited: BTreeMap::new(),
            queue: VecDeque::new(),
            write_at: now,
            flushing: None,
        })
    }

    /// Sends one text message.
    ///
    /// # Errors
    /// [`VenueError::Unreachable`]; the line is over then.
    pub async fn send(&mut self, text: String) -> Result<(), VenueError> {
        match timeout(self.patience.connect, self.socket.send(Frame::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.over(&error.to_string())),
            Err(_) => Err(self.over(UNWRITTEN)),
        }
    }

    /// Sends one text message while the line is listened to, after those that wait already.
    pub fn queue(&mut self, text: String) {
        self.queue.push_back(Frame::text(text));
    }

    /// From now on each of these topics has to speak within `deadline`.
    pub fn await_topics(&mut self, topics: impl IntoIterator<Item = String>, deadline: Duration) {
        let until = Instant::now() + deadline;
        self.awaited.extend(topics.into_iter().map(|topic| (topic, until)));
    }

    /// A topic has spoken, or is not asked for any more.
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
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Line::next`], asked in place.
    ///
    /// # Errors
    /// As [`Line::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Utf8Bytes, VenueError>> {
        loop {
            if let Poll::Ready(Err(error)) = self.poll_write(cx) {
                return Poll::Ready(Err(error));
            }
            match self.socket.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.heard = Instant::now();
                    match frame {
                        Frame::Text(text) => {
                            self.text_heard = self.heard;
                            self.ping_when_due(self.heard);
                            return Poll::Ready(Ok(text));
                        }
                        Frame::Close(close) => {
                            let words = close.map_or_else(String::new, |close| format!(" ({})", close.code));
                            return Poll::Ready(Err(self.over(&format!("closed by the venue{words}"))));
                        }
                        // The library answers pings while it is read.
                        Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_) | Frame::Frame(_) => {}
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.over(&error.to_string()))),
                Poll::Ready(None) => return Poll::Ready(Err(self.over("closed"))),
                Poll::Pending => ready!(self.poll_patience(cx))?,
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

    /// When the line is over unless something comes, and the topic that would be to blame.
    fn patience_ends(&self) -> (Instant, Option<&str>) {
        let silent = self.heard + self.patience.silence;
        let quiet = self.patience.data_silence.map(|bound| self.text_heard + bound);
        let end = quiet.map_or(silent, |quiet| quiet.min(silent));
        match self.awaited.iter().min_by_key(|(_, until)| **until) {
            Some((topic, until)) if *until < end => (*until, Some(topic)),
            _ => (end, None),
        }
    }

    /// Ready when something is due: a ping that was queued, a message that may be sent now. An error is the end.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), VenueError>> {
        let now = Instant::now();
        let (end, blamed) = self.patience_ends();
        if now >= end {
            let why = blamed.map_or_else(
                || "silent for too long".to_owned(),
                |topic| format!("{topic} was acknowledged and never spoke"),
            );
            return Poll::Ready(Err(self.over(&why)));
        }
        if self.flushing.is_some_and(|until| now >= until) {
            return Poll::Ready(Err(self.over(UNWRITTEN)));
        }
        if self.ping_when_due(now) {
            return Poll::Ready(Ok(()));
        }
        let mut wake = end.min(self.ping_at);
        if let Some(until) = self.flushing {
            wake = wake.min(until);
        } else if !self.queue.is_empty() {
            wake = wake.min(self.write_at);
        }
        if self.alarm.deadline() != wake {
            self.alarm.as_mut().reset(wake);
        }
        self.alarm.as_mut().poll(cx).map(Ok)
    }

    /// Queues a ping before everything else, when one is due: a line that is always busy pings, too.
    fn ping_when_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.ping_at;
        if is_due {
            self.ping_at = now + self.patience.ping_every;
            self.queue.push_front(match self.patience.ping_text {
                Some(text) => Frame::text(text),
                None => Frame::Ping(Bytes::new()),
            });
        }
        is_due
    }

    /// Hands what is due to the socket, one message at a time.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), VenueError>> {
        loop {
            if self.flushing.is_some() {
                ready!(self.socket.poll_flush_unpin(cx)).map_err(|error| self.over(&error.to_string()))?;
                self.flushing = None;
            }
            if self.queue.is_empty() || Instant::now() < self.write_at {
                return Poll::Ready(Ok(()));
            }
            ready!(self.socket.poll_ready_unpin(cx)).map_err(|error| self.over(&error.to_string()))?;
            if let Some(frame) = self.queue.pop_front() {
                let handed = self.socket.start_send_unpin(frame);
                handed.map_err(|error| self.over(&error.to_string()))?;
                let now = Instant::now();
                self.write_at = now + self.patience.between_writes;
                self.flushing = Some(now + self.patience.connect);
            }
        }
    }
}
