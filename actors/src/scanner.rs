//! Watches every market and ranks the pairs.
//!
//! Owns      the latest view of all symbols on all venues.
//! Receives  [`MarketFacts`], [`MarketLost`], [`SettlementsHeard`], [`ActivityHeard`], the strategist's [`Survey`], the
//!           executor's [`GetBook`], and where scanners are processes of their own [`ScannerSaid`] in the one that enters,
//!           [`GetEnterable`] in theirs.
//! Sends     nothing but answers: the best entry that fits, and the gate that stopped each other one. It says whose books
//!           the feeds are to keep.
//! Never     reacts to each quote: it notes what changed and recomputes that when it is asked.

mod shown;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use domain::instrument::{InstrumentId, Product, VenueId};
use domain::interest::Interest;
use domain::market::{Book, Heard};
use domain::money::Bps;
use domain::named::Named;
use domain::ports::Clock;
use domain::risk::{self, Gate};
use domain::shadow::{Due, Regret, Seen, Shadow};
use domain::strategy::{self, Board, Opportunity, Pair};
use domain::time::{Machine, Now, Timestamp};

use crate::messages::{
    ActivityHeard, GetBook, GetEnterable, Heartbeat, ListInstruments, MarketFacts, MarketLost, Observe, ScannerSaid,
    SettlementsHeard, Survey, Surveyed,
};
use crate::settings::Settings;

/// Batches of facts waiting to be noted: a burst of a thousand messages arrives within 100 ms (measured on a major).
const MAILBOX: usize = 2048;

/// Books that are kept of what is not held: a fraction of all, so that the smallest machine has room for them.
const MOST_BOOKS: usize = 24;
/// How long an instrument stays of interest after it last was.
const INTEREST_LASTS: Duration = Duration::from_mins(1);

pub use shown::shown_regret;

/// Between two looks at what is not held, in milliseconds of market time.
const LOOK_EVERY_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// Its name in heartbeats.
pub const NAME: &str = "scanner";

/// The actor.
pub struct Scanner {
    board: Board,
    settings: Rc<Settings>,
    clock: Rc<dyn Clock>,
    supervisor: Recipient<Heartbeat>,
    facts: u64,
    /// Messages of each venue that could not be read.
    left_out: BTreeMap<VenueId, u64>,
    interest: Interest,
    /// The instruments of interest, each with when it last was among the best or held.
    of_interest: BTreeMap<InstrumentId, Machine>,
    /// What the strategist asked last: what it may not enter belongs to the answer to people, too.
    asked: Option<Survey>,
    shadow: Shadow,
    /// What scanners of other processes have named, where nothing else is entered.
    named: Option<Named>,
    /// When the shadow book was looked at last.
    looked: Option<Timestamp>,
}

impl Scanner {
    /// A scanner that has heard nothing.
    pub fn new(
        settings: Rc<Settings>,
        clock: Rc<dyn Clock>,
        supervisor: Recipient<Heartbeat>,
        interest: Interest,
    ) -> Self {
        let since = clock.now().machine;
        Self {
            board: Board::default(),
            named: settings.named_within.map(|lasts| Named::new(lasts, since)),
            settings,
            clock,
            supervisor,
            facts: 0,
            left_out: BTreeMap::new(),
            interest,
            of_interest: BTreeMap::new(),
            asked: None,
            shadow: Shadow::default(),
            looked: None,
        }
    }

    /// Says whose books are worth keeping: those of what is held, and of the best that may be entered. One that was of
    /// interest stays so for a while, so that ranks that change places do not cost subscriptions.
    fn note_interest(&mut self, held: &[Pair], best: &[Opportunity], now: Machine) {
        let legs = |pair: &Pair| [pair.long.clone(), pair.short.clone()];
        self.of_interest.retain(|_, last| now.since(*last) < INTEREST_LASTS);
        self.of_interest.extend(held.iter().flat_map(legs).map(|id| (id, now)));
        for leg in best
            .iter()
            .take(self.settings.kept_pairs)
            .flat_map(|one| legs(&one.pair))
        {
            if self.of_interest.len() < MOST_BOOKS || self.of_interest.contains_key(&leg) {
                self.of_interest.insert(leg, now);
            }
        }
        self.interest.set(self.of_interest.keys().cloned().collect());
    }

