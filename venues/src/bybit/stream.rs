//! The sockets of this venue: they connect, speak, and end with a reason.

use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::ports::{Answer, Clock, FactStream, MarketFeed, VenueError};
use domain::position::AccountFact;
use serde_json::json;

use super::books::Shelf;
use super::control::{PING, refused};
use super::feed::{PublicSession, by_connection, catch_up};
use super::parse::category;
use super::private::PrivateSession;
use super::rest::Rest;
use super::wire::Frame;
use crate::shared::books::Books;
use crate::shared::merge::Merged;
use crate::shared::stream::{Line, Patience};
use crate::shared::transport::Transport;
use crate::shared::unreadable::{LeftOut, Unreadable};

/// How long signing in and subscribing may take.
const SIGN_IN: Duration = Duration::from_secs(10);

/// The venue drops who does not speak, and answers each ping: 45 s without a frame are two answers missed.
fn patience() -> Patience {
    Patience {
        silence: Duration::from_secs(45),
        ping_every: Duration::from_secs(20),
        ping_text: Some(PING),
        between_writes: Duration::from_millis(50),
        ..Patience::default()
    }
}

/// What the sockets of this venue need.
#[derive(Clone)]
pub struct Sockets {
    /// Requests beside them.
    pub rest: Rc<Rest>,
    /// `wss://host`, without a path.
    pub base: String,
    /// How bytes get there.
    pub transport: Transport,
    /// The clock of their deadlines.
    pub clock: Rc<dyn Clock>,
    /// Counts what could not be read.
    pub left_out: LeftOut,
    /// Where to speak.
    pub log: slog::Logger,
}

impl Sockets {
    /// A public connection of a product that nothing is asked of yet.
    pub async fn public(&self, product: Product) -> Result<Line, VenueError> {
        let name = match product {
            Product::Spot => "public spot stream",
            Product::Perp => "public linear stream",
        };
        self.connect(name, &format!("/v5/public/{}", category(product))).await
    }

    async fn connect(&self, name: &'static str, path: &str) -> Result<Line, VenueError> {
        let url = format!("{}{path}", self.base.trim_end_matches('/'));
        Line::connect(&self.transport, VenueId::Bybit, name, &url, patience()).await
    }
}

/// Public data of one product.
pub struct Feed {
    sockets: Sockets,
    product: Product,
}

impl Feed {
    /// The feed of a product.
    pub const fn new(sockets: Sockets, product: Product) -> Self {
        Self { sockets, product }
    }
}

impl MarketFeed for Feed {
    fn open<'a>(
        &'a self,
        instruments: &'a [InstrumentId],
        interest: &'a Interest,
    ) -> Answer<'a, Result<Box<dyn FactStream<MarketFact>>, VenueError>> {
        Box::pin(async move {
            let (sockets, product) = (&self.sockets, self.product);
            // What comes is judged by the venue's clock.
            sockets.rest.fresh_venue_time().await;
            // The market now comes first, so that what the stream says later is never overtaken by it.
            let ready = catch_up(&sockets.rest, product, instruments, &sockets.left_out).await?;
            let mut parts: Vec<Box<dyn FactStream<MarketFact>>> = Vec::new();
            for some in by_connection(product, instruments) {
                let mut line = sockets.public(product).await?;
                let (session, requests) = PublicSession::new(product, some, sockets.clock.now().machine)?;
                for request in requests {
                    line.queue(request);
                }
                parts.push(Box::new(PublicStream {
                    line,
                    session,
                    unreadable: Unreadable::new(format!("{product} market"), &sockets.left_out, &sockets.log),
                    clock: sockets.clock.clone(),
                }));
            }
            let shelf = Shelf::new(sockets.clone(), product);
            let of_feed = (VenueId::Bybit, product);
            parts.push(Box::new(Books::new(
                shelf,
                of_feed,
                instruments,
                interest,
                (&sockets.left_out, &sockets.log),
            )));
            let stream: Box<dyn FactStream<MarketFact>> = Box::new(Merged::new(ready, parts));
            Ok(stream)
        })
    }

    fn clock_ahead_ms(&self) -> i64 {
        self.sockets.rest.clock_ahead_ms()
    }

    fn left_out(&self) -> u64 {
        self.sockets.left_out.count()
    }
}

