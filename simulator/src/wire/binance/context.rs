//! What a handler works with: the exchange, the host's own state, who asks and when.

use std::collections::BTreeMap;

use crate::exchange::{AccountId, Exchange};
use crate::market::{Key, Ms, Product, Rules, Venue};

use super::auth;
use super::budget::Budget;
use super::codes::{self, Refusal};
use super::params::Params;

/// Life of a listen key after its last extension, ms of the client's own time: at speed N it lasts N times as long here.
const LISTEN_KEY_LIFE_MS: Ms = 3_600_000;

/// Sockets that one address may open in [`SOCKETS_WINDOW_MS`].
const MOST_SOCKETS: u32 = 300;
/// The window of new sockets, ms of the client's own time.
const SOCKETS_WINDOW_MS: Ms = 300_000;

/// State of one host that is not the exchange's.
#[derive(Debug)]
pub struct State {
    /// The window in which sockets are counted, and how many were opened in it.
    sockets: (Ms, u32),
    /// Used weight and order counts.
    pub budget: Budget,
    /// Live listen keys: whose, and until when.
    listen_keys: BTreeMap<String, (AccountId, Ms)>,
    listen_keys_made: u32,
    /// Settings that changed, for the user streams.
    pub notices: Vec<Notice>,
    /// Ids of cancels by the numeric id of the order that they ended (spot).
    cancel_ids: BTreeMap<u64, String>,
}

impl State {
    /// A host that nobody has called yet.
    pub const fn new(budget: Budget) -> Self {
        Self {
            budget,
            sockets: (0, 0),
            listen_keys: BTreeMap::new(),
            listen_keys_made: 0,
            notices: Vec::new(),
            cancel_ids: BTreeMap::new(),
        }
    }

    /// Counts a new socket; `false` is one too many.
    pub fn admit_socket(&mut self, now: Ms, speed: u32) -> bool {
        let window = now.div_euclid(SOCKETS_WINDOW_MS * Ms::from(speed.max(1)));
        if self.sockets.0 != window {
            self.sockets = (window, 0);
        }
        self.sockets.1 = self.sockets.1.saturating_add(1);
        self.sockets.1 <= MOST_SOCKETS
    }

    /// The account's listen key, extended; a new one if it has none.
    pub fn open_listen_key(&mut self, account: AccountId, secret: &str, now: Ms, speed: u32) -> String {
        let until = now + LISTEN_KEY_LIFE_MS * Ms::from(speed);
        if let Some(key) = self.listen_key_of(account, now) {
            self.listen_keys.insert(key.clone(), (account, until));
            return key;
        }
        self.listen_keys.retain(|_, (owner, _)| *owner != account);
        self.listen_keys_made += 1;
        let key = auth::sign(secret, &format!("listen key {}", self.listen_keys_made)).unwrap_or_default();
        self.listen_keys.insert(key.clone(), (account, until));
        key
    }

    /// The account's live key.
    pub fn listen_key_of(&self, account: AccountId, now: Ms) -> Option<String> {
        self.listen_keys
            .iter()
            .find(|(_, (owner, until))| *owner == account && *until > now)
            .map(|(key, _)| key.clone())
    }

    /// Kills the account's key.
    pub fn close_listen_key(&mut self, account: AccountId) {
        self.listen_keys.retain(|_, (owner, _)| *owner != account);
    }

    /// Whose key it is, while it lives.
    pub fn listener(&self, key: &str, now: Ms) -> Option<AccountId> {
        self.listen_keys
            .get(key)
            .filter(|(_, until)| *until > now)
            .map(|(account, _)| *account)
    }

    /// Remembers the id that a client gave its cancel.
    pub fn name_cancel(&mut self, order: u64, id: &str) {
        self.cancel_ids.insert(order, id.to_owned());
    }

    /// The id of the cancel of an order; generated where the client gave none.
    pub fn cancel_id(&self, order: u64) -> String {
        self.cancel_ids
            .get(&order)
            .cloned()
            .unwrap_or_else(|| format!("c-{order}"))
    }
}

/// A leverage that was changed.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Whose.
    pub account: AccountId,
    /// Of which symbol.
    pub symbol: String,
    /// What it is now.
    pub leverage: i64,
    /// When.
    pub time_ms: Ms,
}

/// One call.
#[derive(Debug)]
pub struct Context<'a> {
    /// The venues.
    pub exchange: &'a mut Exchange,
    /// The host.
    pub state: &'a mut State,
    /// Which market this host serves.
    pub product: Product,
    /// Who asks, once known.
    pub caller: Option<AccountId>,
    /// Time.
    pub now: Ms,
}

impl Context<'_> {
    /// Who asks; endpoints with a key have one.
    pub fn account(&self) -> Result<AccountId, Refusal> {
        self.caller.ok_or(codes::KEY_FORMAT)
    }

    /// The venue's clock, which a fault may have set wrong.
    pub fn clock(&self) -> Ms {
        self.now + self.exchange.quirks(Venue::Binance).skew_ms
    }

    /// The instruments of this host.
    pub fn rules(&self) -> impl Iterator<Item = &Rules> {
        self.exchange
            .market()
            .rules()
            .iter()
            .filter(|rules| self.serves(&rules.key))
    }

    fn serves(&self, key: &Key) -> bool {
        key.venue == Venue::Binance && key.product == self.product
    }

    /// One instrument by its symbol.
    pub fn rule(&self, symbol: &str) -> Result<&Rules, Refusal> {
        self.exchange
            .market()
            .find(Venue::Binance, self.product, symbol)
            .ok_or(codes::BAD_SYMBOL)
    }

    /// The mandatory `symbol`, if this host lists it.
    pub fn symbol(&self, params: &Params) -> Result<Rules, Refusal> {
        self.rule(params.need("symbol")?).cloned()
    }

    /// `symbol`, if sent.
    pub fn optional_symbol(&self, params: &Params) -> Result<Option<Rules>, Refusal> {
        params
            .get("symbol")
            .map(|symbol| self.rule(symbol).cloned())
            .transpose()
    }
}

/// JSON text of a value that always serialises.
pub fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// One object for one symbol, a list otherwise: how the venue answers where `symbol` is optional.
pub fn one_or_all(one: bool, rows: &[String]) -> String {
    let joined = rows.join(",");
    if one { joined } else { format!("[{joined}]") }
}
