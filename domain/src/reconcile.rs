//! The ledger held against the venues: what differs, with evidence and what to do about it.
//!
//! - RE-1  An absent answer is not an empty one: an unreachable venue is itself an inconsistency.
//! - RE-2  What is not ours is named and never touched.
//! - RE-3  Two equal pictures give an empty list.

use std::collections::BTreeSet;
use std::fmt;

use rust_decimal::Decimal;

use crate::accounting::{Books, CashAccount, WALLET_DECIMALS, wallet_of};
use crate::instrument::{InstrumentId, Side, VenueId};
use crate::money::Quantity;
use crate::order::{ClientOrderId, OrderReport};
use crate::position::AccountTruth;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inconsistency {
    /// A venue did not answer; nothing is known about it.
    UnreachableVenue {
        /// Who.
        venue: VenueId,
        /// Why.
        reason: String,
    },
    /// A live order that is ours and that the ledger believes to be over, or does not know.
    OrphanOrder {
        /// Which.
        order: OrderReport,
    },
    /// The ledger holds a position of which the venue has nothing.
    MissingLeg {
        /// Which perpetual.
        instrument: InstrumentId,
        /// By the ledger; negative is short.
        ledger: Quantity,
    },
    /// Both hold a position, of different sizes.
    SizeDrift {
        /// Which perpetual.
        instrument: InstrumentId,
        /// By the ledger.
        ledger: Quantity,
        /// By the venue.
        venue: Quantity,
    },
    /// The venue holds a position of which the ledger has nothing: somebody else's, or a lost ledger.
    UnknownPosition {
        /// Which perpetual.
        instrument: InstrumentId,
        /// By the venue.
        venue: Quantity,
    },
    /// In a perpetual that hedges trade somebody else holds a part of the position: a venue nets what is his with what is
    /// ours, so that our ways out could meet his.
    ForeignPosition {
        /// Which perpetual.
        instrument: InstrumentId,
        /// By the account; negative is short.
        account: Quantity,
        /// By what hedges hold of it.
        hedges: Quantity,
    },
    /// Somebody else has traded what a hedge holds.
    ForeignTrade {
        /// Which instrument.
        instrument: InstrumentId,
        /// Which side he took.
        side: Side,
        /// How much.
        quantity: Quantity,
    },
    /// A wallet holds what no row explains.
    CashDrift {
        /// Which wallet.
        account: CashAccount,
        /// By the ledger.
        ledger: Decimal,
        /// By the venue.
        venue: Decimal,
    },
}

impl Inconsistency {
    /// Its name in alerts and rows.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnreachableVenue { .. } => "unreachable_venue",
            Self::OrphanOrder { .. } => "orphan_order",
            Self::MissingLeg { .. } => "missing_leg",
            Self::SizeDrift { .. } => "size_drift",
            Self::UnknownPosition { .. } => "unknown_position",
            Self::ForeignPosition { .. } => "foreign_position",
            Self::ForeignTrade { .. } => "foreign_trade",
            Self::CashDrift { .. } => "cash_drift",
        }
    }

    /// The instrument of which it is uncertain what is held; none when only cash differs, or nothing could be read.
    pub const fn uncertain(&self) -> Option<&InstrumentId> {
        match self {
            Self::OrphanOrder { order } => Some(&order.instrument),
            Self::MissingLeg { instrument, .. }
            | Self::SizeDrift { instrument, .. }
            | Self::UnknownPosition { instrument, .. }
            | Self::ForeignPosition { instrument, .. }
            | Self::ForeignTrade { instrument, .. } => Some(instrument),
            Self::UnreachableVenue { .. } | Self::CashDrift { .. } => None,
        }
    }

    /// What a person should do.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::UnreachableVenue { .. } => "nothing to do: it is asked again; check the venue's status page",
            Self::OrphanOrder { .. } => "cancel it at the venue, then resume",
            Self::MissingLeg { .. } => "the other leg is naked: close the hedge, then resume",
            Self::SizeDrift { .. } => "compare the venue's trade history with the ledger; close the hedge if in doubt",
            Self::UnknownPosition { .. } => "close it by hand if it is yours; the engine never touches it",
            Self::ForeignPosition { .. } => {
                "close what is yours by hand, no more than that; the engine enters nothing there meanwhile"
            }
            Self::ForeignTrade { .. } => {
                "what it took from a hedge is cut on the other leg; leave this account to the engine, then resume"
            }
            Self::CashDrift { .. } => "a transfer or a trade outside of the engine: record it or move it back",
        }
    }
}

