//! What lies between the adapters and the venues: it listens to what is sent, and it can be cut, muted or slowed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use funding_arb::world::Splice;
use futures_util::future::LocalBoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::time::Instant;
use venues::shared::transport::Dial;

/// Bytes in flight on one half.
const PIPE: usize = 1 << 18;
/// The requests that make an order, and the word before the client's name in each.
const CREATES: [(&str, &str); 3] = [
    ("POST /v5/order/create ", "\"orderLinkId\":\""),
    ("POST /fapi/v1/order ", "newClientOrderId="),
    ("POST /api/v3/order ", "newClientOrderId="),
];

/// What is wrong with a line to one port.
#[derive(Clone, Copy, Debug)]
pub enum Ill {
    /// No connection can be made: no route, no name, no certificate.
    Refused(io::ErrorKind),
    /// Bytes vanish in both directions and nothing ever ends.
    Mute,
    /// What the venue sends comes one byte at a time, this far apart.
    Drip(Duration),
    /// What the venue sends is kept back until the line is well again.
    Held,
}

#[derive(Default)]
struct State {
    ills: BTreeMap<u16, Ill>,
    dialled: Vec<(u16, Instant)>,
    sent: Vec<String>,
}

/// Shared by all connections of a stage.
#[derive(Clone, Default)]
pub struct Cable(Rc<RefCell<State>>);

struct Spliced {
    cable: Cable,
    inner: Rc<dyn Dial>,
}

impl Cable {
    /// How it comes between.
    pub fn splice(&self) -> Splice {
        let cable = self.clone();
        Rc::new(move |inner| {
            Rc::new(Spliced {
                cable: cable.clone(),
                inner,
            })
        })
    }

    /// Makes the lines to some ports ill, those that are open too.
    pub fn ail(&self, ports: &[u16], ill: Ill) {
        let mut state = self.0.borrow_mut();
        state.ills.extend(ports.iter().map(|port| (*port, ill)));
    }

    /// Makes all lines well.
    pub fn heal(&self) {
        self.0.borrow_mut().ills.clear();
    }

    /// When a port was dialled.
    pub fn dialled(&self, port: u16) -> Vec<Instant> {
        let state = self.0.borrow();
        let of_port = state.dialled.iter().filter(|(to, _)| *to == port);
        of_port.map(|(_, at)| *at).collect()
    }

    /// How often a request line that begins so was sent.
    pub fn requests(&self, begin: &str) -> usize {
        let state = self.0.borrow();
        state.sent.iter().map(|sent| sent.matches(begin).count()).sum()
    }

    /// The client ids of all orders that were sent, in no order, once for each time.
    pub fn orders(&self) -> Vec<String> {
        let state = self.0.borrow();
        let mut ids = Vec::new();
        for sent in &state.sent {
            for (begin, word) in CREATES {
                for request in sent.split(begin).skip(1) {
                    let named = request.split(word).nth(1).unwrap_or_default();
                    ids.push(named.split(['"', '&', ' ']).next().unwrap_or_default().to_owned());
                }
            }
        }
        ids
    }

    fn ill(&self, port: u16) -> Option<Ill> {
        self.0.borrow().ills.get(&port).copied()
    }

    async fn up(self, port: u16, mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>) {
        let line = {
            let mut state = self.0.borrow_mut();
            state.sent.push(String::new());
            state.sent.len() - 1
        };
        let mut part = vec![0; 1 << 14];
        while let Ok(count @ 1..) = from.read(&mut part).await {
            let bytes = &part[..count];
            self.0.borrow_mut().sent[line].push_str(&String::from_utf8_lossy(bytes));
            if !matches!(self.ill(port), Some(Ill::Mute)) && to.write_all(bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    }

    async fn down(self, port: u16, mut from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>) {
        let mut part = vec![0; 1 << 14];
        while let Ok(count @ 1..) = from.read(&mut part).await {
            for bytes in part[..count].chunks(if matches!(self.ill(port), Some(Ill::Drip(_))) {
                1
            } else {
                count
            }) {
                match self.ill(port) {
                    Some(Ill::Drip(pause)) => tokio::time::sleep(pause).await,
                    Some(Ill::Held) => {
                        while matches!(self.ill(port), Some(Ill::Held)) {
                            tokio::time::sleep(Duration::from_secs(1)).await;
                        }
                    }
                    _ => {}
                }
                if !matches!(self.ill(port), Some(Ill::Mute)) && to.write_all(bytes).await.is_err() {
                    return;
                }
            }
        }
        if matches!(self.ill(port), Some(Ill::Mute)) {
            std::future::pending::<()>().await;
        }
        let _ = to.shutdown().await;
    }
}

impl Dial for Spliced {
    fn dial<'a>(&'a self, host_port: &'a str) -> LocalBoxFuture<'a, io::Result<DuplexStream>> {
        Box::pin(async move {
            let port = host_port
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok())
                .unwrap_or(0);
            self.cable.0.borrow_mut().dialled.push((port, Instant::now()));
            if let Some(Ill::Refused(kind)) = self.cable.ill(port) {
                return Err(kind.into());
            }
            let (venue_in, venue_out) = split(self.inner.dial(host_port).await?);
            let (near, far) = duplex(PIPE);
            let (ours_in, ours_out) = split(far);
            tokio::task::spawn_local(self.cable.clone().up(port, ours_in, venue_out));
            tokio::task::spawn_local(self.cable.clone().down(port, venue_in, ours_out));
            Ok(near)
        })
    }
}
