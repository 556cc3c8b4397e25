//! The simulated venues inside this process: their hosts behind made-up ports, reached by pipes in place of sockets.

use std::io;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use simulator::serve::Twin;
use simulator::wire::Host;
use tokio::io::DuplexStream;
use venues::shared::transport::Dial;

use crate::wiring::VenueSettings;

/// Bytes in flight on one pipe: a book or an instrument list fits without a second turn.
pub const PIPE: usize = 1 << 18;
/// The three hosts, by their made-up ports.
const PORTS: [(u16, Host); 3] = [(1, Host::BinanceSpot), (2, Host::BinanceUsdm), (3, Host::Bybit)];

/// Where the adapters find the hosts.
pub fn addresses() -> VenueSettings {
    let [(spot, _), (usdm, _), (bybit, _)] = PORTS;
    VenueSettings::simulated(spot, usdm, bybit)
}

/// The host behind a made-up port.
///
/// # Errors
/// As a socket would: nobody listens on any other port.
pub fn host_of(host_port: &str) -> io::Result<Host> {
    let port = host_port.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let known = PORTS.iter().find(|(known, _)| Some(*known) == port);
    known
        .map(|(_, host)| *host)
        .ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
}

/// Connects by pipe to the host that stands behind a port. Must be used on the local set of the twin.
pub struct Pipes(pub Twin);

impl Dial for Pipes {
    fn dial<'a>(&'a self, host_port: &'a str) -> LocalBoxFuture<'a, io::Result<DuplexStream>> {
        let (host, twin) = (host_of(host_port), self.0.clone());
        async move {
            let host = host?;
            let (near, far) = tokio::io::duplex(PIPE);
            tokio::task::spawn_local(async move { twin.serve(host, far).await });
            Ok(near)
        }
        .boxed_local()
    }
}
