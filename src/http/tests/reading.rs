//! What is told, and to whom.

use domain::journal::{Batch, Record};
use domain::order::Epoch;
use domain::ports::Journal;

use super::*;

/// A board on which all is well.
fn well(house: &House) {
    let now = house.clock.read().machine;
    for name in [
        "executor",
        "lease",
        "ledger_writer",
        "position_keeper",
        "reconciliation",
        "scanner",
        "strategist",
    ] {
        house.health.beat(name, now, Duration::from_mins(1));
    }
    house.health.set_mode("running");
}

#[actix_web::test]
async fn f091_health_is_read_from_the_board_even_when_no_actor_answers() {
    let house = House::open(Build {
        answers: false,
        ..USUAL
    })
    .await;
    let early = house.ask("GET /health", "", "").await;
    assert_eq!(
        (early.status, early.json()["status"].clone()),
        (503, json!("unhealthy"))
    );
    well(&house);
    let answer = house.ask("GET /health", "", "").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    assert_eq!((&body["status"], &body["mode"]), (&json!("ok"), &json!("running")));
    assert_eq!(body["checks"]["lease"], json!({ "ok": true, "age_seconds": 0 }));
    assert!(body["uptime_seconds"].is_u64());
    assert_eq!(body.as_object().unwrap().len(), 4, "health says little");
    house.health.fail("lease");
    assert_eq!(house.ask("GET /health", "", "").await.status, 503);
    assert_eq!(house.ask("GET /livez", "", "").await.status, 200);
}

