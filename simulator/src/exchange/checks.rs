//! What a venue looks at before it takes an order.

use rust_decimal::Decimal;

use super::Exchange;
use super::matching::Plan;
use super::refusal::Refusal;
use super::types::{AccountId, OrderKind, OrderRequest, PositionSide, Side, TimeInForce, Wallet};
use crate::market::{Key, Ms, Product, Rules, Status, Venue};

/// Longest client id.
const CLIENT_ID_LENGTH: usize = 36;
/// A limit price may be this many times the mid, or the mid this many times the price.
const BAND: Decimal = Decimal::from_parts(5, 0, 0, false, 0);

/// An order with everything decided but its id.
pub(super) struct Checked {
    pub quantity: Decimal,
    pub plan: Plan,
    /// Spot funds to hold for the part that rests.
    pub hold_price: Option<Decimal>,
}

impl Exchange {
    /// Runs every check, in the venues' order: rights, status, id, filters, reduce-only, post-only, money.
    pub(super) fn check(
        &self,
        account: AccountId,
        rule: &Rules,
        request: &OrderRequest,
        now: Ms,
    ) -> Result<Checked, Refusal> {
        let key = &rule.key;
        self.check_rights(account, key.product)?;
        match self.market.status(key) {
            Some(Status::Trading) => {}
            Some(Status::CancelOnly) if request.only_reduces() => {}
            _ => return Err(Refusal::MarketClosed),
        }
        self.check_client_id(account, key, request)?;
        if key.product == Product::Perp && (request.position_side == PositionSide::Both) == self.hedged(account, key) {
            return Err(Refusal::PositionSide);
        }
        let mid = self.market.mid(key, now).ok_or(Refusal::MarketClosed)?;
        check_price(rule, request, mid)?;
        check_size(rule, request, mid)?;
        let quantity = self.reducible(account, key, request)?;
        let plan = self.plan(rule, request, quantity, now)?;
        if request.kind == OrderKind::Market && plan.fills.is_empty() {
            return Err(Refusal::NoLiquidity);
        }
        // Bybit acknowledges first and cancels afterwards; Binance refuses.
        if plan.would_take && request.time_in_force == TimeInForce::PostOnly && key.venue == Venue::Binance {
            return Err(Refusal::WouldTake);
        }
        let quantity = quantity.unwrap_or_else(|| plan.quantity());
        self.check_money(account, rule, request, quantity, &plan, now)?;
        let rests = request.kind == OrderKind::Limit && key.product == Product::Spot;
        Ok(Checked {
            quantity,
            plan,
            hold_price: request.price.filter(|_| rests),
        })
    }

    fn check_rights(&self, account: AccountId, product: Product) -> Result<(), Refusal> {
        let rights = self.account(account).ok_or(Refusal::NotPermitted)?.permissions;
        let may = match product {
            Product::Spot => rights.spot,
            Product::Perp => rights.futures,
        };
        if may { Ok(()) } else { Err(Refusal::NotPermitted) }
    }

    /// Binance: unique among open orders of the market. Bybit: unique for good.
    fn check_client_id(&self, account: AccountId, key: &Key, request: &OrderRequest) -> Result<(), Refusal> {
        let Some(id) = &request.client_id else { return Ok(()) };
        let futures = key.venue == Venue::Binance && key.product == Product::Perp;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || (futures && ".:/".contains(c));
        if id.is_empty() || id.len() > CLIENT_ID_LENGTH || !id.chars().all(fits) {
            return Err(Refusal::BadClientId);
        }
        if self.quirks(key.venue).accept_duplicate_ids {
            return Ok(());
        }
        let slots = self.by_client.get(&(account, key.venue, key.product, id.clone()));
        let taken = slots.into_iter().flatten().any(|slot| match key.venue {
            Venue::Binance => self.open.contains(slot),
            Venue::Bybit => true,
        });
        if taken { Err(Refusal::DuplicateClientId) } else { Ok(()) }
    }

    /// The quantity that a reduce-only order may have. Neither venue takes one that has nothing to reduce; what is
    /// more than the position Binance refuses and Bybit cuts down.
    fn reducible(&self, account: AccountId, key: &Key, request: &OrderRequest) -> Result<Option<Decimal>, Refusal> {
        if !request.only_reduces() {
            return Ok(request.quantity);
        }
        if key.product == Product::Spot {
            return Err(Refusal::BadRequest("reduce-only is for perpetuals"));
        }
        let held = self.held(account, key, request.position_side);
        if held * request.side.sign() >= Decimal::ZERO {
            return Err(Refusal::ReduceOnly);
        }
        match (key.venue, request.quantity) {
            (Venue::Binance, Some(quantity)) if quantity > held.abs() => Err(Refusal::ReduceOnly),
            (_, quantity) => Ok(quantity.map(|quantity| quantity.min(held.abs()))),
        }
    }

