//! One order on the wire: sent once, then followed until its fate is proven.
//!
//! A job waits for that proof, but not for ever: an order that a venue does not account for is laid aside, its hedge is
//! left alone until it is proven, and the other hedges have their turn.

use std::rc::Rc;
use std::time::Duration;

use domain::alert::{Alert, AlertName};
use domain::crash::{self, Point};
use domain::instrument::{InstrumentId, VenueId};
use domain::journal::{JournalError, OrderRow, Record};
use domain::money::{AssetQuantity, Quantity};
use domain::order::{Fill, HedgeId, LegIndex, OrderEvent, OrderReport, OrderState, OrderTicket, Placed, step};
use domain::pause::PauseReason;
use domain::ports::OrderGateway;
use domain::time::Machine;
use slog::{error, info, warn};

use super::Hands;
use crate::messages::{ClearPause, HasExecuted, OrderMoved};

/// Looks at a live order before it is cancelled: an immediate order that still lives has lost its way.
const LIVE_LOOKS: u32 = 10;
/// Looks at a live order that is leaving before its end is asked for once more.
const WITHDRAW_LOOKS: u32 = 4;
/// Unknown for longer than this, and people are told.
const TELL_AFTER: Duration = Duration::from_secs(5);
/// How many visibility windows a job waits for the fate of its order before the other hedges have their turn. One must
/// pass before absence proves anything; the rest is for a venue that answers slowly.
const PATIENCE: u32 = 3;

/// What is known of an order while it is followed.
pub(super) struct Trail {
    ticket: OrderTicket,
    state: OrderState,
    report: Option<OrderReport>,
    sent_at: Machine,
    absent: u32,
    live: u32,
    /// Whether it is not wanted any more: its end is asked for until it is told.
    leaving: bool,
    /// Since when its fate is waited for.
    due: Machine,
    told: bool,
    /// Whether it has been laid aside before.
    aside: bool,
    cause: String,
}

impl Trail {
    const fn new(ticket: OrderTicket, state: OrderState, sent_at: Machine, cause: String) -> Self {
        Self {
            ticket,
            state,
            report: None,
            sent_at,
            absent: 0,
            live: 0,
            leaving: false,
            due: sent_at,
            told: false,
            aside: false,
            cause,
        }
    }

    /// The hedge whose order it is.
    pub(super) const fn hedge(&self) -> HedgeId {
        self.ticket.hedge
    }

    /// The leg that it is for.
    pub(super) const fn leg(&self) -> LegIndex {
        self.ticket.leg
    }

    /// What it trades.
    pub(super) fn instrument(&self) -> InstrumentId {
        self.ticket.instrument.clone()
    }

    /// Our name for it.
    pub(super) fn name(&self) -> &str {
        self.ticket.client_id.as_str()
    }

    /// Where it stands.
    pub(super) const fn state(&self) -> &OrderState {
        &self.state
    }

    /// It is not wanted any more, from `now` on.
    pub(super) const fn leave(&mut self, now: Machine) {
        (self.leaving, self.due, self.live) = (true, now, 0);
    }
}

impl Hands {
    /// Sends a recorded order and answers what it filled, once that is proven and durable; `None` when its fate is still
    /// unproven and the order was laid aside. `held` is what its leg holds before.
    pub(super) async fn send(&self, ticket: OrderTicket, held: AssetQuantity) -> Option<Quantity> {
        let Some(gateway) = self.gateway(&ticket) else {
            return Some(Quantity::ZERO);
        };
        let sent_at = self.wires.clock.now().machine;
        let mut trail = Trail::new(ticket, OrderState::Sent, sent_at, String::new());
        crash::point(Point::OrderBeforePlace);
        let placed = gateway.place(&trail.ticket).await;
        crash::point(Point::OrderPlaced);
        trail.cause = words(&placed);
        if let Placed::Refused { code, .. } = &placed
            && gateway.refuses_the_key(*code)
        {
            self.distrust_key(trail.ticket.instrument.venue, &trail.cause).await;
        }
        self.note_answer(&trail.ticket, &placed).await;
        self.advance(&mut trail, &OrderEvent::Answered(placed));
        if trail.state == OrderState::Unknown {
            let ticket = &trail.ticket;
            warn!(self.log, "an order's outcome is unknown"; "client_order_id" => %ticket.client_id, "venue" => %ticket.instrument.venue, "reason" => &trail.cause);
            self.moved(&trail, Vec::new()).await;
            crash::point(Point::OrderUnknownKept);
        }
        if trail.ticket.kind.rests() && !trail.state.is_terminal() {
            self.rest_in_book(&mut trail, gateway.as_ref(), held).await;
        }
        self.follow(trail, self.settings.visibility * PATIENCE).await
    }

