//! The sockets of this venue: they connect, speak, and end with a reason.

use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{InstrumentId, Product, VenueId};
use domain::market::MarketFact;
use domain::ports::{Answer, Clock, FactStream, MarketFeed, VenueError};
use domain::position::AccountFact;
use serde_json::json;

use super::control::{PING, refused};
use super::feed::{PublicSession, catch_up};
use super::parse::category;
use super::private::PrivateSession;
use super::rest::Rest;
use super::wire::Frame;
use crate::shared::stream::{Line, Patience};
use crate::shared::transport::Transport;

/// How long signing in and subscribing may take.
const SIGN_IN: Duration = Duration::from_secs(10);

/// The venue drops who does not speak, and answers each ping: 45 s without a frame are two answers missed.
fn patience() -> Patience {
    Patience {
        silence: Duration::from_secs(45),
        ping_every: Duration::from_secs(20),
        ping_text: Some(PING),
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
}

impl Sockets {
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
    ) -> Answer<'a, Result<Box<dyn FactStream<MarketFact>>, VenueError>> {
        Box::pin(async move {
            let sockets = &self.sockets;
            // The market now comes first, so that what the stream says later is never overtaken by it.
            let ready = catch_up(&sockets.rest, self.product, instruments).await?;
            let (name, path) = match self.product {
                Product::Spot => ("public spot stream", category(Product::Spot)),
                Product::Perp => ("public linear stream", category(Product::Perp)),
            };
            let mut line = sockets.connect(name, &format!("/v5/public/{path}")).await?;
            let (session, requests) = PublicSession::new(self.product, instruments, sockets.clock.now().machine)?;
            for request in requests {
                line.send(request).await?;
            }
            let stream: Box<dyn FactStream<MarketFact>> = Box::new(PublicStream {
                line,
                session,
                ready,
                clock: sockets.clock.clone(),
            });
            Ok(stream)
        })
    }
}

struct PublicStream {
    line: Line,
    session: PublicSession,
    ready: Vec<MarketFact>,
    clock: Rc<dyn Clock>,
}

impl FactStream<MarketFact> for PublicStream {
    fn next(&mut self) -> Answer<'_, Result<Vec<MarketFact>, VenueError>> {
        Box::pin(async move {
            if !self.ready.is_empty() {
                return Ok(std::mem::take(&mut self.ready));
            }
            let text = self.line.next().await?;
            let facts = self.session.take(text.as_str())?;
            self.session.check(self.clock.now().machine)?;
            Ok(facts)
        })
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
    fn next(&mut self) -> Answer<'_, Result<Vec<AccountFact>, VenueError>> {
        Box::pin(async move {
            if !self.ready.is_empty() {
                return Ok(std::mem::take(&mut self.ready));
            }
            let text = self.line.next().await?;
            self.session.take(text.as_str())
        })
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
