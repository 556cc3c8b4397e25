//! The simulator on a thread of its own: three listeners on loopback, and a line to it.

use std::net::TcpListener;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use actix::Arbiter;
use simulator::exchange::{AccountSpec, Event};
use simulator::faults::Rule;
use simulator::market::{Generated, GeneratedOptions, MarketError, Ms, Recorded, RecordedOptions, Source};
use simulator::serve::{Options, Twin};
use simulator::wire::Host;
use tokio::sync::{mpsc, oneshot};

use crate::clock::ScaledClock;
use crate::witness::Witness;

/// How a twin is to run.
pub struct TwinOptions {
    /// The customers.
    pub accounts: Vec<AccountSpec>,
    /// Goes into ids.
    pub seed: u64,
    /// Market seconds per machine second.
    pub speed: u32,
    /// How often market data is pushed.
    pub push_every: Duration,
    /// Faults in force from the start.
    pub faults: Vec<Rule>,
}

/// Told of each event, on the simulator's thread.
pub type Tell = Box<dyn FnMut(&Event, Ms) + Send>;

type Errand = Box<dyn FnOnce(&Twin) + Send>;

/// A line to the simulator's thread.
pub struct TwinLine {
    errands: mpsc::UnboundedSender<Errand>,
    arbiter: Arbiter,
    /// Binance spot, Binance USDⓈ-M, Bybit.
    pub ports: [u16; 3],
}

impl TwinLine {
    /// Starts the simulator behind three listeners: Binance spot, Binance USDⓈ-M, Bybit.
    ///
    /// # Errors
    /// When a listener cannot be used.
    pub fn start(
        source: Box<dyn Source + Send>,
        options: TwinOptions,
        clock: ScaledClock,
        listeners: [TcpListener; 3],
        witness: Option<(Witness, Tell)>,
    ) -> std::io::Result<Self> {
        let mut ports = [0; 3];
        for (port, listener) in ports.iter_mut().zip(&listeners) {
            *port = listener.local_addr()?.port();
            listener.set_nonblocking(true)?;
        }
        let (errands, queue) = mpsc::unbounded_channel();
        let arbiter = Arbiter::new();
        arbiter.spawn_fn(move || {
            let now: Rc<dyn Fn() -> Ms> = Rc::new(move || clock.read().market.millis());
            let TwinOptions {
                accounts,
                seed,
                speed,
                push_every,
                faults,
            } = options;
            let twin = Twin::new(
                source,
                Options {
                    accounts,
                    seed,
                    speed,
                    push_every,
                },
                now,
            );
            actix_rt::spawn(serve(twin, listeners, queue, faults, witness));
        });
        Ok(Self {
            errands,
            arbiter,
            ports,
        })
    }

    /// Does something on the simulator's thread and brings back what came of it; `None` when the thread is gone.
    pub async fn ask<T: Send + 'static>(&self, errand: impl FnOnce(&Twin) -> T + Send + 'static) -> Option<T> {
        let (answer, told) = oneshot::channel();
        let errand: Errand = Box::new(move |twin| drop(answer.send(errand(twin))));
        self.errands.send(errand).ok()?;
        told.await.ok()
    }

    /// Ends the simulator's thread.
    pub fn stop(self) {
        self.arbiter.stop();
        let _ = self.arbiter.join();
    }
}

async fn serve(
    twin: Twin,
    listeners: [TcpListener; 3],
    mut errands: mpsc::UnboundedReceiver<Errand>,
    faults: Vec<Rule>,
    witness: Option<(Witness, Tell)>,
) {
    if let Some((witness, mut tell)) = witness {
        twin.on_event(Box::new(move |event, at| {
            witness.venue(event, at);
            tell(event, at);
        }));
    }
    // The rules of a file were read before the start; an act among them that cannot be done is not a reason to die.
    let _ = twin.inject(faults);
    for (host, listener) in Host::ALL.into_iter().zip(listeners) {
        if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
            let twin = twin.clone();
            actix_rt::spawn(async move { twin.listen(host, listener).await });
        }
    }
    let running = twin.clone();
    actix_rt::spawn(async move { running.run().await });
    while let Some(errand) = errands.recv().await {
        errand(&twin);
    }
}

/// A market to play: a recorded one from a folder, or a generated one.
///
/// # Errors
/// What is wrong with the folder: file, line and column.
pub fn market(
    folder: Option<&Path>,
    seed: u64,
    options: GeneratedOptions,
) -> Result<Box<dyn Source + Send>, MarketError> {
    Ok(match folder {
        Some(folder) => Box::new(Recorded::load(folder, &RecordedOptions::default())?),
        None => Box::new(Generated::new(seed, options)),
    })
}
