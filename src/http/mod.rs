//! The doors: health, status, control, metrics, and a status page.
//!
//! ```text
//! manners   what every request must keep to before anything looks at it: host, head, body; and what every answer carries
//! auth      the token, read-only sessions for browsers, the one-time link
//! actors    whom the doors ask, by message
//! open      /health, /livez, /readyz: from the health board alone, no actor is asked
//! read      /status and the lists
//! control   /pause, /resume, /hedges/{id}/close, /close-all: audited before they act
//! pace      how often control may be called
//! events    /events: what happens, as it happens
//! metrics   /metrics, in Prometheus' text form
//! page      the status page and its sign-in
//! answer    errors as JSON
//! ```
//!
//! - DO-1  Nothing but health is answered without the token; no state changes by GET; a session reads only.
//! - DO-2  Health is read from the board and never waits for an actor.
//! - DO-3  No answer repeats what a header said, and none carries a secret.
//! - DO-4  Every control call is audited before it acts. Only `resume` depends on the audit: stopping and leaving never do.
//! - DO-5  A stream that is not read is cut off; nobody waits for it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use ::actors::health::HealthBoard;
use actix_web::dev::{Server, ServerHandle};
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use slog::{Logger, o};

use crate::clock::ScaledClock;
use crate::config;

pub mod actors;
mod answer;
mod auth;
mod control;
mod events;
mod manners;
mod metrics;
mod open;
mod pace;
mod page;
mod read;
#[cfg(test)]
mod tests;

pub use self::actors::Actors;
pub use self::auth::{Tokens, random_secret};

/// Connections at a time; a person, a scraper and a platform need a handful.
const CONNECTIONS: usize = 256;

/// How long a stop waits for answers that are under way, in seconds.
const STOP_SECONDS: u64 = 2;

/// How the doors behave.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// The address to listen on.
    pub bind: String,
    /// The port; 0 takes any.
    pub port: u16,
    /// Hosts, beside loopback names with our port, that a request may name: `name` or `name:port`.
    pub allowed_hosts: Vec<String>,
    /// Whether `/metrics` needs no token.
    pub metrics_open: bool,
}

impl From<&config::Http> for HttpSettings {
    fn from(http: &config::Http) -> Self {
        Self {
            bind: http.bind.to_string(),
            port: http.port,
            allowed_hosts: http.allowed_hosts.clone(),
            metrics_open: http.metrics_open,
        }
    }
}

/// What the doors open to.
pub struct Doors {
    /// Whom they ask.
    pub actors: Actors,
    /// The checks.
    pub health: HealthBoard,
    /// Read, never written. One of its own keeps readers out of the writer's way.
    pub ledger: ledger::Ledger,
    /// Tells the time.
    pub clock: ScaledClock,
    /// Who knows them may read, or read and control; without any only health is answered.
    pub tokens: Tokens,
    /// How they behave.
    pub settings: HttpSettings,
    /// The program's version.
    pub version: String,
    /// Where to speak.
    pub log: Logger,
}

/// What every request is served from.
struct State {
    actors: Actors,
    health: HealthBoard,
    ledger: ledger::Ledger,
    clock: ScaledClock,
    auth: auth::Auth,
    hosts: manners::Hosts,
    jobs: control::Jobs,
    pace: pace::Pace,
    hub: events::Hub,
    metrics_open: bool,
    version: String,
    log: Logger,
}

impl State {
    fn new(doors: Doors, port: u16) -> Self {
        Self {
            auth: auth::Auth::new(&doors.tokens, port),
            hosts: manners::Hosts::new(&doors.settings.allowed_hosts, port),
            jobs: control::Jobs::default(),
            pace: pace::Pace::default(),
            hub: events::Hub::default(),
            actors: doors.actors,
            health: doors.health,
            ledger: doors.ledger,
            clock: doors.clock,
            metrics_open: doors.settings.metrics_open,
            version: doors.version,
            log: doors.log.new(o!("actor" => "http")),
        }
    }
}

/// Why no address was opened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error("{0} is in use: stop the other program, or choose another http.port")]
    InUse(SocketAddr),
    /// It is no address.
    #[error("http.bind = {0:?} is no IP address")]
    NoAddress(String),
    /// The system refuses.
    #[error("{address} cannot be opened: choose another http.bind or http.port")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The address of the settings.
///
/// # Errors
/// [`BindError::NoAddress`].
pub fn address(settings: &HttpSettings) -> Result<SocketAddr, BindError> {
    let ip = if settings.bind == "localhost" {
        Ok([127, 0, 0, 1].into())
    } else {
        settings.bind.parse()
    };
    ip.map(|ip| SocketAddr::new(ip, settings.port))
        .map_err(|_| BindError::NoAddress(settings.bind.clone()))
}

/// Opens an address.
///
/// # Errors
/// See [`BindError`]; each says what to do.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse(address),
        _ => BindError::Refused { address, source },
    })
}

/// Serves the doors on one thread of its own. The server is a future to be awaited; the handle stops it. No signal is
/// listened to.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(doors: Doors, listener: TcpListener) -> io::Result<(ServerHandle, Server)> {
    let state = web::Data::from(Arc::new(State::new(doors, listener.local_addr()?.port())));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .wrap(from_fn(manners::keep))
            .configure(routes)
            .default_service(web::to(answer::not_found))
    })
    .workers(1)
    .max_connections(CONNECTIONS)
    // One request a connection: the time limit on a head counts from the start of a connection only.
    .keep_alive(KeepAlive::Disabled)
    .client_request_timeout(manners::HEAD_WITHIN)
    // An event stream ends only when its reader goes: a stop does not wait for it.
    .shutdown_timeout(STOP_SECONDS)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok((server.handle(), server))
}

macro_rules! doors {
    ($($method:ident $path:literal $handler:path),* $(,)?) => {
        /// Every door: its method and its path, in lower case as the description for programs says them.
        pub const ROUTES: &[(&str, &str)] = &[$((stringify!($method), $path)),*];

        fn routes(app: &mut web::ServiceConfig) {
            $(app.service(
                web::resource($path)
                    .route(web::$method().to($handler))
                    .default_service(web::to(answer::wrong_method)),
            );)*
        }
    };
}

doors! {
    get "/health" open::health,
    get "/livez" open::livez,
    get "/readyz" open::readyz,
    get "/status" read::status,
    get "/opportunities" read::opportunities,
    get "/hedges" read::hedges,
    get "/orders" read::orders,
    get "/fills" read::fills,
    get "/funding" read::funding,
    get "/decisions" read::decisions,
    get "/audit" read::audit,
    get "/events" events::events,
    get "/metrics" metrics::metrics,
    post "/pause" control::pause,
    post "/resume" control::resume,
    post "/hedges/{id}/close" control::close,
    post "/close-all" control::close_all,
    get "/" page::page,
    get "/style.css" page::style,
    get "/openapi.json" open::openapi,
    post "/login" page::login,
    get "/enter/{secret}" page::enter,
}