    fn check_money(
        &self,
        account: AccountId,
        rule: &Rules,
        request: &OrderRequest,
        quantity: Decimal,
        plan: &Plan,
        now: Ms,
    ) -> Result<(), Refusal> {
        let key = &rule.key;
        if key.product == Product::Perp {
            return self.check_margin(account, rule, request, quantity, plan, now);
        }
        let wallet = Wallet::of(key.venue, Product::Spot);
        let (asset, needed) = match request.side {
            Side::Sell => (&rule.base, quantity),
            Side::Buy => (
                &rule.quote,
                request.price.map_or_else(|| plan.value(), |price| price * quantity),
            ),
        };
        let held = self.holding(account, wallet, asset);
        if held.total - held.locked < needed {
            return Err(Refusal::InsufficientBalance { asset: asset.clone() });
        }
        Ok(())
    }

    fn check_margin(
        &self,
        account: AccountId,
        rule: &Rules,
        request: &OrderRequest,
        quantity: Decimal,
        plan: &Plan,
        now: Ms,
    ) -> Result<(), Refusal> {
        let held = self.held(account, &rule.key, request.position_side);
        let closes = held * request.side.sign() < Decimal::ZERO;
        let opening = if closes {
            (quantity - held.abs()).max(Decimal::ZERO)
        } else {
            quantity
        };
        if opening.is_zero() {
            return Ok(());
        }
        let price = request
            .price
            .or_else(|| plan.value().checked_div(plan.quantity()))
            .unwrap_or_default();
        let value = opening * price;
        let leverage = self.leverage(account, &rule.key);
        let kept = if closes { Decimal::ZERO } else { held.abs() * price };
        if let Some(max) = rule.most_value(leverage).filter(|max| kept + value > *max) {
            return Err(Refusal::PositionLimit { max });
        }
        let needed = value / leverage + value * rule.taker_fee;
        if self.margin(account, rule.key.venue, now).available < needed {
            return Err(Refusal::InsufficientMargin);
        }
        Ok(())
    }
}

fn check_price(rule: &Rules, request: &OrderRequest, mid: Decimal) -> Result<(), Refusal> {
    if request.kind == OrderKind::Market {
        return if request.price.is_some() {
            Err(Refusal::BadRequest("a market order has no price"))
        } else {
            Ok(())
        };
    }
    let price = request
        .price
        .ok_or(Refusal::BadRequest("a limit order needs a price"))?;
    if price <= Decimal::ZERO {
        return Err(Refusal::BadPrice);
    }
    let (low, high) = (mid / BAND, mid * BAND);
    if price < low || price > high {
        return Err(Refusal::PriceBand { low, high });
    }
    if !on_step(price, rule.tick) {
        return Err(Refusal::Tick { tick: rule.tick });
    }
    Ok(())
}

fn check_size(rule: &Rules, request: &OrderRequest, mid: Decimal) -> Result<(), Refusal> {
    let quantity = match (request.quantity, request.quote_quantity) {
        (Some(quantity), None) => quantity,
        (None, Some(amount)) => return check_amount(rule, request, amount, mid),
        _ => return Err(Refusal::BadRequest("exactly one of quantity and quote quantity")),
    };
    let market = request.kind == OrderKind::Market;
    if quantity <= Decimal::ZERO {
        return Err(Refusal::BadQuantity);
    }
    if quantity < rule.min_quantity {
        return Err(Refusal::MinQuantity { min: rule.min_quantity });
    }
    let max = if market {
        rule.max_market_quantity
    } else {
        rule.max_quantity
    };
    if quantity > max {
        return Err(Refusal::MaxQuantity { max });
    }
    if !on_step(quantity, rule.lot) {
        return Err(Refusal::Lot { lot: rule.lot });
    }
    // A position under the least value could otherwise never be closed.
    if !request.only_reduces() && quantity * request.price.unwrap_or(mid) < rule.min_notional {
        return Err(Refusal::MinNotional { min: rule.min_notional });
    }
    Ok(())
}

fn check_amount(rule: &Rules, request: &OrderRequest, amount: Decimal, mid: Decimal) -> Result<(), Refusal> {
    if request.kind != OrderKind::Market || rule.key.product != Product::Spot {
        return Err(Refusal::BadRequest("a quote quantity is for market orders on spot"));
    }
    if amount <= Decimal::ZERO {
        return Err(Refusal::BadQuantity);
    }
    if amount < rule.min_notional {
        return Err(Refusal::MinNotional { min: rule.min_notional });
    }
    // Divided, not multiplied: the amount may be any number that a client can write.
    if amount / mid > rule.max_market_quantity {
        return Err(Refusal::MaxQuantity {
            max: rule.max_market_quantity,
        });
    }
    Ok(())
}

fn on_step(value: Decimal, step: Decimal) -> bool {
    step.is_zero() || value.checked_rem(step).is_some_and(|rest| rest.is_zero())
}
