//! An event as JSON: numbers as exact text, times in milliseconds; a time that the venue does not tell is `null`.

use domain::instrument::InstrumentId;
use domain::market::{Book, Level, MarketFact};
use domain::position::AccountFact;
use domain::time::Timestamp;
use serde_json::{Value, json};

use super::event::Event;

/// One event.
pub fn json(event: &Event) -> Value {
    match event {
        Event::Market(fact) => market(fact),
        Event::Account(fact) => account(fact),
        Event::Book { .. } | Event::BookChange { .. } => books(event),
        Event::Instrument(_) | Event::LeftOut { .. } | Event::FundingRule { .. } | Event::MarginTier { .. } => {
            rules(event)
        }
        Event::Trade { .. } | Event::DayVolume { .. } | Event::OpenInterest { .. } | Event::Settled { .. } => {
            public(event)
        }
        _ => private(event),
    }
}

fn id(instrument: &InstrumentId) -> String {
    instrument.to_string()
}

fn time(at: Timestamp) -> Option<i64> {
    Some(at.millis()).filter(|millis| *millis != 0)
}

fn levels(side: &[Level]) -> Vec<[String; 2]> {
    side.iter()
        .map(|level| [level.price.0.to_string(), level.quantity.0.to_string()])
        .collect()
}

fn market(fact: &MarketFact) -> Value {
    match fact {
        MarketFact::Quote {
            instrument,
            quote,
            venue_time,
        } => json!({
            "event": "quote", "instrument": id(instrument),
            "bid": quote.bid.0.to_string(), "bid_quantity": quote.bid_quantity.0.to_string(),
            "ask": quote.ask.0.to_string(), "ask_quantity": quote.ask_quantity.0.to_string(),
            "venue_time_ms": time(*venue_time),
        }),
        MarketFact::Mark {
            instrument,
            mark,
            index,
            venue_time,
        } => json!({
            "event": "mark", "instrument": id(instrument), "mark": mark.0.to_string(),
            "index": index.map(|index| index.0.to_string()), "venue_time_ms": time(*venue_time),
        }),
        MarketFact::Funding {
            instrument,
            terms,
            venue_time,
        } => json!({
            "event": "funding", "instrument": id(instrument), "predicted": terms.predicted.0.to_string(),
            "next_settlement_ms": terms.next_settlement.millis(), "interval_hours": terms.interval_hours.get(),
            "cap": terms.cap.map(|cap| cap.0.to_string()), "floor": terms.floor.map(|floor| floor.0.to_string()),
            "venue_time_ms": time(*venue_time),
        }),
        MarketFact::Book {
            instrument,
            book,
            venue_time,
        } => {
            let [bids, asks] = sides(book);
            json!({
                "event": "kept_book", "instrument": id(instrument), "bids": bids, "asks": asks,
                "venue_time_ms": time(*venue_time),
            })
        }
        MarketFact::BookLost { instrument } => json!({ "event": "book_lost", "instrument": id(instrument) }),
    }
}

