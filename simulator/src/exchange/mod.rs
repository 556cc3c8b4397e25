//! What a venue does. Pure: no I/O, no clock of its own; every call takes `now`.
//!
//! ```text
//! types      rows: orders, fills, positions, requests
//! names      ids and names as they are spelled
//! cash       rows: balances, margin, cash movements, funding payments
//! refusal    why a venue says no
//! event      what happened, in order
//! accounts   the accounts file
//! carried    what an account takes from one life of an exchange into the next
//! hand       what `POST /sim/market` asks for and leaves on an instrument
//! market     the source with hands laid on it
//! bites      what trades took out of a book and nobody has put back yet
//! book       wallets and positions: the only code that moves money
//! checks     filters, balance and margin before an order is taken
//! orders     place, cancel, look up
//! self_trade what ends where an account would trade with itself
//! matching   walking the book, resting orders
//! amend      another price or quantity for a resting order
//! settings   leverage's neighbours: margin mode, position mode; margin in isolation; money between wallets
//! advance    time: settlements, resting orders, liquidation
//! margin     equity, margin, liquidation price
//! foreign    what others do to an account: orders, transfers, deleveraging
//! truth      the JSON of `GET /sim/truth`
//! ```
//!
//! Call [`Exchange::advance`] with the same `now` before anything that trades: settlements between two calls belong
//! to the positions held then.

mod accounts;
mod advance;
mod amend;
mod bites;
mod book;
mod carried;
mod cash;
mod checks;
mod event;
mod foreign;
mod hand;
mod margin;
mod market;
mod matching;
mod names;
mod orders;
mod refusal;
mod self_trade;
mod settings;
mod truth;
mod types;

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

pub use accounts::{AccountSpec, AccountsError, Permissions, parse_accounts};
pub use amend::Amendment;
pub use carried::{Carried, CarriedError, CarriedPosition};
pub use cash::{Balance, CashKind, CashRow, FundingRow, Margin};
pub use event::{BalanceChange, Event, OrderChange};
pub use foreign::{Foreign, ForeignError, ForeignKind};
pub use hand::{AdlRisk, MarketError, MarketOverride};
pub use market::{Best, Market};
pub use names::{id_number, id_text, product_name, venue_name};
pub use refusal::Refusal;
pub use self_trade::SelfTrade;
pub use types::{
    AccountId, EndCause, Fees, Fill, Order, OrderKind, OrderRef, OrderRequest, OrderStatus, Position, PositionSide,
    RequestRow, Side, TimeInForce, Wallet,
};

use crate::market::{Key, Ms, Product, Source, Venue};
use book::{Holding, Lot};
use settings::Settings;
pub use settings::{MarginMove, TransferRow};

/// First id that is given out; ids grow by one over orders, fills, cash and funding alike.
const FIRST_ID: u64 = 10_000_001;
/// Requests remembered per venue.
const REQUESTS_KEPT: usize = 50_000;

/// Ways in which a venue misbehaves as a whole; set by faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Takes a second order under a client id that exists.
    pub accept_duplicate_ids: bool,
    /// Orders and fills show in queries only this much later.
    pub lag_ms: Ms,
    /// The venue's clock is ahead by this much.
    pub skew_ms: Ms,
}

/// One customer.
#[derive(Clone, Debug)]
pub struct Account {
    /// API key.
    pub key: String,
    /// API secret.
    pub secret: String,
    /// What the key may do.
    pub permissions: Permissions,
    /// Whether it is bound to addresses that are not this machine's.
    pub shut_out: bool,
    /// Whether it is bound to addresses at all.
    pub bound: bool,
}

type ClientKey = (AccountId, Venue, Product, String);

/// The venues' common state.
#[derive(Debug)]
pub struct Exchange {
    market: Market,
    speed: u32,
    clock: Ms,
    next_id: u64,
    accounts: Vec<Account>,
    start: Vec<BTreeMap<Wallet, BTreeMap<String, Decimal>>>,
    holdings: BTreeMap<(AccountId, Wallet), BTreeMap<String, Holding>>,
    lots: BTreeMap<(AccountId, Key, PositionSide), Lot>,
    leverage: BTreeMap<(AccountId, Key), Decimal>,
    settings: Settings,
    orders: Vec<Order>,
    by_id: BTreeMap<u64, usize>,
    by_client: BTreeMap<ClientKey, Vec<usize>>,
    open: BTreeSet<usize>,
    fills: Vec<Fill>,
    cash: Vec<CashRow>,
    funding: Vec<FundingRow>,
    requests: BTreeMap<Venue, std::collections::VecDeque<RequestRow>>,
    quirks: BTreeMap<Venue, Quirks>,
    events: Vec<Event>,
}

