//! A wire between an engine and its PostgreSQL, on loopback, that can do what wires and servers do: lose an answer, lose
//! a request, dawdle, or undo a commit and say why.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// What becomes of the next commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is carried out, and its answer never comes: the connection ends.
    LoseAnswer,
    /// It never arrives: the connection ends.
    LoseRequest,
    /// It is carried out, and its answer comes so much later.
    Late(Duration),
    /// The server undoes it and names this state (`40001`, `40P01`).
    Undo(&'static str),
}

#[derive(Default)]
struct Orders {
    /// What to do, how often, and whether only with every other commit.
    commits: Mutex<Option<(Commit, u32)>>,
    /// Added to every message of the client, in milliseconds.
    slow_ms: AtomicU32,
    done: AtomicU32,
}

/// The wire. Its threads end with their connections.
pub struct Between {
    pub port: u16,
    orders: Arc<Orders>,
}

impl Between {
    /// In front of the server whose socket is in this folder.
    pub fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let orders = Arc::new(Orders::default());
        let (server, theirs) = (folder.join(".s.PGSQL.5432"), Arc::clone(&orders));
        spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, orders) = (server.clone(), Arc::clone(&theirs));
                // A server that is away refuses: so does the wire.
                spawn(move || UnixStream::connect(server).and_then(|server| carry(client, server, &orders)));
            }
        });
        Self { port, orders }
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Does this with the next commits.
    pub fn commits(&self, what: Commit, times: u32) {
        self.orders.done.store(0, Ordering::SeqCst);
        *self.orders.commits.lock().unwrap() = Some((what, times));
    }

    /// Slows every message down.
    pub fn slow(&self, by: Duration) {
        let by = u32::try_from(by.as_millis()).unwrap();
        self.orders.slow_ms.store(by, Ordering::SeqCst);
    }

    /// How many commits were tampered with since the last order.
    pub fn done(&self) -> u32 {
        self.orders.done.load(Ordering::SeqCst)
    }
}

impl Orders {
    /// What is to become of this commit.
    fn take(&self) -> Option<Commit> {
        let mut commits = self.commits.lock().unwrap();
        let (what, left) = commits.as_mut()?;
        let what = *what;
        *left -= 1;
        if *left == 0 {
            *commits = None;
        }
        self.done.fetch_add(1, Ordering::SeqCst);
        Some(what)
    }
}

/// Carries messages both ways until either side ends.
fn carry(mut client: TcpStream, mut server: UnixStream, orders: &Orders) -> io::Result<()> {
    client.set_nodelay(true)?;
    // The first message has no kind: its length comes first.
    let first = body(&mut client, Vec::new())?;
    server.write_all(&first)?;
    let mut answered = relay_until_ready(&mut server, Some(&mut client))?;
    while answered {
        let mut kind = [0; 1];
        client.read_exact(&mut kind)?;
        let message = body(&mut client, kind.to_vec())?;
        let slow = orders.slow_ms.load(Ordering::SeqCst);
        if slow > 0 {
            sleep(Duration::from_millis(slow.into()));
        }
        let is_commit = kind[0] == b'Q' && message.get(5..11) == Some(b"COMMIT".as_slice());
        match is_commit.then(|| orders.take()).flatten() {
            None => {
                server.write_all(&message)?;
                // Only a query and a sync are answered with the end of a turn.
                if matches!(kind[0], b'Q' | b'S') {
                    answered = relay_until_ready(&mut server, Some(&mut client))?;
                } else if kind[0] == b'X' {
                    return Ok(());
                }
            }
            Some(Commit::LoseRequest) => return client.shutdown(Shutdown::Both),
            Some(Commit::LoseAnswer) => {
                server.write_all(&message)?;
                relay_until_ready(&mut server, None)?;
                return client.shutdown(Shutdown::Both);
            }
            Some(Commit::Late(by)) => {
                server.write_all(&message)?;
                sleep(by);
                answered = relay_until_ready(&mut server, Some(&mut client))?;
            }
            Some(Commit::Undo(state)) => {
                server.write_all(&query("ROLLBACK"))?;
                relay_until_ready(&mut server, None)?;
                client.write_all(&refusal(state))?;
            }
        }
    }
    Ok(())
}

/// One message, after its kind.
fn body(from: &mut impl Read, mut message: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    message.extend(length);
    let rest = u32::from_be_bytes(length).saturating_sub(4) as usize;
    let start = message.len();
    message.resize(start + rest, 0);
    from.read_exact(&mut message[start..])?;
    Ok(message)
}

/// Hands over what the server says until it waits for the client again; false when it has ended.
fn relay_until_ready(server: &mut UnixStream, mut client: Option<&mut TcpStream>) -> io::Result<bool> {
    loop {
        let mut kind = [0; 1];
        if server.read(&mut kind)? == 0 {
            return Ok(false);
        }
        let message = body(server, kind.to_vec())?;
        if let Some(client) = client.as_mut() {
            client.write_all(&message)?;
        }
        if kind[0] == b'Z' {
            return Ok(true);
        }
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

fn query(text: &str) -> Vec<u8> {
    message(b'Q', &[text.as_bytes(), b"\0"].concat())
}

/// An error of this state, outside of a transaction.
fn refusal(state: &str) -> Vec<u8> {
    let fields = format!("SERROR\0VERROR\0C{state}\0Mcould not serialize access\0\0");
    [message(b'E', fields.as_bytes()), message(b'Z', b"I")].concat()
}