struct PublicStream {
    line: Line,
    session: PublicSession,
    unreadable: Unreadable,
    clock: Rc<dyn Clock>,
}

impl PublicStream {
    /// Takes a message, and says whether it could be read.
    fn hear(&mut self, text: &str, into: &mut Vec<MarketFact>) -> Result<bool, VenueError> {
        match self.session.take(text, into) {
            Ok(is_data) => {
                if is_data {
                    self.unreadable.read_one();
                }
                Ok(true)
            }
            // Whose change is missing? Where nobody can tell, the connection is over.
            Err(error) => match self.session.topic_of(text) {
                Some(topic) => {
                    self.unreadable.leave_out(error)?;
                    self.session.miss(&topic);
                    Ok(false)
                }
                None => Err(error),
            },
        }
    }
}

impl FactStream<MarketFact> for PublicStream {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<MarketFact>) -> Poll<Result<(), VenueError>> {
        loop {
            let text = ready!(self.line.poll_next(cx))?;
            let is_read = self.hear(text.as_str(), into)?;
            for request in self.session.ask_anew() {
                self.line.queue(request);
            }
            self.session.check(self.clock.now().machine)?;
            if is_read {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// Signs in and subscribes; from the moment this returns nothing is missed.
pub async fn open_account(sockets: &Sockets) -> Result<Box<dyn FactStream<AccountFact>>, VenueError> {
    let mut line = sockets.connect("private stream", "/v5/private").await?;
    let credentials = sockets.rest.socket_credentials().await;
    line.send(json!({"req_id": "auth", "op": "auth", "args": credentials}).to_string())
        .await?;
    line.answer("signing in", SIGN_IN, signed_in).await?;
    let (mut session, requests) = PrivateSession::new(sockets.clock.now().machine);
    for request in requests {
        line.send(request).await?;
    }
    let mut ready = Vec::new();
    while !session.is_acknowledged() {
        let text = line.next().await?;
        ready.extend(session.take(text.as_str())?);
        session.check(sockets.clock.now().machine)?;
    }
    Ok(Box::new(PrivateStream { line, session, ready }))
}

/// The answer to signing in; `None` for any other message.
fn signed_in(text: &str) -> Option<Result<(), VenueError>> {
    let frame: Frame = serde_json::from_str(text).ok()?;
    if frame.op.as_deref() != Some("auth") {
        return None;
    }
    Some(if frame.success == Some(true) {
        Ok(())
    } else {
        Err(refused(&frame, "signing in"))
    })
}

struct PrivateStream {
    line: Line,
    session: PrivateSession,
    ready: Vec<AccountFact>,
}

impl FactStream<AccountFact> for PrivateStream {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<AccountFact>) -> Poll<Result<(), VenueError>> {
        if !self.ready.is_empty() {
            into.append(&mut self.ready);
            return Poll::Ready(Ok(()));
        }
        let text = ready!(self.line.poll_next(cx))?;
        Poll::Ready(self.session.take(text.as_str()).map(|facts| into.extend(facts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_is_answered_in_several_shapes() {
        assert_eq!(
            signed_in(r#"{"success":true,"ret_msg":"","op":"auth","conn_id":"c0f-1"}"#),
            Some(Ok(()))
        );
        assert_eq!(
            signed_in(r#"{"op":"auth","success":false,"retCode":10003,"retMsg":"Invalid apikey","connId":"c"}"#),
            Some(Err(VenueError::Refused {
                venue: VenueId::Bybit,
                code: 10003,
                reason: "signing in: Invalid apikey".to_owned()
            }))
        );
        assert_eq!(signed_in(r#"{"success":true,"op":"subscribe"}"#), None);
    }
}
