//! The ledger is taken away from the real program while hedges must close.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::killed::{books_equal, naked, one_order_each};
use super::kit::{ENTERED_WITHIN, Engine, House, Venues, secs, wait_for};
use super::webhook::Receiver;

/// Whether the venues hold nothing of this symbol any more.
pub fn is_flat(venues: &Venues, symbol: &str) -> bool {
    let holds = |(_, row): &(String, Value)| {
        row["symbol"] == symbol
            && row["quantity"]
                .as_str()
                .is_some_and(|text| text.parse() != Ok(Decimal::ZERO))
    };
    !venues.rows("positions").iter().any(holds) && !naked(venues).contains_key(symbol)
}

pub fn hedge_of(engine: &Engine, symbol: &str) -> Option<Value> {
    engine
        .hedges()
        .into_iter()
        .find(|hedge| hedge["symbol"] == symbol && hedge["state"] == "open")
}

fn number(hedge: &Value) -> String {
    hedge["id"]
        .as_str()
        .map_or_else(|| hedge["id"].to_string(), ToOwned::to_owned)
}

pub fn keys(engine: &Engine) -> Vec<String> {
    let status = engine.status();
    let reasons = status["pause_reasons"].as_array().unwrap();
    reasons
        .iter()
        .map(|one| one["key"].as_str().unwrap().to_owned())
        .collect()
}

/// Two hedges are open and entries are over.
pub fn holding_two(house: &mut House, venues: &Venues) -> (Engine, [String; 2]) {
    let mut engine = house.start();
    engine.wait_ready(secs(60));
    let numbers = ["ETHUSDT", "SOLUSDT"].map(|symbol| {
        venues.funding(symbol, "0.004", "-0.002");
        number(&wait_for("an open hedge", ENTERED_WITHIN, || hedge_of(&engine, symbol)))
    });
    engine.post("/pause", Some(&json!({ "reason": "only exits from here" })));
    (engine, numbers)
}

#[test]
fn f101_exits_go_on_while_the_database_is_locked_and_their_rows_follow() {
    let mut house = House::new("locked");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let pager = Receiver::start();
    house.set(
        "FUNDING_ARB__ALERTS__WEBHOOK_URL",
        &format!("http://127.0.0.1:{}/hook", pager.port),
    );
    let (mut engine, [first, second]) = holding_two(&mut house, &venues);
    let orders = engine.list("/orders").len();

    let mut hog = SqliteConnection::establish(&house.ledger().display().to_string()).unwrap();
    hog.batch_execute("PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE")
        .unwrap();
    assert_eq!(engine.post(&format!("/hedges/{first}/close"), None).0, 202);
    wait_for("the first hedge to be flat at the venues", secs(60), || {
        is_flat(&venues, "ETHUSDT").then_some(())
    });
    let told = || {
        pager
            .texts("/hook")
            .iter()
            .any(|text| text.contains("The ledger cannot be written"))
    };
    wait_for("people to be told past the outbox", secs(30), || told().then_some(()));
    // Beyond any term that the ledger knows of.
    sleep(secs(20));
    assert_eq!(engine.post(&format!("/hedges/{second}/close"), None).0, 202);
    wait_for("the second hedge to be flat at the venues", secs(60), || {
        is_flat(&venues, "SOLUSDT").then_some(())
    });
    assert_eq!(engine.list("/orders").len(), orders, "the ledger knows of none of that");
    assert!(
        keys(&engine).contains(&"ledger_unavailable".to_owned()),
        "{}",
        engine.status()
    );
    hog.batch_execute("ROLLBACK").unwrap();

    wait_for("the pause to end", secs(60), || {
        (keys(&engine) == ["human"]).then_some(())
    });
    wait_for("no hedge", secs(60), || engine.hedges().is_empty().then_some(()));
    one_order_each(&venues, &engine);
    assert_eq!(engine.list("/fills").len(), venues.rows("fills").len());
    assert_eq!(engine.status()["inconsistencies"], 0);
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(40)), Some(0));
    let verified = house.run(&["ledger", "verify", "--json"]);
    assert_eq!(
        verified.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
}

#[test]
fn f082_what_a_killed_process_kept_beside_the_ledger_comes_first_at_the_next_start() {
    let mut house = House::new("locked-and-killed");
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let (mut engine, [first, _]) = holding_two(&mut house, &venues);
    let mut hog = SqliteConnection::establish(&house.ledger().display().to_string()).unwrap();
    hog.batch_execute("PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE")
        .unwrap();
    engine.post(&format!("/hedges/{first}/close"), None);
    let sent = venues.rows("orders").len();
    wait_for("an order beside the ledger", secs(60), || {
        (venues.rows("orders").len() > sent).then_some(())
    });
    engine.process.kill();
    hog.batch_execute("ROLLBACK").unwrap();
    drop(hog);

    let mut engine = house.start();
    engine.wait_ready(secs(60));
    assert!(
        engine
            .process
            .logged()
            .contains("the ledger has taken what an earlier life kept beside it")
    );
    engine.close_all();
    wait_for("flat", secs(60), || naked(&venues).is_empty().then_some(()));
    one_order_each(&venues, &engine);
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(40)), Some(0));
    assert_eq!(house.run(&["ledger", "verify"]).status.code(), Some(0));
}

/// A small disk under a folder; it goes with its test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where nothing may be mounted.
    fn under(folder: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&folder).unwrap();
        let words = ["-t", "tmpfs", "-o", "size=16m", "none"];
        let mounted = Command::new("mount").args(words).arg(&folder).output().unwrap();
        mounted.status.success().then_some(Self(folder))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Writes until there is no room for another byte.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.filler()).unwrap();
        for size in [1 << 16, 1 << 9, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn f100_exits_go_on_while_the_disk_is_full_and_their_rows_follow() {
    let mut house = House::new("disk-full");
    let Some(disk) = SmallDisk::under(house.folder.0.join("data")) else {
        println!("SKIPPED: a disk that is full needs the right to mount one");
        return;
    };
    let venues = Venues::start(&house.folder.0);
    house = house.at(&venues);
    let pager = Receiver::start();
    house.set(
        "FUNDING_ARB__ALERTS__WEBHOOK_URL",
        &format!("http://127.0.0.1:{}/hook", pager.port),
    );
    let (mut engine, [first, second]) = holding_two(&mut house, &venues);
    disk.fill();
    engine.post(&format!("/hedges/{first}/close"), None);
    wait_for("the first hedge to be flat at the venues", secs(30), || {
        is_flat(&venues, "ETHUSDT").then_some(())
    });
    wait_for("people to be told past the outbox", secs(60), || {
        let texts = pager.texts("/hook");
        texts
            .iter()
            .any(|text| text.contains("The ledger cannot be written"))
            .then_some(())
    });
    // Beyond any term that the ledger knows of.
    sleep(secs(16));
    engine.post(&format!("/hedges/{second}/close"), None);
    wait_for("the second hedge to be flat at the venues", secs(30), || {
        is_flat(&venues, "SOLUSDT").then_some(())
    });
    disk.free();
    wait_for("the pause to end", secs(60), || {
        (keys(&engine) == ["human"]).then_some(())
    });
    wait_for("no hedge", secs(60), || engine.hedges().is_empty().then_some(()));
    one_order_each(&venues, &engine);
    books_equal(&venues, &engine);
    engine.process.signal("TERM");
    assert_eq!(engine.process.wait_end(secs(40)), Some(0));
    let verified = house.run(&["ledger", "verify", "--json"]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert_eq!(verified.status.code(), Some(0), "{said}");
}
