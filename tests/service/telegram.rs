//! A chat with the engine, against a Telegram on loopback: who is heard, what needs a code, what is kept.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::kit::{ENTERED_WITHIN, Engine, Folder, House, Venues, secs, wait_for};

const BOT: &str = "777:canary-bot-token";
const CHAT: i64 = -42;
const OWNER: i64 = 1001;
const SIGNING: &str = "canary-signing-secret-1";

/// One request that came in.
#[derive(Clone)]
struct Heard {
    path: String,
    head: String,
    body: String,
}

/// Telegram, as far as a bot sees it; whatever else is posted to it is kept as well.
#[derive(Clone)]
struct Telegram {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    updates: Arc<Mutex<Vec<Value>>>,
}

impl Telegram {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let telegram = Self {
            port: listener.local_addr().unwrap().port(),
            heard: Arc::default(),
            updates: Arc::default(),
        };
        let serving = telegram.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(socket));
            }
        });
        telegram
    }

    fn serve(&self, socket: TcpStream) {
        let mut reader = BufReader::new(socket);
        while let Some(heard) = request(&mut reader) {
            let answer = if heard.path.ends_with("/getUpdates") {
                self.news(&heard)
            } else {
                self.heard.lock().unwrap().push(heard);
                json!({ "ok": true, "result": {} })
            }
            .to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            if reader.get_mut().write_all((head + &answer).as_bytes()).is_err() {
                return;
            }
        }
    }

    /// Holds the question for a moment, and answers with what is new to the bot.
    fn news(&self, heard: &Heard) -> Value {
        assert_eq!(heard.path, format!("/bot{BOT}/getUpdates"));
        let offset = serde_json::from_str::<Value>(&heard.body).unwrap()["offset"]
            .as_i64()
            .unwrap();
        for _ in 0..20 {
            let updates = self.updates.lock().unwrap();
            let new: Vec<Value> = updates
                .iter()
                .filter(|one| one["update_id"].as_i64() >= Some(offset))
                .cloned()
                .collect();
            drop(updates);
            if !new.is_empty() {
                return json!({ "ok": true, "result": new });
            }
            std::thread::sleep(secs(1) / 10);
        }
        json!({ "ok": true, "result": [] })
    }

    /// Somebody writes something, so many seconds ago.
    fn write(&self, chat: i64, user: i64, text: &str, ago: u64) {
        let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - ago;
        let mut updates = self.updates.lock().unwrap();
        let id = 5_000 + updates.len();
        updates.push(json!({ "update_id": id, "message": {
            "message_id": id, "date": date, "chat": { "id": chat, "type": "group" },
            "from": { "id": user, "is_bot": false, "first_name": "X" }, "text": text,
        } }));
    }

    /// What the bot has answered, alerts left out.
    fn answers(&self) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let sent = heard.iter().filter(|one| one.path.ends_with("/sendMessage"));
        sent.map(|one| {
            let body: Value = serde_json::from_str(&one.body).unwrap();
            assert_eq!(body["chat_id"].to_string().trim_matches('"'), CHAT.to_string());
            body["text"].as_str().unwrap().to_owned()
        })
        .filter(|text| !text.starts_with("CRITICAL"))
        .collect()
    }

    /// What the owner is answered.
    fn tells(&self, text: &str) -> String {
        let before = self.answers().len();
        self.write(CHAT, OWNER, text, 0);
        wait_for(&format!("an answer to {text}"), secs(60), || {
            self.answers().get(before).cloned()
        })
    }

    /// Asks, and sends the code back.
    fn does(&self, text: &str) -> String {
        let asked = self.tells(text);
        self.tells(&format!("/confirm {}", code(&asked)))
    }
}

fn code(asked: &str) -> String {
    let (_, after) = asked
        .split_once("/confirm ")
        .unwrap_or_else(|| panic!("no code in {asked:?}"));
    after.split(' ').next().unwrap().to_owned()
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<Heard> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line.to_ascii_lowercase());
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = head
        .split(' ')
        .nth(1)?
        .replace("getupdates", "getUpdates")
        .replace("sendmessage", "sendMessage");
    Some(Heard {
        path,
        head,
        body: String::from_utf8(body).unwrap(),
    })
}

