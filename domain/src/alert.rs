//! What people are told, and how loudly.

use std::fmt;

/// How loudly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth reading tomorrow.
    Info,
    /// Worth reading today.
    Warning,
    /// Worth waking somebody.
    Critical,
}

impl Severity {
    /// Its name in logs and rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// The named events. The name is the contract: people filter by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertName {
    /// The ledger and a venue differed at start.
    StartupInconsistency,
    /// The ledger and a venue differed later.
    Inconsistency,
    /// A hedge has one leg.
    HedgeOneLegged,
    /// A hedge is open on both legs.
    HedgeOpened,
    /// A hedge is flat.
    HedgeClosed,
    /// An order's outcome is not proven.
    OrderUnknown,
    /// A feed failed and was rebuilt.
    FeedRestarted,
    /// A venue's feeds keep failing.
    VenueDegraded,
    /// The ledger cannot be written.
    LedgerUnavailable,
    /// Entries stopped.
    Paused,
    /// Entries are allowed again.
    Resumed,
    /// The venue reduced a position of ours.
    ForcedReduction,
    /// A leg is near the price at which its venue takes it over.
    LiquidationNear,
    /// A job ended otherwise than planned.
    ExecutionFailed,
    /// How a UTC day went.
    DailyReport,
}

impl AlertName {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::StartupInconsistency,
        Self::Inconsistency,
        Self::HedgeOneLegged,
        Self::HedgeOpened,
        Self::HedgeClosed,
        Self::OrderUnknown,
        Self::FeedRestarted,
        Self::VenueDegraded,
        Self::LedgerUnavailable,
        Self::Paused,
        Self::Resumed,
        Self::ForcedReduction,
        Self::LiquidationNear,
        Self::ExecutionFailed,
        Self::DailyReport,
    ];

    /// The name that people see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartupInconsistency => "STARTUP_INCONSISTENCY",
            Self::Inconsistency => "INCONSISTENCY",
            Self::HedgeOneLegged => "HEDGE_ONE_LEGGED",
            Self::HedgeOpened => "HEDGE_OPENED",
            Self::HedgeClosed => "HEDGE_CLOSED",
            Self::OrderUnknown => "ORDER_UNKNOWN",
            Self::FeedRestarted => "FEED_RESTARTED",
            Self::VenueDegraded => "VENUE_DEGRADED",
            Self::LedgerUnavailable => "LEDGER_UNAVAILABLE",
            Self::Paused => "PAUSED",
            Self::Resumed => "RESUMED",
            Self::ForcedReduction => "FORCED_REDUCTION",
            Self::LiquidationNear => "LIQUIDATION_NEAR",
            Self::ExecutionFailed => "EXECUTION_FAILED",
            Self::DailyReport => "DAILY_REPORT",
        }
    }

    /// How loudly it is said.
    pub const fn severity(self) -> Severity {
        match self {
            Self::HedgeOpened | Self::HedgeClosed | Self::Resumed | Self::DailyReport => Severity::Info,
            Self::FeedRestarted | Self::Paused | Self::OrderUnknown | Self::ExecutionFailed => Severity::Warning,
            Self::StartupInconsistency
            | Self::Inconsistency
            | Self::HedgeOneLegged
            | Self::VenueDegraded
            | Self::LedgerUnavailable
            | Self::ForcedReduction
            | Self::LiquidationNear => Severity::Critical,
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

impl fmt::Display for AlertName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One thing to tell people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Which event.
    pub name: AlertName,
    /// Alerts with one key are one fault, said at most three times an hour.
    pub key: String,
    /// A sentence that says what happened and what to do.
    pub text: String,
}

impl Alert {
    /// An alert about `subject`, which is also part of its key.
    pub fn new(name: AlertName, subject: &str, text: String) -> Self {
        Self {
            name,
            key: format!("{name}:{subject}"),
            text,
        }
    }
}
