//! Orders: one request each, never repeated, and the venue's word on what became of them.

use domain::instrument::{InstrumentId, Product};
use domain::order::{ClientOrderId, OrderKind, OrderReport, OrderTicket, Placed};
use domain::ports::VenueError;
use serde_json::{Value, json};

use super::codes;
use super::parse::{category, malformed};
use super::parse_account::{order, side_word};
use super::rest::{Query, Reply, Rest};
use super::wire::{Answer, OrderRow, Receipt, Verdict};
use crate::shared::class::Class;

/// Sends one order, once.
pub async fn place(rest: &Rest, ticket: &OrderTicket) -> Placed {
    outcome(rest.command("/v5/order/create", &request(ticket)).await)
}

/// The venue's word for how long an order lives; one at market is always immediate.
const fn time_in_force(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::ImmediateOrCancel { .. } | OrderKind::Market => "IOC",
        OrderKind::FillOrKill { .. } => "FOK",
        OrderKind::GoodTillCancel { .. } => "GTC",
        OrderKind::PostOnly { .. } => "PostOnly",
    }
}

/// The body of an order. Figures are texts; `isLeverage` 0 keeps a spot order from borrowing; a spot market order is
/// counted in coins, not in quote currency.
fn request(ticket: &OrderTicket) -> Value {
    let text = |words: &str| Value::from(words);
    let mut fields: Vec<(&str, Value)> = vec![
        ("category", text(category(ticket.instrument.product))),
        ("symbol", text(ticket.instrument.symbol.as_str())),
        ("side", text(side_word(ticket.side))),
        ("qty", text(&ticket.quantity.to_string())),
        ("orderLinkId", text(ticket.client_id.as_str())),
        ("timeInForce", text(time_in_force(ticket.kind))),
    ];
    if let Some(limit) = ticket.kind.limit() {
        fields.push(("orderType", text("Limit")));
        fields.push(("price", text(&limit.to_string())));
    } else {
        fields.push(("orderType", text("Market")));
    }
    match ticket.instrument.product {
        Product::Perp => {
            fields.push(("positionIdx", 0.into()));
            fields.push(("reduceOnly", ticket.reduce_only().into()));
        }
        Product::Spot => {
            fields.push(("isLeverage", 0.into()));
            if ticket.kind == OrderKind::Market {
                fields.push(("marketUnit", text("baseCoin")));
            }
        }
    }
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What a reply to `order/create` says about the order.
fn outcome(reply: Reply) -> Placed {
    match reply {
        Reply::NotSent { reason, .. } => Placed::NotSent { reason },
        Reply::Unknown { reason } => Placed::Unknown { reason },
        Reply::Answered { status: 200, body, .. } => receipt(&body),
        Reply::Answered { status, .. } => codes::placed_by_status(status),
    }
}

/// An answer that cannot be read leaves it open whether there is an order.
fn receipt(body: &str) -> Placed {
    let unreadable = |what: &str| Placed::Unknown {
        reason: format!("an answer without {what}"),
    };
    let Ok(verdict) = serde_json::from_str::<Verdict>(body) else {
        return unreadable("retCode");
    };
    if codes::on_create(verdict.ret_code) != Class::Confirmed {
        return codes::placed(verdict.ret_code, &verdict.ret_msg);
    }
    match serde_json::from_str::<Answer<Receipt>>(body) {
        Ok(answer) if !answer.result.order_id.is_empty() => Placed::Confirmed {
            venue_order_id: answer.result.order_id,
        },
        _ => unreadable("orderId"),
    }
}

/// The venue's word on an order of ours: first among live and just closed ones, then in the history. `None` only when
/// both were answered well and neither knows it.
pub async fn find(
    rest: &Rest,
    instrument: &InstrumentId,
    id: &ClientOrderId,
) -> Result<Option<OrderReport>, VenueError> {
    let query = Query::new()
        .with("category", category(instrument.product))
        .with("symbol", &instrument.symbol)
        .with("orderLinkId", id);
    for path in ["/v5/order/realtime", "/v5/order/history"] {
        let rows: Vec<OrderRow> = rest.pages(path, &query).await?;
        let found = rows
            .iter()
            .find(|row| row.order_link_id.as_deref() == Some(id.as_str()) && row.symbol == instrument.symbol.as_str());
        if let Some(row) = found {
            return order(instrument.product, row).map(Some);
        }
        if !rows.is_empty() {
            return Err(malformed(format!(
                "{path} answered with other orders than the one asked for"
            )));
        }
    }
    Ok(None)
}

/// Cancels an order of ours. An order that is over already is success; a receipt is no proof that it is cancelled.
pub async fn cancel(rest: &Rest, instrument: &InstrumentId, id: &ClientOrderId) -> Result<(), VenueError> {
    let body = json!({
        "category": category(instrument.product),
        "symbol": instrument.symbol.as_str(),
        "orderLinkId": id.as_str(),
    });
    rest.post("/v5/order/cancel", &body, codes::is_over).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::instrument::Side;
    use domain::money::{Price, Quantity};
    use domain::order::{HedgeId, LegIndex, Purpose};

    fn ticket(product: Product, kind: OrderKind, purpose: Purpose) -> OrderTicket {
        OrderTicket {
            client_id: ClientOrderId::from_text("fatest-1-1-1"),
            hedge: HedgeId(1),
            leg: LegIndex::Short,
            purpose,
            instrument: crate::bybit::parse::instrument_id(product, "XRPUSDT"),
            side: Side::Sell,
            kind,
            quantity: Quantity("40.50".parse().unwrap()),
        }
    }

    fn limit() -> OrderKind {
        OrderKind::ImmediateOrCancel {
            limit: Price("0.6123".parse().unwrap()),
        }
    }

    #[test]
    fn a_perpetual_order_is_one_way_and_closes_reduce_only() {
        assert_eq!(
            request(&ticket(Product::Perp, limit(), Purpose::Open)),
            json!({"category": "linear", "symbol": "XRPUSDT", "side": "Sell", "orderType": "Limit", "qty": "40.5",
                "price": "0.6123", "timeInForce": "IOC", "orderLinkId": "fatest-1-1-1", "positionIdx": 0,
                "reduceOnly": false})
        );
        let close = request(&ticket(Product::Perp, OrderKind::Market, Purpose::Unwind));
        assert_eq!(close["reduceOnly"], true);
        assert_eq!(close["orderType"], "Market");
        assert_eq!(close.get("price"), None);
    }

    #[test]
    fn every_kind_is_said_in_the_words_of_the_venue() {
        let price = Price("0.6123".parse().unwrap());
        let words = [
            (OrderKind::ImmediateOrCancel { limit: price }, "Limit", "IOC"),
            (OrderKind::FillOrKill { limit: price }, "Limit", "FOK"),
            (OrderKind::GoodTillCancel { limit: price }, "Limit", "GTC"),
            (OrderKind::PostOnly { limit: price }, "Limit", "PostOnly"),
            (OrderKind::Market, "Market", "IOC"),
        ];
        for (kind, order_type, lifetime) in words {
            for product in Product::ALL {
                let mut wanted = json!({"symbol": "XRPUSDT", "side": "Sell", "orderType": order_type, "qty": "40.5",
                    "timeInForce": lifetime, "orderLinkId": "fatest-1-1-1"});
                let extra = match product {
                    Product::Perp => json!({"category": "linear", "positionIdx": 0, "reduceOnly": false}),
                    Product::Spot => json!({"category": "spot", "isLeverage": 0}),
                };
                wanted
                    .as_object_mut()
                    .unwrap()
                    .extend(extra.as_object().unwrap().clone());
                if kind == OrderKind::Market && product == Product::Spot {
                    wanted["marketUnit"] = "baseCoin".into();
                }
                if kind.limit().is_some() {
                    wanted["price"] = "0.6123".into();
                }
                assert_eq!(request(&ticket(product, kind, Purpose::Open)), wanted);
            }
        }
    }

    #[test]
    fn a_spot_order_never_borrows_and_a_market_one_counts_coins() {
        let market = request(&ticket(Product::Spot, OrderKind::Market, Purpose::Close));
        assert_eq!(market["marketUnit"], "baseCoin");
        assert_eq!(market["isLeverage"], 0);
        assert_eq!(market.get("reduceOnly"), None);
        assert_eq!(market.get("positionIdx"), None);
        assert_eq!(
            request(&ticket(Product::Spot, limit(), Purpose::Open)).get("marketUnit"),
            None
        );
    }

    fn answered(status: u16, body: &str) -> Placed {
        outcome(Reply::Answered {
            status,
            headers: crate::shared::rest::Headers::default(),
            body: body.to_owned(),
        })
    }

    #[test]
    fn an_order_is_confirmed_by_its_id_alone() {
        assert_eq!(
            answered(
                200,
                r#"{"retCode":0,"retMsg":"OK","result":{"orderId":"o-1","orderLinkId":"l"},"time":1}"#
            ),
            Placed::Confirmed {
                venue_order_id: "o-1".to_owned()
            }
        );
        for body in [
            r#"{"retCode":0,"retMsg":"OK","result":{}}"#,
            r#"{"retCode":0,"retMsg":"OK","result":{"orderId":""}}"#,
            r#"{"retCode":0,"#,
            "<html>busy</html>",
            "",
        ] {
            assert!(matches!(answered(200, body), Placed::Unknown { .. }), "{body}");
        }
    }

    #[test]
    fn every_way_to_fail_has_its_class() {
        assert!(matches!(
            answered(200, r#"{"retCode":110007,"retMsg":"no balance","result":{}}"#),
            Placed::Refused { code: 110_007, .. }
        ));
        for code in [10000, 10016, 110_072, 170_141, 424_242] {
            let body = format!(r#"{{"retCode":{code},"retMsg":"x","result":{{}}}}"#);
            assert!(matches!(answered(200, &body), Placed::Unknown { .. }), "{code}");
        }
        assert!(matches!(answered(502, "<html>"), Placed::Unknown { .. }));
        assert!(matches!(
            answered(403, "too frequent"),
            Placed::Refused { code: 403, .. }
        ));
        let reason = "late".to_owned();
        let gated = Reply::NotSent {
            reason: reason.clone(),
            wait_seconds: Some(1),
        };
        assert!(matches!(outcome(gated), Placed::NotSent { .. }));
        assert!(matches!(outcome(Reply::Unknown { reason }), Placed::Unknown { .. }));
    }
}
