//! The only write path to the ledger.
//!
//! Owns      the journal; no other actor is handed one.
//! Receives  [`WriteBatch`], and the lease's and the outbox's questions.
//! Sends     nothing but answers.
//! Never     writes two batches at once, and never answers before a batch is durable.

use std::rc::Rc;

use actix::prelude::*;
use domain::ports::Journal;

use crate::messages::{
    BackFill, ClaimLease, GetPendingAlerts, Heartbeat, LoadLedger, ReleaseLease, RenewLease, WriteBatch,
};

/// Batches waiting for the disk. A fill must never be refused here, so there is room for a burst of them.
const MAILBOX: usize = 1024;

/// The actor.
pub struct LedgerWriter {
    journal: Rc<dyn Journal>,
    supervisor: Recipient<Heartbeat>,
    beat: std::time::Duration,
}

/// Its name in heartbeats.
pub const NAME: &str = "ledger_writer";

impl LedgerWriter {
    /// A writer to this journal.
    pub fn new(journal: Rc<dyn Journal>, supervisor: Recipient<Heartbeat>, beat: std::time::Duration) -> Self {
        Self {
            journal,
            supervisor,
            beat,
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Begin;

impl Actor for LedgerWriter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(Begin);
    }
}

impl Supervised for LedgerWriter {}

impl Handler<Begin> for LedgerWriter {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        // Beside the actor, which waits for its journal: a database that is away is no dead writer, and ending the process
        // would bring nothing back. A thread that stands still does not beat.
        let (me, supervisor, beat) = (ctx.address().downgrade(), self.supervisor.clone(), self.beat);
        actix_rt::spawn(async move {
            while me.upgrade().is_some_and(|writer| writer.connected()) {
                // A beat that finds the supervisor busy is made good by the next one.
                let _ = supervisor.try_send(Heartbeat {
                    actor: NAME,
                    generation: 0,
                });
                tokio::time::sleep(beat).await;
            }
        });
    }
}

/// One question to the journal, answered before the next is begun.
macro_rules! ask {
    ($message:ident, |$journal:ident, $m:ident| $ask:expr) => {
        impl Handler<$message> for LedgerWriter {
            type Result = AtomicResponse<Self, <$message as Message>::Result>;

            fn handle(&mut self, $m: $message, _: &mut Self::Context) -> Self::Result {
                let $journal = Rc::clone(&self.journal);
                AtomicResponse::new(Box::pin(async move { $ask }.into_actor(self)))
            }
        }
    };
}

ask!(WriteBatch, |journal, message| journal.write(message.0).await);
ask!(BackFill, |journal, message| journal
    .back_fill(message.epoch, message.batch)
    .await);
ask!(LoadLedger, |journal, _message| journal.load().await);
ask!(ClaimLease, |journal, message| journal
    .claim_lease(&message.holder, message.now, message.term_ms)
    .await);
ask!(RenewLease, |journal, message| journal
    .renew_lease(&message.holder, message.epoch, message.expires_at)
    .await);
ask!(ReleaseLease, |journal, message| journal
    .release_lease(&message.holder, message.epoch)
    .await);
ask!(GetPendingAlerts, |journal, message| journal
    .pending_alerts(message.limit)
    .await);
