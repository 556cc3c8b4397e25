//! The evaluation tick: what is worth doing now?
//!
//! Owns      the tick.
//! Receives  its own tick, and [`Urgent`] where a leg was cut: it asks for the two views when it is time.
//! Sends     [`Survey`] and [`GetPortfolio`], then at most one [`Execute`], and waits until that job is over.
//! Never     decides blindly: a hedge whose inputs are stale is left alone.

mod change;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use actix::prelude::*;
use domain::hedge::{HedgeState, rest_after};
use domain::instrument::Name;
use domain::journal::Record;
use domain::order::HedgeId;
use domain::ports::Clock;
use domain::risk::Gate;
use domain::shadow::Regret;
use domain::strategy::{StayOrLeave, stay_or_leave};
use domain::time::{HOUR_MS, Machine};
use serde_json::json;
use slog::{Logger, info, o, warn};

use crate::messages::{
    EntriesGated, Execute, GetPortfolio, Heartbeat, HedgeBrief, Intent, JobEnded, Observe, PortfolioView, Survey,
    Surveyed, Urgent,
};
use crate::recorder::Recorder;
use crate::scanner::shown_regret;
use crate::settings::Settings;

/// Its name in heartbeats.
pub const NAME: &str = "strategist";

/// How long an asset is not entered after so many entries in a row that were taken back: a quarter of an hour, doubling
/// to four hours.
fn rest_of_entries(failures: u32) -> Duration {
    const LONGEST: Duration = Duration::from_hours(4);
    Duration::from_mins(15)
        .saturating_mul(1 << failures.saturating_sub(1).min(6))
        .min(LONGEST)
}

/// Whom it asks and tells.
pub struct Wires {
    /// The scanner.
    pub scanner: Recipient<Survey>,
    /// The position keeper.
    pub keeper: Recipient<GetPortfolio>,
    /// The executor.
    pub executor: Recipient<Execute>,
    /// Who counts heartbeats.
    pub supervisor: Recipient<Heartbeat>,
    /// Where decisions are written.
    pub recorder: Recorder,
    /// Tells the time.
    pub clock: Rc<dyn Clock>,
}

/// How long a way out waits until its decision is durable.
const DECISION_PATIENCE: Duration = Duration::from_secs(1);

/// How long a hedge that waits for a venue is left alone, at most: short, for it may need a repair meanwhile.
const REST_OF_SHUT: Duration = Duration::from_secs(10);

/// What staying in a pair is expected to bring, and what leaving it and coming back would cost.
type Stay = (domain::money::Bps, domain::carry::Costs);

/// The actor.
pub struct Strategist {
    wires: Rc<Wires>,
    settings: Rc<Settings>,
    gate: Option<Gate>,
    evaluations: u64,
    last_refusal: String,
    /// In which evaluation each hedge that needs something was last worked on.
    served: BTreeMap<HedgeId, u64>,
    /// Hedges whose last jobs left them as they were: how many in a row, and until when they rest.
    resting: BTreeMap<HedgeId, (u32, Machine)>,
    /// Assets whose entries were taken back, or that were left for want of margin: how often, and until when they rest.
    spurned: BTreeMap<Name, (u32, Machine)>,
    /// The hedge of the job that is under way, if it is about one.
    at_work: Option<HedgeId>,
    /// The asset that the job under way enters, if it does.
    entering: Option<Name>,
    /// Whether a job is under way.
    acting: bool,
    /// The next evaluation, where it has been armed.
    next: Option<SpawnHandle>,
    /// Something came while an evaluation was under way that cannot wait for the tick.
    hurried: bool,
    log: Logger,
}

impl Strategist {
    /// A strategist that may not enter until it is told so.
    pub fn new(wires: Wires, settings: Rc<Settings>, log: &Logger) -> Self {
        let gate = Some(Gate::Paused("starting".to_owned()));
        Self {
            wires: Rc::new(wires),
            settings,
            gate,
            evaluations: 0,
            last_refusal: String::new(),
            served: BTreeMap::new(),
            resting: BTreeMap::new(),
            spurned: BTreeMap::new(),
            at_work: None,
            entering: None,
            acting: false,
            next: None,
            hurried: false,
            log: log.new(o!("actor" => NAME)),
        }
    }

