//! One order on the wire: sent once, then followed until its fate is proven.

use std::rc::Rc;
use std::time::Duration;

use domain::alert::{Alert, AlertName};
use domain::journal::{OrderRow, Record};
use domain::money::Quantity;
use domain::order::{Fill, OrderEvent, OrderReport, OrderState, OrderTicket, Placed, step};
use domain::pause::PauseReason;
use domain::ports::OrderGateway;
use domain::time::Machine;
use slog::{error, info, warn};

use super::Hands;
use crate::messages::{ClearPause, OrderMoved, Pause};

/// Looks at a live order before it is cancelled: an immediate order that still lives has lost its way.
const LIVE_LOOKS: u32 = 10;
/// Unknown for longer than this, and people are told.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// Looks for the executions of a finished order before it is said that they are late.
const FILL_LOOKS: u32 = 20;

/// What is known of an order while it is followed.
struct Trail {
    state: OrderState,
    report: Option<OrderReport>,
    sent_at: Machine,
    absent: u32,
    live: u32,
    told: bool,
    cause: String,
}

impl Hands {
    /// Sends a recorded order and answers what it filled, once that is proven and durable.
    pub(super) async fn send(&self, ticket: OrderTicket) -> Quantity {
        let Some(desk) = self.wires.desks.get(&ticket.instrument.venue) else {
            return Quantity::ZERO;
        };
        let gateway = Rc::clone(&desk.gateway);
        let sent_at = self.wires.clock.now().machine;
        let mut trail = Trail {
            state: OrderState::Sent,
            report: None,
            sent_at,
            absent: 0,
            live: 0,
            told: false,
            cause: String::new(),
        };
        let placed = gateway.place(&ticket).await;
        trail.cause = words(&placed);
        self.advance(&mut trail, &OrderEvent::Answered(placed));
        if trail.state == OrderState::Unknown {
            warn!(self.log, "an order's outcome is unknown"; "client_order_id" => %ticket.client_id, "venue" => %ticket.instrument.venue, "reason" => &trail.cause);
            self.moved(&ticket, &trail, Vec::new()).await;
        }
        self.follow(&ticket, trail, gateway.as_ref()).await
    }

    /// Ends a recorded order that must not be sent any more.
    pub(super) async fn withhold(&self, ticket: &OrderTicket, reason: String) {
        warn!(self.log, "an order is held back"; "client_order_id" => %ticket.client_id, "reason" => &reason);
        let placed = Placed::NotSent { reason };
        let mut trail = Trail {
            state: OrderState::Recorded,
            report: None,
            sent_at: self.wires.clock.now().machine,
            absent: 0,
            live: 0,
            told: false,
            cause: words(&placed),
        };
        self.advance(&mut trail, &OrderEvent::Answered(placed));
        self.moved(ticket, &trail, Vec::new()).await;
    }

    /// Proves the fate of an order that an earlier life left behind.
    pub(super) async fn resolve_row(&self, row: OrderRow) {
        let OrderRow { ticket, state, .. } = row;
        let Some(desk) = self.wires.desks.get(&ticket.instrument.venue) else {
            return;
        };
        info!(self.log, "proving the fate of an order"; "client_order_id" => %ticket.client_id, "state" => state.as_str());
        // Recorded is as good as sent: the process may have died with the bytes on their way.
        let state = if matches!(state, OrderState::Recorded) {
            OrderState::Sent
        } else {
            state
        };
        let sent_at = self.wires.clock.now().machine;
        let cause = "found at start".to_owned();
        let trail = Trail {
            state,
            report: None,
            sent_at,
            absent: 0,
            live: 0,
            told: false,
            cause,
        };
        let gateway = Rc::clone(&desk.gateway);
        self.follow(&ticket, trail, gateway.as_ref()).await;
    }

    async fn follow(&self, ticket: &OrderTicket, mut trail: Trail, gateway: &dyn OrderGateway) -> Quantity {
        while !trail.state.is_terminal() {
            self.look(ticket, &mut trail, gateway).await;
            if trail.state.is_terminal() {
                break;
            }
            self.tell_if_long(ticket, &mut trail).await;
            tokio::time::sleep(self.settings.resolve_every).await;
        }
        let fills = self.executions(ticket, &mut trail, gateway).await;
        let filled = fills.iter().map(|fill| fill.quantity).sum();
        self.moved(ticket, &trail, fills).await;
        if trail.told {
            let cleared = ClearPause {
                key: PauseReason::OrderUnknown.key(),
            };
            if self.wires.clear.try_send(cleared).is_err() {
                warn!(
                    self.log,
                    "the supervisor is busy; the pause for an unknown order stays until it is resumed"
                );
            }
        }
        filled
    }

