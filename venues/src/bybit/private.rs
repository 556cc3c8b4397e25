//! Private data as facts: orders, executions, forced reductions, positions, the wallet.

use domain::position::AccountFact;
use domain::time::Machine;

use super::control::Subscriptions;
use super::feed::read;
use super::parse::Read;
use super::parse_account::{Execution, balance, execution, order, pushed_position, pushed_product};
use super::wire::{ExecutionRow, Frame, OrderRow, Pushed, PushedPosition, WalletRow};

/// The topics of an account.
const TOPICS: [&str; 4] = ["order", "execution", "position", "wallet"];

/// One private connection after it is signed in.
#[derive(Debug)]
pub struct PrivateSession {
    subscriptions: Subscriptions,
}

impl PrivateSession {
    /// A session, and the requests to send. No private topic begins with a snapshot: what was missed is read on request.
    pub fn new(now: Machine) -> (Self, Vec<String>) {
        let topics = TOPICS.map(str::to_owned);
        let (subscriptions, requests) = Subscriptions::new(&topics, TOPICS.len(), false, now);
        (Self { subscriptions }, requests)
    }

    /// Whether every subscription is acknowledged.
    pub fn is_acknowledged(&self) -> bool {
        self.subscriptions.is_acknowledged()
    }

    /// The facts in a text frame.
    ///
    /// # Errors
    /// When a subscription was refused, or the frame cannot be read: the stream is over.
    pub fn take(&mut self, text: &str) -> Read<Vec<AccountFact>> {
        let frame: Frame = read(text)?;
        match frame.topic.as_deref() {
            None => self.subscriptions.answered(&frame).map(|()| Vec::new()),
            Some(topic) => facts(topic, text),
        }
    }

    /// Whether every subscription is acknowledged or may still be.
    ///
    /// # Errors
    /// When one is overdue.
    pub fn check(&self, now: Machine) -> Read<()> {
        self.subscriptions.check(now)
    }
}

/// The facts that a topic pushed.
pub fn facts(topic: &str, text: &str) -> Read<Vec<AccountFact>> {
    match topic {
        "order" => orders(&read::<Pushed<Vec<OrderRow>>>(text)?.data),
        "execution" => executions(&read::<Pushed<Vec<ExecutionRow>>>(text)?.data),
        "position" => positions(&read::<Pushed<Vec<PushedPosition>>>(text)?.data),
        "wallet" => wallets(&read::<Pushed<Vec<WalletRow>>>(text)?.data),
        _ => Ok(Vec::new()),
    }
}

fn orders(rows: &[OrderRow]) -> Read<Vec<AccountFact>> {
    let mut facts = Vec::new();
    for row in rows {
        if let Some(product) = pushed_product(row.category.as_deref())? {
            facts.push(AccountFact::Order(order(product, row)?));
        }
    }
    Ok(facts)
}

/// Funding comes here too, under another id than in the transaction log: its row is told by the log alone, so that it is
/// counted once, and here only that it is to be read.
fn executions(rows: &[ExecutionRow]) -> Read<Vec<AccountFact>> {
    let mut facts = Vec::new();
    for row in rows {
        let Some(product) = pushed_product(row.category.as_deref())? else {
            continue;
        };
        match execution(product, row)? {
            Execution::Trade(fill) => facts.push(AccountFact::Fill(fill)),
            Execution::Forced { fill, kind } => {
                let instrument = fill.instrument.clone();
                facts.push(AccountFact::Fill(fill));
                facts.push(AccountFact::ForcedReduction { instrument, kind });
            }
            Execution::Funding(instrument) => facts.push(AccountFact::Settled {
                instrument: Some(instrument),
            }),
            Execution::Other => {}
        }
    }
    Ok(facts)
}

fn positions(rows: &[PushedPosition]) -> Read<Vec<AccountFact>> {
    let fact = |(instrument, quantity)| AccountFact::Position { instrument, quantity };
    let told = rows.iter().filter_map(|row| pushed_position(row).transpose());
    told.map(|told| told.map(fact)).collect()
}