fn account(fact: &AccountFact) -> Value {
    match fact {
        AccountFact::Order(order) => json!({
            "event": "order", "instrument": id(&order.instrument), "client_id": order.client_id.as_str(),
            "venue_order_id": order.venue_order_id, "side": order.side.as_str(),
            "quantity": order.quantity.0.to_string(), "filled": order.filled.0.to_string(),
            "status": format!("{:?}", order.status).to_lowercase(), "updated_ms": order.updated_at.millis(),
        }),
        AccountFact::Fill(fill) => json!({
            "event": "fill", "instrument": id(&fill.instrument), "trade_id": fill.trade_id,
            "client_id": fill.client_id.as_str(), "venue_order_id": fill.venue_order_id, "side": fill.side.as_str(),
            "quantity": fill.quantity.0.to_string(), "price": fill.price.0.to_string(), "fee": fill.fee.to_string(),
            "fee_asset": fill.fee_asset.as_str(), "maker": fill.is_maker,
            "realised": fill.realised.map(|amount| amount.0.to_string()), "at_ms": fill.at.millis(),
        }),
        AccountFact::Funding(payment) => json!({
            "event": "funding_payment", "instrument": id(&payment.instrument), "id": payment.id,
            "amount": payment.amount.0.to_string(), "rate": payment.rate.map(|rate| rate.0.to_string()),
            "settled_ms": payment.settled_at.millis(),
        }),
        AccountFact::Balance(balance) => json!({
            "event": "balance", "venue": balance.venue.as_str(), "wallet": balance.wallet.as_str(),
            "asset": balance.asset.as_str(), "total": balance.total.to_string(), "free": balance.free.to_string(),
        }),
        AccountFact::Settled { instrument } => json!({
            "event": "funding_settled", "instrument": instrument.as_ref().map(id),
        }),
        AccountFact::Position { instrument, quantity } => json!({
            "event": "position_change", "instrument": id(instrument), "quantity": quantity.0.to_string(),
        }),
        AccountFact::ForcedReduction { instrument, kind } => json!({
            "event": "forced_reduction", "instrument": id(instrument), "kind": kind,
        }),
    }
}

fn sides(book: &Book) -> [Vec<[String; 2]>; 2] {
    [levels(&book.bids), levels(&book.asks)]
}

fn books(event: &Event) -> Value {
    match event {
        Event::Book {
            instrument,
            book,
            update,
            venue_time,
        } => {
            let [bids, asks] = sides(book);
            json!({
                "event": "book", "instrument": instrument.as_ref().map(id), "bids": bids, "asks": asks,
                "update": update, "venue_time_ms": venue_time.and_then(time),
            })
        }
        Event::BookChange {
            instrument,
            change,
            span,
            venue_time,
        } => {
            let [bids, asks] = sides(change);
            json!({
                "event": "book_change", "instrument": id(instrument), "bids": bids, "asks": asks,
                "first_update": span.first, "update": span.last, "previous_update": span.previous,
                "venue_time_ms": time(*venue_time),
            })
        }
        _ => Value::Null,
    }
}

fn rules(event: &Event) -> Value {
    match event {
        Event::Instrument(instrument) => json!({
            "event": "instrument", "instrument": id(&instrument.id), "asset": instrument.asset.as_str(),
            "base": instrument.base.as_str(), "quote": instrument.quote.as_str(),
            "multiplier": instrument.multiplier.to_string(), "tick": instrument.tick.0.to_string(),
            "lot": instrument.lot.0.to_string(), "min_quantity": instrument.min_quantity.0.to_string(),
            "max_quantity": instrument.max_quantity.0.to_string(),
            "max_market_quantity": instrument.max_market_quantity.0.to_string(),
            "min_notional": instrument.min_notional.0.to_string(),
            "status": format!("{:?}", instrument.status).to_lowercase(),
        }),
        Event::LeftOut { symbol, reason } => json!({ "event": "left_out", "symbol": symbol, "reason": reason }),
        Event::FundingRule {
            instrument,
            interval_hours,
            cap,
            floor,
        } => json!({
            "event": "funding_rule", "instrument": id(instrument), "interval_hours": interval_hours.get(),
            "cap": cap.map(|cap| cap.0.to_string()), "floor": floor.map(|floor| floor.0.to_string()),
        }),
        Event::MarginTier {
            instrument,
            from,
            up_to,
            leverage,
            maintenance,
        } => json!({
            "event": "margin_tier", "instrument": id(instrument), "from": from.map(|from| from.0.to_string()),
            "up_to": up_to.0.to_string(), "max_leverage": leverage.to_string(),
            "maintenance": maintenance.0.to_string(),
        }),
        _ => Value::Null,
    }
}

