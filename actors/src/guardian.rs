//! Keeps one actor alive.
//!
//! actix's own supervisor does not survive a panic and restarts without waiting. A guardian polls the actor's context
//! itself: a panic becomes a [`Fault`], the mailbox (and so every address held elsewhere) outlives the actor that died,
//! and each new life waits longer than the last. Too many deaths in too short a time escalate.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as Waker, Poll};
use std::time::Duration;

use actix::dev::ContextFut;
use actix::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, Sleep, sleep};

/// How often an actor may die, and how long it waits before its next life.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The wait after a first death; it doubles with each further one.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// Deaths that are borne within `within`; one more escalates.
    pub deaths: usize,
    /// The time over which deaths are counted.
    pub within: Duration,
    /// Whether an actor that died too often is still brought back, at the longest wait. A feed is: its venue may return.
    pub persistent: bool,
}

impl Policy {
    /// Feeds: half a second to half a minute; five failures in a minute degrade the venue, and it is still retried.
    pub const FEED: Self = Self {
        first_wait: Duration::from_millis(500),
        longest_wait: Duration::from_secs(30),
        deaths: 4,
        within: Duration::from_mins(1),
        persistent: true,
    };

    /// The money path: the first death is the last.
    pub const MONEY: Self = Self {
        first_wait: Duration::ZERO,
        longest_wait: Duration::ZERO,
        deaths: 0,
        within: Duration::from_mins(1),
        persistent: false,
    };
}

/// Why a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It panicked with these words.
    Panicked(String),
    /// It stopped itself: a feed that ended.
    Stopped,
}

/// What a guardian tells its boss.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Fault {
    /// Whose life ended.
    pub child: &'static str,
    /// Why.
    pub cause: Cause,
    /// How long until the next life; `None` when there is none.
    pub wait: Option<Duration>,
    /// Whether it died more often than its policy bears.
    pub escalates: bool,
}

/// Polls one actor through its lives.
pub struct Guardian<A: Supervised + Actor<Context = Context<A>>> {
    child: &'static str,
    policy: Policy,
    boss: Recipient<Fault>,
    jitter: ChaCha8Rng,
    life: Option<ContextFut<A, Context<A>>>,
    /// Held so that the mailbox stays open: an actor that nobody writes to, a feed, must still be brought back.
    _address: Addr<A>,
    asleep: Option<Pin<Box<Sleep>>>,
    deaths: VecDeque<Instant>,
}

impl<A: Supervised + Actor<Context = Context<A>>> Guardian<A> {
    /// Starts an actor under a guardian on this arbiter. `seed` draws the jitter of its waits.
    pub fn start(
        child: &'static str,
        policy: Policy,
        boss: Recipient<Fault>,
        seed: u64,
        make: impl FnOnce(&mut Context<A>) -> A,
    ) -> Addr<A> {
        let mut ctx = Context::new();
        let actor = make(&mut ctx);
        let addr = ctx.address();
        Self::adopt(child, policy, boss, seed, ctx, actor);
        addr
    }

    /// As [`Self::start`], for an actor whose address was needed before it was made.
    pub fn adopt(child: &'static str, policy: Policy, boss: Recipient<Fault>, seed: u64, ctx: Context<A>, actor: A) {
        let jitter = ChaCha8Rng::seed_from_u64(seed);
        let address = ctx.address();
        let life = Some(ctx.into_future(actor));
        let deaths = VecDeque::new();
        actix_rt::spawn(Self {
            child,
            policy,
            boss,
            jitter,
            life,
            _address: address,
            asleep: None,
            deaths,
        });
    }

    fn count_death(&mut self) -> usize {
        let now = tokio::time::Instant::now();
        while self
            .deaths
            .front()
            .is_some_and(|then| now.duration_since(*then) > self.policy.within)
        {
            self.deaths.pop_front();
        }
        self.deaths.push_back(now);
        self.deaths.len()
    }

    /// Doubles with each recent death; the upper half of it is drawn, so that feeds do not return in step.
    fn wait(&mut self, deaths: usize) -> Duration {
        let doublings = u32::try_from(deaths.saturating_sub(1)).unwrap_or(16).min(16);
        let ceiling = self
            .policy
            .first_wait
            .saturating_mul(1 << doublings)
            .min(self.policy.longest_wait);
        let half = u64::try_from(ceiling.as_millis() / 2).unwrap_or(u64::MAX);
        Duration::from_millis(half.saturating_add(if half == 0 {
            0
        } else {
            self.jitter.random_range(0..=half)
        }))
    }

    /// Dropping a context runs the actor's own hooks, and those may panic too.
    fn bury(&mut self) {
        if let Some(life) = self.life.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(life)));
        }
    }

    /// Decides what follows a death; true when there is another life.
    fn mourn(&mut self, cause: Cause) -> bool {
        let deaths = self.count_death();
        let escalates = deaths > self.policy.deaths;
        let wait = (!escalates || self.policy.persistent).then(|| self.wait(deaths));
        let fault = Fault {
            child: self.child,
            cause,
            wait,
            escalates,
        };
        // A boss whose mailbox is full is itself in trouble; its watchdog speaks for it.
        let _ = self.boss.try_send(fault);
        match wait {
            Some(wait) => self.asleep = Some(Box::pin(sleep(wait))),
            None => self.bury(),
        }
        wait.is_some()
    }
}

impl<A: Supervised + Actor<Context = Context<A>>> Drop for Guardian<A> {
    fn drop(&mut self) {
        self.bury();
    }
}

impl<A: Supervised + Actor<Context = Context<A>>> Future for Guardian<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Waker<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            let mut waking = false;
            if let Some(nap) = this.asleep.as_mut() {
                if nap.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                (this.asleep, waking) = (None, true);
            }
            let Some(life) = this.life.as_mut() else {
                return Poll::Ready(());
            };
            let turn = catch_unwind(AssertUnwindSafe(|| {
                let addressed = !waking || life.restart();
                addressed.then(|| Pin::new(life).poll(cx))
            }));
            let cause = match turn {
                Ok(Some(Poll::Pending)) => return Poll::Pending,
                Ok(Some(Poll::Ready(()))) => Cause::Stopped,
                Ok(None) => {
                    this.bury(); // nobody can address it any more
                    return Poll::Ready(());
                }
                Err(panic) => Cause::Panicked(words(panic)),
            };
            if !this.mourn(cause) {
                return Poll::Ready(());
            }
        }
    }
}

fn words(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic
            .downcast::<&str>()
            .map_or_else(|_| "a panic without words".to_owned(), |text| (*text).to_owned()),
    }
}