impl fmt::Display for Inconsistency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnreachableVenue { venue, reason } => write!(out, "{venue} cannot be read: {reason}"),
            Self::OrphanOrder { order } => write!(out, "order {} is live on {}", order.client_id, order.instrument),
            Self::MissingLeg { instrument, ledger } => {
                write!(out, "{instrument}: the ledger holds {ledger}, the venue nothing")
            }
            Self::SizeDrift {
                instrument,
                ledger,
                venue,
            } => {
                write!(out, "{instrument}: the ledger holds {ledger}, the venue {venue}")
            }
            Self::UnknownPosition { instrument, venue } => {
                write!(out, "{instrument}: the venue holds {venue}, the ledger nothing")
            }
            Self::ForeignPosition {
                instrument,
                account,
                hedges,
            } => {
                write!(out, "{instrument}: the account holds {account}, hedges {hedges} of it")
            }
            Self::ForeignTrade {
                instrument,
                side,
                quantity,
            } => write!(out, "somebody else has traded {instrument}: {side} {quantity}"),
            Self::CashDrift { account, ledger, venue } => {
                let CashAccount {
                    venue: at,
                    wallet,
                    asset,
                } = account;
                write!(
                    out,
                    "{at} {} {asset}: the ledger says {ledger}, the venue {venue}",
                    wallet.as_str()
                )
            }
        }
    }
}

/// What comparisons have found, and what of it a person has seen and accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    differing: BTreeSet<String>,
    accepted: BTreeSet<String>,
}

/// What one comparison means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Venues that did not answer: entries wait until they do.
    pub silent: BTreeSet<VenueId>,
    /// Differences that nobody has accepted yet, each a line with what to do about it.
    pub news: Vec<String>,
    /// Whether entries wait until a person has looked: something is held, or may be.
    pub needs_a_person: bool,
}

impl Review {
    /// Judges a comparison; `holding` says whether the ledger has hedges that are not closed. What was accepted is no
    /// news as long as it stays as it is.
    pub fn judge(&mut self, found: &[Inconsistency], holding: bool) -> Judgement {
        let mut judgement = Judgement::default();
        let (mut lines, mut uncertain) = (BTreeSet::new(), false);
        for one in found {
            if let Inconsistency::UnreachableVenue { venue, .. } = one {
                judgement.silent.insert(*venue);
            } else {
                lines.insert(format!("{}: {one} ({})", one.name(), one.advice()));
                uncertain |= one.uncertain().is_some();
            }
        }
        self.accepted.retain(|seen| lines.contains(seen));
        judgement.news = lines.difference(&self.accepted).cloned().collect();
        judgement.needs_a_person = !judgement.news.is_empty() && (holding || uncertain);
        self.differing = lines;
        judgement
    }

    /// A person has looked, and wants to go on with things as they are.
    pub fn accept(&mut self) {
        self.accepted.clone_from(&self.differing);
    }
}

/// What the ledger believes.
#[derive(Clone, Copy, Debug)]
pub struct Belief<'a> {
    /// Positions and cash from rows.
    pub books: &'a Books,
    /// Our orders that may still be live.
    pub live_orders: &'a BTreeSet<ClientOrderId>,
    /// The ledger's tag in client order ids.
    pub tag: &'a str,
}

/// Compares one venue's truth with the ledger, after every row of that truth has been recorded.
pub fn differences(belief: Belief<'_>, truth: &AccountTruth) -> Vec<Inconsistency> {
    let mut found = Vec::new();
    found.extend(positions(belief.books, truth));
    found.extend(orders(belief, truth));
    found.extend(cash(belief.books, truth));
    found
}