    /// Repairs before exits before entries; but a hedge that was just worked on comes after those that have waited
    /// longer, so that one that cannot be repaired keeps nobody from leaving.
    fn choose(&mut self, portfolio: &PortfolioView, surveyed: &Surveyed) -> Option<Intent> {
        self.resting
            .retain(|id, _| portfolio.hedges.iter().any(|hedge| hedge.id == *id));
        let due = portfolio
            .hedges
            .iter()
            .zip(surveyed.stays.iter().zip(&surveyed.must_leave))
            .filter(|(hedge, _)| !self.rests(hedge.id))
            .filter_map(|(hedge, (stay, end))| Some((hedge, self.due(hedge, stay.as_ref(), end.as_ref())?)))
            .min_by_key(|(hedge, intent)| (self.served.get(&hedge.id), matches!(intent, Intent::Exit { .. })))
            .map(|(hedge, intent)| (hedge.id, intent));
        let Some((id, intent)) = due else {
            self.served.clear();
            let enter = self.enter(portfolio, surveyed);
            return enter.or_else(|| self.change(portfolio, surveyed));
        };
        self.served.insert(id, self.evaluations);
        Some(intent)
    }

    /// Whether a hedge is left alone for a while, because its last jobs left it as it was.
    fn rests(&self, id: HedgeId) -> bool {
        let now = self.wires.clock.now().machine;
        self.resting.get(&id).is_some_and(|(_, until)| now < *until)
    }

    /// Whole hours since both legs were filled.
    fn held_hours(&self, hedge: &HedgeBrief) -> u32 {
        let now = self.wires.clock.now().market;
        let held = hedge.opened_at.map_or(0, |opened| now.millis_since(opened) / HOUR_MS);
        u32::try_from(held).unwrap_or_default()
    }

    /// What a hedge needs, if anything.
    fn due(&self, hedge: &HedgeBrief, stay: Option<&Stay>, end: Option<&Gate>) -> Option<Intent> {
        match hedge.state {
            HedgeState::Open => self.leave(hedge, stay, end),
            HedgeState::Closing(_) => Some(Intent::Exit {
                hedge: hedge.id,
                reason: "an exit was interrupted".to_owned(),
            }),
            _ => Some(Intent::Repair { hedge: hedge.id }),
        }
    }

    fn leave(&self, hedge: &HedgeBrief, stay: Option<&Stay>, end: Option<&Gate>) -> Option<Intent> {
        let danger = hedge.endangered.as_ref().map(ToString::to_string);
        if let Some(reason) = danger.or_else(|| end.map(ToString::to_string)) {
            return Some(Intent::Exit {
                hedge: hedge.id,
                reason,
            });
        }
        let (expected, costs) = stay?;
        match stay_or_leave(*expected, costs, &self.settings.plan, self.held_hours(hedge)) {
            StayOrLeave::Stay(_) => None,
            StayOrLeave::Leave { expected, tolerated } => {
                let (expected, tolerated) = (expected.0.round_dp(2), tolerated.0.round_dp(2));
                let reason = format!(
                    "staying is expected to bring {expected} bps, less than the {tolerated} bps that re-entering would cost"
                );
                Some(Intent::Exit {
                    hedge: hedge.id,
                    reason,
                })
            }
        }
    }

    fn enter(&self, portfolio: &PortfolioView, surveyed: &Surveyed) -> Option<Intent> {
        if self.gate.is_some() {
            return None;
        }
        let entry = surveyed.best.clone()?;
        let decided_at = self.wires.clock.now().machine;
        Some(Intent::Enter {
            entry: Box::new(entry),
            decided_at,
            exposure: portfolio.exposure.clone(),
            losses: portfolio.losses,
        })
    }

    /// A decision worth keeping: what is done, or a refusal that is not the last one again.
    fn decision(&mut self, intent: Option<&Intent>, surveyed: &Surveyed) -> Option<Record> {
        let (subject, verdict, numbers) = match intent {
            Some(Intent::Enter { entry, .. }) => {
                let pair = &entry.opportunity.pair;
                let outlook = entry.opportunity.outlook;
                let numbers = json!({
                    "net_bps": outlook.map(|o| o.net().to_string()),
                    "funding_bps": outlook.map(|o| o.funding.to_string()),
                    "costs_bps": outlook.map(|o| o.costs.total().to_string()),
                    "break_even_hours": outlook.and_then(|o| o.break_even_hours),
                    "notional_usd": entry.notional.to_string(),
                });
                (format!("{} / {}", pair.long, pair.short), "enter".to_owned(), numbers)
            }
            Some(Intent::Exit { hedge, reason }) => {
                (format!("hedge {hedge}"), "exit".to_owned(), json!({ "reason": reason }))
            }
            Some(Intent::Repair { hedge }) => (format!("hedge {hedge}"), "repair".to_owned(), json!({})),
            None => {
                let (opportunity, gate) = surveyed.refused.first()?;
                let subject = format!("{} / {}", opportunity.pair.long, opportunity.pair.short);
                let said = format!("{subject}: {}", gate.name());
                if self.last_refusal == said {
                    return None;
                }
                self.last_refusal = said;
                (subject, gate.name().to_owned(), json!({ "why": gate.to_string() }))
            }
        };
        Some(Record::Decision {
            subject,
            verdict,
            numbers: numbers.to_string(),
        })
    }