impl Exchange {
    /// An exchange at `now`. `speed` is how many simulated milliseconds pass in a real one;
    /// `salt` (the seed) goes into the ids.
    pub fn new(source: Box<dyn Source>, accounts: &[AccountSpec], salt: u64, speed: u32, now: Ms) -> Self {
        let mut exchange = Self {
            market: Market::new(source),
            speed: speed.max(1),
            clock: now,
            // Runs of different seeds use different ids, so that one run's rows never pass for another's.
            next_id: FIRST_ID + (salt % 1_000) * 1_000_000_000,
            accounts: Vec::new(),
            start: Vec::new(),
            holdings: BTreeMap::new(),
            lots: BTreeMap::new(),
            leverage: BTreeMap::new(),
            settings: Settings::default(),
            orders: Vec::new(),
            by_id: BTreeMap::new(),
            by_client: BTreeMap::new(),
            open: BTreeSet::new(),
            fills: Vec::new(),
            cash: Vec::new(),
            funding: Vec::new(),
            requests: BTreeMap::new(),
            quirks: BTreeMap::new(),
            events: Vec::new(),
        };
        for spec in accounts {
            exchange.add_account(spec);
        }
        exchange
    }

    fn add_account(&mut self, spec: &AccountSpec) {
        let id = AccountId(self.accounts.len());
        self.accounts.push(Account {
            key: spec.key.clone(),
            secret: spec.secret.clone(),
            permissions: spec.permissions,
            shut_out: spec.shut_out(),
            bound: !spec.addresses.is_empty(),
        });
        for (wallet, assets) in &spec.balances {
            let purse = self.holdings.entry((id, *wallet)).or_default();
            for (asset, amount) in assets {
                purse.insert(
                    asset.clone(),
                    Holding {
                        total: *amount,
                        locked: Decimal::ZERO,
                    },
                );
            }
        }
        self.start.push(spec.balances.clone());
    }

    /// The market as the venues quote it.
    pub const fn market(&self) -> &Market {
        &self.market
    }

    /// How many simulated milliseconds pass in a real one. A client's receive window counts this many times.
    pub const fn speed(&self) -> u32 {
        self.speed
    }

    /// The account of an API key.
    pub fn account_by_key(&self, key: &str) -> Option<AccountId> {
        self.accounts
            .iter()
            .position(|account| account.key == key)
            .map(AccountId)
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id.0)
    }

    /// Every account id.
    pub fn account_ids(&self) -> impl Iterator<Item = AccountId> + use<> {
        (0..self.accounts.len()).map(AccountId)
    }

    /// What each wallet held at the start.
    pub fn start_balances(&self, id: AccountId) -> Option<&BTreeMap<Wallet, BTreeMap<String, Decimal>>> {
        self.start.get(id.0)
    }

    /// How a venue misbehaves now.
    pub fn quirks(&self, venue: Venue) -> Quirks {
        self.quirks.get(&venue).copied().unwrap_or_default()
    }

    /// Makes a venue misbehave.
    pub fn set_quirks(&mut self, venue: Venue, quirks: Quirks) {
        self.quirks.insert(venue, quirks);
    }

    /// Fees of an instrument.
    pub fn fees(&self, key: &Key) -> Option<Fees> {
        self.market.rule(key).map(|rule| Fees {
            maker: rule.maker_fee,
            taker: rule.taker_fee,
        })
    }

    /// Fills of an account on one venue and product, oldest first; those that `LAG` hides are left out.
    pub fn fills(&self, account: AccountId, venue: Venue, product: Product, now: Ms) -> impl Iterator<Item = &Fill> {
        let seen = now - self.quirks(venue).lag_ms;
        self.fills.iter().filter(move |fill| {
            fill.account == account && fill.key.venue == venue && fill.key.product == product && fill.time_ms <= seen
        })
    }

    /// Money movements of an account on one venue, oldest first.
    pub fn cash_rows(&self, account: AccountId, venue: Venue) -> impl Iterator<Item = &CashRow> {
        self.cash
            .iter()
            .filter(move |row| row.account == account && row.wallet.venue() == venue)
    }

    /// Funding payments of an account on one venue, oldest first.
    pub fn funding_rows(&self, account: AccountId, venue: Venue) -> impl Iterator<Item = &FundingRow> {
        self.funding
            .iter()
            .filter(move |row| row.account == account && row.key.venue == venue)
    }

    /// Writes a call into the request log.
    pub fn record_request(&mut self, venue: Venue, row: RequestRow) {
        let log = self.requests.entry(venue).or_default();
        if log.len() >= REQUESTS_KEPT {
            log.pop_front();
        }
        log.push_back(row);
    }

    /// Lays a hand on the market.
    ///
    /// # Errors
    /// An unknown instrument, or a value that makes no market.
    pub fn override_market(&mut self, hand: &MarketOverride, now: Ms) -> Result<(), MarketError> {
        self.advance(now);
        self.market.lay(hand, now)?;
        self.advance(now);
        Ok(())
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The next id of anything.
    const fn fresh_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }
}