    /// A key that may not trade does not mend itself: nothing is entered any more until somebody has looked.
    async fn distrust_key(&self, venue: VenueId, cause: &str) {
        self.pause(PauseReason::KeyRefused(venue)).await;
        let text = format!(
            "{venue} took no order for want of a valid key: {cause}. Nothing is entered on either venue; hedges with a leg there cannot be left. Mend the key, its permission or its addresses, then resume."
        );
        let alert = Alert::new(AlertName::VenueDegraded, venue.as_str(), text);
        let (recorder, log) = (self.wires.recorder.clone(), self.log.clone());
        // What becomes of the other leg does not wait until people are told.
        actix_rt::spawn(async move {
            if let Err(error) = recorder.insist(vec![Record::Alert(alert)]).await {
                error!(log, "an alert could not be kept"; "error" => %error);
            }
        });
    }

    /// Ends a recorded order that must not be sent any more.
    pub(super) async fn withhold(&self, ticket: OrderTicket, reason: String) {
        warn!(self.log, "an order is held back"; "client_order_id" => %ticket.client_id, "reason" => &reason);
        let placed = Placed::NotSent { reason };
        let now = self.wires.clock.now().machine;
        let mut trail = Trail::new(ticket, OrderState::Recorded, now, words(&placed));
        self.advance(&mut trail, &OrderEvent::Answered(placed));
        crash::point(Point::OrderBeforeWithhold);
        self.moved(&trail, Vec::new()).await;
    }

    /// An intent that was not answered may be durable all the same. Its order was never sent, and the ledger says so as
    /// soon as it answers; the job does not wait for that.
    pub(super) fn end_unsent(&self, ticket: &OrderTicket) {
        let (recorder, log, client_id) = (self.wires.recorder.clone(), self.log.clone(), ticket.client_id.clone());
        let placed = Placed::NotSent {
            reason: "its intent was not known to be durable".to_owned(),
        };
        let cause = words(&placed);
        let Ok(state) = step(&OrderState::Recorded, &OrderEvent::Answered(placed)) else {
            return;
        };
        let ended = Record::OrderMoved {
            client_id: client_id.clone(),
            state,
            venue_order_id: None,
            cause,
        };
        actix_rt::spawn(async move {
            match recorder.insist(vec![ended]).await {
                Ok(_) => {
                    warn!(log, "an intent was durable and not answered; its order is ended, unsent"; "client_order_id" => %client_id)
                }
                Err(JournalError::Refused(_)) => {} // it was not: there is no such order
                Err(error) => {
                    error!(log, "an unsent order could not be ended; the next start proves it"; "client_order_id" => %client_id, "error" => %error)
                }
            }
        });
    }

    /// Proves the fate of an order that an earlier life left behind.
    pub(super) async fn resolve_row(&self, row: OrderRow) {
        let OrderRow { ticket, state, .. } = row;
        info!(self.log, "proving the fate of an order"; "client_order_id" => %ticket.client_id, "state" => state.as_str());
        // Recorded is as good as sent: the process may have died with the bytes on their way.
        let state = if matches!(state, OrderState::Recorded) {
            OrderState::Sent
        } else {
            state
        };
        let now = self.wires.clock.now().machine;
        let mut trail = Trail::new(ticket, state, now, "found at start".to_owned());
        // Whatever of an earlier life is in a book is not wanted there: its end is asked for at the first sight of it.
        trail.leave(now);
        trail.live = WITHDRAW_LOOKS;
        crash::point(Point::OrderBeforeResolve);
        self.follow(trail, self.settings.visibility * PATIENCE).await;
        crash::point(Point::OrderResolved);
    }

