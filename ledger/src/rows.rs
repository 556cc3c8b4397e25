//! Rows as the tables hold them. An enum is taken apart into columns, and put together again, only here.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use domain::accounting::{CashAccount, Opening};
use domain::funding::FundingPayment;
use domain::hedge::{HedgeKind, HedgeRow, HedgeState};
use domain::instrument::{InstrumentId, Name, Product, Side, VenueId};
use domain::journal::OrderRow;
use domain::lease::LeaseRow;
use domain::money::{AssetQuantity, Price, Quantity, Rate, Usd};
use domain::order::{ClientOrderId, Epoch, Fill, HedgeId, LegIndex, OrderKind, OrderState, OrderTicket, Purpose};
use domain::position::Wallet;

use crate::columns::{Amount, At};
use crate::fault::Fault;
use crate::schema::{fills, funding_payments, hedges, leases, openings, orders};

/// The state of a hedge that is over.
pub const CLOSED: &str = HedgeState::Closed.as_str();
/// The states of an order that may still move.
pub const LIVE_ORDERS: [&str; 6] = OrderState::LIVE;

/// A number of the domain as a column holds it.
pub fn to_column(number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| Fault::refused(format!("{number} is too great a number")))
}

/// A column as a number of the domain.
pub fn from_column(number: i64) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::refused(format!("a row holds the number {number}")))
}

/// Reads a word of a closed vocabulary.
pub fn word<T>(read: Option<T>, column: &str, text: &str) -> Result<T, Fault> {
    read.ok_or_else(|| Fault::refused(format!("a row holds {text:?} as its {column}")))
}

fn kind(name: &str, limit: Option<Amount>) -> Result<OrderKind, Fault> {
    let limit = limit.map(|limit| Price(limit.0));
    let name = match (name, limit) {
        ("", Some(_)) => "ioc",
        ("", None) => "market",
        (name, _) => name,
    };
    word(OrderKind::from_row(name, limit), "kind", name)
}

fn instrument(venue: &str, product: &str, symbol: &str) -> Result<InstrumentId, Fault> {
    Ok(InstrumentId {
        venue: word(VenueId::parse(venue), "venue", venue)?,
        product: word(Product::parse(product), "product", product)?,
        symbol: Name::new(symbol),
    })
}

fn leg(text: &str) -> Result<LegIndex, Fault> {
    word(LegIndex::parse(text), "leg", text)
}

fn side(text: &str) -> Result<Side, Fault> {
    word(Side::parse(text), "side", text)
}

/// A row of `leases`.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = leases, check_for_backend(Pg, Sqlite))]
pub struct LeaseLine {
    pub holder: String,
    pub epoch: i64,
    pub expires_at: At,
}

impl LeaseLine {
    pub fn of(row: &LeaseRow) -> Result<Self, Fault> {
        Ok(Self {
            holder: row.holder.clone(),
            epoch: to_column(row.epoch.0)?,
            expires_at: At(row.expires_at),
        })
    }

    pub fn read(self) -> Result<LeaseRow, Fault> {
        Ok(LeaseRow {
            holder: self.holder,
            epoch: Epoch(from_column(self.epoch)?),
            expires_at: self.expires_at.0,
        })
    }
}

/// A row of `hedges`.
#[derive(Queryable, Selectable, Insertable, AsChangeset, serde::Serialize, serde::Deserialize)]
#[diesel(table_name = hedges, treat_none_as_null = true, check_for_backend(Pg, Sqlite))]
pub struct HedgeLine {
    pub id: i64,
    pub kind: String,
    pub asset: String,
    pub long_venue: String,
    pub long_product: String,
    pub long_symbol: String,
    pub short_venue: String,
    pub short_product: String,
    pub short_symbol: String,
    pub target: Amount,
    pub state: String,
    pub leg: Option<String>,
    pub missing: Option<Amount>,
    pub planned_at: At,
    pub opened_at: Option<At>,
    pub closed_at: Option<At>,
}