#[actix_web::test]
async fn a_platform_may_ask_for_health_under_any_name() {
    let house = House::open(USUAL).await;
    well(&house);
    for path in ["/health", "/livez"] {
        let text = format!("GET {path} HTTP/1.1\r\nHost: 172.19.0.2:8080\r\n\r\n");
        assert_eq!(house.raw(text.as_bytes()).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn the_status_carries_the_version_and_an_engine_that_is_silent_is_503() {
    let house = House::open(USUAL).await;
    let answer = house.get("/status").await;
    assert_eq!((answer.status, answer.json()["version"].clone()), (200, json!("1.2.3")));
    for line in [
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "content-security-policy: default-src 'none'",
    ] {
        assert!(answer.head.contains(line), "{line}");
    }
    assert!(!answer.head.contains("access-control"));
    let silent = House::open(Build {
        answers: false,
        ..USUAL
    })
    .await;
    let answer = silent.get("/status").await;
    assert_eq!(
        (answer.status, answer.json()["error"].clone()),
        (503, json!("unavailable"))
    );
}

#[actix_web::test]
async fn lists_are_cut_into_pages() {
    let house = House::open(USUAL).await;
    for path in ["/hedges", "/orders", "/fills", "/funding", "/decisions", "/audit"] {
        let answer = house.get(path).await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({ "items": [], "next_cursor": null })),
            "{path}"
        );
    }
    let first = house.get("/opportunities?limit=2").await.json();
    assert_eq!(
        (first["items"].as_array().unwrap().len(), &first["next_cursor"]),
        (2, &json!(2))
    );
    let last = house.get("/opportunities?limit=2&cursor=4").await.json();
    assert_eq!(
        (last["items"].as_array().unwrap().len(), &last["next_cursor"]),
        (1, &Value::Null)
    );
    let beyond = house.get("/opportunities?cursor=9223372036854775807").await.json();
    assert_eq!((&beyond["items"], &beyond["next_cursor"]), (&json!([]), &Value::Null));
    assert_eq!(house.get("/orders?limit=1000").await.status, 200);
    for query in [
        "limit=0",
        "limit=-1",
        "limit=x",
        "cursor=-1",
        "cursor=x",
        "cursor=",
        "token=x",
        "a",
    ] {
        assert_eq!(house.get(&format!("/orders?{query}")).await.status, 400, "{query}");
    }
}

#[actix_web::test]
async fn metrics_need_the_token_unless_they_are_open() {
    let house = House::open(USUAL).await;
    assert_eq!(house.ask("GET /metrics", "", "").await.status, 401);
    let text = house.get("/metrics").await.body;
    assert!(
        text.contains("# TYPE funding_arb_healthy gauge\nfunding_arb_healthy 0\n"),
        "{text}"
    );
    assert!(text.contains("funding_arb_fees_usd 1.50\n") && text.contains("funding_arb_orders 3\n"));
    assert!(text.contains("funding_arb_build_info{version=\"1.2.3\"} 1\n"));
    let open = House::open(Build {
        metrics_open: true,
        answers: false,
        ..USUAL
    })
    .await;
    let answer = open.ask("GET /metrics", "", "").await;
    assert!(answer.status == 200 && answer.body.contains("funding_arb_status_answered 0\n"));
}

#[actix_web::test]
async fn a_browser_gets_a_session_that_reads_only() {
    let house = House::open(USUAL).await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let stranger = house.ask("GET /", "", "").await;
    assert!(stranger.body.contains("<form method=\"post\" action=\"/login\">") && !stranger.body.contains("Hedges"));
    assert_eq!(house.ask("POST /login", form, "token=wrong").await.status, 401);
    let foreign = format!("{form}Sec-Fetch-Site: cross-site\r\n");
    assert_eq!(
        house
            .ask("POST /login", &foreign, &format!("token={TOKEN}"))
            .await
            .status,
        403
    );
    let signed_in = house
        .ask("POST /login", form, &format!("token={}", TOKEN.replace('-', "%2D")))
        .await;
    assert_eq!(signed_in.status, 303);
    assert!(signed_in.head.contains("; httponly; samesite=strict; path=/;"));
    let cookie = signed_in.cookie();
    let page = house.ask("GET /", &cookie, "").await;
    assert!(
        page.body.contains("<h2>Hedges</h2>") && page.body.contains("&lt;script&gt;") && !page.body.contains("<script")
    );
    assert!(page.head.contains("style-src 'self'") && page.body.contains("http-equiv=\"refresh\""));
    assert_eq!(house.ask("GET /status", &cookie, "").await.status, 200);
    assert_eq!(house.ask("POST /pause", &cookie, "").await.status, 403);
    assert_eq!(
        house.ask("GET /status", &cookie.replace('=', "=0"), "").await.status,
        401
    );
    assert!(house.told().is_empty());
}

#[actix_web::test]
async fn the_one_time_link_opens_once() {
    let house = House::open(USUAL).await;
    assert_eq!(house.ask("GET /enter/wrong", "", "").await.status, 404);
    let entered = house.ask(&format!("GET /enter/{ENTRY}"), "", "").await;
    assert_eq!(entered.status, 303);
    assert_eq!(house.ask("GET /status", &entered.cookie(), "").await.status, 200);
    assert_eq!(house.ask(&format!("GET /enter/{ENTRY}"), "", "").await.status, 404);
}

#[actix_web::test]
async fn what_the_doors_promise_is_what_they_are() {
    let house = House::open(USUAL).await;
    let promised = house.ask("GET /openapi.json", "", "").await.json()["paths"].clone();
    let promised: Vec<(String, String)> = promised
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(|method| (method.clone(), path.clone()))
        })
        .collect();
    let has = |method: &str, path: &str| promised.iter().any(|(m, p)| m == method && p == path);
    let unsaid: Vec<_> = ROUTES.iter().filter(|(method, path)| !has(method, path)).collect();
    assert!(unsaid.is_empty(), "doors that are not described: {unsaid:?}");
    for (method, path) in &promised {
        assert!(
            ROUTES.contains(&(method.as_str(), path.as_str())),
            "{method} {path} is described and not there"
        );
        // Whatever is behind it, the router knows it.
        let path = path.replace("{id}", "1").replace("{secret}", "x");
        let answer = house.ask(&format!("{} {path}", method.to_uppercase()), "", "").await;
        assert!(answer.status != 405, "{method} {path}");
        if !path.starts_with("/enter") {
            assert!(answer.status != 404, "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn the_read_token_reads_and_controls_nothing() {
    let house = House::open(USUAL).await;
    let reader = bearer(READER);
    for path in ["/status", "/audit", "/opportunities", "/metrics"] {
        assert_eq!(
            house.ask(&format!("GET {path}"), &reader, "").await.status,
            200,
            "{path}"
        );
    }
    for path in ["/pause", "/resume", "/close-all", "/hedges/7/close"] {
        let answer = house.ask(&format!("POST {path}"), &reader, "").await;
        assert_eq!(
            (answer.status, answer.json()["error"].clone()),
            (403, json!("read_only")),
            "{path}"
        );
    }
    assert!(house.told().is_empty(), "{:?}", house.told());
    let leaked = house
        .post("/pause", &json!({ "reason": format!("see {READER}") }).to_string())
        .await;
    assert_eq!(leaked.status, 400, "a reason must not hold the read token either");
}

#[actix_web::test]
async fn readiness_says_what_is_missing() {
    let house = House::open(USUAL).await;
    let answer = house.ask("GET /readyz", "Host: probe.example\r\n", "").await;
    assert_eq!(answer.status, 400, "two hosts are one too many");
    let answer = house.ask("GET /readyz", "", "").await;
    assert_eq!((answer.status, answer.json()["ready"].clone()), (503, json!(false)));
    house.health.set_mode("standby");
    let now = house.clock.read().machine;
    house.health.beat("ledger_writer", now, Duration::from_mins(1));
    let answer = house.ask("GET /readyz", "", "").await;
    assert_eq!((answer.status, answer.json()["mode"].clone()), (200, json!("standby")));
    house.health.fail("ledger_writer");
    let answer = house.ask("GET /readyz", "", "").await;
    assert_eq!(
        (answer.status, answer.json()["failing"].clone()),
        (503, json!(["ledger_writer"]))
    );
}

#[test]
fn a_port_in_use_is_said_clearly() {
    let first = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let words = bind(first.local_addr().unwrap()).unwrap_err().to_string();
    assert!(words.contains("is in use: stop the other program"), "{words}");
}

#[actix_web::test]
async fn rows_of_the_ledger_are_paged_from_the_newest() {
    let house = House::open(USUAL).await;
    let record = |detail: &str| Record::Audit {
        actor: "http".into(),
        action: "pause".into(),
        who: "x".into(),
        detail: detail.into(),
    };
    let records = ["one", "two", "three"].map(record).to_vec();
    let batch = Batch {
        epoch: Epoch(0),
        at: house.clock.read().market,
        records,
    };
    house.ledger.write(batch).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = house.get(&format!("/audit?limit=2{cursor}")).await.json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["detail"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_i64() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["three", "two", "one"]);
}
