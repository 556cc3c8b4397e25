//! What is told as it happens, and how often control may be called.

use domain::journal::{Batch, Record};
use domain::order::Epoch;
use domain::ports::Journal as _;

use super::*;

/// An open stream, read as it comes.
struct Listening {
    socket: TcpStream,
    heard: String,
}

impl Listening {
    async fn to(house: &House) -> Self {
        let mut socket = TcpStream::connect(house.at).await.unwrap();
        let head = format!("GET /events HTTP/1.1\r\nHost: {}\r\n{}\r\n", house.at, bearer(READER));
        socket.write_all(head.as_bytes()).await.unwrap();
        Self {
            socket,
            heard: String::new(),
        }
    }

    /// Reads until it has heard this.
    async fn hears(&mut self, word: &str) {
        let mut piece = [0; 4096];
        while !self.heard.contains(word) {
            let read = tokio::time::timeout(Duration::from_secs(10), self.socket.read(&mut piece));
            let read = read
                .await
                .unwrap_or_else(|_| panic!("no {word:?} in {:?}", self.heard))
                .unwrap();
            assert!(read > 0, "the stream has ended before {word:?}: {:?}", self.heard);
            self.heard.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        }
    }
}

#[actix_web::test]
async fn events_tell_what_changes_as_it_changes() {
    let house = House::open(USUAL).await;
    house.health.set_mode("running");
    let mut listening = Listening::to(&house).await;
    listening.hears("text/event-stream").await;
    listening.hears("retry: 3000").await;
    listening.hears("event: status").await;
    listening.hears("\"mode\":\"running\"").await;
    house.health.set_mode("paused");
    listening.hears("\"mode\":\"paused\"").await;
    assert!(
        !listening.heard.contains("event: audit"),
        "what was before is in the lists"
    );
    let batch = Batch {
        epoch: Epoch(0),
        at: house.clock.read().market,
        records: vec![Record::Audit {
            actor: "http".into(),
            action: "pause".into(),
            who: "x".into(),
            detail: "two\nlines".into(),
        }],
    };
    house.ledger.write(batch).await.unwrap();
    listening.hears("event: audit\nid: ").await;
    listening.hears("two\\nlines").await;
}

#[actix_web::test]
async fn events_need_a_token_and_have_an_end() {
    let house = House::open(USUAL).await;
    assert_eq!(house.ask("GET /events", "", "").await.status, 401);
    assert_eq!(house.get("/events?topics=all").await.status, 400);
    let mut all = Vec::new();
    for _ in 0..64 {
        let mut one = Listening::to(&house).await;
        one.hears("retry").await;
        all.push(one);
    }
    let answer = house.get("/events").await;
    assert_eq!(
        (answer.status, answer.json()["error"].clone()),
        (503, json!("too_many_streams"))
    );
    assert_eq!(house.get("/status").await.status, 200, "everything else is answered");
    drop(all);
    // The hub notices when it next speaks to them.
    for _ in 0..100 {
        let mut one = Listening::to(&house).await;
        let mut head = [0; 12];
        one.socket.read_exact(&mut head).await.unwrap();
        if head.ends_with(b"200") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no stream is taken after all have gone");
}

#[actix_web::test]
async fn control_that_is_called_too_often_waits() {
    let house = House::open(USUAL).await;
    for _ in 0..30 {
        assert_eq!(house.post("/pause", "").await.status, 200);
    }
    let mut refused = 0;
    for _ in 0..4 {
        let answer = house.post("/pause", "").await;
        if answer.status == 429 {
            refused += 1;
            assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
            assert_eq!(answer.json()["error"], "too_many_calls");
        }
    }
    assert!(refused > 0);
    let wrong = house.ask("POST /pause", &bearer("wrong"), "").await;
    assert_eq!(wrong.status, 401, "a stranger does not learn of it");
    assert_eq!(house.get("/status").await.status, 200, "reading is not control");
}