fn house(name: &str, venues: &Venues, telegram: &Telegram) -> House {
    let mut house = House::new(name).at(venues);
    let base = format!("http://127.0.0.1:{}", telegram.port);
    for (name, value) in [
        ("FUNDING_ARB__ALERTS__TELEGRAM_BASE_URL", base.as_str()),
        ("TELEGRAM_BOT_TOKEN", BOT),
        ("TELEGRAM_CHAT_ID", &CHAT.to_string()),
        ("FUNDING_ARB__ALERTS__TELEGRAM_COMMANDS", "true"),
        ("FUNDING_ARB__ALERTS__TELEGRAM_USERS", &OWNER.to_string()),
        ("FUNDING_ARB__ALERTS__WEBHOOK_URL", &format!("{base}/hook")),
        ("ALERT_WEBHOOK_SECRET", SIGNING),
    ] {
        house.set(name, value);
    }
    house
}

fn audited(engine: &Engine, action: &str) -> Vec<Value> {
    let all = engine.list("/audit");
    all.into_iter()
        .filter(|row| row["action"] == action && row["who"] == format!("telegram user {OWNER}"))
        .collect()
}

#[test]
fn the_owner_looks_and_commands_and_nobody_else_is_heard() {
    let folder = Folder::new("telegram");
    let (venues, telegram) = (Venues::start(&folder.0), Telegram::start());
    let mut house = house("telegram", &venues, &telegram);
    let mut engine = house.start();
    assert_eq!(engine.wait_ready(secs(60)), "running");

    // A stranger in the chat, the owner in another chat, and the owner of an hour ago.
    telegram.write(CHAT, 666, "/pause", 0);
    telegram.write(99, OWNER, "/pause", 0);
    telegram.write(CHAT, OWNER, "/pause", 3_600);
    assert!(
        telegram.tells("/status").starts_with("mode: running"),
        "{:?}",
        telegram.answers()
    );
    assert_eq!(
        telegram.answers().len(),
        1,
        "nobody else was answered: {:?}",
        telegram.answers()
    );
    assert!(telegram.tells("/help").contains("/close N"));
    assert!(telegram.tells("/why SOL").contains("SOL"));
    assert!(telegram.tells("/profit").starts_with("funding "));

    // Without its code nothing is done, with a wrong one neither, and a code dies with the first try.
    let asked = telegram.tells("/pause the venue is odd");
    assert_eq!(engine.mode(), "running");
    assert!(telegram.tells("/confirm 000000x").contains("nothing to confirm"));
    assert!(
        telegram
            .tells(&format!("/confirm {}", code(&asked)))
            .contains("nothing to confirm")
    );
    assert_eq!(engine.mode(), "running");
    telegram.write(CHAT, 666, &format!("/confirm {}", code(&asked)), 0);
    assert!(
        telegram
            .does("/pause the venue is odd")
            .contains("by hand: the venue is odd")
    );
    assert_eq!(engine.mode(), "paused");
    assert_eq!(audited(&engine, "pause").len(), 1, "{:?}", engine.list("/audit"));
    assert!(telegram.does("/resume").starts_with("mode: running"));
    assert_eq!(audited(&engine, "resume").len(), 1);

    // A hedge is left by its number.
    venues.funding("SOLUSDT", "0.004", "-0.003");
    wait_for("an open hedge", ENTERED_WITHIN, || engine.has_open().then_some(()));
    assert!(telegram.does("/pause").contains("no reason given"));
    let hedge = engine.hedges()[0]["id"].to_string().replace('"', "");
    assert!(telegram.does("/close 999999").contains("no open hedge"));
    assert!(telegram.does(&format!("/close {hedge}")).starts_with("leaving "));
    wait_for("a flat account", secs(60), || engine.hedges().is_empty().then_some(()));
    assert!(telegram.does("/close all").contains("nothing to leave"));
    assert!(!engine.process.logged().contains(BOT), "the token is in the log");

    // Every alert to the webhook is signed.
    let hooks: Vec<Heard> = telegram
        .heard
        .lock()
        .unwrap()
        .iter()
        .filter(|one| one.path == "/hook")
        .cloned()
        .collect();
    assert!(!hooks.is_empty());
    for hook in hooks {
        let header = |name: &str| {
            let line = hook
                .head
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_else(|| panic!("{}", hook.head));
            line.trim().to_owned()
        };
        let (stamp, signature) = (header("x-funding-arb-time:"), header("x-funding-arb-signature:"));
        let right = venues::shared::sign::hmac_sha256(&SIGNING.into(), &format!("{stamp}.{}", hook.body));
        assert_eq!(signature, format!("sha256={right}"));
    }
}

#[test]
fn a_group_without_named_users_is_refused() {
    let folder = Folder::new("telegram-group");
    let (venues, telegram) = (Venues::start(&folder.0), Telegram::start());
    let mut house = house("telegram-group", &venues, &telegram);
    house.set("FUNDING_ARB__ALERTS__TELEGRAM_USERS", "");
    let out = house.run(&["config", "check"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("alerts.telegram_users"), "{said}");
}