impl HedgeLine {
    pub fn of(row: &HedgeRow) -> Result<Self, Fault> {
        Ok(Self {
            id: to_column(row.id.0)?,
            kind: row.kind.as_str().to_owned(),
            asset: row.asset.as_str().to_owned(),
            long_venue: row.long.venue.as_str().to_owned(),
            long_product: row.long.product.as_str().to_owned(),
            long_symbol: row.long.symbol.as_str().to_owned(),
            short_venue: row.short.venue.as_str().to_owned(),
            short_product: row.short.product.as_str().to_owned(),
            short_symbol: row.short.symbol.as_str().to_owned(),
            target: Amount(row.target.0),
            state: row.state.as_str().to_owned(),
            leg: row.state.leg().map(|leg| leg.as_str().to_owned()),
            missing: row.state.missing().map(|missing| Amount(missing.0)),
            planned_at: At(row.planned_at),
            opened_at: row.opened_at.map(At),
            closed_at: row.closed_at.map(At),
        })
    }

    pub fn read(self) -> Result<HedgeRow, Fault> {
        let about = self.leg.as_deref().map(leg).transpose()?;
        let missing = self.missing.map(|missing| AssetQuantity(missing.0));
        Ok(HedgeRow {
            id: HedgeId(from_column(self.id)?),
            kind: word(HedgeKind::parse(&self.kind), "kind", &self.kind)?,
            asset: Name::new(&self.asset),
            long: instrument(&self.long_venue, &self.long_product, &self.long_symbol)?,
            short: instrument(&self.short_venue, &self.short_product, &self.short_symbol)?,
            target: AssetQuantity(self.target.0),
            state: word(HedgeState::from_row(&self.state, about, missing), "state", &self.state)?,
            planned_at: self.planned_at.0,
            opened_at: self.opened_at.map(|at| at.0),
            closed_at: self.closed_at.map(|at| at.0),
        })
    }
}

/// A row of `orders` without its number.
#[derive(Clone, Queryable, Selectable, Insertable, serde::Serialize, serde::Deserialize)]
#[diesel(table_name = orders, check_for_backend(Pg, Sqlite))]
pub struct OrderLine {
    pub client_id: String,
    pub intent: Option<i64>,
    pub hedge: i64,
    pub leg: String,
    pub purpose: String,
    pub venue: String,
    pub product: String,
    pub symbol: String,
    pub side: String,
    /// Empty in what an older program kept beside the ledger: at once where there is a limit, else at market.
    #[serde(default)]
    pub kind: String,
    pub limit_price: Option<Amount>,
    pub quantity: Amount,
    pub state: String,
    pub filled: Amount,
    pub venue_order_id: Option<String>,
    pub recorded_at: At,
}

impl OrderLine {
    pub fn new(ticket: &OrderTicket, intent: Option<i64>, recorded_at: At) -> Result<Self, Fault> {
        Ok(Self {
            client_id: ticket.client_id.as_str().to_owned(),
            intent,
            hedge: to_column(ticket.hedge.0)?,
            leg: ticket.leg.as_str().to_owned(),
            purpose: ticket.purpose.as_str().to_owned(),
            venue: ticket.instrument.venue.as_str().to_owned(),
            product: ticket.instrument.product.as_str().to_owned(),
            symbol: ticket.instrument.symbol.as_str().to_owned(),
            side: ticket.side.as_str().to_owned(),
            kind: ticket.kind.as_str().to_owned(),
            limit_price: ticket.kind.limit().map(|limit| Amount(limit.0)),
            quantity: Amount(ticket.quantity.0),
            state: OrderState::Recorded.as_str().to_owned(),
            filled: Amount(Quantity::ZERO.0),
            venue_order_id: None,
            recorded_at,
        })
    }

    pub fn read(self) -> Result<OrderRow, Fault> {
        Ok(OrderRow {
            ticket: OrderTicket {
                client_id: ClientOrderId::from_text(&self.client_id),
                hedge: HedgeId(from_column(self.hedge)?),
                leg: leg(&self.leg)?,
                purpose: word(Purpose::parse(&self.purpose), "purpose", &self.purpose)?,
                instrument: instrument(&self.venue, &self.product, &self.symbol)?,
                side: side(&self.side)?,
                kind: kind(&self.kind, self.limit_price)?,
                quantity: Quantity(self.quantity.0),
            },
            state: word(
                OrderState::from_row(&self.state, Quantity(self.filled.0)),
                "state",
                &self.state,
            )?,
            venue_order_id: self.venue_order_id,
            recorded_at: self.recorded_at.0,
        })
    }
}

