//! Tells systemd how the service is, over the datagram socket that it names.
//!
//! `READY=1` when the doors are open, `WATCHDOG=1` while the core moves, `STOPPING=1` when a stop begins. Without a socket
//! nothing is said, and nothing is missing.

use std::collections::BTreeMap;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;

/// Whom to tell. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Notifier {
    socket: Option<Arc<UnixDatagram>>,
    wants_watchdog: bool,
}

impl Notifier {
    /// The socket that the environment names, if it names one.
    ///
    /// # Errors
    /// When it names one that cannot be opened.
    pub fn of(env: &BTreeMap<String, String>) -> io::Result<Self> {
        let Some(path) = env.get("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else {
            return Ok(Self::default());
        };
        // A name that begins so is no file.
        let address = match path.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(path)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A manager that does not read must not hold up a thread.
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: Some(Arc::new(socket)),
            wants_watchdog: env.get("WATCHDOG_USEC").is_some_and(|text| text.parse::<u64>().is_ok()),
        })
    }

    fn say(&self, words: &str) {
        if let Some(socket) = &self.socket {
            // A word that is lost is followed by the next one, or missed by the manager, who then acts.
            let _ = socket.send(words.as_bytes());
        }
    }

    /// The doors are open.
    pub fn ready(&self) {
        self.say("READY=1");
    }

    /// The core moves, and this is its mode.
    pub fn alive(&self, mode: &str) {
        if self.wants_watchdog {
            self.say(&format!("WATCHDOG=1\nSTATUS={mode}"));
        }
    }

    /// A stop has begun.
    pub fn stopping(&self) {
        self.say("STOPPING=1");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str, watchdog: &str) -> BTreeMap<String, String> {
        [("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", watchdog)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn a_name_without_a_file_is_spoken_to_as_well() {
        let name = format!("funding-arb-notify-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let notifier = Notifier::of(&named(&format!("@{name}"), "60000000")).unwrap();
        notifier.ready();
        notifier.alive("running");
        notifier.stopping();
        let mut heard = [0; 64];
        for expected in ["READY=1", "WATCHDOG=1\nSTATUS=running", "STOPPING=1"] {
            let length = manager.recv(&mut heard).unwrap();
            assert_eq!(&heard[..length], expected.as_bytes());
        }
        let quiet = Notifier::of(&named(&format!("@{name}"), "")).unwrap();
        quiet.alive("running");
        quiet.stopping();
        let length = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..length], b"STOPPING=1", "no watchdog was asked for");
    }

    #[test]
    fn without_a_socket_nothing_is_said_and_a_wrong_one_is_an_error() {
        Notifier::of(&BTreeMap::new()).unwrap().ready();
        assert!(Notifier::of(&named("/no/such/socket", "")).is_err());
    }
}