fn public(event: &Event) -> Value {
    match event {
        Event::Trade {
            instrument,
            id: trade,
            taker,
            price,
            quantity,
            at,
        } => json!({
            "event": "trade", "instrument": id(instrument), "id": trade, "taker": taker.as_str(),
            "price": price.0.to_string(), "quantity": quantity.0.to_string(), "at_ms": at.millis(),
        }),
        Event::DayVolume { instrument, turnover } => json!({
            "event": "day_volume", "instrument": id(instrument), "turnover": turnover.to_string(),
        }),
        Event::OpenInterest {
            instrument,
            quantity,
            at,
        } => json!({
            "event": "open_interest", "instrument": instrument.as_ref().map(id),
            "quantity": quantity.0.to_string(), "at_ms": at.and_then(time),
        }),
        Event::Settled {
            instrument,
            rate,
            settled_at,
        } => json!({
            "event": "settled_funding", "instrument": id(instrument), "rate": rate.0.to_string(),
            "settled_ms": settled_at.millis(),
        }),
        _ => Value::Null,
    }
}

fn private(event: &Event) -> Value {
    match event {
        Event::Position(position) => json!({
            "event": "position", "instrument": id(&position.instrument),
            "quantity": position.quantity.0.to_string(), "entry_price": position.entry_price.0.to_string(),
            "mark_price": position.mark_price.0.to_string(),
            "liquidation_price": position.liquidation_price.map(|price| price.0.to_string()),
        }),
        Event::PositionChange {
            instrument,
            quantity,
            entry_price,
        } => json!({
            "event": "position_change", "instrument": id(instrument), "quantity": quantity.0.to_string(),
            "entry_price": entry_price.map(|price| price.0.to_string()),
        }),
        Event::WalletChange { wallet, asset, total } => json!({
            "event": "wallet_change", "wallet": wallet.as_str(), "asset": asset.as_str(), "total": total.to_string(),
        }),
        Event::CashFlow {
            kind,
            asset,
            amount,
            id,
            at,
        } => json!({
            "event": "cash_flow", "kind": kind, "asset": asset.as_str(), "amount": amount.to_string(), "id": id,
            "at_ms": at.millis(),
        }),
        Event::MarginCall { instrument, quantity } => json!({
            "event": "margin_call", "instrument": id(instrument), "quantity": quantity.0.to_string(),
        }),
        Event::Fees { instrument, rates } => json!({
            "event": "fees", "instrument": instrument.as_ref().map(id), "maker": rates.maker.0.to_string(),
            "taker": rates.taker.0.to_string(),
        }),
        Event::Leverage { instrument, leverage } => json!({
            "event": "leverage", "instrument": id(instrument), "leverage": leverage.to_string(),
        }),
        Event::Adl { instrument, indicator } => json!({
            "event": "adl", "instrument": id(instrument), "indicator": indicator,
        }),
        _ => rest(event),
    }
}

fn rest(event: &Event) -> Value {
    match event {
        Event::Borrow {
            asset,
            daily_rate,
            limit,
        } => json!({
            "event": "borrow", "asset": asset.as_str(), "daily_rate": daily_rate.0.to_string(),
            "limit": limit.to_string(),
        }),
        Event::AccountMode {
            hedge_mode,
            margin_mode,
        } => json!({ "event": "account_mode", "hedge_mode": hedge_mode, "margin_mode": margin_mode }),
        Event::Receipt {
            venue_order_id,
            client_id,
        } => json!({ "event": "receipt", "venue_order_id": venue_order_id, "client_id": client_id }),
        Event::Refused { code, reason } => json!({ "event": "refused", "code": code, "reason": reason }),
        Event::ListenKey => json!({ "event": "listen_key" }),
        Event::VenueTime(at) => json!({ "event": "venue_time", "at_ms": at.millis() }),
        Event::Acknowledged => json!({ "event": "acknowledged" }),
        Event::Over(reason) => json!({ "event": "stream_over", "reason": reason }),
        _ => Value::Null,
    }
}
