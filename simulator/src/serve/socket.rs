//! One websocket: the client's frames go to its session, pushes go out through the faults.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::Twin;
use crate::faults::{Action, Link, Passing};
use crate::market::Venue;
use crate::wire::{Host, Outgoing, Session};

/// Messages that may wait for a slow reader before the venue cuts it off.
const QUEUE: usize = 16_384;

/// What a socket's task is told to do.
pub(super) enum Out {
    /// Send this.
    Text(String),
    /// Close in order.
    Close,
    /// Cut without a word.
    Cut,
}

/// One open socket.
pub(super) struct Slot {
    pub id: u64,
    pub venue: Venue,
    pub session: RefCell<Box<dyn Session>>,
    out: mpsc::Sender<Out>,
    /// Half open: nothing goes out any more, what comes in is not read.
    deaf: Cell<bool>,
    /// Pushes that wait to be reordered.
    held: RefCell<Vec<String>>,
}

impl Slot {
    fn link(&self) -> Link {
        if self.session.borrow().is_private() {
            Link::Private
        } else {
            Link::Public
        }
    }
}

impl Twin {
    /// Takes a session in; the receiver feeds the socket's task.
    pub(super) fn admit(&self, host: Host, session: Box<dyn Session>) -> (Rc<Slot>, mpsc::Receiver<Out>) {
        let id = self.0.next_session.get();
        self.0.next_session.set(id + 1);
        let (out, queue) = mpsc::channel(QUEUE);
        let slot = Rc::new(Slot {
            id,
            venue: host.venue(),
            session: RefCell::new(session),
            out,
            deaf: Cell::new(false),
            held: RefCell::default(),
        });
        self.0.sessions.borrow_mut().insert(id, Rc::clone(&slot));
        (slot, queue)
    }

    fn send(&self, slot: &Slot, out: Out) {
        // A full queue is a reader that does not read, a closed one a socket that is gone: either way it ends here.
        if slot.out.try_send(out).is_err() {
            self.0.sessions.borrow_mut().remove(&slot.id);
        }
    }

    /// Sends a push through the faults of its link.
    pub(super) fn deliver(&self, slot: &Rc<Slot>, message: Outgoing) {
        if slot.deaf.get() {
            return;
        }
        if self.0.faults.borrow().is_empty() {
            self.release(slot);
            return self.send(slot, Out::Text(message.text));
        }
        let fired = self.0.faults.borrow_mut().on(Passing {
            venue: slot.venue,
            link: slot.link(),
            method: "",
            path: "",
            topic: &message.topic,
            symbol: &message.symbol,
        });
        self.pass(slot, message.text, fired);
    }

    fn pass(&self, slot: &Rc<Slot>, mut text: String, fired: Vec<Action>) {
        let (mut copies, mut wait, mut window) = (1_u32, 0, None);
        for action in fired {
            match action {
                Action::Stall | Action::DropResp | Action::DropReq => return,
                Action::Reset => return self.send(slot, Out::Cut),
                Action::HalfOpen => return slot.deaf.set(true),
                Action::Dup(n) => copies += n,
                Action::Delay(ms) => wait += ms,
                Action::Mutate { field, value } => text = mutate(text, &field, &value),
                Action::Reply { body, .. } => text = body,
                Action::Reorder(size) => window = Some(size),
                act if act.is_act() => {
                    // As with a request: what cannot be done is no reason to keep the message back.
                    let now = self.now();
                    let _ = self.act(slot.venue, &act, now);
                    self.tell(now);
                }
                _ => {}
            }
        }
        if let Some(size) = window {
            slot.held.borrow_mut().push(text);
            if slot.held.borrow().len() >= size {
                self.release(slot);
            }
            return;
        }
        self.release(slot);
        for _ in 0..copies {
            self.send_after(slot, text.clone(), wait);
        }
    }

    /// Lets the pushes go that wait to be reordered, the last one first.
    fn release(&self, slot: &Slot) {
        let held = slot.held.take();
        for text in held.into_iter().rev() {
            self.send(slot, Out::Text(text));
        }
    }

