//! What the simulator and the ledger say, in the observer's words.

use domain::accounting::Opening;
use domain::instrument::{InstrumentId, Product, Side, VenueId, split_multiplier};
use domain::order::OrderTicket;
use domain::position::Wallet;
use observer::bounds::instrument;
use observer::{Bounds, Cash, Fact, Position};
use rust_decimal::Decimal;
use simulator::exchange::{CashKind, Event, Exchange, OrderChange};
use simulator::market::{Ms, Source, Venue};

/// X of each asset: a lot, or what the venues would not take for being too small, whichever is more.
pub(super) fn bounds(market: &dyn Source, now: Ms) -> Bounds {
    let mut bounds = Bounds::default();
    for rules in market.rules() {
        let (asset, multiplier) = split_multiplier(&rules.base);
        let price = market.mid(&rules.key, now).unwrap_or(Decimal::ONE);
        let least = rules
            .min_notional
            .checked_div(price)
            .unwrap_or_default()
            .max(rules.min_quantity)
            + rules.lot;
        let most = bounds.naked.entry(asset.to_string()).or_default();
        // Prices move while a position is held, and with them what is too small to be sold.
        *most = (*most).max(least * multiplier * Decimal::TWO);
        let name = instrument(
            &venue_name(rules.key.venue),
            &sim_product(&rules.key),
            &rules.key.symbol,
        );
        bounds.steps.insert(name, (rules.tick, rules.lot));
    }
    bounds
}

fn venue_name(venue: Venue) -> String {
    match venue {
        Venue::Binance => "binance".to_owned(),
        Venue::Bybit => "bybit".to_owned(),
    }
}

fn sim_product(key: &simulator::market::Key) -> String {
    simulator::exchange::product_name(key.venue, key.product).to_owned()
}

const fn sim_side(side: simulator::exchange::Side) -> observer::Side {
    match side {
        simulator::exchange::Side::Buy => observer::Side::Buy,
        simulator::exchange::Side::Sell => observer::Side::Sell,
    }
}

pub(super) fn venue_fact(event: &Event) -> Option<Fact> {
    Some(match event {
        Event::Order {
            order,
            change: OrderChange::Accepted,
        } => Fact::VenueOrder(observer::Order {
            venue: venue_name(order.key.venue),
            client_id: order.client_id.clone(),
            venue_order_id: order.venue_order_id(),
            symbol: order.key.symbol.clone(),
            product: sim_product(&order.key),
            side: sim_side(order.side),
            quantity: order.quantity,
            price: order.price,
            reduce_only: order.reduce_only,
            foreign: order.foreign,
        }),
        Event::Fill { fill, .. } => Fact::VenueFill(observer::Fill {
            venue: venue_name(fill.key.venue),
            trade_id: fill.trade_id(),
            client_id: fill.client_id.clone(),
            symbol: fill.key.symbol.clone(),
            product: sim_product(&fill.key),
            side: sim_side(fill.side),
            quantity: fill.quantity,
            price: fill.price,
            fee: fill.fee,
            fee_asset: fill.fee_asset.clone(),
        }),
        Event::Funding(row) => Fact::VenueFunding(observer::Funding {
            venue: venue_name(row.key.venue),
            id: row.funding_id(),
            symbol: row.key.symbol.clone(),
            product: sim_product(&row.key),
            amount: row.amount,
        }),
        Event::Order {
            change: OrderChange::Amended,
            ..
        } => return None,
        Event::Order { order, change } => Fact::VenueOrderOver {
            venue: venue_name(order.key.venue),
            client_id: order.client_id.clone(),
            cancelled: *change == OrderChange::Cancelled,
        },
        Event::Balance(change) if change.kind == Some(CashKind::Transfer) => Fact::CashMoved(Cash {
            venue: venue_name(change.wallet.venue()),
            wallet: change.wallet.name().to_owned(),
            asset: change.asset.clone(),
            total: change.delta,
        }),
        Event::Balance(_) | Event::Position(_) => return None,
    })
}

