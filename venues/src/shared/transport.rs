//! How bytes reach a host. The same requests and frames go over sockets and, in virtual time, over pipes inside the
//! process; nothing above this file knows which.
//!
//! - TR-1  Plain text goes to loopback hosts only.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_rt::net::{ActixStream, Ready};
use actix_service::fn_service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use domain::ports::Bans;
use futures_util::future::LocalBoxFuture;
use futures_util::{Sink, Stream};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};
use tokio_tungstenite::{Connector, client_async_with_config, connect_async_tls_with_config};

/// The largest websocket message that is taken; a venue's are below a tenth of it.
const MAX_MESSAGE: usize = 1 << 20;

/// Makes in-process connections to named hosts.
pub trait Dial {
    /// One connection to `host:port`.
    ///
    /// # Errors
    /// As a socket would: refused, unreachable.
    fn dial<'a>(&'a self, host_port: &'a str) -> LocalBoxFuture<'a, io::Result<DuplexStream>>;
}

/// How bytes reach a host, and until when a host wants none. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    way: Way,
    bans: Option<Rc<dyn Bans>>,
}

#[derive(Clone)]
enum Way {
    /// TCP, with TLS for `https` and `wss`.
    Sockets(Arc<ClientConfig>),
    /// Pipes inside the process. There is no wire to listen on, so TLS is left out.
    Pipes(Rc<dyn Dial>),
}

/// A URL that may not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// It is no absolute `http(s)` or `ws(s)` URL.
    #[error("{0:?} is no http, https, ws or wss address")]
    Unreadable(String),
    /// Secrets and orders would travel in plain text.
    #[error("{0:?} is plain text; that is allowed to loopback hosts only")]
    PlainText(String),
}

/// One open websocket.
pub trait Frames: Stream<Item = Result<Frame, WsError>> + Sink<Frame, Error = WsError> + Unpin {}

impl<S: Stream<Item = Result<Frame, WsError>> + Sink<Frame, Error = WsError> + Unpin> Frames for S {}

impl Transport {
    /// Sockets that trust the roots of the Mozilla programme, and nothing else.
    #[expect(clippy::expect_used, reason = "a constant: ring serves TLS 1.2 and 1.3")]
    pub fn sockets() -> Self {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring serves both")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            way: Way::Sockets(Arc::new(config)),
            bans: None,
        }
    }

    /// Pipes made by `dial`.
    pub fn pipes(dial: Rc<dyn Dial>) -> Self {
        Self {
            way: Way::Pipes(dial),
            bans: None,
        }
    }

    /// The same way to the hosts, with a memory of those that want to hear nothing.
    #[must_use]
    pub fn remembering(self, bans: Rc<dyn Bans>) -> Self {
        Self {
            bans: Some(bans),
            ..self
        }
    }

    /// The memory of hosts that want to hear nothing.
    pub fn bans(&self) -> Option<Rc<dyn Bans>> {
        self.bans.clone()
    }

    /// The URL as this transport opens it.
    ///
    /// # Errors
    /// [`BadUrl`]; plain text to a foreign host above all.
    pub fn admit(&self, url: &str) -> Result<String, BadUrl> {
        let parts = Parts::of(url).ok_or_else(|| BadUrl::Unreadable(without_query(url).to_owned()))?;
        match &self.way {
            Way::Sockets(_) if parts.is_plain() && !parts.is_loopback() => {
                Err(BadUrl::PlainText(without_query(url).to_owned()))
            }
            Way::Sockets(_) => Ok(url.to_owned()),
            Way::Pipes(_) => Ok(format!(
                "{}://{}{}",
                parts.plain_scheme(),
                parts.host_port(),
                parts.rest
            )),
        }
    }

    /// An HTTP client. It follows no redirects and repeats nothing.
    pub fn http(&self) -> awc::Client {
        match &self.way {
            Way::Sockets(tls) => awc::Client::builder()
                .disable_redirects()
                .disable_timeout()
                .connector(awc::Connector::new().rustls_0_23(tls.clone()))
                .finish(),
            Way::Pipes(dial) => {
                let dial = dial.clone();
                let connect = fn_service(move |info: ConnectInfo<Uri>| {
                    let uri = info.request().clone();
                    let dial = dial.clone();
                    async move {
                        let host_port = format!("{}:{}", uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80));
                        let end = dial.dial(&host_port).await.map_err(ConnectError::Io)?;
                        Ok::<_, ConnectError>(Connection::new(uri, Pipe(end)))
                    }
                });
                // The pool ages connections by the wall clock, which a simulation does not have.
                let forever = Duration::from_secs(u32::MAX.into());
                awc::Client::builder()
                    .disable_redirects()
                    .disable_timeout()
                    .connector(
                        awc::Connector::new()
                            .connector(connect)
                            .conn_keep_alive(forever)
                            .conn_lifetime(forever),
                    )
                    .finish()
            }
        }
    }

    /// Opens a websocket. The caller sets the deadline.
    ///
    /// # Errors
    /// What went wrong, without the URL's query.
    pub async fn websocket(&self, url: &str) -> Result<Box<dyn Frames>, String> {
        let url = self.admit(url).map_err(|bad| bad.to_string())?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        match &self.way {
            Way::Sockets(tls) => {
                let connector = Connector::Rustls(tls.clone());
                // `true`: no Nagle.
                let (socket, _) = connect_async_tls_with_config(url, Some(config), true, Some(connector))
                    .await
                    .map_err(|error| error.to_string())?;
                Ok(Box::new(socket))
            }
            Way::Pipes(dial) => {
                let host_port = Parts::of(&url).map(|parts| parts.host_port()).unwrap_or_default();
                let end = dial.dial(&host_port).await.map_err(|error| error.to_string())?;
                let (socket, _) = client_async_with_config(url, end, Some(config))
                    .await
                    .map_err(|error| error.to_string())?;
                Ok(Box::new(socket))
            }
        }
    }
}

