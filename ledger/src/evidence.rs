//! Everything about one hedge, and its sums computed again from its rows alone.
//!
//! The residual is what the rows do not explain: it is nothing, or the hedge is not what its rows say.
//!
//! - Units: what an order says is filled, less what its executions add up to; and what a closed hedge still holds of a
//!   perpetual.
//! - Cash: what the wallets gained from each leg (profits as the venue told them, fees, funding), less what its trades
//!   brought and what its open position cost. A venue rounds each profit to its last decimal: that much, for each unit
//!   closed, is rounding and told apart.

use std::collections::BTreeMap;

use domain::accounting::{Books, CashAccount};
use domain::instrument::{InstrumentId, Name, Product};
use domain::order::Fill;
use domain::postings::{Account, Posting};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::columns::{Amount, At, Json};
use crate::fault::Fault;
use crate::rows::{CLOSED, FillLine, FundingLine, HedgeLine, LIVE_ORDERS, OrderLine};
use crate::views;

/// Number, reason, inputs, epoch and time of an intent.
pub type IntentLine = (i64, String, Json, i64, At);
/// Number, order, state, filled, the venue's name, cause and time of a move.
pub type EventLine = (i64, String, String, Amount, Option<String>, String, At);

/// What a venue may round a profit by, for each unit closed.
const LAST_DECIMAL: Decimal = Decimal::from_parts(1, 0, 0, false, 8);

/// The rows of one hedge.
pub struct HedgeRows {
    id: i64,
    hedge: HedgeLine,
    intents: Vec<IntentLine>,
    orders: Vec<(i64, OrderLine)>,
    events: Vec<EventLine>,
    fills: Vec<(i64, FillLine)>,
    funding: Vec<(i64, FundingLine)>,
}

/// A hedge with its rows and what they come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HedgeEvidence {
    /// Everything, as one JSON object.
    pub document: Value,
    /// Whether the rows explain all of it.
    pub explained: bool,
}

impl HedgeRows {
    /// Keeps of the executions those of the hedge's orders, and of the funding rows those of its legs while it lived.
    pub fn of(
        id: i64,
        hedge: HedgeLine,
        intents: Vec<IntentLine>,
        orders: Vec<(i64, OrderLine)>,
        events: Vec<EventLine>,
        fills: Vec<(i64, FillLine)>,
        funding: Vec<(i64, FundingLine)>,
    ) -> Self {
        let fills = fills
            .into_iter()
            .filter(|(_, fill)| order_of(&orders, fill).is_some())
            .collect();
        let of_leg = |line: &FundingLine| {
            let is = |venue: &str, product: &str, symbol: &str| {
                (line.venue.as_str(), line.product.as_str(), line.symbol.as_str()) == (venue, product, symbol)
            };
            is(&hedge.long_venue, &hedge.long_product, &hedge.long_symbol)
                || is(&hedge.short_venue, &hedge.short_product, &hedge.short_symbol)
        };
        let lived = |at: At| hedge.planned_at.0 <= at.0 && hedge.closed_at.is_none_or(|closed| at.0 <= closed.0);
        let funding = funding
            .into_iter()
            .filter(|(_, line)| of_leg(line) && lived(line.settled_at))
            .collect();
        Self {
            id,
            hedge,
            intents,
            orders,
            events,
            fills,
            funding,
        }
    }

    /// Computes the sums again and holds them against the rows.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub fn weigh(self) -> Result<HedgeEvidence, Fault> {
        let mut sums = Sums::default();
        for (_, line) in &self.fills {
            sums.fill(&line.clone().read()?);
        }
        for (_, line) in &self.funding {
            sums.funding(&line.clone().read()?);
        }
        let mut unexplained = self.units(&sums);
        let (rounding, residual) = sums.residual();
        if !residual.is_zero() {
            unexplained.push(format!("cash: {residual} of the quote currency"));
        }
        let explained = unexplained.is_empty();
        let list = |rows: Vec<Value>| Value::Array(rows);
        let document = json!({
            "hedge": views::hedge(self.id, &self.hedge),
            "intents": list(self.intents.iter().map(intent).collect()),
            "orders": list(self.orders.iter().map(|(id, line)| views::order(*id, line)).collect()),
            "order_events": list(self.events.iter().map(event).collect()),
            "fills": list(self.fills.iter().map(|(id, line)| views::fill(*id, line)).collect()),
            "funding": list(self.funding.iter().map(|(id, line)| views::funding(*id, line)).collect()),
            "postings": list(sums.postings.iter().map(posting).collect()),
            "recomputed": sums.told(rounding, residual, &unexplained),
        });
        Ok(HedgeEvidence { document, explained })
    }

    /// What orders say against what was executed, and what a closed hedge still holds.
    fn units(&self, sums: &Sums) -> Vec<String> {
        let mut found = Vec::new();
        for (_, order) in &self.orders {
            let own = |line: &&FillLine| order_of(&self.orders, line) == Some(order.client_id.as_str());
            let executed: Decimal = self
                .fills
                .iter()
                .map(|(_, line)| line)
                .filter(own)
                .map(|line| line.quantity.0)
                .sum();
            let is_over = !LIVE_ORDERS.contains(&order.state.as_str());
            if is_over && executed != order.filled.0 {
                let left = order.filled.0 - executed;
                found.push(format!("order {}: {left} units without an execution", order.client_id));
            }
        }
        if self.hedge.state == CLOSED {
            let held = sums
                .books
                .positions()
                .filter(|(_, holding)| !holding.quantity.is_zero());
            found.extend(held.map(|(id, holding)| format!("{id}: closed, and still {} units", holding.quantity)));
        }
        found
    }
}