    /// Asks the venue once what it knows.
    async fn look(&self, ticket: &OrderTicket, trail: &mut Trail, gateway: &dyn OrderGateway) {
        match gateway.find(&ticket.instrument, &ticket.client_id).await {
            Ok(Some(report)) => {
                (trail.absent, trail.cause) = (0, "the venue's report".to_owned());
                self.advance(
                    trail,
                    &OrderEvent::Reported {
                        status: report.status,
                        filled: report.filled,
                    },
                );
                trail.live += u32::from(!report.status.is_terminal());
                trail.report = Some(report);
                if trail.live >= LIVE_LOOKS && !trail.state.is_terminal() {
                    trail.live = 0;
                    if let Err(error) = gateway.cancel(&ticket.instrument, &ticket.client_id).await {
                        warn!(self.log, "a lingering order was not cancelled"; "client_order_id" => %ticket.client_id, "error" => %error);
                    }
                }
            }
            Ok(None) => {
                trail.absent += 1;
                let quiet = self.wires.clock.now().machine.since(trail.sent_at) >= self.settings.visibility;
                let acknowledged = matches!(trail.state, OrderState::Acknowledged { .. });
                if trail.absent >= 2 && quiet && !acknowledged {
                    "two good answers, after the venue's visibility window, do not know it"
                        .clone_into(&mut trail.cause);
                    self.advance(trail, &OrderEvent::ProvenAbsent);
                }
            }
            Err(error) => {
                trail.absent = 0; // proof is two good answers in a row
                warn!(self.log, "an order could not be asked about"; "client_order_id" => %ticket.client_id, "error" => %error);
            }
        }
    }

    fn advance(&self, trail: &mut Trail, event: &OrderEvent) {
        match step(&trail.state, event) {
            Ok(next) => trail.state = next,
            Err(illegal) => error!(self.log, "an order event was refused"; "error" => %illegal),
        }
    }

    async fn tell_if_long(&self, ticket: &OrderTicket, trail: &mut Trail) {
        let unknown_for = self.wires.clock.now().machine.since(trail.sent_at);
        if trail.told || unknown_for < TELL_AFTER {
            return;
        }
        trail.told = true;
        let text = format!(
            "The fate of order {} ({} {} {}) is unknown for {} s. It counts as exposure; entries wait until the venue tells. Nothing is sent again.",
            ticket.client_id,
            ticket.side,
            ticket.quantity,
            ticket.instrument,
            unknown_for.as_secs()
        );
        let alert = Alert::new(AlertName::OrderUnknown, ticket.client_id.as_str(), text);
        let pause = Pause {
            reason: PauseReason::OrderUnknown,
            by: "engine".to_owned(),
        };
        if self.wires.pause.send(pause).await.is_err() {
            error!(self.log, "the supervisor did not take a pause");
        }
        if let Err(error) = self.wires.recorder.write(vec![Record::Alert(alert)]).await {
            error!(self.log, "an alert could not be kept"; "error" => %error);
        }
    }

    /// The executions of a finished order, however long it takes until they add up to what the venue says was done: a
    /// hedge that went on without them would order the same again.
    async fn executions(&self, ticket: &OrderTicket, trail: &mut Trail, gateway: &dyn OrderGateway) -> Vec<Fill> {
        let Some(report) = trail.report.clone().filter(|report| !report.filled.is_zero()) else {
            return Vec::new();
        };
        for look in 1_u32.. {
            match gateway.fills_of(&report).await {
                Ok(fills) => {
                    let sum: Quantity = fills.iter().map(|fill| fill.quantity).sum();
                    if sum >= report.filled {
                        return fills;
                    }
                }
                Err(error) => {
                    warn!(self.log, "executions could not be read"; "client_order_id" => %report.client_id, "error" => %error)
                }
            }
            if look == FILL_LOOKS {
                warn!(self.log, "executions are late; nothing else is done before they are known"; "client_order_id" => %report.client_id);
            }
            self.tell_if_long(ticket, trail).await;
            tokio::time::sleep(self.settings.resolve_every).await;
        }
        Vec::new()
    }

    async fn moved(&self, ticket: &OrderTicket, trail: &Trail, fills: Vec<Fill>) {
        let moved = OrderMoved {
            client_id: ticket.client_id.clone(),
            state: trail.state.clone(),
            venue_order_id: trail.report.as_ref().map(|report| report.venue_order_id.clone()),
            cause: trail.cause.clone(),
            fills,
        };
        match self.wires.keeper.send(moved).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                error!(self.log, "an order's move was not recorded"; "client_order_id" => %ticket.client_id, "error" => %error)
            }
            Err(error) => error!(self.log, "the position keeper is gone"; "error" => %error),
        }
    }
}

fn words(placed: &Placed) -> String {
    match placed {
        Placed::Confirmed { .. } => "acknowledged".to_owned(),
        Placed::Refused { code, reason } => format!("refused with code {code}: {reason}"),
        Placed::NotSent { reason } => format!("not sent: {reason}"),
        Placed::Unknown { reason } => format!("unknown: {reason}"),
    }
}
