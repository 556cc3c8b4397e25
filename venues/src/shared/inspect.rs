//! What a check before trading wants to know of a venue: whether its hosts serve us, how far its clock is from ours, and
//! what it says about our key and our account.
//!
//! Facts only: what is good or bad about them is judged by whoever asked.

use std::rc::Rc;
use std::time::Duration;

use domain::instrument::VenueId;
use domain::ports::{AccountView, Answer, Clock, MarketData, VenueError};

use super::budget::Limits;
use super::rest::{Reply, Request, Rest};
use super::transport::{BadUrl, Transport};

/// How long a host may take to tell its time.
const WITHIN: Duration = Duration::from_secs(5);
/// Questions for a host's time; the quickest answer says most about its clock.
const QUESTIONS: u8 = 3;

/// How a host answered when it was asked for its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It told its time.
    Answered {
        /// The quickest round trip.
        took: Duration,
        /// How far its clock is ahead of ours, in milliseconds; negative when it is behind.
        ahead_ms: i64,
    },
    /// It does not serve this address: 403 or 451.
    Blocked {
        /// The HTTP status.
        status: u16,
    },
    /// Nothing usable came back.
    Away {
        /// What happened.
        reason: String,
    },
}

/// One host of a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostReport {
    /// `spot`, `usdm` or `v5`.
    pub host: &'static str,
    /// Its address, without a query.
    pub url: String,
    /// What came back.
    pub reached: Reached,
}

/// What a venue says about our key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent rights, as the venue lists them"
)]
pub struct KeyFacts {
    /// May place spot orders.
    pub trades_spot: bool,
    /// May place orders on perpetuals.
    pub trades_perp: bool,
    /// May take money out of the venue.
    pub withdraws: bool,
    /// Is good from named addresses only.
    pub ip_bound: bool,
    /// Whole days until it ends, where it ends.
    pub days_left: Option<i64>,
}

/// What a venue says about how our account is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFacts {
    /// The kind of account, in the venue's words.
    pub kind: String,
    /// Whether it is of the kind that the engine speaks to.
    pub kind_fits: bool,
    /// Long and short positions of one instrument side by side.
    pub hedge_mode: bool,
    /// How margin is kept, in the venue's words.
    pub margin_mode: String,
    /// Whether the engine's sums hold in this margin mode.
    pub margin_fits: bool,
    /// The leverage of the instrument that was asked for, where it is told.
    pub leverage: Option<String>,
}

/// A venue as a check before trading sees it.
pub trait Inspect: MarketData + AccountView {
    /// Which.
    fn id(&self) -> VenueId;
    /// Asks every host for its time by this clock. Silence and refusals are part of the answer.
    fn reach<'a>(&'a self, clock: &'a Rc<dyn Clock>) -> Answer<'a, Result<Vec<HostReport>, BadUrl>>;
    /// What our key may do. A refusal is what a key that is not good looks like.
    fn key_facts(&self) -> Answer<'_, Result<KeyFacts, VenueError>>;
    /// How our account is set, with what it is set to for one perpetual.
    fn account_facts<'a>(&'a self, symbol: &'a str) -> Answer<'a, Result<AccountFacts, VenueError>>;
}

/// Asks a host for its time, `time_of` reads it (milliseconds since 1970) out of the answer.
///
/// # Errors
/// [`BadUrl`] when the address may not be used.
pub(crate) async fn reach(
    venue: VenueId,
    (host, url, path): (&'static str, &str, &str),
    transport: &Transport,
    clock: &Rc<dyn Clock>,
    time_of: impl Fn(&str) -> Option<i64>,
) -> Result<HostReport, BadUrl> {
    let limits = Limits {
        per_window: 100,
        window: Duration::from_mins(1),
        reserve: 0,
        used_header: None,
    };
    let rest = Rest::new(venue, url, transport, Rc::clone(clock), limits)?;
    let mut best: Option<(Duration, i64)> = None;
    let mut reached = None;
    for _ in 0..QUESTIONS {
        let sent = rest.now();
        let reply = rest.send(Request::get(path, String::new()).within(WITHIN)).await;
        let received = rest.now();
        match judged(reply, &time_of) {
            Ok(told) => {
                let middle = sent.market.plus_millis(received.market.millis_since(sent.market) / 2);
                let took = received.machine.since(sent.machine);
                let one = (took, told.saturating_sub(middle.millis()));
                best = Some(best.map_or(one, |best| best.min(one)));
            }
            Err(bad) => {
                reached = Some(bad);
                break;
            }
        }
    }
    let answered = best.map(|(took, ahead_ms)| Reached::Answered { took, ahead_ms });
    let silent = || Reached::Away {
        reason: "no answer".to_owned(),
    };
    Ok(HostReport {
        host,
        url: super::transport::without_query(url).to_owned(),
        // A host that answers twice and fails once is there: the checks that follow will say so.
        reached: answered.or(reached).unwrap_or_else(silent),
    })
}

fn judged(reply: Reply, time_of: impl Fn(&str) -> Option<i64>) -> Result<i64, Reached> {
    let away = |reason: String| Reached::Away { reason };
    match reply {
        Reply::Answered {
            status: status @ (403 | 451),
            ..
        } => Err(Reached::Blocked { status }),
        Reply::Answered { status: 200, body, .. } => {
            time_of(&body).ok_or_else(|| away("its answer holds no time".to_owned()))
        }
        Reply::Answered { status, .. } => Err(away(format!("it answers {status}"))),
        Reply::NotSent { reason, .. } | Reply::Unknown { reason } => Err(away(reason)),
    }
}