    /// The first gate that stops a pair, in the order in which an entry meets them: its own, its asset's, a
    /// venue's, the scanners' silence, the caps.
    fn first_gate(&self, opportunity: &Opportunity, now: Machine) -> Option<Gate> {
        if let Some(gate) = &opportunity.refused {
            return Some(gate.clone());
        }
        let asked = self.asked.as_ref()?;
        let sized = || strategy::size(opportunity, &self.board, &asked.exposure, &self.settings.limits);
        barred(asked, opportunity)
            .or_else(|| self.unnamed(&opportunity.pair, now))
            .or_else(|| sized().err())
    }

    /// What stops a pair that no scanner names, where one has to.
    fn unnamed(&self, pair: &Pair, now: Machine) -> Option<Gate> {
        self.named.as_ref()?.gate(pair, now)
    }

    /// What keeps every entry away, if anything does: a pause, or what was lost.
    fn held_back(&self) -> Option<Gate> {
        let asked = self.asked.as_ref()?;
        let lost = || risk::within(&self.settings.limits, asked.losses).err();
        asked.paused.clone().or_else(lost)
    }

    /// Looks after what is not held; answers what each gate has cost when a UTC day is over.
    fn watch_shadows(&mut self, Now { market: now, machine }: Now) -> Vec<Regret> {
        let before = self.looked;
        if before.is_some_and(|looked| now.millis_since(looked) < LOOK_EVERY_MS) {
            return Vec::new();
        }
        self.looked = Some(now);
        let held = self.asked.as_ref().map_or(&[][..], |asked| &asked.held);
        let due = |id: &InstrumentId| {
            let terms = self
                .board
                .listing(id)
                .filter(|_| id.product == Product::Perp)?
                .funding
                .as_ref()?;
            Some(Due {
                at: terms.value.next_settlement,
                rate: terms.value.clipped(),
            })
        };
        let held_back = self.held_back();
        let held_back = held_back.as_ref().map(Gate::name);
        let seen: Vec<_> = self
            .board
            .opportunities()
            .map(|one| Seen {
                asset: &one.asset,
                pair: &one.pair,
                gate: self.first_gate(one, machine).as_ref().map(Gate::name).or(held_back),
                held: held.contains(&one.pair),
                costs: one.outlook.map(|outlook| outlook.costs.total()),
                due: [due(&one.pair.long), due(&one.pair.short)],
            })
            .collect();
        self.shadow.look(seen, now);
        let day = |at: Timestamp| at.millis().div_euclid(DAY_MS);
        match before {
            Some(before) if day(now) > day(before) => {
                let week = domain::shadow::week_of(before);
                let mut regrets = self.shadow.regrets();
                regrets.retain(|one| one.week == week);
                regrets
            }
            _ => Vec::new(),
        }
    }

    fn survey(&mut self, survey: &Survey) -> Surveyed {
        let now = self.clock.now();
        let (plan, limits) = (&self.settings.plan, &self.settings.limits);
        let judged = self.board.refresh(plan, limits, now);
        let (mut best, mut refused) = (None, Vec::new());
        let enterable = self.board.enterable(plan, limits, now);
        self.note_interest(&survey.held, &enterable, now.machine);
        self.asked = Some(survey.clone());
        let regrets = self.watch_shadows(now);
        let (plan, limits) = (&self.settings.plan, &self.settings.limits);
        for opportunity in enterable {
            let gate = barred(survey, &opportunity).or_else(|| self.unnamed(&opportunity.pair, now.machine));
            if let Some(gate) = gate {
                refused.push((opportunity, gate));
                continue;
            }
            match strategy::size(&opportunity, &self.board, &survey.exposure, limits) {
                Ok(entry) => {
                    best = Some(entry);
                    break;
                }
                Err(gate) => refused.push((opportunity, gate)),
            }
        }
        let stays = survey
            .held
            .iter()
            .map(|pair| self.board.stay(pair, plan, &limits.freshness, now))
            .collect();
        let leave = |pair| self.board.must_leave(pair, limits, now);
        let must_leave = survey.held.iter().map(leave).collect();
        Surveyed {
            best,
            refused,
            stays,
            must_leave,
            judged,
            regrets,
        }
    }
}

