//! How an order meets the book: at once, or by resting in it.

use crate::money::Price;

/// How an order meets the book. Only a resting kind ([`OrderKind::rests`]) may live on after it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Immediate-or-cancel at `limit` or better: what does not fill at once is over.
    ImmediateOrCancel {
        /// The worst price accepted.
        limit: Price,
    },
    /// All of it at once at `limit` or better, or nothing.
    FillOrKill {
        /// The worst price accepted.
        limit: Price,
    },
    /// At `limit` or better; what does not fill at once rests until it does, or until it is cancelled.
    GoodTillCancel {
        /// The worst price accepted.
        limit: Price,
    },
    /// Rests at `limit`, and is refused where it would take from the book.
    PostOnly {
        /// The price it rests at.
        limit: Price,
    },
    /// At whatever price there is: only to reduce.
    Market,
}

impl OrderKind {
    /// The worst price accepted; none at market.
    pub const fn limit(self) -> Option<Price> {
        match self {
            Self::ImmediateOrCancel { limit }
            | Self::FillOrKill { limit }
            | Self::GoodTillCancel { limit }
            | Self::PostOnly { limit } => Some(limit),
            Self::Market => None,
        }
    }

    /// The same kind at another price; at market there is none to change.
    #[must_use]
    pub const fn at(self, limit: Price) -> Self {
        match self {
            Self::ImmediateOrCancel { .. } => Self::ImmediateOrCancel { limit },
            Self::FillOrKill { .. } => Self::FillOrKill { limit },
            Self::GoodTillCancel { .. } => Self::GoodTillCancel { limit },
            Self::PostOnly { .. } => Self::PostOnly { limit },
            Self::Market => Self::Market,
        }
    }

    /// Whether it may stay in the book after it was taken, and so has to be cancelled.
    pub const fn rests(self) -> bool {
        matches!(self, Self::GoodTillCancel { .. } | Self::PostOnly { .. })
    }

    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImmediateOrCancel { .. } => "ioc",
            Self::FillOrKill { .. } => "fok",
            Self::GoodTillCancel { .. } => "gtc",
            Self::PostOnly { .. } => "post_only",
            Self::Market => "market",
        }
    }

    /// Puts a kind back together from its columns. `None` when they do not belong together.
    pub fn from_row(name: &str, limit: Option<Price>) -> Option<Self> {
        Some(match (name, limit) {
            ("ioc", Some(limit)) => Self::ImmediateOrCancel { limit },
            ("fok", Some(limit)) => Self::FillOrKill { limit },
            ("gtc", Some(limit)) => Self::GoodTillCancel { limit },
            ("post_only", Some(limit)) => Self::PostOnly { limit },
            ("market", None) => Self::Market,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::dec;

    #[test]
    fn a_kind_survives_its_row_and_only_two_kinds_live_on() {
        let limit = Price(dec("98213.40"));
        let kinds = [
            (OrderKind::ImmediateOrCancel { limit }, false),
            (OrderKind::FillOrKill { limit }, false),
            (OrderKind::GoodTillCancel { limit }, true),
            (OrderKind::PostOnly { limit }, true),
            (OrderKind::Market, false),
        ];
        for (kind, rests) in kinds {
            assert_eq!(OrderKind::from_row(kind.as_str(), kind.limit()), Some(kind));
            assert_eq!(kind.rests(), rests, "{kind:?}");
            let other = Price(dec("1"));
            assert_eq!(kind.at(other).limit(), kind.limit().map(|_| other));
            assert_eq!(kind.at(other).as_str(), kind.as_str());
        }
        assert_eq!(OrderKind::from_row("market", Some(limit)), None);
        for name in ["ioc", "fok", "gtc", "post_only", "perhaps"] {
            assert_eq!(OrderKind::from_row(name, None), None, "{name}");
        }
    }
}