fn positions(books: &Books, truth: &AccountTruth) -> Vec<Inconsistency> {
    let held = |id: &InstrumentId| {
        truth
            .positions
            .iter()
            .find(|position| position.instrument == *id)
            .map_or(Quantity::ZERO, |position| position.quantity)
    };
    let ours = books
        .positions()
        .map(|(id, holding)| (id, holding.quantity))
        .filter(|(id, _)| id.venue == truth.venue);
    let mut found: Vec<_> = ours.filter_map(|(id, ledger)| compare(id, ledger, held(id))).collect();
    let unseen = truth
        .positions
        .iter()
        .filter(|position| books.positions().all(|(id, _)| *id != position.instrument));
    found.extend(unseen.filter_map(|position| compare(&position.instrument, Quantity::ZERO, position.quantity)));
    found
}

fn compare(id: &InstrumentId, ledger: Quantity, venue: Quantity) -> Option<Inconsistency> {
    let instrument = id.clone();
    match (ledger.is_zero(), venue.is_zero()) {
        _ if ledger == venue => None,
        (false, true) => Some(Inconsistency::MissingLeg { instrument, ledger }),
        (true, false) => Some(Inconsistency::UnknownPosition { instrument, venue }),
        _ => Some(Inconsistency::SizeDrift {
            instrument,
            ledger,
            venue,
        }),
    }
}

fn orders(belief: Belief<'_>, truth: &AccountTruth) -> Vec<Inconsistency> {
    let orphan =
        |order: &&OrderReport| order.client_id.is_ours(belief.tag) && !belief.live_orders.contains(&order.client_id);
    truth
        .open_orders
        .iter()
        .filter(orphan)
        .map(|order| Inconsistency::OrphanOrder { order: order.clone() })
        .collect()
}

/// The currency in which perpetuals are margined and settled.
const QUOTE: &str = "USDT";

/// What a wallet of the quote currency may differ by: where a venue does not tell the profit that it booked, ours is
/// computed from an average price, and its eighth decimal may be rounded otherwise, once per reducing execution.
const CASH_TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

