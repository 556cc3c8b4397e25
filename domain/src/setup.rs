//! How an instrument is set at its venue before it is traded.

/// What stands behind a position at its venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarginMode {
    /// The whole account: a position is closed out when the account can no longer bear all of them.
    #[default]
    Cross,
    /// What was set aside for it: it is closed out when that is used up, and costs no more.
    Isolated,
}

impl MarginMode {
    /// Its name in configuration and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cross => "cross",
            Self::Isolated => "isolated",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Cross, Self::Isolated]
            .into_iter()
            .find(|mode| mode.as_str() == text)
    }
}

/// What a perpetual is set to before it is traded. It is always one position a symbol, never one a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Leverage.
    pub leverage: u8,
    /// What stands behind the position.
    pub margin: MarginMode,
}