/// Wallets and positions of one account as the venues state them.
pub(super) fn standing(exchange: &Exchange, account: simulator::exchange::AccountId, now: Ms) -> Vec<Fact> {
    let cash = simulator::exchange::Wallet::ALL.into_iter().flat_map(|wallet| {
        exchange.balances(account, wallet).into_iter().map(move |balance| {
            let (venue, wallet) = (venue_name(wallet.venue()), wallet.name().to_owned());
            Fact::VenueCash(Cash {
                venue,
                wallet,
                asset: balance.asset,
                total: balance.free + balance.locked,
            })
        })
    });
    let positions = [Venue::Binance, Venue::Bybit]
        .into_iter()
        .flat_map(|venue| exchange.positions(account, venue, now));
    let positions = positions.map(|position| {
        let (symbol, product) = (position.key.symbol.clone(), sim_product(&position.key));
        Fact::VenuePosition(Position {
            venue: venue_name(position.key.venue),
            symbol,
            product,
            quantity: position.quantity,
        })
    });
    cash.chain(positions).collect()
}

/// The simulator's name of an instrument's product.
pub(super) fn product_name(id: &InstrumentId) -> String {
    match (id.venue, id.product) {
        (_, Product::Spot) => "spot",
        (VenueId::Binance, Product::Perp) => "usdm",
        (VenueId::Bybit, Product::Perp) => "linear",
    }
    .to_owned()
}

const fn side(side: Side) -> observer::Side {
    match side {
        Side::Buy => observer::Side::Buy,
        Side::Sell => observer::Side::Sell,
    }
}

pub(super) fn intent(ticket: &OrderTicket) -> observer::Intent {
    let symbol = ticket.instrument.symbol.as_str();
    let (asset, multiplier) = split_multiplier(symbol.strip_suffix("USDT").unwrap_or(symbol));
    observer::Intent {
        hedge: ticket.hedge.to_string(),
        client_id: ticket.client_id.to_string(),
        venue: ticket.instrument.venue.to_string(),
        symbol: symbol.to_owned(),
        product: product_name(&ticket.instrument),
        side: side(ticket.side),
        quantity: ticket.quantity.0,
        price: ticket.kind.limit().map(|limit| limit.0),
        purpose: if ticket.purpose.reduces() {
            observer::Purpose::Close
        } else {
            observer::Purpose::Open
        },
        asset: asset.to_string(),
        multiplier,
    }
}

pub(super) fn ledger_fill(fill: &domain::order::Fill) -> observer::Fill {
    observer::Fill {
        venue: fill.instrument.venue.to_string(),
        trade_id: fill.trade_id.clone(),
        client_id: fill.client_id.to_string(),
        symbol: fill.instrument.symbol.to_string(),
        product: product_name(&fill.instrument),
        side: side(fill.side),
        quantity: fill.quantity.0,
        price: fill.price.0,
        fee: fill.fee,
        fee_asset: fill.fee_asset.to_string(),
    }
}

pub(super) fn ledger_funding(payment: &domain::funding::FundingPayment) -> observer::Funding {
    observer::Funding {
        venue: payment.instrument.venue.to_string(),
        // An adapter may add the symbol to an id that its venue repeats between symbols.
        id: payment.id.split(':').next().unwrap_or_default().to_owned(),
        symbol: payment.instrument.symbol.to_string(),
        product: product_name(&payment.instrument),
        amount: payment.amount.0,
    }
}

pub(super) fn opening_cash(opening: &Opening) -> Cash {
    let account = &opening.account;
    let wallet = match account.wallet {
        Wallet::Futures => "usdm",
        other => other.as_str(),
    };
    Cash {
        venue: account.venue.to_string(),
        wallet: wallet.to_owned(),
        asset: account.asset.to_string(),
        total: opening.total,
    }
}
