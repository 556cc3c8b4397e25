//! A venue of scripted answers over in-process pipes, for tests: requests and sockets, many connections at once.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use domain::ports::Clock;
use domain::time::{Machine, Now, Timestamp};
use futures_util::future::LocalBoxFuture;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::transport::{Dial, Transport};

/// What a client said on a socket.
#[derive(Clone, Debug)]
pub struct Said {
    /// Which connection, from 0.
    pub connection: usize,
    /// When.
    pub at: Instant,
    /// What.
    pub text: String,
}

/// One socket as the venue sees it.
#[derive(Clone)]
pub struct Peer {
    /// The path that was asked for.
    pub path: String,
    push: mpsc::UnboundedSender<Option<String>>,
}

impl Peer {
    /// Says something.
    pub fn push(&self, text: &str) {
        let _ = self.push.send(Some(text.to_owned()));
    }

    /// Hangs up.
    pub fn hang_up(&self) {
        let _ = self.push.send(None);
    }
}

/// Answers a request's target with a body, and a text on a socket of this path with texts.
pub trait Script {
    /// The body of a 200.
    fn http(&self, target: &str) -> String;
    /// What is said in return.
    fn socket(&self, path: &str, text: &str) -> Vec<String>;
}

/// The venue.
pub struct Fake<S> {
    /// Its answers.
    pub script: S,
    /// What clients said.
    pub said: RefCell<Vec<Said>>,
    /// The targets that were asked for.
    pub asked: RefCell<Vec<String>>,
    /// Its sockets, in the order in which they were opened.
    pub peers: RefCell<Vec<Peer>>,
}

impl<S: Script + 'static> Fake<S> {
    /// A venue and the way to it.
    pub fn new(script: S) -> (Rc<Self>, Transport) {
        let fake = Rc::new(Self {
            script,
            said: RefCell::default(),
            asked: RefCell::default(),
            peers: RefCell::default(),
        });
        let transport = Transport::pipes(Rc::new(Line(fake.clone())));
        (fake, transport)
    }

    /// The last socket that was opened on a path that contains this.
    pub fn peer(&self, path: &str) -> Peer {
        let peers = self.peers.borrow();
        peers.iter().rfind(|peer| peer.path.contains(path)).unwrap().clone()
    }

    async fn requests(self: Rc<Self>, mut wire: DuplexStream) {
        let (mut text, mut part) = (String::new(), vec![0; 4096]);
        loop {
            let count = wire.read(&mut part).await.unwrap_or(0);
            if count == 0 {
                return;
            }
            text.push_str(&String::from_utf8_lossy(&part[..count]));
            if !text.contains("\r\n\r\n") {
                continue;
            }
            let target = text.split(' ').nth(1).unwrap().to_owned();
            text.clear();
            let body = self.script.http(&target);
            self.asked.borrow_mut().push(target);
            let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            if wire.write_all(reply.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    async fn socket(self: Rc<Self>, wire: DuplexStream) {
        let mut path = String::new();
        #[expect(clippy::result_large_err, reason = "the library's own callback")]
        let note = |request: &Request, response: Response| {
            path = request.uri().to_string();
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(wire, note).await.unwrap();
        let (push, mut pushed) = mpsc::unbounded_channel();
        let connection = self.peers.borrow().len();
        self.peers.borrow_mut().push(Peer {
            path: path.clone(),
            push,
        });
        loop {
            tokio::select! {
                heard = socket.next() => match heard {
                    Some(Ok(Frame::Text(text))) => {
                        let text = text.to_string();
                        let answers = self.script.socket(&path, &text);
                        self.said.borrow_mut().push(Said { connection, at: Instant::now(), text });
                        for answer in answers {
                            let _ = socket.send(Frame::text(answer)).await;
                        }
                    }
                    Some(Ok(_)) => {}
                    _ => return,
                },
                told = pushed.recv() => match told {
                    Some(Some(text)) => {
                        let _ = socket.send(Frame::text(text)).await;
                    }
                    _ => return,
                },
            }
        }
    }
}

struct Line<S>(Rc<Fake<S>>);

impl<S: Script + 'static> Dial for Line<S> {
    fn dial<'a>(&'a self, host_port: &'a str) -> LocalBoxFuture<'a, io::Result<DuplexStream>> {
        let (near, far) = duplex(1 << 20);
        let fake = self.0.clone();
        if host_port.contains("stream") {
            actix_rt::spawn(fake.socket(far));
        } else {
            actix_rt::spawn(fake.requests(far));
        }
        Box::pin(std::future::ready(Ok(near)))
    }
}

struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let age = self.0.elapsed();
        Now {
            market: Timestamp(1_790_000_000_000 + i64::try_from(age.as_millis()).unwrap()),
            machine: Machine(age),
        }
    }
}

/// A clock that begins now.
pub fn clock() -> Rc<dyn Clock> {
    Rc::new(VirtualClock(Instant::now()))
}

/// Runs a test in virtual time.
pub fn virtual_time<F: Future>(test: F) -> F::Output {
    actix_rt::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    })
    .block_on(test)
}

/// Lets a while pass.
pub async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
