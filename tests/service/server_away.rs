//! PostgreSQL under the real program: stopped, cut off, slow, read-only, losing answers, undoing commits. Exits go on where
//! they may, nothing is entered without a ledger, and in the end the ledger is the account.

use std::thread::sleep;
use std::time::Instant;

use serde_json::json;

use super::between::{Between, Commit};
use super::killed::{books_equal, every_row_is_in, naked, one_order_each};
use super::kit::{ENTERED_WITHIN, Engine, House, Venues, secs, wait_for};
use super::ledger_away::{hedge_of, holding_two, is_flat, keys};
use super::postgres::TempPg;
use super::webhook::Receiver;

struct Stage {
    venues: Venues,
    house: House,
    database: TempPg,
    wire: Between,
    people: Receiver,
}

impl Stage {
    /// Nobody else uses the ledger, by the owner's word, where `sole`.
    fn new(name: &str, sole: bool) -> Self {
        let mut house = House::new(name);
        let venues = Venues::start(&house.folder.0);
        house = house.at(&venues);
        let (database, people) = (TempPg::start(), Receiver::start());
        let wire = Between::start(&database.folder());
        house.set("DATABASE_URL", &wire.url("postgres"));
        house.set("FUNDING_ARB__LEDGER__SOLE_EXECUTOR", &sole.to_string());
        let hook = format!("http://127.0.0.1:{}/hook", people.port);
        house.set("FUNDING_ARB__ALERTS__WEBHOOK_URL", &hook);
        Self {
            venues,
            house,
            database,
            wire,
            people,
        }
    }

    fn flat(&self, symbol: &str) {
        wait_for(&format!("{symbol} to be flat at the venues"), secs(30), || {
            is_flat(&self.venues, symbol).then_some(())
        });
    }

    fn people_know(&self) {
        wait_for("people to be told past the outbox", secs(30), || {
            let texts = self.people.texts("/hook");
            texts
                .iter()
                .any(|text| text.contains("The ledger cannot be written"))
                .then_some(())
        });
    }

    /// The pause ends, nothing is held, and the ledger is the account.
    fn all_is_well(&mut self, mut engine: Engine) {
        wait_for("the pause to end", secs(60), || {
            // A person paused, and may have closed all.
            let by_people = |key: &String| key == "human" || key == "close_all";
            let keys = keys(&engine);
            (!keys.is_empty() && keys.iter().all(by_people)).then_some(())
        });
        engine.close_all();
        wait_for("nothing naked", secs(60), || {
            naked(&self.venues).is_empty().then_some(())
        });
        every_row_is_in(&self.venues, &engine);
        one_order_each(&self.venues, &engine);
        books_equal(&self.venues, &engine);
        assert_eq!(engine.status()["inconsistencies"], 0, "{}", engine.status());
        engine.process.signal("TERM");
        assert_eq!(
            engine.process.wait_end(secs(40)),
            Some(0),
            "{}",
            engine.process.logged()
        );
        let verified = self.house.run(&["ledger", "verify", "--json"]);
        let said = String::from_utf8_lossy(&verified.stdout);
        assert_eq!(verified.status.code(), Some(0), "{said}");
    }
}

fn close(engine: &Engine, hedge: &str) {
    assert_eq!(engine.post(&format!("/hedges/{hedge}/close"), None).0, 202);
}

#[test]
fn f094_exits_go_on_while_postgresql_is_stopped_and_their_rows_follow() {
    let mut stage = Stage::new("pg-stopped", true);
    let (engine, [first, second]) = holding_two(&mut stage.house, &stage.venues);
    stage.database.stop();
    close(&engine, &first);
    stage.flat("ETHUSDT");
    stage.people_know();
    // Beyond any term that the ledger knows of.
    sleep(secs(20));
    close(&engine, &second);
    stage.flat("SOLUSDT");
    assert!(keys(&engine).contains(&"ledger_unavailable".to_owned()));
    stage.database.go_on();
    stage.all_is_well(engine);
}

#[test]
fn f106_without_the_owners_word_nothing_is_sent_after_the_term_while_postgresql_is_stopped() {
    let mut stage = Stage::new("pg-cut-off", false);
    let (engine, [first, second]) = holding_two(&mut stage.house, &stage.venues);
    stage.database.stop();
    close(&engine, &first);
    stage.flat("ETHUSDT");
    sleep(secs(16)); // the term is over
    let orders = stage.venues.rows("orders").len();
    engine.post(&format!("/hedges/{second}/close"), None);
    sleep(secs(5));
    assert_eq!(stage.venues.rows("orders").len(), orders, "sent after the lease");
    assert!(hedge_of(&engine, "SOLUSDT").is_some());
    stage.database.go_on();
    stage.all_is_well(engine);
}

