//! Who may trade, and with what: the accounts file.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use thiserror::Error;

use super::types::Wallet;

/// Why an accounts file was refused.
#[derive(Debug, Error)]
pub enum AccountsError {
    /// Not JSON of the right shape.
    #[error("accounts file: {0}")]
    Shape(#[from] serde_json::Error),
    /// No account at all.
    #[error("accounts file: `accounts` is empty")]
    Empty,
    /// Two accounts with one key.
    #[error("accounts file: key `{0}` stands twice")]
    DuplicateKey(String),
    /// An empty key or secret.
    #[error("accounts file: account {0} has an empty key or secret")]
    EmptyKey(usize),
    /// A balance below zero.
    #[error("accounts file: {venue}.{wallet}.{asset} of `{key}` is negative")]
    NegativeBalance {
        /// The account's key.
        key: String,
        /// Venue.
        venue: String,
        /// Wallet.
        wallet: String,
        /// Asset.
        asset: String,
    },
    /// A venue or wallet that does not exist.
    #[error("accounts file: no wallet {venue}.{wallet}; there are binance.spot, binance.usdm and bybit.unified")]
    UnknownWallet {
        /// Venue as written.
        venue: String,
        /// Wallet as written.
        wallet: String,
    },
}

/// What an API key may do.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent rights, as the venues list them"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Permissions {
    /// See orders, balances, positions.
    pub read: bool,
    /// Trade spot.
    pub spot: bool,
    /// Trade perpetuals.
    pub futures: bool,
    /// Withdraw. An engine should refuse to run with such a key.
    pub withdraw: bool,
}

impl Default for Permissions {
    fn default() -> Self {
        Self {
            read: true,
            spot: true,
            futures: true,
            withdraw: false,
        }
    }
}

/// One account as it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSpec {
    /// API key.
    pub key: String,
    /// API secret.
    pub secret: String,
    /// Start balances.
    pub balances: BTreeMap<Wallet, BTreeMap<String, Decimal>>,
    /// What the key may do.
    pub permissions: Permissions,
}

impl AccountSpec {
    /// The account that exists when nobody says otherwise: `demo`/`demo`, 100,000 USDT in each wallet.
    pub fn demo() -> Self {
        let purse = BTreeMap::from([("USDT".to_owned(), Decimal::ONE_HUNDRED * Decimal::ONE_THOUSAND)]);
        Self {
            key: "demo".to_owned(),
            secret: "demo".to_owned(),
            balances: Wallet::ALL.into_iter().map(|wallet| (wallet, purse.clone())).collect(),
            permissions: Permissions::default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    accounts: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    key: String,
    secret: String,
    #[serde(default)]
    balances: BTreeMap<String, BTreeMap<String, BTreeMap<String, Decimal>>>,
    #[serde(default)]
    permissions: Permissions,
}

/// Reads an accounts file: `{"accounts":[{"key","secret","balances":{venue:{wallet:{asset:"amount"}}}}]}`.
///
/// # Errors
/// [`AccountsError`] names what is wrong.
pub fn parse_accounts(text: &str) -> Result<Vec<AccountSpec>, AccountsError> {
    let file: File = serde_json::from_str(text)?;
    if file.accounts.is_empty() {
        return Err(AccountsError::Empty);
    }
    let mut specs: Vec<AccountSpec> = Vec::with_capacity(file.accounts.len());
    for (index, row) in file.accounts.into_iter().enumerate() {
        if row.key.is_empty() || row.secret.is_empty() {
            return Err(AccountsError::EmptyKey(index));
        }
        if specs.iter().any(|spec| spec.key == row.key) {
            return Err(AccountsError::DuplicateKey(row.key));
        }
        let balances = wallets(&row.key, row.balances)?;
        specs.push(AccountSpec {
            key: row.key,
            secret: row.secret,
            balances,
            permissions: row.permissions,
        });
    }
    Ok(specs)
}

type Nested = BTreeMap<String, BTreeMap<String, BTreeMap<String, Decimal>>>;

fn wallets(key: &str, nested: Nested) -> Result<BTreeMap<Wallet, BTreeMap<String, Decimal>>, AccountsError> {
    let mut out = BTreeMap::new();
    for (venue, purses) in nested {
        for (wallet, assets) in purses {
            let place = match (venue.as_str(), wallet.as_str()) {
                ("binance", "spot") => Wallet::Spot,
                ("binance", "usdm") => Wallet::Usdm,
                ("bybit", "unified") => Wallet::Unified,
                _ => return Err(AccountsError::UnknownWallet { venue, wallet }),
            };
            if let Some((asset, _)) = assets
                .iter()
                .find(|(_, amount)| amount.is_sign_negative() && !amount.is_zero())
            {
                return Err(AccountsError::NegativeBalance {
                    key: key.to_owned(),
                    venue,
                    wallet,
                    asset: asset.clone(),
                });
            }
            out.insert(place, assets);
        }
    }
    Ok(out)
}