/// What may be said of a URL in an error or a log.
pub fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(front, _)| front)
}

struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: u16,
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, after) = url.split_once("://")?;
        let default_port = match scheme {
            "http" | "ws" => 80,
            "https" | "wss" => 443,
            _ => return None,
        };
        let (authority, rest) = after.split_at(after.find(['/', '?']).unwrap_or(after.len()));
        // An address with a user part could show one host and mean another.
        if authority.is_empty() || authority.contains('@') {
            return None;
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, default_port),
        };
        Some(Self {
            scheme,
            host,
            port,
            rest,
        })
    }

    fn is_plain(&self) -> bool {
        matches!(self.scheme, "http" | "ws")
    }

    fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost"
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    fn plain_scheme(&self) -> &'static str {
        if self.scheme.starts_with("ws") { "ws" } else { "http" }
    }

    fn host_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// One end of an in-process wire, as the HTTP client wants it.
#[derive(Debug)]
struct Pipe(DuplexStream);

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl ActixStream for Pipe {
    fn poll_read_ready(&self, _: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        Poll::Ready(Ok(Ready::READABLE))
    }

    fn poll_write_ready(&self, _: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        Poll::Ready(Ok(Ready::WRITABLE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_goes_to_loopback_only() {
        let sockets = Transport::sockets();
        for good in [
            "https://api.binance.com",
            "http://127.0.0.1:9000/x",
            "ws://localhost:1/ws",
            "ws://[::1]:80/ws",
        ] {
            assert_eq!(sockets.admit(good).as_deref(), Ok(good));
        }
        for bad in [
            "http://api.binance.com",
            "ws://127.0.0.1.evil.com/x",
            "http://localhost.evil.com",
        ] {
            assert!(matches!(sockets.admit(bad), Err(BadUrl::PlainText(_))), "{bad}");
        }
        for bad in ["api.binance.com", "ftp://x", "https://", "http://127.0.0.1@evil.com/"] {
            assert!(matches!(sockets.admit(bad), Err(BadUrl::Unreadable(_))), "{bad}");
        }
    }

    #[test]
    fn an_error_never_shows_the_query() {
        let error = Transport::sockets().admit("http://h/p?signature=abc").unwrap_err();
        assert!(!error.to_string().contains("abc"));
    }

    #[test]
    fn a_pipe_keeps_the_port_that_the_scheme_meant() {
        struct None_;
        impl Dial for None_ {
            fn dial<'a>(&'a self, _: &'a str) -> LocalBoxFuture<'a, io::Result<DuplexStream>> {
                Box::pin(std::future::ready(Err(io::ErrorKind::ConnectionRefused.into())))
            }
        }
        let pipes = Transport::pipes(Rc::new(None_));
        let admitted = pipes.admit("wss://fstream.binance.com/public/ws");
        assert_eq!(admitted.as_deref(), Ok("ws://fstream.binance.com:443/public/ws"));
    }
}
