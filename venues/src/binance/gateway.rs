//! Orders: placed once, queried and cancelled by client id.

use std::time::Duration;

use domain::instrument::{InstrumentId, Product, Side};
use domain::order::{ClientOrderId, Fill, OrderKind, OrderReport, OrderTicket, Placed};
use domain::ports::{Answer, OrderGateway, VenueError};

use super::codes;
use super::host::{Params, Verb, error_of};
use super::{Binance, history, parse_account};
use crate::shared::rest::Reply;

const fn order_path(product: Product) -> &'static str {
    match product {
        Product::Spot => "/api/v3/order",
        Product::Perp => "/fapi/v1/order",
    }
}

/// The venue's words for a kind of order: its type, and its time in force where it takes one. Post-only is a type of its
/// own on spot, and a time in force of perpetuals.
const fn kind_words(ticket: &OrderTicket) -> (&'static str, Option<&'static str>) {
    match (ticket.kind, ticket.instrument.product) {
        (OrderKind::ImmediateOrCancel { .. }, _) => ("LIMIT", Some("IOC")),
        (OrderKind::FillOrKill { .. }, _) => ("LIMIT", Some("FOK")),
        (OrderKind::GoodTillCancel { .. }, _) => ("LIMIT", Some("GTC")),
        (OrderKind::PostOnly { .. }, Product::Spot) => ("LIMIT_MAKER", None),
        (OrderKind::PostOnly { .. }, Product::Perp) => ("LIMIT", Some("GTX")),
        (OrderKind::Market, _) => ("MARKET", None),
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
    let (word, lifetime) = kind_words(ticket);
    let mut params = params.with("type", word);
    if let Some(lifetime) = lifetime {
        params = params.with("timeInForce", lifetime);
    }
    if let Some(limit) = ticket.kind.limit() {
        params = params.with("price", &limit.to_string());
    }
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
fn outcome(product: Product, id: &ClientOrderId, reply: Reply) -> Placed {
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
            match (codes::placement(product, status, code, &words), code) {
                (class, Some(code)) if class.leaves_nothing() => Placed::Refused { code, reason: words },
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
            if let Some(wait) = host.orders_wait().filter(|_| !ticket.purpose.reduces()) {
                return Placed::NotSent {
                    reason: format!("the venue's count of orders asks to wait {} s", wait.as_secs().max(1)),
                };
            }
            let reply = host.place(order_path(product), placement(ticket)).await;
            let placed = outcome(product, &ticket.client_id, reply);
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

    fn open_orders<'a>(&'a self, instrument: &'a InstrumentId) -> Answer<'a, Result<Vec<OrderReport>, VenueError>> {
        Box::pin(async move {
            let (product, symbol) = (instrument.product, instrument.symbol.as_str());
            let (path, weight) = match product {
                Product::Spot => ("/api/v3/openOrders", 6),
                Product::Perp => ("/fapi/v1/openOrders", 1),
            };
            let params = Params::new().with("symbol", symbol);
            let body = self.core.host(product).private_for_order(path, params, weight).await?;
            parse_account::orders(product, &body)
        })
    }

    fn fills_of<'a>(&'a self, order: &'a OrderReport) -> Answer<'a, Result<Vec<Fill>, VenueError>> {
        Box::pin(async move { history::fills_of(&self.core, order).await })
    }

    fn refuses_the_key(&self, code: i64) -> bool {
        codes::is_about_key(code)
    }

    fn refuses_the_pace(&self, code: i64) -> bool {
        codes::is_about_pace(code)
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
    use domain::money::{Price, Quantity};
    use domain::order::{HedgeId, LegIndex, Purpose};

    fn answered(status: u16, body: &str) -> Placed {
        let id = ClientOrderId::from_text("fatest-1-1-1");
        let reply = Reply::Answered {
            status,
            headers: Headers::default(),
            body: body.to_owned(),
        };
        outcome(Product::Perp, &id, reply)
    }

    #[test]
    fn every_kind_is_said_in_the_words_of_its_market() {
        let limit = Price("0.6121".parse().unwrap());
        let rest = "quantity=40&type=";
        let words = [
            (
                OrderKind::ImmediateOrCancel { limit },
                "LIMIT&timeInForce=IOC&price=0.6121",
            ),
            (OrderKind::FillOrKill { limit }, "LIMIT&timeInForce=FOK&price=0.6121"),
            (
                OrderKind::GoodTillCancel { limit },
                "LIMIT&timeInForce=GTC&price=0.6121",
            ),
            (OrderKind::PostOnly { limit }, "LIMIT_MAKER&price=0.6121"),
            (OrderKind::Market, "MARKET"),
        ];
        for (kind, spot) in words {
            for product in Product::ALL {
                let usdm = "LIMIT&timeInForce=GTX&price=0.6121";
                let maker = matches!(kind, OrderKind::PostOnly { .. }) && product == Product::Perp;
                let ticket = OrderTicket {
                    client_id: ClientOrderId::from_text("fa-7Q2-0001"),
                    hedge: HedgeId(1),
                    leg: LegIndex::Short,
                    purpose: Purpose::Open,
                    instrument: crate::binance::parse::instrument_id(product, "XRPUSDT"),
                    side: Side::Sell,
                    kind,
                    quantity: Quantity("40".parse().unwrap()),
                };
                assert_eq!(
                    placement(&ticket).text(),
                    format!(
                        "symbol=XRPUSDT&side=SELL&{rest}{}&newClientOrderId=fa-7Q2-0001&newOrderRespType=RESULT",
                        if maker { usdm } else { spot }
                    )
                );
            }
        }
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
        assert!(matches!(outcome(Product::Perp, &id, not_sent), Placed::NotSent { .. }));
    }
}