    /// Counts what came of an entry: one that was taken back has cost its fees, and the next try may cost them again.
    fn note_entry(&mut self, ended: Option<&Result<JobEnded, MailboxError>>) {
        let Some(asset) = self.entering.take() else {
            return;
        };
        match ended {
            Some(Ok(JobEnded::Rested(_, HedgeState::Open))) => {
                self.spurned.remove(&asset);
            }
            Some(Ok(JobEnded::Rested(..))) => self.spurn(asset),
            _ => {}
        }
    }

    /// Lets an asset rest from entries, longer each time.
    fn spurn(&mut self, asset: Name) {
        let failures = self
            .spurned
            .get(&asset)
            .map_or(1, |(failures, _)| failures.saturating_add(1));
        let until = self.wires.clock.now().machine.plus(rest_of_entries(failures));
        self.spurned.insert(asset, (failures, until));
    }

    /// What was left for want of margin is not entered again at once.
    fn note_danger(&mut self, portfolio: &PortfolioView, intent: Option<&Intent>) {
        let Some(Intent::Exit { hedge, .. }) = intent else {
            return;
        };
        let left = portfolio.hedges.iter().find(|brief| brief.id == *hedge);
        if let Some(left) = left.filter(|brief| brief.endangered.is_some()) {
            self.spurn(left.asset.clone());
        }
    }

    /// The assets that are not entered now, because their last entries were taken back.
    fn resting_assets(&self) -> Vec<Name> {
        let now = self.wires.clock.now().machine;
        let resting = self.spurned.iter().filter(|(_, (_, until))| now < *until);
        resting.map(|(asset, _)| asset.clone()).collect()
    }

