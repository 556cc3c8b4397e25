//! What any message of a venue says, in the words of the domain.
//!
//! The engine's own streams yield [`MarketFact`]s and [`AccountFact`]s; an [`Event`] is one of these, or something else
//! that a venue tells and that a decision may rest on. Every number in it is exact, as it stood in the message.

use std::num::NonZeroU8;

use domain::funding::FundingPayment;
use domain::instrument::{FeeRates, Instrument, InstrumentId, Name, Side};
use domain::market::{Book, MarketFact};
use domain::money::{Price, Quantity, Rate, Usd};
use domain::position::{AccountFact, Position, Wallet};
use domain::time::Timestamp;
use rust_decimal::Decimal;

/// One thing that a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A touch, a mark or funding terms.
    Market(MarketFact),
    /// An order, a fill, a balance, a funding payment or a forced reduction of ours.
    Account(AccountFact),
    /// An instrument with its grid.
    Instrument(Box<Instrument>),
    /// An instrument whose rules could not be read, so that it is not traded.
    LeftOut {
        /// Its symbol.
        symbol: String,
        /// Which field of it.
        reason: String,
    },
    /// A whole book.
    Book {
        /// Of what; an answer to a question does not always repeat it.
        instrument: Option<InstrumentId>,
        /// Its levels, best first.
        book: Book,
        /// The number of the last change in it.
        update: u64,
        /// The venue's time, where it tells one.
        venue_time: Option<Timestamp>,
    },
    /// Levels of a book that changed; a quantity of zero takes a level away.
    BookChange {
        /// Of what.
        instrument: InstrumentId,
        /// The changed levels.
        change: Book,
        /// The numbers that tell whether it follows what came before.
        span: Span,
        /// The venue's time.
        venue_time: Timestamp,
    },
    /// Somebody's trade.
    Trade {
        /// Of what.
        instrument: InstrumentId,
        /// The venue's id.
        id: String,
        /// Who came to the book.
        taker: Side,
        /// At which price.
        price: Price,
        /// How much.
        quantity: Quantity,
        /// When.
        at: Timestamp,
    },
    /// What was traded in the last 24 hours.
    DayVolume {
        /// Of what.
        instrument: InstrumentId,
        /// In the quote currency.
        turnover: Decimal,
    },
    /// Open contracts.
    OpenInterest {
        /// Of what; an answer to a question does not always repeat it.
        instrument: Option<InstrumentId>,
        /// In base units.
        quantity: Quantity,
        /// When it was counted, where the venue tells.
        at: Option<Timestamp>,
    },
    /// A settlement of the past.
    Settled {
        /// Of what.
        instrument: InstrumentId,
        /// What was paid, fraction of notional; positive: longs paid shorts.
        rate: Rate,
        /// When.
        settled_at: Timestamp,
    },
    /// How a perpetual's funding is settled, where it was adjusted.
    FundingRule {
        /// Of what.
        instrument: InstrumentId,
        /// Hours between settlements.
        interval_hours: NonZeroU8,
        /// Greatest rate.
        cap: Option<Rate>,
        /// Least rate.
        floor: Option<Rate>,
    },
    /// A position of ours, whole.
    Position(Position),
    /// A position of ours as it is now, without its mark.
    PositionChange {
        /// Which.
        instrument: InstrumentId,
        /// Signed; zero is flat.
        quantity: Quantity,
        /// Average entry, where told.
        entry_price: Option<Price>,
    },
    /// A wallet as it is now, without what is free of it.
    WalletChange {
        /// Which.
        wallet: Wallet,
        /// The asset.
        asset: Name,
        /// All of it.
        total: Decimal,
    },
    /// Money that moved for another reason than an order: a transfer, a fee, interest.
    CashFlow {
        /// The venue's word.
        kind: String,
        /// The asset.
        asset: Name,
        /// Positive: received.
        amount: Decimal,
        /// The venue's id, where it tells one.
        id: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A margin call.
    MarginCall {
        /// Of what.
        instrument: InstrumentId,
        /// Signed position.
        quantity: Quantity,
    },
    /// What we pay.
    Fees {
        /// For what; `None`: for everything of the product.
        instrument: Option<InstrumentId>,
        /// Fractions of notional.
        rates: FeeRates,
    },
    /// A leverage setting.
    Leverage {
        /// Of what.
        instrument: InstrumentId,
        /// Times.
        leverage: Decimal,
    },
    /// One step of the margin table.
    MarginTier {
        /// Of what.
        instrument: InstrumentId,
        /// Notional from which on it holds, where told.
        from: Option<Usd>,
        /// Notional up to which it holds.
        up_to: Usd,
        /// Greatest leverage in it.
        leverage: Decimal,
        /// Maintenance margin, fraction of notional.
        maintenance: Rate,
    },
    /// Our place in the queue for automatic reduction: the greater, the sooner.
    Adl {
        /// Of what.
        instrument: InstrumentId,
        /// The venue's step.
        indicator: u8,
    },
    /// What borrowing costs.
    Borrow {
        /// What.
        asset: Name,
        /// Fraction a day.
        daily_rate: Rate,
        /// How much of it may be borrowed.
        limit: Decimal,
    },
    /// How the account is set.
    AccountMode {
        /// Both sides of a symbol at once; `None` where not told.
        hedge_mode: Option<bool>,
        /// The venue's word for the margin mode, where told.
        margin_mode: Option<String>,
    },
    /// A receipt for an order: nothing is done yet.
    Receipt {
        /// The venue's id.
        venue_order_id: String,
        /// Ours, where repeated.
        client_id: Option<String>,
    },
    /// One request of several was refused.
    Refused {
        /// The venue's code.
        code: i64,
        /// Its words.
        reason: String,
    },
    /// A key for the private stream. The key itself is not told.
    ListenKey,
    /// The venue's clock.
    VenueTime(Timestamp),
    /// A request was taken. That is no evidence of data.
    Acknowledged,
    /// The stream will say nothing more.
    Over(String),
}

/// The numbers of a change: what it covers and what it follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First number covered, where told.
    pub first: Option<u64>,
    /// Last number covered.
    pub last: u64,
    /// Last number of the change before, where told.
    pub previous: Option<u64>,
}

impl From<FundingPayment> for Event {
    fn from(payment: FundingPayment) -> Self {
        Self::Account(AccountFact::Funding(payment))
    }
}

/// What became of a message that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It said something; perhaps nothing new.
    Told,
    /// It is of a kind that the engine does not need, for this reason.
    Ignored(&'static str),
}
