//! A world of days: hedges are opened, held over many settlements and left, while lines fail now and then.

use std::time::Duration;

use actors::settings::Manner;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use slog::Logger;

use super::{Tamper, World, WorldError, WorldOptions, WorldReport};

/// How often ledger and venues are held against each other (I4), in virtual hours.
const COMPARE_EVERY: u32 = 3;

/// How many of the [`FAULTS`], from the first, lose the answer to an order.
const ORDER_FAULTS: usize = 3;

/// The faults that a world draws from, as rules of the simulator; each heals by itself or is cleared.
const FAULTS: [&str; 7] = [
    r#"{"rules":[{"venue":"bybit","link":"rest","match":{"method":"POST","path":"/v5/order/create"},"action":"DROP_RESP"}]}"#,
    r#"{"rules":[{"venue":"binance","link":"rest","match":{"method":"POST","path":"/fapi/v1/order"},"action":"DROP_RESP"}]}"#,
    r#"{"rules":[{"venue":"binance","link":"rest","match":{"method":"POST","path":"/api/v3/order"},"action":"DROP_RESP"}]}"#,
    r#"{"rules":[{"venue":"bybit","link":"rest","match":{"method":"GET"},"count":3,"action":"DELAY","args":{"ms":2500}}]}"#,
    r#"{"rules":[{"venue":"binance","link":"public","action":"RESET"}]}"#,
    r#"{"rules":[{"venue":"bybit","link":"private","action":"RESET"}]}"#,
    r#"{"rules":[{"venue":"binance","link":"rest","match":{"method":"GET"},"count":2,"action":"REPLY","args":{"status":503,"body":"{}"}}]}"#,
];

/// Runs a world to its end.
///
/// # Errors
/// When it cannot be made; what goes wrong inside it is in the report.
pub async fn run(options: WorldOptions, tamper: Option<Tamper>, log: Logger) -> Result<WorldReport, WorldError> {
    run_in(options, Manner::default(), tamper, log).await
}

/// The same, with entries that are carried out in their own manner.
///
/// # Errors
/// As [`run`].
pub async fn run_in(
    options: WorldOptions,
    manner: Manner,
    tamper: Option<Tamper>,
    log: Logger,
) -> Result<WorldReport, WorldError> {
    let world = World::make_in(options, manner, None, tamper.as_ref(), &log).await?;
    let mut chance = ChaCha8Rng::seed_from_u64(options.seed ^ 0x5eed);
    if options.faults {
        fail_once(&world, chance.random_range(0..ORDER_FAULTS))?; // the first orders leave within minutes
    }
    for hour in 1..=options.hours {
        tokio::time::sleep(Duration::from_hours(1)).await;
        if world.ended().is_some() {
            break;
        }
        if options.faults && chance.random_range(0..4_u32) == 0 {
            fail_once(&world, chance.random_range(0..FAULTS.len()))?;
        }
        if hour % COMPARE_EVERY == 0 {
            world.compare().await;
        }
    }
    if options.faults {
        fail_once(&world, chance.random_range(0..ORDER_FAULTS))?; // closing meets faults as opening does
    }
    if !options.faults {
        world.is_calm().await;
    }
    world.wind_down().await;
    world.twin.clear_faults();
    world.compare().await;
    Ok(world.report().await)
}

/// Sets one of the [`FAULTS`].
fn fail_once(world: &World, pick: usize) -> Result<(), WorldError> {
    world.inject(FAULTS.get(pick).copied().unwrap_or_default())
}
