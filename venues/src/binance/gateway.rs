//! Orders: placed once, queried and cancelled by client id.

use std::time::Duration;

use domain::instrument::{InstrumentId, Product, Side};
use domain::order::{ClientOrderId, Fill, OrderKind, OrderReport, OrderTicket, Placed};
use domain::ports::{Answer, OrderGateway, VenueError};

use super::codes::{self, Verdict};
use super::host::{Params, Verb, error_of};
use super::{Binance, history, parse_account};
use crate::shared::rest::Reply;

const fn order_path(product: Product) -> &'static str {
    match product {
        Product::Spot => "/api/v3/order",
        Product::Perp => "/fapi/v1/order",
    }
}

fn placement(ticket: &OrderTicket) -> Params {
    let params = Params::new()
        .with("symbol", ticket.instrument.symbol.as_str())
        .with(
            "side",
            match ticket.side {
                Side::Buy => "BUY",
                Side::Sell => "SELL",
            },
        )
        .with("quantity", &ticket.quantity.to_string());
    let params = match ticket.kind {
        OrderKind::ImmediateOrCancel { limit } => params
            .with("type", "LIMIT")
            .with("timeInForce", "IOC")
            .with("price", &limit.to_string()),
        OrderKind::Market => params.with("type", "MARKET"),
    };
    let params = if ticket.reduce_only() {
        params.with("reduceOnly", "true")
    } else {
        params
    };
    params
        .with("newClientOrderId", ticket.client_id.as_str())
        .with("newOrderRespType", "RESULT")
}

/// What a reply to a placement says.
fn outcome(id: &ClientOrderId, reply: Reply) -> Placed {
    match reply {
        Reply::Answered { status, body, .. } if (200..300).contains(&status) => {
            match parse_account::placed(id, &body) {
                Ok(venue_order_id) => Placed::Confirmed { venue_order_id },
                Err(error) => Placed::Unknown {
                    reason: error.to_string(),
                },
            }
        }
        Reply::Answered { status, body, .. } => {
            let (code, words) = error_of(&body).map_or((None, String::new()), |(code, words)| (Some(code), words));
            match (codes::placement(status, code, &words), code) {
                (Verdict::Refused, Some(code)) => Placed::Refused { code, reason: words },
                _ => Placed::Unknown {
                    reason: format!("HTTP {status}, code {code:?}: {words}"),
                },
            }
        }
        Reply::NotSent { reason, .. } => Placed::NotSent { reason },
        Reply::Unknown { reason } => Placed::Unknown { reason },
    }
}

impl OrderGateway for Binance {
    fn place<'a>(&'a self, ticket: &'a OrderTicket) -> Answer<'a, Placed> {
        Box::pin(async move {
            let product = ticket.instrument.product;
            let host = self.core.host(product);
            let reply = host.place(order_path(product), placement(ticket)).await;
            let placed = outcome(&ticket.client_id, reply);
            if let Placed::Refused { code, .. } = &placed
                && codes::is_timestamp(*code)
            {
                host.distrust_clock();
            }
            placed
        })
    }

    fn find<'a>(
        &'a self,
        instrument: &'a InstrumentId,
        id: &'a ClientOrderId,
    ) -> Answer<'a, Result<Option<OrderReport>, VenueError>> {
        Box::pin(async move {
            let product = instrument.product;
            let params = Params::new()
                .with("symbol", instrument.symbol.as_str())
                .with("origClientOrderId", id.as_str());
            match self
                .core
                .host(product)
                .private_for_order(order_path(product), params, 4)
                .await
            {
                Ok(body) => {
                    let report = parse_account::order(product, &body)?;
                    if report.client_id == *id {
                        Ok(Some(report))
                    } else {
                        Err(super::parse::malformed(
                            "order: the answer names another order".to_owned(),
                        ))
                    }
                }
                Err(VenueError::Refused { code, .. }) if codes::is_not_found(code) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn fills_of<'a>(&'a self, order: &'a OrderReport) -> Answer<'a, Result<Vec<Fill>, VenueError>> {
        Box::pin(async move { history::fills_of(&self.core, order).await })
    }

    fn refuses_the_key(&self, code: i64) -> bool {
        codes::is_about_key(code)
    }

    fn shut_for(&self, instrument: &InstrumentId) -> Option<Duration> {
        self.core.host(instrument.product).shut_for()
    }

    fn cancel<'a>(&'a self, instrument: &'a InstrumentId, id: &'a ClientOrderId) -> Answer<'a, Result<(), VenueError>> {
        Box::pin(async move {
            let product = instrument.product;
            let params = Params::new()
                .with("symbol", instrument.symbol.as_str())
                .with("origClientOrderId", id.as_str());
            match self
                .core
                .host(product)
                .change(Verb::Delete, order_path(product), params)
                .await
            {
                Ok(_) => Ok(()),
                Err(VenueError::Refused { code, .. }) if codes::is_not_found(code) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::rest::Headers;

    fn answered(status: u16, body: &str) -> Placed {
        let id = ClientOrderId::from_text("fatest-1-1-1");
        let reply = Reply::Answered {
            status,
            headers: Headers::default(),
            body: body.to_owned(),
        };
        outcome(&id, reply)
    }

    #[test]
    fn a_placement_has_four_outcomes() {
        assert_eq!(
            answered(
                200,
                r#"{"orderId":7,"clientOrderId":"fatest-1-1-1","status":"EXPIRED"}"#
            ),
            Placed::Confirmed {
                venue_order_id: "7".to_owned()
            }
        );
        assert!(matches!(
            answered(400, r#"{"code":-2019,"msg":"Margin is insufficient."}"#),
            Placed::Refused { code: -2019, .. }
        ));
        for (status, body) in [
            (200, "{}"),
            (200, r#"{"orderId":7,"clientOrderId":"another"}"#),
            (200, r#"{"orderId":7,"clientOr"#),
            (503, r#"{"code":-1001,"msg":"Internal error"}"#),
            (502, "<html>"),
            (307, ""),
        ] {
            assert!(
                matches!(answered(status, body), Placed::Unknown { .. }),
                "{status} {body}"
            );
        }
        let id = ClientOrderId::from_text("x");
        let not_sent = Reply::NotSent {
            reason: String::new(),
            wait_seconds: Some(3),
        };
        assert!(matches!(outcome(&id, not_sent), Placed::NotSent { .. }));
    }
}