    /// Looks once more for the orders that were laid aside, of one hedge or of all; answers whether none is left.
    pub(super) async fn prove(&self, of: Option<HedgeId>) -> bool {
        let concerns = |trail: &Trail| of.is_none_or(|hedge| trail.hedge() == hedge);
        let aside: Vec<_> = self
            .aside
            .borrow_mut()
            .extract_if(.., |_, trail| concerns(trail))
            .collect();
        for (_, trail) in aside {
            self.follow(trail, Duration::ZERO).await;
        }
        !self.aside.borrow().values().any(concerns)
    }

    fn gateway(&self, ticket: &OrderTicket) -> Option<Rc<dyn OrderGateway>> {
        let desk = self.wires.desks.get(&ticket.instrument.venue)?;
        Some(Rc::clone(&desk.gateway))
    }

    /// Looks until the order's fate is proven and durable, or for as long as `patience`: then it is laid aside.
    async fn follow(&self, mut trail: Trail, patience: Duration) -> Option<Quantity> {
        let gateway = self.gateway(&trail.ticket)?;
        let began = self.wires.clock.now().machine;
        loop {
            if !trail.state.is_terminal() {
                self.look(&mut trail, gateway.as_ref()).await;
            }
            if trail.state.is_terminal()
                && let Some(fills) = self.executions(&trail, gateway.as_ref()).await
            {
                return Some(self.proven(&trail, fills).await);
            }
            self.tell_if_long(&mut trail).await;
            if self.wires.clock.now().machine.since(began) >= patience {
                self.lay_aside(trail).await;
                return None;
            }
            tokio::time::sleep(self.settings.resolve_every).await;
        }
    }

    /// Makes a proven fate durable; entries go on when it was the last one that was missing.
    async fn proven(&self, trail: &Trail, fills: Vec<Fill>) -> Quantity {
        let filled = fills.iter().map(|fill| fill.quantity).sum();
        self.moved(trail, fills).await;
        if trail.told && self.aside.borrow().is_empty() {
            let key = PauseReason::OrderUnknown.key();
            if self.wires.clear.try_send(ClearPause { key }).is_err() {
                warn!(
                    self.log,
                    "the supervisor is busy; the pause for an unknown order stays until it is resumed"
                );
            }
        }
        filled
    }

    /// Keeps an unproven order for later looks. It stays unknown in the ledger too, so that a restart asks about it.
    async fn lay_aside(&self, mut trail: Trail) {
        self.tell(&mut trail).await;
        crash::point(Point::OrderBeforeAside);
        if !std::mem::replace(&mut trail.aside, true) {
            warn!(self.log, "an order is laid aside unproven; its hedge waits, others do not"; "client_order_id" => %trail.ticket.client_id, "last_known" => &trail.cause);
            self.keep_move(OrderMoved {
                client_id: trail.ticket.client_id.clone(),
                state: OrderState::Unknown,
                venue_order_id: trail.report.as_ref().map(|report| report.venue_order_id.clone()),
                cause: format!("laid aside unproven; last known: {}", trail.cause),
                fills: Vec::new(),
            })
            .await;
        }
        self.aside.borrow_mut().insert(trail.ticket.client_id.clone(), trail);
    }