    fn send_after(&self, slot: &Rc<Slot>, text: String, wait: i64) {
        let Some(wait) = u64::try_from(wait).ok().filter(|wait| *wait > 0) else {
            return self.send(slot, Out::Text(text));
        };
        let (twin, slot) = (self.clone(), Rc::clone(slot));
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            twin.send(&slot, Out::Text(text));
        });
    }

    pub(super) fn close_if_wanted(&self, slot: &Rc<Slot>) {
        if slot.session.borrow().wants_close() {
            self.send(slot, Out::Close);
        }
    }

    /// Hands one frame of the client to its session; answers and events go into the queue.
    fn receive(&self, slot: &Rc<Slot>, text: &str) {
        if slot.deaf.get() {
            return;
        }
        let now = self.now();
        self.advance(now);
        let fired = self.0.faults.borrow_mut().on(Passing {
            venue: slot.venue,
            link: slot.link(),
            method: "WS",
            path: "",
            topic: "",
            symbol: text,
        });
        if fired.iter().any(|action| matches!(action, Action::DropReq)) {
            return;
        }
        if fired.iter().any(|action| matches!(action, Action::Reset)) {
            return self.send(slot, Out::Cut);
        }
        let forged = fired
            .iter()
            .any(|action| matches!(action, Action::Reply { executed: false, .. }));
        if forged {
            return self.pass(slot, String::new(), fired);
        }
        let answers = slot
            .session
            .borrow_mut()
            .receive(&mut self.0.exchange.borrow_mut(), text, now);
        for answer in answers {
            self.pass(slot, answer, fired.clone());
        }
        // A new subscription is answered with what there is, as the venues do; not at the next push.
        let first = slot.session.borrow_mut().tick(&self.0.exchange.borrow(), now);
        for message in first {
            self.deliver(slot, message);
        }
        self.tell(now);
        self.close_if_wanted(slot);
    }

    /// Drives one socket until either side ends it.
    pub(super) async fn drive<Io>(
        &self,
        slot: Rc<Slot>,
        mut queue: mpsc::Receiver<Out>,
        mut socket: WebSocketStream<Io>,
        transit: Duration,
    ) where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            // In this order always: a choice by chance could not be replayed.
            tokio::select! {
                biased;
                out = queue.recv() => match out {
                    Some(Out::Text(text)) => {
                        if socket.send(Message::text(text)).await.is_err() {
                            break;
                        }
                    }
                    Some(Out::Close) => {
                        let _ = socket.close(None).await;
                        break;
                    }
                    Some(Out::Cut) | None => break,
                },
                frame = socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => {
                        if !transit.is_zero() {
                            tokio::time::sleep(transit).await;
                        }
                        self.receive(&slot, text.as_str());
                    }
                    Some(Ok(Message::Ping(_))) => {
                        // The library has queued the pong; it leaves with the next flush.
                        if !slot.deaf.get() && socket.flush().await.is_err() {
                            break;
                        }
                    }
                    Some(Ok(Message::Binary(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_))) => {
                        let _ = socket.flush().await;
                        break;
                    }
                    Some(Err(_)) | None => break,
                },
            }
        }
        self.0.sessions.borrow_mut().remove(&slot.id);
    }
}

/// Gives a field its new value wherever it stands in the message.
pub(super) fn mutate(text: String, field: &str, value: &Value) -> String {
    match serde_json::from_str::<Value>(&text) {
        Ok(mut message) => {
            set(&mut message, field, value);
            message.to_string()
        }
        Err(_) => text,
    }
}

fn set(node: &mut Value, field: &str, value: &Value) {
    match node {
        Value::Object(fields) => {
            for (name, inner) in fields.iter_mut() {
                if name == field {
                    *inner = value.clone();
                } else {
                    set(inner, field, value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| set(item, field, value)),
        _ => {}
    }
}