    fn settle(&mut self, ended: Option<Result<JobEnded, MailboxError>>) {
        self.note_entry(ended.as_ref());
        if let Some(hedge) = self.at_work.take() {
            match &ended {
                Some(Ok(JobEnded::Rested(_, HedgeState::Open | HedgeState::Closed))) => {
                    self.resting.remove(&hedge);
                }
                Some(Ok(JobEnded::Rested(..))) => {
                    let failures = self
                        .resting
                        .get(&hedge)
                        .map_or(1, |(failures, _)| failures.saturating_add(1));
                    let until = self.wires.clock.now().machine.plus(rest_after(failures));
                    self.resting.insert(hedge, (failures, until));
                }
                // Its venue is shut, and will be for a while.
                Some(Ok(JobEnded::Refused(Gate::Shut { wait, .. }))) => {
                    let until = self.wires.clock.now().machine.plus(REST_OF_SHUT.min(*wait));
                    self.resting.entry(hedge).or_insert((0, until)).1 = until;
                }
                // Nothing was sent: nothing is gained by waiting.
                _ => {}
            }
        }
        match ended {
            None => {}
            Some(Ok(ended)) => info!(self.log, "job ended"; "how" => ?ended),
            Some(Err(error)) => warn!(self.log, "the executor did not answer"; "error" => %error),
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Evaluate;

impl Actor for Strategist {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.notify(Evaluate);
    }
}

impl Supervised for Strategist {}

impl Handler<Evaluate> for Strategist {
    type Result = ();

    /// One evaluation; the next one is armed when this one, and the job that it began, are over.
    fn handle(&mut self, _: Evaluate, ctx: &mut Self::Context) {
        let _ = self.wires.supervisor.try_send(Heartbeat {
            actor: NAME,
            generation: 0,
        });
        if self.evaluations == 0 {
            // A long job is progress, not silence: the proof of an unknown order may take minutes.
            ctx.run_interval(self.settings.heartbeat_every, |strategist, _| {
                if strategist.acting {
                    let _ = strategist.wires.supervisor.try_send(Heartbeat {
                        actor: NAME,
                        generation: 0,
                    });
                }
            });
        }
        self.evaluations += 1;
        self.next = None;
        let wires = Rc::clone(&self.wires);
        look(wires, self.resting_assets(), self.gate.clone())
            .into_actor(self)
            .then(|seen, strategist, _| {
                let (intent, decision) = seen.map_or((None, Vec::new()), |(portfolio, surveyed)| {
                    let intent = strategist.choose(&portfolio, &surveyed);
                    let decision = strategist.decision(intent.as_ref(), &surveyed).into_iter();
                    let decision = decision.chain(surveyed.regrets.iter().map(regret)).collect();
                    strategist.note_danger(&portfolio, intent.as_ref());
                    (intent, decision)
                });
                strategist.acting = intent.is_some();
                strategist.at_work = match &intent {
                    Some(Intent::Exit { hedge, .. } | Intent::Repair { hedge }) => Some(*hedge),
                    Some(Intent::Enter { .. }) | None => None,
                };
                strategist.entering = match &intent {
                    Some(Intent::Enter { entry, .. }) => Some(entry.opportunity.asset.clone()),
                    _ => None,
                };
                act(Rc::clone(&strategist.wires), intent, decision).into_actor(strategist)
            })
            .map(|ended, strategist, ctx| {
                strategist.acting = false;
                strategist.settle(ended);
                let hurried = std::mem::take(&mut strategist.hurried);
                let wait = if hurried {
                    Duration::ZERO
                } else {
                    strategist.settings.evaluate_every
                };
                strategist.next = Some(ctx.notify_later(Evaluate, wait));
            })
            .spawn(ctx);
    }
}

/// What a gate has cost, as a decision that is kept.
fn regret(of: &Regret) -> Record {
    Record::Decision {
        subject: format!("{} in the week of {}", of.gate, of.week),
        verdict: "regret".to_owned(),
        numbers: shown_regret(of).to_string(),
    }
}

async fn look(wires: Rc<Wires>, resting: Vec<Name>, paused: Option<Gate>) -> Option<(PortfolioView, Surveyed)> {
    let portfolio = wires.keeper.send(GetPortfolio).await.ok()?;
    let mut barred = portfolio.barred.clone();
    for asset in resting {
        barred
            .entry(asset)
            .or_insert_with(|| Gate::Paused("its last entry was taken back".to_owned()));
    }
    let survey = Survey {
        exposure: portfolio.exposure.clone(),
        barred,
        barred_venues: portfolio.barred_venues.clone(),
        held: portfolio.hedges.iter().map(|hedge| hedge.pair.clone()).collect(),
        paused,
        losses: portfolio.losses,
    };
    let surveyed = wires.scanner.send(survey).await.ok()?;
    Some((portfolio, surveyed))
}

async fn act(
    wires: Rc<Wires>,
    intent: Option<Intent>,
    decision: Vec<Record>,
) -> Option<Result<JobEnded, MailboxError>> {
    if !decision.is_empty() {
        // A decision that cannot be written is not acted upon, unless it reduces: then nobody waits for it.
        let written = wires.recorder.write(decision);
        if matches!(intent, Some(Intent::Exit { .. } | Intent::Repair { .. })) {
            let _ = tokio::time::timeout(DECISION_PATIENCE, written).await; // late or lost, the way out is taken
        } else if written.await.is_err() {
            return None;
        }
    }
    Some(wires.executor.send(Execute(intent?)).await)
}

impl Handler<Urgent> for Strategist {
    type Result = ();

    /// Evaluates now, or right after the evaluation that is under way.
    fn handle(&mut self, _: Urgent, ctx: &mut Self::Context) {
        match self.next.take() {
            Some(armed) if ctx.cancel_future(armed) => ctx.notify(Evaluate),
            _ => self.hurried = true,
        }
    }
}

impl Handler<EntriesGated> for Strategist {
    type Result = ();

    fn handle(&mut self, EntriesGated(gate): EntriesGated, _: &mut Self::Context) {
        self.gate = gate;
    }
}

impl Handler<Observe> for Strategist {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        MessageResult(json!({
            "evaluations": self.evaluations,
            "entries_gated_by": self.gate.as_ref().map(ToString::to_string),
            "last_refusal": self.last_refusal,
        }))
    }
}
