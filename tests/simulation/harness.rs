//! Worlds on threads of their own, with a clock that waits for nobody.

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use actors::settings::Manner;
use funding_arb::world::{Tamper, WorldOptions, WorldReport, campaign, run_in};
use slog::{Discard, Logger, o};
use tokio::runtime::Builder;

/// Why a world did not come to its end.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What a world may last beyond its hours, in virtual time, to leave its hedges and be compared.
const WINDING_DOWN: Duration = Duration::from_hours(24);

/// Runs one world in virtual time on this thread. A world that does not come to its end is a failure.
pub fn play(options: WorldOptions, tamper: Option<Tamper>) -> Result<WorldReport, Failure> {
    play_in(options, Manner::default(), tamper)
}

/// The same, with entries that are carried out in their own manner; a campaign's worlds have none.
pub fn play_in(options: WorldOptions, manner: Manner, tamper: Option<Tamper>) -> Result<WorldReport, Failure> {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let most = Duration::from_hours(u64::from(options.hours)) + WINDING_DOWN;
    let log = Logger::root(Discard, o!());
    let world = async move {
        if options.campaign {
            campaign::play(options, tamper, log).await
        } else {
            run_in(options, manner, tamper, log).await
        }
    };
    let bounded = async { tokio::time::timeout(most, world).await };
    let ended = actix::System::with_tokio_rt(|| runtime).block_on(bounded);
    Ok(ended.map_err(|_| "the world did not come to its end")??)
}

/// Does all jobs, as many at once as there are cores; the answers are in the order of the jobs.
pub fn on_all_cores<J: Sync, A: Send>(jobs: &[J], work: impl Fn(&J) -> A + Sync) -> Vec<A> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(jobs.len()));
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        for _ in 0..cores.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { return };
                    let answer = work(job);
                    done.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((index, answer));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, answer)| answer).collect()
}
