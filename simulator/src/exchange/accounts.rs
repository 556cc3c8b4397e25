//! Who may trade, and with what: the accounts file.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

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
    #[error("accounts file, account that begins on line {line}: key `{key}` stands twice")]
    DuplicateKey {
        /// Where the account begins, from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// An empty key or secret.
    #[error("accounts file, account that begins on line {line}: an empty key or secret")]
    EmptyKey {
        /// Where the account begins, from 1.
        line: usize,
    },
    /// A balance below zero.
    #[error("accounts file, account that begins on line {line}: {venue}.{wallet}.{asset} of `{key}` is negative")]
    NegativeBalance {
        /// Where the account begins, from 1.
        line: usize,
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
    #[error(
        "accounts file, account that begins on line {line}: no wallet {venue}.{wallet}; there are binance.spot, binance.usdm and bybit.unified"
    )]
    UnknownWallet {
        /// Where the account begins, from 1.
        line: usize,
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
    /// The addresses that the key is bound to; from anywhere if there are none.
    pub addresses: Vec<IpAddr>,
}

impl AccountSpec {
    /// Whether the key is bound to addresses of which this machine has none: whoever calls the simulator is here.
    pub fn shut_out(&self) -> bool {
        !self.addresses.is_empty() && !self.addresses.iter().any(IpAddr::is_loopback)
    }

    /// The account that exists when nobody says otherwise: `demo`/`demo`, 100,000 USDT in each wallet.
    pub fn demo() -> Self {
        let purse = BTreeMap::from([("USDT".to_owned(), Decimal::ONE_HUNDRED * Decimal::ONE_THOUSAND)]);
        Self {
            key: "demo".to_owned(),
            secret: "demo".to_owned(),
            balances: Wallet::ALL.into_iter().map(|wallet| (wallet, purse.clone())).collect(),
            permissions: Permissions::default(),
            addresses: here(),
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
    #[serde(default = "here")]
    addresses: Vec<IpAddr>,
}

fn here() -> Vec<IpAddr> {
    vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]
}

/// Reads an accounts file: `{"accounts":[{"key","secret","balances":{venue:{wallet:{asset:"amount"}}},"permissions":
/// {"read","spot","futures","withdraw"},"addresses":["127.0.0.1"]}]}`. A key that only reads has `spot` and `futures`
/// false; one that is bound to other addresses than this machine's is refused as the venues do it; without
/// any (`[]`) it serves from anywhere.
///
/// # Errors
/// [`AccountsError`] names what is wrong, and the line.
pub fn parse_accounts(text: &str) -> Result<Vec<AccountSpec>, AccountsError> {
    let file: File = serde_json::from_str(text)?;
    if file.accounts.is_empty() {
        return Err(AccountsError::Empty);
    }
    let mut specs: Vec<AccountSpec> = Vec::with_capacity(file.accounts.len());
    for (index, row) in file.accounts.into_iter().enumerate() {
        let line = line_of(text, index);
        if row.key.is_empty() || row.secret.is_empty() {
            return Err(AccountsError::EmptyKey { line });
        }
        if specs.iter().any(|spec| spec.key == row.key) {
            return Err(AccountsError::DuplicateKey { line, key: row.key });
        }
        let balances = wallets(line, &row.key, row.balances)?;
        specs.push(AccountSpec {
            key: row.key,
            secret: row.secret,
            balances,
            permissions: row.permissions,
            addresses: row.addresses,
        });
    }
    Ok(specs)
}

type Nested = BTreeMap<String, BTreeMap<String, BTreeMap<String, Decimal>>>;

/// The line on which the account of that number begins. The text is known to be a file of accounts.
fn line_of(text: &str, index: usize) -> usize {
    let (mut depth, mut line, mut begun) = (0_usize, 1, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            b'\n' => line += 1,
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth += 1;
                // The file, its list, an account in it.
                if depth == 3 && byte == b'{' {
                    if begun == index {
                        return line;
                    }
                    begun += 1;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    line
}

fn wallets(
    line: usize,
    key: &str,
    nested: Nested,
) -> Result<BTreeMap<Wallet, BTreeMap<String, Decimal>>, AccountsError> {
    let mut out = BTreeMap::new();
    for (venue, purses) in nested {
        for (wallet, assets) in purses {
            let place = match (venue.as_str(), wallet.as_str()) {
                ("binance", "spot") => Wallet::Spot,
                ("binance", "usdm") => Wallet::Usdm,
                ("bybit", "unified") => Wallet::Unified,
                _ => return Err(AccountsError::UnknownWallet { line, venue, wallet }),
            };
            if let Some((asset, _)) = assets
                .iter()
                .find(|(_, amount)| amount.is_sign_negative() && !amount.is_zero())
            {
                return Err(AccountsError::NegativeBalance {
                    line,
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
