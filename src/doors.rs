//! Opens the HTTP doors of an engine on a thread of their own.

use std::net::{SocketAddr, TcpListener};

use actix::Arbiter;
use actix_web::dev::ServerHandle;
use actors::health::HealthBoard;
use ledger::Ledger;
use slog::{Logger, error};
use tokio::sync::oneshot;

use crate::clock::ScaledClock;
use crate::http::{Actors, Doors, HttpSettings, Tokens, serve};

/// Doors that are open.
pub struct OpenDoors {
    /// Where.
    pub address: SocketAddr,
    handle: ServerHandle,
    arbiter: Arbiter,
}

/// What stands behind the doors.
pub struct Behind {
    /// Whom they ask.
    pub actors: Actors,
    /// What `/health` reads.
    pub health: HealthBoard,
    /// For reading.
    pub ledger: Ledger,
    /// Tells the time.
    pub clock: ScaledClock,
    /// What opens them.
    pub tokens: Tokens,
}

/// Opens the doors.
///
/// # Errors
/// When the listener cannot be used.
pub async fn open(
    behind: Behind,
    settings: HttpSettings,
    listener: TcpListener,
    log: &Logger,
) -> std::io::Result<OpenDoors> {
    let address = listener.local_addr()?;
    let doors = Doors {
        actors: behind.actors,
        health: behind.health,
        ledger: behind.ledger,
        clock: behind.clock,
        tokens: behind.tokens,
        settings,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log: log.clone(),
    };
    let arbiter = Arbiter::new();
    let (tell, told) = oneshot::channel();
    let log = log.clone();
    arbiter.spawn_fn(move || match serve(doors, listener) {
        Ok((handle, server)) => {
            let _ = tell.send(Ok(handle));
            actix_rt::spawn(async move {
                if let Err(error) = server.await {
                    error!(log, "the doors have closed"; "error" => %error);
                }
            });
        }
        Err(error) => drop(tell.send(Err(error))),
    });
    let handle = told.await.map_err(std::io::Error::other)??;
    Ok(OpenDoors {
        address,
        handle,
        arbiter,
    })
}

impl OpenDoors {
    /// Closes them; what is being answered is finished.
    pub async fn close(self) {
        self.handle.stop(true).await;
        self.arbiter.stop();
        let _ = self.arbiter.join();
    }
}
