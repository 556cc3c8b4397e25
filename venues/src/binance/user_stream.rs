//! Private streams: a listen key for futures, a signed subscription for spot; both as one stream of facts.

use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use domain::instrument::{Product, VenueId};
use domain::ports::{AccountStream, Answer, FactStream, VenueError};
use domain::position::AccountFact;
use secrecy::ExposeSecret;

use super::host::RECEIVE_WINDOW_MS;
use super::parse::read;
use super::parse_account::{self, Heard};
use super::{Binance, Core, wire};
use crate::shared::merge::Merged;
use crate::shared::periodic::Periodic;
use crate::shared::rest::Request;
use crate::shared::sign::hmac_sha256;
use crate::shared::stream::{Line, Patience};

const LISTEN_KEY: &str = "/fapi/v1/listenKey";
/// A listen key lives for an hour.
const PROLONG_EVERY: Duration = Duration::from_mins(30);
const PROLONG_RETRY: Duration = Duration::from_mins(1);
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(10);

impl AccountStream for Binance {
    fn open(&self) -> Answer<'_, Result<Box<dyn FactStream<AccountFact>>, VenueError>> {
        Box::pin(async move {
            let futures = Ears {
                line: futures_line(&self.core).await?,
                product: Product::Perp,
            };
            let spot = Ears {
                line: spot_line(&self.core).await?,
                product: Product::Spot,
            };
            let prolonging = Box::new(prolonging(self.core.clone()));
            let parts: Vec<Box<dyn FactStream<AccountFact>>> = vec![Box::new(futures), Box::new(spot), prolonging];
            Ok(Box::new(Merged::new(Vec::new(), parts)) as Box<dyn FactStream<AccountFact>>)
        })
    }
}

async fn futures_line(core: &Core) -> Result<Line, VenueError> {
    let body = core
        .host(Product::Perp)
        .keyed(Request::post(LISTEN_KEY, String::new()))
        .await?;
    let key: wire::ListenKey = read("listenKey", &body)?;
    let url = format!("{}/private/ws?listenKey={}", core.config.usdm_ws_url, key.listen_key);
    let name = "futures user stream";
    Line::connect(&core.transport, VenueId::Binance, name, &url, Patience::default()).await
}

/// Prolongs the listen key. When it is gone the stream is over: what was missed has to be read anew.
fn prolonging(core: Rc<Core>) -> Periodic {
    Periodic::new(
        PROLONG_EVERY,
        Box::new(move || {
            let core = core.clone();
            Box::pin(async move {
                let request = Request::put(LISTEN_KEY, String::new());
                match core.host(Product::Perp).keyed(request).await {
                    Ok(_) => Ok(PROLONG_EVERY),
                    Err(VenueError::Unreachable { .. }) => Ok(PROLONG_RETRY),
                    Err(VenueError::Throttled { wait_seconds, .. }) => Ok(Duration::from_secs(wait_seconds)),
                    Err(error) => Err(error),
                }
            })
        }),
    )
}

async fn spot_line(core: &Core) -> Result<Line, VenueError> {
    let host = core.host(Product::Spot);
    host.settle_clock().await?;
    let name = "spot user stream";
    let url = &core.config.spot_ws_api_url;
    let mut line = Line::connect(&core.transport, VenueId::Binance, name, url, Patience::default()).await?;
    let keys = host.keys();
    let (key, stamp) = (keys.key.expose_secret(), host.venue_time().millis());
    // Sorted by name and not encoded: this surface's own rule.
    let payload = format!("apiKey={key}&recvWindow={RECEIVE_WINDOW_MS}&timestamp={stamp}");
    let request = serde_json::json!({
        "id": "subscribe",
        "method": "userDataStream.subscribe.signature",
        "params": {
            "apiKey": key,
            "recvWindow": RECEIVE_WINDOW_MS,
            "timestamp": stamp,
            "signature": hmac_sha256(&keys.secret, &payload),
        },
    });
    line.send(request.to_string()).await?;
    let answered = line
        .answer("the subscription", SUBSCRIBED_WITHIN, |text| {
            let envelope: wire::SpotEnvelope<'_> = match read("subscription", text) {
                Ok(envelope) => envelope,
                Err(error) => return Some(Err(error)),
            };
            (envelope.id.as_deref() == Some("subscribe")).then(|| subscribed(envelope))
        })
        .await;
    if let Err(VenueError::Refused { code, .. }) = &answered
        && super::codes::is_timestamp(*code)
    {
        host.distrust_clock();
    }
    answered.map(|()| line)
}

fn subscribed(envelope: wire::SpotEnvelope<'_>) -> Result<(), VenueError> {
    match (envelope.status, envelope.error) {
        (Some(200), None) => Ok(()),
        (_, Some(error)) => Err(VenueError::Refused {
            venue: VenueId::Binance,
            code: error.code,
            reason: error.msg,
        }),
        (status, None) => Err(super::parse::malformed(format!("subscription: status {status:?}"))),
    }
}

/// One private socket.
struct Ears {
    line: Line,
    product: Product,
}

impl Ears {
    fn hear(&self, text: &str) -> Result<Vec<AccountFact>, VenueError> {
        let heard = match self.product {
            Product::Perp => parse_account::futures_event(text)?,
            Product::Spot => {
                let envelope: wire::SpotEnvelope<'_> = read("user message", text)?;
                match envelope.event {
                    Some(event) => parse_account::spot_event(event.get())?,
                    None => Heard::Facts(Vec::new()),
                }
            }
        };
        match heard {
            Heard::Facts(facts) => Ok(facts),
            Heard::Over(reason) => Err(self.line.over(&reason)),
        }
    }
}

impl FactStream<AccountFact> for Ears {
    fn poll_facts(&mut self, cx: &mut Context<'_>, into: &mut Vec<AccountFact>) -> Poll<Result<(), VenueError>> {
        let text = ready!(self.line.poll_next(cx))?;
        Poll::Ready(self.hear(&text).map(|facts| into.extend(facts)))
    }
}