    /// Asks the venue once what it knows.
    pub(super) async fn look(&self, trail: &mut Trail, gateway: &dyn OrderGateway) {
        let ticket = trail.ticket.clone();
        crash::point(Point::OrderBeforeFind);
        let found = gateway.find(&ticket.instrument, &ticket.client_id).await;
        crash::point(Point::OrderFound);
        match found {
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
                let enough = if trail.leaving {
                    trail.live >= WITHDRAW_LOOKS
                } else {
                    trail.live >= LIVE_LOOKS && !ticket.kind.rests()
                };
                if enough && !trail.state.is_terminal() {
                    self.withdraw(trail, gateway).await;
                }
            }
            Ok(None) => {
                trail.absent += 1;
                let quiet = self.wires.clock.now().machine.since(trail.sent_at) >= self.settings.visibility;
                if trail.absent >= 2 && quiet && !trail.state.is_taken() {
                    self.settle_absence(trail).await;
                }
            }
            Err(error) => {
                trail.absent = 0; // proof is two good answers in a row
                warn!(self.log, "an order could not be asked about"; "client_order_id" => %ticket.client_id, "error" => %error);
            }
        }
    }

    /// Requests do not show an order long after it was sent. It is absent, unless an execution of it came by another road:
    /// then the venue is late with its own answers, and they are waited for.
    async fn settle_absence(&self, trail: &mut Trail) {
        let asked = HasExecuted(trail.ticket.client_id.clone());
        let (event, cause) = match self.wires.keeper.send(asked).await {
            Ok(false) => (
                OrderEvent::ProvenAbsent,
                "two good answers, after the venue's visibility window, do not know it",
            ),
            Ok(true) => (
                OrderEvent::Executed,
                "requests do not show it, and an execution of it is known",
            ),
            Err(_) => return, // the keeper is gone, and the process goes with it
        };
        cause.clone_into(&mut trail.cause);
        self.advance(trail, &event);
    }

    /// Asks the venue to end an order. What it answers proves nothing, not even that the order was there.
    pub(super) async fn withdraw(&self, trail: &mut Trail, gateway: &dyn OrderGateway) {
        trail.live = 0;
        self.advance(trail, &OrderEvent::Cancelling);
        let OrderTicket {
            instrument, client_id, ..
        } = &trail.ticket;
        crash::point(Point::OrderBeforeCancel);
        let cancelled = gateway.cancel(instrument, client_id).await;
        crash::point(Point::OrderCancelled);
        if let Err(error) = cancelled {
            warn!(self.log, "an order was not cancelled"; "client_order_id" => %client_id, "error" => %error);
        }
    }

    fn advance(&self, trail: &mut Trail, event: &OrderEvent) {
        match step(&trail.state, event) {
            Ok(next) => trail.state = next,
            Err(illegal) => error!(self.log, "an order event was refused"; "error" => %illegal),
        }
    }

    async fn tell_if_long(&self, trail: &mut Trail) {
        if self.wires.clock.now().machine.since(trail.due) >= TELL_AFTER {
            self.tell(trail).await;
        }
    }

    /// Stops entries and tells people, once for an order.
    async fn tell(&self, trail: &mut Trail) {
        if std::mem::replace(&mut trail.told, true) {
            return;
        }
        let ticket = &trail.ticket;
        let text = format!(
            "The fate of order {} ({} {} {}) is unknown for {} s. It counts as exposure; entries wait until the venue tells. Nothing is sent again.",
            ticket.client_id,
            ticket.side,
            ticket.quantity,
            ticket.instrument,
            self.wires.clock.now().machine.since(trail.due).as_secs()
        );
        let alert = Alert::new(AlertName::OrderUnknown, ticket.client_id.as_str(), text);
        self.pause(PauseReason::OrderUnknown).await;
        crash::point(Point::OrderBeforeTold);
        let told = self.wires.recorder.write_way_out(vec![Record::Alert(alert)]).await;
        crash::point(Point::OrderTold);
        if let Err(error) = told {
            error!(self.log, "an alert could not be kept"; "error" => %error);
        }
    }

    /// The executions of a finished order, once they add up to what the venue says was done: a hedge that went on
    /// without them would order the same again.
    async fn executions(&self, trail: &Trail, gateway: &dyn OrderGateway) -> Option<Vec<Fill>> {
        let Some(report) = trail.report.as_ref().filter(|report| !report.filled.is_zero()) else {
            return Some(Vec::new());
        };
        crash::point(Point::OrderBeforeFills);
        let read = gateway.fills_of(report).await;
        crash::point(Point::OrderFillsRead);
        match read {
            Ok(fills) => {
                let sum: Quantity = fills.iter().map(|fill| fill.quantity).sum();
                (sum >= report.filled).then_some(fills)
            }
            Err(error) => {
                warn!(self.log, "executions could not be read"; "client_order_id" => %report.client_id, "error" => %error);
                None
            }
        }
    }

    async fn moved(&self, trail: &Trail, fills: Vec<Fill>) {
        self.keep_move(OrderMoved {
            client_id: trail.ticket.client_id.clone(),
            state: trail.state.clone(),
            venue_order_id: trail.report.as_ref().map(|report| report.venue_order_id.clone()),
            cause: trail.cause.clone(),
            fills,
        })
        .await;
    }

    async fn keep_move(&self, moved: OrderMoved) {
        let id = moved.client_id.clone();
        crash::point(Point::OrderBeforeMove);
        let kept = self.wires.keeper.send(moved).await;
        crash::point(Point::OrderMoved);
        match kept {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                error!(self.log, "an order's move was not recorded"; "client_order_id" => %id, "error" => %error)
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