/// Wallets that the ledger has opened; at the venues' own precision.
fn cash(books: &Books, truth: &AccountTruth) -> Vec<Inconsistency> {
    let ours = books.cash().filter(|(account, _)| account.venue == truth.venue);
    ours.filter_map(|(account, ledger)| {
        let same =
            |balance: &&crate::position::Balance| balance.wallet == account.wallet && balance.asset == account.asset;
        let venue = truth
            .balances
            .iter()
            .find(same)
            .map_or(Decimal::ZERO, |balance| balance.total);
        let apart = (ledger - venue).abs();
        let moves_with_profit = books
            .positions()
            .any(|(id, _)| wallet_of(id.venue, id.product) == account.wallet);
        let equal = apart.round_dp(WALLET_DECIMALS).is_zero()
            || (moves_with_profit && account.asset.as_str() == QUOTE && apart < CASH_TOLERANCE);
        (!equal).then(|| Inconsistency::CashDrift {
            account: account.clone(),
            ledger,
            venue,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounting::Opening;
    use crate::fixtures::{dec, fill, perp};
    use crate::instrument::Name;
    use crate::money::Price;
    use crate::order::VenueOrderStatus;
    use crate::position::{Balance, Position, Wallet};
    use crate::time::Timestamp;

    fn world() -> (Books, AccountTruth) {
        let btc = perp(VenueId::Binance, "BTCUSDT");
        let account = CashAccount {
            venue: VenueId::Binance,
            wallet: Wallet::Futures,
            asset: Name::new("USDT"),
        };
        let mut books = Books::default();
        books.open(&Opening {
            account,
            total: dec("1000"),
            at: Timestamp(0),
        });
        books.fill(&fill(&btc.id, Side::Sell, "2", "100"), &btc.base, &btc.quote);
        let truth = AccountTruth {
            venue: VenueId::Binance,
            balances: vec![Balance {
                venue: VenueId::Binance,
                wallet: Wallet::Futures,
                asset: Name::new("USDT"),
                total: dec("1000"),
                free: dec("1000"),
            }],
            positions: vec![Position {
                instrument: btc.id,
                quantity: Quantity(dec("-2")),
                entry_price: Price(dec("100")),
                mark_price: Price(dec("100")),
                liquidation_price: None,
            }],
            open_orders: Vec::new(),
            fills: Vec::new(),
            funding: Vec::new(),
            margin: None,
            read_at: Timestamp(0),
        };
        (books, truth)
    }

    fn names(books: &Books, truth: &AccountTruth) -> Vec<&'static str> {
        let belief = Belief {
            books,
            live_orders: &BTreeSet::new(),
            tag: "test",
        };
        differences(belief, truth).iter().map(Inconsistency::name).collect()
    }

    #[test]
    fn equal_pictures_give_nothing() {
        let (books, truth) = world();
        assert!(names(&books, &truth).is_empty());
    }

    #[test]
    fn each_difference_has_its_name() {
        let (books, truth) = world();
        let with = |change: &dyn Fn(&mut AccountTruth)| {
            let mut changed = truth.clone();
            change(&mut changed);
            names(&books, &changed)
        };
        assert_eq!(with(&|truth| truth.positions.clear()), ["missing_leg"]);
        assert_eq!(
            with(&|truth| truth.positions[0].quantity = Quantity(dec("-1"))),
            ["size_drift"]
        );
        assert_eq!(with(&|truth| truth.balances[0].total = dec("999.99")), ["cash_drift"]);
        let stranger = perp(VenueId::Binance, "ETHUSDT").id;
        let unknown = |truth: &mut AccountTruth| {
            let mut other = truth.positions[0].clone();
            other.instrument = stranger.clone();
            truth.positions.push(other);
        };
        assert_eq!(with(&unknown), ["unknown_position"]);
    }

    #[test]
    fn f069_only_our_own_orders_are_orphans() {
        let (books, mut truth) = world();
        let order = |id: &str| OrderReport {
            instrument: truth.positions[0].instrument.clone(),
            client_id: ClientOrderId::from_text(id),
            venue_order_id: "1".to_owned(),
            side: Side::Buy,
            quantity: Quantity(dec("1")),
            filled: Quantity::ZERO,
            status: VenueOrderStatus::Live,
            updated_at: Timestamp(0),
        };
        let open = vec![order("fatest-1-1-1"), order("somebody-else")];
        truth.open_orders = open;
        assert_eq!(names(&books, &truth), ["orphan_order"]);
        let live = BTreeSet::from([ClientOrderId::from_text("fatest-1-1-1")]);
        assert!(
            differences(
                Belief {
                    books: &books,
                    live_orders: &live,
                    tag: "test"
                },
                &truth
            )
            .is_empty()
        );
    }

    #[test]
    fn what_a_person_has_accepted_is_no_news_until_it_changes() {
        let stranger = |quantity| Inconsistency::UnknownPosition {
            instrument: perp(VenueId::Bybit, "BTCUSDT").id,
            venue: Quantity(dec(quantity)),
        };
        let cash = Inconsistency::CashDrift {
            account: CashAccount {
                venue: VenueId::Binance,
                wallet: Wallet::Spot,
                asset: Name::new("USDT"),
            },
            ledger: dec("5"),
            venue: dec("6"),
        };
        let silent = Inconsistency::UnreachableVenue {
            venue: VenueId::Binance,
            reason: "no answer".to_owned(),
        };
        let mut review = Review::default();
        assert_eq!(review.judge(&[], true), Judgement::default());
        let judgement = review.judge(&[silent], true);
        assert_eq!((judgement.silent.len(), judgement.needs_a_person), (1, false));
        assert!(
            !review.judge(std::slice::from_ref(&cash), false).needs_a_person,
            "nothing is held"
        );
        assert!(review.judge(&[cash], true).needs_a_person);
        let judgement = review.judge(&[stranger("0.1")], false);
        assert!(
            judgement.needs_a_person && judgement.news[0].contains("never touches it"),
            "{judgement:?}"
        );
        review.accept();
        assert_eq!(review.judge(&[stranger("0.1")], true), Judgement::default());
        assert!(review.judge(&[stranger("0.2")], false).needs_a_person, "it has moved");
        assert!(
            review.judge(&[stranger("0.1")], false).needs_a_person,
            "and what was accepted is forgotten"
        );
    }
}