/// A row of `fills` without its number.
#[derive(Clone, Queryable, Selectable, Insertable, serde::Serialize, serde::Deserialize)]
#[diesel(table_name = fills, check_for_backend(Pg, Sqlite))]
pub struct FillLine {
    pub venue: String,
    pub product: String,
    pub symbol: String,
    pub trade_id: String,
    pub client_id: String,
    pub venue_order_id: String,
    pub side: String,
    pub quantity: Amount,
    pub price: Amount,
    pub fee: Amount,
    pub fee_asset: String,
    pub is_maker: bool,
    pub realised: Option<Amount>,
    pub is_foreign: bool,
    pub at: At,
}

impl FillLine {
    pub fn new(fill: &Fill, is_foreign: bool) -> Self {
        Self {
            venue: fill.instrument.venue.as_str().to_owned(),
            product: fill.instrument.product.as_str().to_owned(),
            symbol: fill.instrument.symbol.as_str().to_owned(),
            trade_id: fill.trade_id.clone(),
            client_id: fill.client_id.as_str().to_owned(),
            venue_order_id: fill.venue_order_id.clone(),
            side: fill.side.as_str().to_owned(),
            quantity: Amount(fill.quantity.0),
            price: Amount(fill.price.0),
            fee: Amount(fill.fee),
            fee_asset: fill.fee_asset.as_str().to_owned(),
            is_maker: fill.is_maker,
            realised: fill.realised.map(|realised| Amount(realised.0)),
            is_foreign,
            at: At(fill.at),
        }
    }

    pub fn read(self) -> Result<Fill, Fault> {
        Ok(Fill {
            instrument: instrument(&self.venue, &self.product, &self.symbol)?,
            trade_id: self.trade_id,
            client_id: ClientOrderId::from_text(&self.client_id),
            venue_order_id: self.venue_order_id,
            side: side(&self.side)?,
            quantity: Quantity(self.quantity.0),
            price: Price(self.price.0),
            fee: self.fee.0,
            fee_asset: Name::new(&self.fee_asset),
            is_maker: self.is_maker,
            realised: self.realised.map(|realised| Usd(realised.0)),
            at: self.at.0,
        })
    }
}

/// A row of `funding_payments` without its number.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = funding_payments, check_for_backend(Pg, Sqlite))]
pub struct FundingLine {
    pub venue: String,
    pub product: String,
    pub symbol: String,
    pub payment_id: String,
    pub amount: Amount,
    pub rate: Option<Amount>,
    pub settled_at: At,
}

impl FundingLine {
    pub fn new(payment: &FundingPayment) -> Self {
        Self {
            venue: payment.instrument.venue.as_str().to_owned(),
            product: payment.instrument.product.as_str().to_owned(),
            symbol: payment.instrument.symbol.as_str().to_owned(),
            payment_id: payment.id.clone(),
            amount: Amount(payment.amount.0),
            rate: payment.rate.map(|rate| Amount(rate.0)),
            settled_at: At(payment.settled_at),
        }
    }

    pub fn read(self) -> Result<FundingPayment, Fault> {
        Ok(FundingPayment {
            instrument: instrument(&self.venue, &self.product, &self.symbol)?,
            id: self.payment_id,
            amount: Usd(self.amount.0),
            rate: self.rate.map(|rate| Rate(rate.0)),
            settled_at: self.settled_at.0,
        })
    }
}

/// A row of `openings` without its number.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = openings, check_for_backend(Pg, Sqlite))]
pub struct OpeningLine {
    pub venue: String,
    pub wallet: String,
    pub asset: String,
    pub total: Amount,
    pub at: At,
}

impl OpeningLine {
    pub fn new(opening: &Opening) -> Self {
        Self {
            venue: opening.account.venue.as_str().to_owned(),
            wallet: opening.account.wallet.as_str().to_owned(),
            asset: opening.account.asset.as_str().to_owned(),
            total: Amount(opening.total),
            at: At(opening.at),
        }
    }

    pub fn read(self) -> Result<Opening, Fault> {
        Ok(Opening {
            account: CashAccount {
                venue: word(VenueId::parse(&self.venue), "venue", &self.venue)?,
                wallet: word(Wallet::parse(&self.wallet), "wallet", &self.wallet)?,
                asset: Name::new(&self.asset),
            },
            total: self.total.0,
            at: self.at.0,
        })
    }
}
