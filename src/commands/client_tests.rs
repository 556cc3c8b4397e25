//! The client against a small server of its own: what is sent, and what each kind of answer is turned into.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use clap::Parser as _;

use super::*;

/// Answers one request after the other, and gives back what was asked.
fn serve(answers: Vec<(u16, &'static str)>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let one = |(status, body): (u16, &str)| {
            let (mut stream, _) = listener.accept().unwrap();
            let asked = request(&mut stream);
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).unwrap();
            asked
        };
        answers.into_iter().map(one).collect()
    });
    (url, served)
}

fn request(stream: &mut std::net::TcpStream) -> String {
    let mut text = String::new();
    let mut piece = [0_u8; 4_096];
    loop {
        let count = stream.read(&mut piece).unwrap();
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        let lower = text.to_ascii_lowercase();
        let length = lower
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        if lower
            .split_once("\r\n\r\n")
            .is_some_and(|(_, body)| body.len() >= length)
            || count == 0
        {
            return text;
        }
    }
}

fn ask(line: &str, token: &str, answers: Vec<(u16, &'static str)>) -> (Answer, Vec<String>) {
    let (url, served) = serve(answers);
    let line = format!("funding-arb {line} --url {url}");
    let env = BTreeMap::from([("CONTROL_TOKEN".to_owned(), token.to_owned())]);
    let answer = run(&Cli::parse_from(line.split(' ')), &env);
    let answer = answer.map_err(|refused| Refused {
        why: refused.why.replace(&url, "URL"),
        ..refused
    });
    (answer, served.join().unwrap())
}

#[test]
fn pause_sends_its_reason_and_the_token() {
    let (answer, asked) = ask(
        "pause --reason lunch",
        "canary-canary-canary",
        vec![(
            200,
            r#"{"mode":"paused","pause_reasons":[{"reason":"lunch","by":"api","since":"2026-11-23T12:00:00.000Z"}]}"#,
        )],
    );
    assert_eq!(
        answer.unwrap().0,
        "mode: paused\n  lunch (by api, since 2026-11-23T12:00:00.000Z)\n"
    );
    assert!(asked[0].starts_with("POST /pause HTTP/1.1\r\n"), "{asked:?}");
    assert!(
        asked[0]
            .to_ascii_lowercase()
            .contains("authorization: bearer canary-canary-canary\r\n"),
        "{asked:?}"
    );
    assert!(
        asked[0]
            .to_ascii_lowercase()
            .contains("content-type: application/json\r\n"),
        "{asked:?}"
    );
    assert!(asked[0].ends_with(r#"{"reason":"lunch"}"#), "{asked:?}");
}

#[test]
fn exits_are_asked_for_by_their_paths_and_json_is_passed_on() {
    let job = r#"{"job":{"id":"4","kind":"close","exits":[{"id":"4","hedge":"17"}]}}"#;
    let (answer, asked) = ask("close 17", "t", vec![(202, job)]);
    assert_eq!(
        answer.unwrap().0,
        "leaving hedge 17 (job 4); `funding-arb status` shows how far it is\n"
    );
    assert!(asked[0].starts_with("POST /hedges/17/close HTTP/1.1\r\n"), "{asked:?}");
    let all = r#"{"job":{"id":null,"kind":"close-all","exits":[],"pause":"close_all","pause_durable":true}}"#;
    assert_eq!(
        ask("close-all", "t", vec![(202, all)]).0.unwrap().0,
        "there is nothing to leave\nentries are paused until `funding-arb resume`\n"
    );
    let (answer, asked) = ask("close-all --json", "t", vec![(202, job)]);
    assert_eq!(
        serde_json::from_str::<Value>(&answer.unwrap().0).unwrap(),
        serde_json::from_str::<Value>(job).unwrap()
    );
    assert!(asked[0].starts_with("POST /close-all HTTP/1.1\r\n"), "{asked:?}");
}

#[test]
fn scan_reads_every_page() {
    let (answer, asked) = ask(
        "scan --json",
        "t",
        vec![
            (200, r#"{"items":[{"asset":"BTC"}],"next_cursor":1}"#),
            (200, r#"{"items":[{"asset":"ETH"}],"next_cursor":null}"#),
        ],
    );
    let value: Value = serde_json::from_str(&answer.unwrap().0).unwrap();
    assert_eq!(
        value,
        json!({ "items": [{ "asset": "BTC" }, { "asset": "ETH" }], "next_cursor": null })
    );
    assert!(
        asked[1].starts_with("GET /opportunities?limit=200&cursor=1 HTTP/1.1\r\n"),
        "{asked:?}"
    );
}

#[test]
fn each_refusal_is_explained() {
    for (token, status, body, why) in [
        (
            "",
            401,
            "{}",
            "the engine asks for its token: set CONTROL_TOKEN to what it was started with: HTTP 401",
        ),
        (
            "t",
            401,
            "{}",
            "the engine does not take this token: CONTROL_TOKEN must be what it was started with: HTTP 401",
        ),
        (
            "t",
            403,
            r#"{"error":"shut","message":"no token is set"}"#,
            "the engine keeps this door shut: start it with CONTROL_TOKEN (at least 16 characters) to open it: HTTP 403 (no token is set)",
        ),
        (
            "t",
            503,
            "{}",
            "the engine cannot answer now; its health says more at /health: HTTP 503",
        ),
        (
            "t",
            200,
            "<html>",
            "something that is no funding-arb answers there: HTTP 200",
        ),
        ("t", 302, "", "the engine refuses: HTTP 302"),
    ] {
        let (answer, _) = ask("status", token, vec![(status, body)]);
        assert_eq!(answer, Err(Refused::failed(why)));
    }
}

#[test]
fn an_engine_that_is_not_there_and_a_url_that_may_not_be_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cli = |url: &str| Cli::parse_from(["funding-arb", "resume", "--url", url]);
    let refused = run(&cli(&format!("http://{free}")), &BTreeMap::new()).unwrap_err();
    assert_eq!(refused.exit, Exit::Failed);
    assert!(
        refused
            .why
            .starts_with(&format!("no engine answers at http://{free} (")),
        "{}",
        refused.why
    );
    for url in ["http://10.0.0.1:8080", "https://engine.test", "ftp://127.0.0.1"] {
        let refused = run(&cli(url), &BTreeMap::new()).unwrap_err();
        assert_eq!(refused.exit, Exit::Usage, "{}", refused.why);
    }
    let bad = run(&Cli::parse_from(["funding-arb", "close", "../pause"]), &BTreeMap::new()).unwrap_err();
    assert_eq!(bad.why, "\"../pause\" is no hedge id: `funding-arb status` shows them");
}

#[test]
fn the_port_of_the_environment_is_the_engines() {
    let env = BTreeMap::from([("FUNDING_ARB__HTTP__PORT".to_owned(), "9100".to_owned())]);
    let cli = Cli::parse_from(["funding-arb", "status"]);
    assert_eq!(Engine::find(&cli, &env).unwrap().url, "http://127.0.0.1:9100");
    assert_eq!(
        Engine::find(&cli, &BTreeMap::new()).unwrap().url,
        "http://127.0.0.1:8080"
    );
}
