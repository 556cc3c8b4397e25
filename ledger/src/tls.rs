//! Connections to PostgreSQL: plain on this machine, TLS to any other.

use std::net::IpAddr;
use std::sync::Arc;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, NoTlsStream};
use tokio_postgres::{Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// A connection, and what drives it.
pub enum Wire {
    /// To this machine.
    Plain(Client, Box<Connection<Socket, NoTlsStream>>),
    /// To another one.
    Tls(Client, Box<Connection<Socket, TlsStream>>),
}

/// Connects; a host that is not this machine must speak TLS and prove its name.
///
/// # Errors
/// When the address cannot be read, the server cannot be reached, or it does not speak TLS where it must.
pub async fn connect(url: &str) -> ConnectionResult<AsyncPgConnection> {
    match wire(url).await? {
        Wire::Plain(client, link) => AsyncPgConnection::try_from_client_and_connection(client, *link).await,
        Wire::Tls(client, link) => AsyncPgConnection::try_from_client_and_connection(client, *link).await,
    }
}

/// The same before diesel has it.
///
/// # Errors
/// As [`connect`].
pub async fn wire(url: &str) -> ConnectionResult<Wire> {
    let bad = |error: &dyn std::fmt::Display| ConnectionError::BadConnection(error.to_string());
    let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| bad(&error))?;
    if is_local(&config) && config.get_ssl_mode() != SslMode::Require {
        let (client, link) = config.connect(NoTls).await.map_err(|error| bad(&error))?;
        return Ok(Wire::Plain(client, Box::new(link)));
    }
    config.ssl_mode(SslMode::Require);
    let tls = MakeRustlsConnect::new(trust().map_err(|error| bad(&error))?);
    let (client, link) = config.connect(tls).await.map_err(|error| bad(&error))?;
    Ok(Wire::Tls(client, Box::new(link)))
}

fn is_local(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => true,
    })
}

fn trust() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_plain() {
        let local = |url: &str| is_local(&url.parse().unwrap());
        assert!(local("postgres://u@%2Ftmp%2Fpg/db") && local("postgres://u@127.0.0.1/db"));
        assert!(local("postgres://u@localhost:5433/db"));
        assert!(!local("postgres://u@db.example.com/db") && !local("postgres://u@10.0.0.1/db"));
        assert!(!local("postgres://u@localhost,db.example.com/db"));
    }
}
