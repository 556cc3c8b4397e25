//! Whether the rows of each wallet add up to what the venues stated when ledger and venues last agreed.
//!
//! - LV-5  The rows of every transaction add up to nothing.
//! - LV-6  At the last agreement each wallet held its opening and the sum of its rows.
//!
//! A statement carries how many executions and funding rows the engine had counted when it compared. A row that was being
//! written at that moment may stand a few places before or after, so the wallet must equal the statement at one of these
//! cuts. Clocks do not come into it.

use std::collections::BTreeMap;

use domain::accounting::{Books, CashAccount, wallet_of};
use domain::instrument::{InstrumentId, Name, VenueId};
use domain::position::Wallet;
use domain::postings::{Account, Posting, left_over};
use rust_decimal::Decimal;

use crate::columns::{Amount, At};
use crate::evidence::coins;
use crate::fault::Fault;
use crate::rows::{FillLine, FundingLine, OpeningLine, word};

/// How many places a row may stand from where the engine counted it.
const AROUND: usize = 4;
/// What the quote currency may differ by where profits are taken; as the engine's own comparison allows.
const PROFIT_TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 4);
/// What any other wallet may differ by: less than a venue's last decimal.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

/// Venue, wallet, asset and total as a venue stated them.
pub type StatedLine = (String, String, String, Amount);

/// The rows that move wallets, and the newest statement of the venues.
#[derive(Default)]
pub struct WalletRows {
    pub fills: Vec<FillLine>,
    pub funding: Vec<FundingLine>,
    pub openings: Vec<OpeningLine>,
    pub stated: Option<Stated>,
}

/// What the venues stated when ledger and venues last agreed.
pub struct Stated {
    pub at: At,
    /// Executions and funding rows that were counted then; `None` where nobody wrote that down.
    pub counted: Option<[usize; 2]>,
    pub balances: Vec<StatedLine>,
}

impl Stated {
    /// With what a snapshot's document says.
    pub fn of(at: At, state: &str, balances: Vec<StatedLine>) -> Self {
        let document: serde_json::Value = serde_json::from_str(state).unwrap_or_default();
        let count = |name: &str| {
            document
                .get(name)?
                .as_u64()
                .and_then(|count| usize::try_from(count).ok())
        };
        let counted = count("fills").zip(count("funding_payments"));
        Self {
            at,
            counted: counted.map(Into::into),
            balances,
        }
    }
}

/// A change of a wallet: of which list (executions, funding), its place there, and how much.
struct Move {
    list: usize,
    place: usize,
    amount: Decimal,
}

/// Adds what differs, in words.
///
/// # Errors
/// When a row cannot be read.
pub fn judge(rows: &WalletRows, differences: &mut Vec<String>) -> Result<(), Fault> {
    let mut books = Books::default();
    let mut moves: BTreeMap<CashAccount, Vec<Move>> = BTreeMap::new();
    let mut opened: BTreeMap<CashAccount, Decimal> = BTreeMap::new();
    for line in &rows.openings {
        let opening = line.clone().read()?;
        balanced(&books.open(&opening), "an opening", differences);
        *opened.entry(opening.account).or_default() += opening.total;
    }
    for (place, line) in rows.fills.iter().enumerate() {
        let fill = line.clone().read()?;
        let (base, quote) = coins(&fill.instrument);
        let postings = books.fill(&fill, &base, &quote);
        balanced(&postings, &format!("execution {}", fill.trade_id), differences);
        note(&mut moves, (0, place), &postings);
    }
    for (place, line) in rows.funding.iter().enumerate() {
        let payment = line.clone().read()?;
        let (_, quote) = coins(&payment.instrument);
        let postings = books.funding(&payment, &quote);
        balanced(&postings, &format!("funding {}", payment.id), differences);
        note(&mut moves, (1, place), &postings);
    }
    let Some(Stated {
        at,
        counted: Some(counted),
        balances,
    }) = &rows.stated
    else {
        return Ok(());
    };
    for (account, opening) in opened {
        let venue = stated_of(balances, &account)?;
        let takes_profits = |id: &InstrumentId| wallet_of(id.venue, id.product) == account.wallet;
        let profits = account.asset.as_str() == "USDT" && books.positions().any(|(id, _)| takes_profits(id));
        let tolerance = if profits { PROFIT_TOLERANCE } else { TOLERANCE };
        let moves = moves.get(&account).map_or(&[][..], Vec::as_slice);
        let cuts = cuts(opening, moves, *counted);
        if !cuts.iter().any(|sum| (sum - venue).abs() < tolerance) {
            let CashAccount {
                venue: name,
                wallet,
                asset,
            } = &account;
            let sum = sum_until(opening, moves, *counted);
            differences.push(format!(
                "{name} {} held {venue} {asset} at the last agreement ({}), and its rows add up to {sum}",
                wallet.as_str(),
                at.0
            ));
        }
    }
    Ok(())
}

/// What a wallet held after so many rows of each list.
fn sum_until(opening: Decimal, moves: &[Move], [fills, funding]: [usize; 2]) -> Decimal {
    let counts = |one: &&Move| one.place < if one.list == 0 { fills } else { funding };
    opening + moves.iter().filter(counts).map(|one| one.amount).sum::<Decimal>()
}

/// What a wallet held at every cut around the one that was counted.
fn cuts(opening: Decimal, moves: &[Move], [fills, funding]: [usize; 2]) -> Vec<Decimal> {
    let around = |count: usize| count.saturating_sub(AROUND)..=count + AROUND;
    let (first_fill, first_funding) = (fills.saturating_sub(AROUND), funding.saturating_sub(AROUND));
    let settled = sum_until(opening, moves, [first_fill, first_funding]);
    let is_near = |one: &&Move| one.place >= if one.list == 0 { first_fill } else { first_funding };
    let near: Vec<&Move> = moves.iter().filter(is_near).collect();
    let after = |fills: usize, funding: usize| {
        let counts = |one: &&&Move| one.place < if one.list == 0 { fills } else { funding };
        settled + near.iter().filter(counts).map(|one| one.amount).sum::<Decimal>()
    };
    around(fills)
        .flat_map(|fills| around(funding).map(move |funding| (fills, funding)))
        .map(|(fills, funding)| after(fills, funding))
        .collect()
}

fn balanced(rows: &[Posting], what: &str, differences: &mut Vec<String>) {
    for (asset, left) in left_over(rows) {
        differences.push(format!("{what} leaves {left} {asset} over"));
    }
}

fn note(moves: &mut BTreeMap<CashAccount, Vec<Move>>, (list, place): (usize, usize), rows: &[Posting]) {
    for row in rows {
        if let Account::Wallet(wallet) = row.account {
            let account = CashAccount {
                venue: row.venue,
                wallet,
                asset: row.asset.clone(),
            };
            let amount = row.amount;
            moves.entry(account).or_default().push(Move { list, place, amount });
        }
    }
}

fn stated_of(stated: &[StatedLine], account: &CashAccount) -> Result<Decimal, Fault> {
    for (venue, wallet, asset, total) in stated {
        let named = CashAccount {
            venue: word(VenueId::parse(venue), "venue", venue)?,
            wallet: word(Wallet::parse(wallet), "wallet", wallet)?,
            asset: Name::new(asset),
        };
        if named == *account {
            return Ok(total.0);
        }
    }
    Ok(Decimal::ZERO)
}