/// The order of an execution: by our name for it, else by the venue's.
fn order_of<'a>(orders: &'a [(i64, OrderLine)], fill: &FillLine) -> Option<&'a str> {
    let same_market =
        |order: &OrderLine| (&order.venue, &order.product, &order.symbol) == (&fill.venue, &fill.product, &fill.symbol);
    let is = |order: &&OrderLine| {
        order.client_id == fill.client_id
            || (same_market(order) && order.venue_order_id.as_deref() == Some(fill.venue_order_id.as_str()))
    };
    let found = orders.iter().map(|(_, order)| order).find(is);
    found.map(|order| order.client_id.as_str())
}

#[derive(Default)]
struct Sums {
    books: Books,
    postings: Vec<Posting>,
    /// What the trades of each instrument brought, before fees.
    flows: BTreeMap<InstrumentId, Decimal>,
    fees: BTreeMap<Name, Decimal>,
    funding: Decimal,
    /// What venues may have rounded.
    allowance: Decimal,
}

impl Sums {
    fn fill(&mut self, fill: &Fill) {
        let (base, quote) = coins(&fill.instrument);
        let before = self.books.position(&fill.instrument).0;
        let signed = fill.side.sign() * fill.quantity.0;
        if fill.instrument.product == Product::Perp && before.is_sign_negative() != signed.is_sign_negative() {
            let closed = signed.abs().min(before.abs());
            self.allowance += LAST_DECIMAL * closed.max(Decimal::ONE);
        }
        self.postings.extend(self.books.fill(fill, &base, &quote));
        *self.flows.entry(fill.instrument.clone()).or_default() -= signed * fill.price.0;
        *self.fees.entry(fill.fee_asset.clone()).or_default() += fill.fee;
    }

    fn funding(&mut self, payment: &domain::funding::FundingPayment) {
        let (_, quote) = coins(&payment.instrument);
        self.postings.extend(self.books.funding(payment, &quote));
        self.funding += payment.amount.0;
    }

    /// Rounding by the venues, and what nothing explains.
    fn residual(&self) -> (Decimal, Decimal) {
        let quote = Name::new(QUOTE);
        let gained: Decimal = self.quote_gained();
        let cost: Decimal = self.books.positions().map(|(_, holding)| holding.cost.0).sum();
        let brought: Decimal = self.flows.values().sum();
        let fees = self.fees.get(&quote).copied().unwrap_or_default();
        let left = gained - (brought + cost + self.funding - fees);
        if left.abs() <= self.allowance {
            (left, Decimal::ZERO)
        } else {
            (Decimal::ZERO, left)
        }
    }

    fn quote_gained(&self) -> Decimal {
        let in_quote = |row: &&Posting| matches!(row.account, Account::Wallet(_)) && row.asset.as_str() == QUOTE;
        self.postings.iter().filter(in_quote).map(|row| row.amount).sum()
    }

    fn told(&self, rounding: Decimal, residual: Decimal, unexplained: &[String]) -> Value {
        let wallet = |(account, change): (&CashAccount, Decimal)| {
            json!({
                "venue": account.venue.as_str(),
                "wallet": account.wallet.as_str(),
                "asset": account.asset.as_str(),
                "change": change.normalize().to_string(),
            })
        };
        let fees = self
            .fees
            .iter()
            .map(|(asset, fee)| (asset.as_str().to_owned(), fee.normalize().to_string().into()));
        let held = self
            .books
            .positions()
            .map(|(id, holding)| (id.to_string(), holding.quantity.to_string().into()));
        json!({
            "trades_usd": self.flows.values().sum::<Decimal>().normalize().to_string(),
            "funding_usd": self.funding.normalize().to_string(),
            "fees": fees.collect::<serde_json::Map<_, _>>(),
            "positions": held.collect::<serde_json::Map<_, _>>(),
            "wallets": self.books.cash().map(wallet).collect::<Vec<_>>(),
            "quote_gained": self.quote_gained().normalize().to_string(),
            "rounding": rounding.normalize().to_string(),
            "residual": residual.normalize().to_string(),
            "unexplained": unexplained,
        })
    }
}

/// The currency in which everything here is quoted.
const QUOTE: &str = "USDT";

/// The base and quote coin by an instrument's name.
pub fn coins(id: &InstrumentId) -> (Name, Name) {
    let symbol = id.symbol.as_str();
    (
        Name::new(symbol.strip_suffix(QUOTE).unwrap_or(symbol)),
        Name::new(QUOTE),
    )
}

fn intent((id, reason, inputs, epoch, at): &IntentLine) -> Value {
    let inputs: Value = serde_json::from_str(&inputs.0).unwrap_or(Value::Null);
    json!({ "id": id, "reason": reason, "inputs": inputs, "epoch": epoch, "at": views::time(*at) })
}

fn event((id, order, state, filled, name, cause, at): &EventLine) -> Value {
    json!({
        "id": id,
        "client_id": order,
        "state": state,
        "filled": views::decimal(*filled),
        "venue_order_id": name,
        "cause": cause,
        "at": views::time(*at),
    })
}

fn posting(row: &Posting) -> Value {
    json!({
        "venue": row.venue.as_str(),
        "account": row.account.to_string(),
        "asset": row.asset.as_str(),
        "amount": row.amount.normalize().to_string(),
    })
}