/// What bars a pair by its asset or by one of its venues.
fn barred(survey: &Survey, opportunity: &Opportunity) -> Option<Gate> {
    let Pair { long, short } = &opportunity.pair;
    let at_venue = || {
        [long, short]
            .into_iter()
            .find_map(|leg| survey.barred_venues.get(&leg.venue))
    };
    survey.barred.get(&opportunity.asset).or_else(at_venue).cloned()
}

#[derive(Message)]
#[rtype(result = "()")]
struct Begin;

impl Actor for Scanner {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        ctx.notify(Begin);
    }
}

impl Supervised for Scanner {}

impl Handler<Begin> for Scanner {
    type Result = ();

    fn handle(&mut self, _: Begin, ctx: &mut Self::Context) {
        ctx.run_interval(self.settings.heartbeat_every, |scanner, _| {
            let _ = scanner.supervisor.try_send(Heartbeat {
                actor: NAME,
                generation: 0,
            });
        });
    }
}

impl Handler<ListInstruments> for Scanner {
    type Result = ();

    fn handle(&mut self, ListInstruments(listed): ListInstruments, _: &mut Self::Context) {
        for (instrument, fees) in listed {
            self.board.list(instrument, fees);
        }
    }
}

impl Handler<MarketFacts> for Scanner {
    type Result = ();

    fn handle(&mut self, told: MarketFacts, _: &mut Self::Context) {
        let MarketFacts {
            facts,
            ahead_ms,
            venue,
            left_out,
        } = told;
        self.left_out.insert(venue, left_out);
        let ours = self.clock.now();
        let now = Now {
            market: ours.market.plus_millis(ahead_ms),
            ..ours
        };
        for fact in &facts {
            self.facts += u64::from(self.board.observe(fact, now));
        }
    }
}

impl Handler<SettlementsHeard> for Scanner {
    type Result = ();

    fn handle(&mut self, SettlementsHeard(id, rows): SettlementsHeard, _: &mut Self::Context) {
        self.board.recall(&id, &rows, &self.settings.plan);
    }
}

impl Handler<ActivityHeard> for Scanner {
    type Result = ();

    fn handle(&mut self, ActivityHeard(heard): ActivityHeard, _: &mut Self::Context) {
        for (id, activity) in heard {
            self.board.hear_activity(&id, activity);
        }
    }
}

impl Handler<ScannerSaid> for Scanner {
    type Result = ();

    fn handle(&mut self, ScannerSaid(naming): ScannerSaid, _: &mut Self::Context) {
        if let Some(named) = &mut self.named {
            named.hear(naming, self.clock.now());
        }
    }
}

impl Handler<GetEnterable> for Scanner {
    type Result = Vec<(Pair, Bps)>;

    fn handle(&mut self, GetEnterable { most }: GetEnterable, _: &mut Self::Context) -> Self::Result {
        let (now, plan, limits) = (self.clock.now(), &self.settings.plan, &self.settings.limits);
        self.board.refresh(plan, limits, now);
        let enterable = self.board.enterable(plan, limits, now).into_iter();
        enterable
            .filter_map(|one| Some((one.pair, one.outlook?.net())))
            .take(most)
            .collect()
    }
}

impl Handler<MarketLost> for Scanner {
    type Result = ();

    fn handle(&mut self, lost: MarketLost, _: &mut Self::Context) {
        self.board.forget(lost.venue, lost.product);
    }
}

impl Handler<GetBook> for Scanner {
    type Result = Option<Heard<Arc<Book>>>;

    fn handle(&mut self, GetBook(id): GetBook, _: &mut Self::Context) -> Self::Result {
        self.board.listing(&id).and_then(|listing| listing.book.clone())
    }
}

impl Handler<Survey> for Scanner {
    type Result = MessageResult<Survey>;

    fn handle(&mut self, survey: Survey, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.survey(&survey))
    }
}

impl Handler<Observe> for Scanner {
    type Result = MessageResult<Observe>;

    fn handle(&mut self, _: Observe, _: &mut Self::Context) -> Self::Result {
        let now = self.clock.now();
        self.board.refresh(&self.settings.plan, &self.settings.limits, now);
        MessageResult(self.shown(now))
    }
}
