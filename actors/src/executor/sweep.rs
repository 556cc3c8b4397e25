//! Orders of ours that nobody follows any more: they are cancelled before anything is begun, and before the process ends.
//!
//! Only by their names, one by one: what the venues call "cancel all" takes orders of others on the same account with it.

use std::collections::BTreeSet;
use std::rc::Rc;

use actix::prelude::*;
use domain::crash::{self, Point};
use domain::instrument::InstrumentId;
use domain::order::ClientOrderId;
use slog::warn;

use super::{Executor, Hands};

/// End every order of ours on these instruments: the ledger knows of none that may live. Answers which were asked to end.
/// Once jobs have begun nothing is done, for what rests then belongs to one of them.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Vec<ClientOrderId>")]
pub struct CancelOrphans(pub BTreeSet<InstrumentId>);

impl Handler<CancelOrphans> for Executor {
    type Result = ResponseFuture<Vec<ClientOrderId>>;

    fn handle(&mut self, CancelOrphans(instruments): CancelOrphans, _: &mut Self::Context) -> Self::Result {
        let hands = Rc::clone(&self.hands);
        if self.ready || !hands.may_send() {
            return Box::pin(std::future::ready(Vec::new()));
        }
        Box::pin(async move { hands.sweep(instruments).await })
    }
}

impl Hands {
    async fn sweep(&self, instruments: BTreeSet<InstrumentId>) -> Vec<ClientOrderId> {
        let tag = self.tag.borrow().clone();
        let mut ended = Vec::new();
        for instrument in instruments {
            let Some(desk) = self.wires.desks.get(&instrument.venue) else {
                continue;
            };
            crash::point(Point::OrderBeforeSweep);
            let swept = desk.gateway.cancel_all(&instrument, &tag).await;
            crash::point(Point::OrderSwept);
            match swept {
                Ok(asked) => ended.extend(asked),
                Err(error) => {
                    warn!(self.log, "orders of ours could not all be cancelled"; "instrument" => %instrument, "error" => %error)
                }
            }
        }
        for id in &ended {
            warn!(self.log, "an order of ours that nobody follows was cancelled"; "client_order_id" => %id);
        }
        ended
    }

    /// Before the process ends: what was laid aside unproven may rest in a book, and nobody will look after it.
    pub(super) async fn leave_nothing_resting(&self) {
        let unproven = self
            .aside
            .borrow()
            .values()
            .map(super::order::Trail::instrument)
            .collect();
        self.sweep(unproven).await;
    }
}
