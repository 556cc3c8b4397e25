//! The last gate before the wire, with the strategy's own checks removed: whatever is decided, it holds (RI-1).

use std::collections::BTreeMap;
use std::time::Duration;

use actors::messages::{Execute, Intent, JobEnded, Survey};
use domain::money::{AssetQuantity, Usd};
use domain::risk::{Exposure, Gate, Losses};
use rust_decimal::Decimal;
use tokio::time::sleep;

use crate::faults::stage;

/// A strategist that knows of nothing that is held, takes what it is shown, and up to six times of it. It turns to
/// another asset only where the gate says that one is hedged already.
#[test]
fn with_the_strategys_checks_removed_the_last_gate_still_holds() {
    stage::play(7, async |stage| {
        stage.until_running().await;
        let engine = stage.world.engine.clone();
        let mut barred = BTreeMap::new();
        let (mut no_room, mut begun, mut others) = (0, 0, Vec::new());
        for turn in 0..30 {
            let survey = Survey {
                exposure: Exposure::default(),
                barred: barred.clone(),
                barred_venues: BTreeMap::new(),
                held: Vec::new(),
                paused: None,
                losses: Losses::default(),
            };
            sleep(Duration::from_secs(20)).await;
            let Some(mut entry) = engine.scanner.send(survey).await.unwrap().best else {
                others.push("nothing pays".to_owned());
                barred.clear();
                continue;
            };
            let asset = entry.opportunity.asset.clone();
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
                JobEnded::Refused(gate @ Gate::AlreadyHedged) => drop(barred.insert(asset, gate)),
                JobEnded::Rested(..) => begun += 1,
                other => others.push(format!("{other:?}")),
            }
        }
        println!("{no_room} had no room, {begun} were begun, {others:?}");
        assert!(no_room > 0, "no decision was beyond a cap: {others:?}");
        stage.ends_well().await;
    });
}
