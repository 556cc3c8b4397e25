//! Words between processes that share a server: PostgreSQL's LISTEN and NOTIFY. Nothing of it is kept, and who does not
//! listen misses it; a file has neither.

use std::time::Duration;

use domain::journal::JournalError;
use futures_util::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Connection};

use crate::fault::Fault;
use crate::ledger::Ledger;
use crate::store::Store;
use crate::tls::{self, Wire};

/// The longest text of a notice, in bytes: the server takes less than 8,000.
pub const LONGEST: usize = 7_999;
/// Notices that wait to be taken; what comes beyond them is lost, as what comes while nobody listens.
const WAITING: usize = 256;
/// Between two questions whether the connection still lives, and how long their answers may take.
const ASK_EVERY: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Whether the ledger at this address can carry words.
pub fn carries_words(url: &str) -> bool {
    matches!(url.split_once("://"), Some(("postgres" | "postgresql", _)))
}

fn away(error: &dyn std::fmt::Display) -> JournalError {
    JournalError::Unavailable(error.to_string())
}

impl Ledger {
    /// Says this to everybody who listens to `channel` now.
    ///
    /// # Errors
    /// `Refused` where the ledger is a file or the text is too long, `Unavailable` where the server is away.
    pub async fn say(&self, channel: &str, text: &str) -> Result<(), JournalError> {
        let Store::Pg(pool) = self.store() else {
            return Err(JournalError::Refused("only PostgreSQL carries words".to_owned()));
        };
        if text.len() > LONGEST {
            return Err(JournalError::Refused(format!("a notice has at most {LONGEST} bytes")));
        }
        let mut conn = pool.get().await.map_err(|error| away(&error))?;
        let said = diesel::sql_query("SELECT pg_notify($1, $2)")
            .bind::<diesel::sql_types::Text, _>(channel)
            .bind::<diesel::sql_types::Text, _>(text);
        diesel_async::RunQueryDsl::execute(said, &mut conn)
            .await
            .map(drop)
            .map_err(|error| Fault::from(error).0)
    }
}

/// Listens to one channel, on a connection of its own.
pub struct Listener {
    texts: mpsc::Receiver<String>,
    client: Client,
}

impl Listener {
    /// Connects and listens. `channel` is a name of ours: letters and underscores.
    ///
    /// # Errors
    /// `Unavailable` when the server cannot be reached or refuses.
    pub async fn open(url: &str, channel: &str) -> Result<Self, JournalError> {
        let (tell, texts) = mpsc::channel(WAITING);
        let client = match tls::wire(url).await.map_err(|error| away(&error))? {
            Wire::Plain(client, link) => {
                tokio::spawn(pass_on(*link, tell));
                client
            }
            Wire::Tls(client, link) => {
                tokio::spawn(pass_on(*link, tell));
                client
            }
        };
        let listen = format!("LISTEN \"{}\"", channel.replace('"', ""));
        client.batch_execute(&listen).await.map_err(|error| away(&error))?;
        Ok(Self { texts, client })
    }

    /// The next text.
    ///
    /// # Errors
    /// `Unavailable` when the connection is gone; then it is opened anew.
    pub async fn next(&mut self) -> Result<String, JournalError> {
        loop {
            match tokio::time::timeout(ASK_EVERY, self.texts.recv()).await {
                Ok(Some(text)) => return Ok(text),
                Ok(None) => return Err(away(&"the connection was closed")),
                // A server that was lost without a word would be listened to for ever.
                Err(_) => match tokio::time::timeout(ANSWER_WITHIN, self.client.batch_execute("")).await {
                    Ok(answer) => answer.map_err(|error| away(&error))?,
                    Err(_) => return Err(away(&"the server does not answer")),
                },
            }
        }
    }
}

async fn pass_on<S, T>(mut link: Connection<S, T>, tell: mpsc::Sender<String>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|cx| link.poll_message(cx)).await {
        if let AsyncMessage::Notification(notice) = message
            && let Err(mpsc::error::TrySendError::Closed(_)) = tell.try_send(notice.payload().to_owned())
        {
            return;
        }
    }
}