#[test]
fn f098_exits_go_on_while_postgresql_is_read_only_and_their_rows_follow() {
    let mut stage = Stage::new("pg-read-only", true);
    let (engine, [first, second]) = holding_two(&mut stage.house, &stage.venues);
    let read_only = |to: &str| {
        stage
            .database
            .say(&format!("ALTER SYSTEM SET default_transaction_read_only = {to}"));
        stage.database.say("SELECT pg_reload_conf()");
    };
    read_only("on");
    close(&engine, &first);
    stage.flat("ETHUSDT");
    stage.people_know();
    close(&engine, &second);
    stage.flat("SOLUSDT");
    read_only("off");
    stage.all_is_well(engine);
}

#[test]
fn f105_connections_that_the_server_ends_cost_neither_the_lease_nor_a_row() {
    let mut stage = Stage::new("pg-cut", true);
    let (engine, [first, _]) = holding_two(&mut stage.house, &stage.venues);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    for _ in 0..5 {
        stage.database.say(cut);
        sleep(secs(1));
    }
    stage.database.say(cut);
    close(&engine, &first);
    stage.database.say(cut);
    stage.flat("ETHUSDT");
    assert_eq!(engine.status()["lease"]["epoch"], 1, "{}", engine.status());
    stage.all_is_well(engine);
}

#[test]
fn f098_a_server_that_is_followed_by_another_start_of_it_is_found_again() {
    let mut stage = Stage::new("pg-failover", true);
    let (engine, [first, second]) = holding_two(&mut stage.house, &stage.venues);
    for hedge in [&first, &second] {
        stage.database.stop();
        close(&engine, hedge);
        stage.database.go_on();
    }
    stage.flat("ETHUSDT");
    stage.flat("SOLUSDT");
    stage.all_is_well(engine);
}

#[test]
fn f095_exits_do_not_wait_for_a_slow_postgresql_and_nothing_is_entered_on_what_has_aged() {
    let mut stage = Stage::new("pg-slow", true);
    let (engine, [first, _]) = holding_two(&mut stage.house, &stage.venues);
    stage.wire.slow(secs(3));
    let asked = Instant::now();
    close(&engine, &first);
    stage.flat("ETHUSDT");
    println!(
        "flat after {:.1} s with 3 s for each message",
        asked.elapsed().as_secs_f32()
    );
    stage.wire.slow(secs(0));
    stage.all_is_well(engine);
}

/// One life with commits that go wrong in this way while a hedge is entered and while it is left.
fn commits_go_wrong(name: &str, what: Commit) {
    let mut stage = Stage::new(name, true);
    let mut engine = stage.house.start();
    engine.wait_ready(secs(60));
    let mut tampered = 0;
    for symbol in ["ETHUSDT", "SOLUSDT"] {
        stage.venues.funding(symbol, "0.004", "-0.002");
        // One at a time: what is asked again is answered. An entry that is taken back, because its second leg did not become
        // durable in time, is an end as good as any.
        let (began, closed) = (Instant::now(), engine.status()["hedges_closed"].clone());
        wait_for("a hedge of it, or its end", ENTERED_WITHIN, || {
            if began.elapsed() < secs(20) {
                stage.wire.commits(what, 1);
                sleep(std::time::Duration::from_millis(300));
                tampered += stage.wire.done();
            }
            let is_over = engine.status()["hedges_closed"] != closed;
            (is_over || hedge_of(&engine, symbol).is_some()).then_some(())
        });
    }
    engine.post("/pause", Some(&json!({ "reason": "only exits from here" })));
    stage.wire.commits(what, 3);
    engine.close_all();
    assert!(is_flat(&stage.venues, "ETHUSDT") && is_flat(&stage.venues, "SOLUSDT"));
    tampered += stage.wire.done();
    println!("{tampered} commits went wrong as {what:?}");
    assert!(tampered >= 5, "too few commits went wrong: {tampered}");
    stage.all_is_well(engine);
}

#[test]
fn f097_commits_whose_answer_is_lost_are_neither_doubled_nor_forgotten() {
    commits_go_wrong("pg-lost-answer", Commit::LoseAnswer);
}

#[test]
fn f097_commits_that_never_arrive_are_asked_again() {
    commits_go_wrong("pg-lost-commit", Commit::LoseRequest);
}

#[test]
fn f097_commits_that_are_answered_late_hold_up_no_exit() {
    commits_go_wrong("pg-late", Commit::Late(std::time::Duration::from_millis(700)));
}

#[test]
fn f096_commits_that_a_server_undoes_are_written_again_whole() {
    commits_go_wrong("pg-undone", Commit::Undo("40P01"));
}
