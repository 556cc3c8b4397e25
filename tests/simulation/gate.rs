//! The last gate before the wire, with the strategy's own checks removed: whatever is decided, it holds (RI-1).

use std::collections::BTreeMap;
use std::time::Duration;

use actors::messages::{Execute, Intent, JobEnded, Survey};
use domain::money::{AssetQuantity, Usd};
use domain::risk::{Exposure, Gate, Losses};
use rust_decimal::Decimal;
use tokio::time::sleep;

use crate::faults::stage;

/// A strategist that knows of nothing that is held, takes what it is shown, and up to six times of it.
#[test]
fn with_the_strategys_checks_removed_the_last_gate_still_holds() {
    stage::play(7, async |stage| {
        stage.until_running().await;
        let engine = stage.world.engine.clone();
        let (mut no_room, mut begun) = (0, 0);
        for turn in 0..30 {
            let survey = Survey {
                exposure: Exposure::default(),
                barred: BTreeMap::new(),
                held: Vec::new(),
            };
            sleep(Duration::from_secs(20)).await;
            let Some(mut entry) = engine.scanner.send(survey).await.unwrap().best else {
                continue;
            };
            let times = Decimal::from(1 + turn % 6);
            entry.target = AssetQuantity(entry.target.0 * times);
            entry.notional = Usd(entry.notional.0 * times);
            let intent = Intent::Enter {
                entry: Box::new(entry),
                decided_at: stage.world.clock().now().machine,
                exposure: Exposure::default(),
                losses: Losses::default(),
            };
            match engine.executor.send(Execute(intent)).await.unwrap() {
                JobEnded::Refused(Gate::NoRoom { .. }) => no_room += 1,
                JobEnded::Rested(..) => begun += 1,
                _ => {}
            }
        }
        println!("{no_room} had no room, {begun} were begun");
        assert!(no_room > 0, "no decision was beyond a cap");
        stage.ends_well().await;
    });
}
