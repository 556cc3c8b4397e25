//! What becomes of entries when the orders themselves say that something is wrong: they stop until somebody has looked.

use domain::alert::{Alert, AlertName};
use domain::hedge::Hedge;
use domain::journal::Record;
use domain::order::{OrderTicket, Placed, Purpose, Tripped};
use domain::pause::PauseReason;
use slog::error;

use super::Hands;

impl Hands {
    /// Whether one more order may be recorded and sent (OB-1).
    pub(super) async fn may_leave(&self, hedge: &Hedge, purpose: Purpose) -> bool {
        let begins = hedge.long.held.is_zero() && hedge.short.held.is_zero();
        let now = self.wires.clock.now().machine;
        let verdict = self.breaker.borrow_mut().leaving(purpose, begins, now);
        match verdict {
            Ok(()) => true,
            Err(tripped) => {
                self.trip(tripped).await;
                false
            }
        }
    }

    /// Counts what a venue has answered (OB-2). One that takes no orders for a while by its own word, or has been asked too
    /// often, is waited for, and its no says nothing of the order.
    pub(super) async fn note_answer(&self, ticket: &OrderTicket, answer: &Placed) {
        if let Some(desk) = self.wires.desks.get(&ticket.instrument.venue) {
            let too_often = matches!(answer, Placed::Refused { code, .. } if desk.gateway.refuses_the_pace(*code));
            if too_often || desk.gateway.shut_for(&ticket.instrument).is_some() {
                return;
            }
        }
        let tripped = self.breaker.borrow_mut().answered(ticket, answer);
        if let Some(tripped) = tripped {
            self.trip(tripped).await;
        }
    }

    async fn trip(&self, tripped: Tripped) {
        let (reason, key) = match &tripped {
            Tripped::Storm => (PauseReason::OrderStorm, "order_storm".to_owned()),
            Tripped::SameRefusal { instrument, .. } => (PauseReason::OrdersRefused, instrument.to_string()),
        };
        self.pause(reason).await;
        let text = format!(
            "Orders go wrong: {tripped}. Nothing is entered any more; hedges are still left and repaired. Find the cause, then resume."
        );
        let alert = Alert::new(AlertName::ExecutionFailed, key.as_str(), text);
        // It is in force; where the ledger is away, people are told of that.
        if let Err(error) = self.wires.recorder.write_way_out(vec![Record::Alert(alert)]).await {
            error!(self.log, "an alert could not be kept"; "error" => %error);
        }
    }
}