/// A coin whose locked part is not told is left to the next reading on request: what is free of it is not known.
fn wallets(rows: &[WalletRow]) -> Read<Vec<AccountFact>> {
    rows.iter()
        .flat_map(|wallet| &wallet.coin)
        .filter(|coin| coin.locked.as_deref().is_some_and(|locked| !locked.is_empty()))
        .map(|coin| balance(coin).map(AccountFact::Balance))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::order::VenueOrderStatus;

    fn session() -> PrivateSession {
        let (session, requests) = PrivateSession::new(Machine::default());
        assert_eq!(
            requests,
            [r#"{"args":["order","execution","position","wallet"],"op":"subscribe","req_id":"s0"}"#]
        );
        session
    }

    #[test]
    fn executions_are_fills_forced_or_not_and_of_funding_only_that_it_came() {
        let facts = session()
            .take(
                r#"{"id":"e1","topic":"execution","creationTime":1790000004125,"data":[
                {"category":"linear","symbol":"XRPUSDT","orderId":"o-1","orderLinkId":"fatest-1-1-1","side":"Sell",
                 "execId":"e-1","execType":"Trade","execPrice":"0.6123","execQty":"12","execFee":"0.004",
                 "execPnl":"0.5","execTime":"1790000004118","isMaker":false},
                {"category":"linear","symbol":"XRPUSDT","orderId":"o-2","orderLinkId":"","side":"Buy",
                 "execId":"e-2","execType":"BustTrade","execPrice":"0.7","execQty":"4","execFee":"0",
                 "execTime":"1790000004119","isMaker":false},
                {"category":"linear","symbol":"XRPUSDT","orderId":"f","orderLinkId":"","side":"Sell",
                 "execId":"e-3","execType":"Funding","execPrice":"0.7","execQty":"4","execFee":"-0.01",
                 "execTime":"1790006400000","isMaker":false},
                {"category":"option","symbol":"BTC-X","orderId":"p","side":"Sell","execId":"e-4","execType":"Trade",
                 "execPrice":"","execQty":"","execTime":"1790006400000"}]}"#,
            )
            .unwrap();
        assert_eq!(facts.len(), 4);
        assert!(matches!(&facts[0], AccountFact::Fill(fill) if fill.trade_id == "e-1" && fill.realised.is_some()));
        assert!(matches!(&facts[1], AccountFact::Fill(fill) if fill.trade_id == "e-2" && fill.quantity.0 == 4.into()));
        assert!(matches!(&facts[2], AccountFact::ForcedReduction { kind, .. } if kind == "BustTrade"));
        assert!(matches!(&facts[3], AccountFact::Settled { instrument: Some(id) } if id.symbol.as_str() == "XRPUSDT"));
    }

    #[test]
    fn a_pushed_position_is_a_signed_quantity_and_a_side_of_hedge_mode_is_none() {
        let facts = session()
            .take(
                r#"{"id":"p1","topic":"position","creationTime":1,"data":[
                {"category":"linear","symbol":"XRPUSDT","positionIdx":0,"side":"Sell","size":"40","entryPrice":"0.6"},
                {"category":"linear","symbol":"SOLUSDT","positionIdx":0,"side":"","size":"0","entryPrice":"0"},
                {"category":"linear","symbol":"BTCUSDT","positionIdx":1,"side":"Buy","size":"1","entryPrice":"9"}]}"#,
            )
            .unwrap();
        let told: Vec<_> = facts
            .iter()
            .map(|fact| match fact {
                AccountFact::Position { instrument, quantity } => (instrument.symbol.as_str(), quantity.0),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [("XRPUSDT", (-40).into()), ("SOLUSDT", 0.into())]);
        let nobody = r#"{"topic":"position","data":[{"category":"linear","symbol":"X","side":"","size":"4"}]}"#;
        assert!(session().take(nobody).is_err(), "a size without a side");
        let below = nobody.replace("\"side\":\"\"", "\"side\":\"Buy\"");
        assert!(session().take(&below).is_ok());
        assert!(
            session().take(&below.replace("\"4\"", "\"-4\"")).is_err(),
            "a size below nothing"
        );
    }

    #[test]
    fn an_order_and_a_wallet_are_facts() {
        let facts = session()
            .take(
                r#"{"id":"o1","topic":"order","creationTime":1,"data":[{"category":"spot","symbol":"XRPUSDT",
                "orderId":"o-1","orderLinkId":"fatest-1-1-1","side":"Buy","qty":"5","cumExecQty":"2",
                "orderStatus":"PartiallyFilledCanceled","cancelType":"UNKNOWN","updatedTime":"1790000004120"}]}"#,
            )
            .unwrap();
        assert!(
            matches!(&facts[..], [AccountFact::Order(report)] if report.status == VenueOrderStatus::Cancelled
            && report.filled == domain::money::Quantity(2.into()))
        );
        let facts = session()
            .take(
                r#"{"id":"w1","topic":"wallet","creationTime":1,"data":[{"accountType":"UNIFIED","coin":[
                {"coin":"USDT","walletBalance":"1204.88","locked":"4.88"},{"coin":"XRP","walletBalance":"7"}]}]}"#,
            )
            .unwrap();
        assert!(matches!(&facts[..], [AccountFact::Balance(told)] if told.free == 1200.into()));
    }

    #[test]
    fn a_row_without_category_or_with_an_unknown_state_ends_the_stream() {
        let text = r#"{"topic":"order","data":[{"category":"linear","symbol":"XRPUSDT","orderId":"o","side":"Buy",
            "qty":"5","cumExecQty":"0","orderStatus":"Odd","updatedTime":"1"}]}"#;
        assert!(session().take(text).is_err());
        assert!(
            session()
                .take(&text.replace("\"category\":\"linear\",", "").replace("Odd", "New"))
                .is_err()
        );
    }
}
