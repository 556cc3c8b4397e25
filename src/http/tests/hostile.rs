//! Whoever does not keep to the manners changes nothing and learns nothing.

use super::*;

#[actix_web::test]
async fn f114_hostile_requests_change_nothing() {
    let house = House::open(USUAL).await;
    let (token, at) = (bearer(TOKEN), house.at);
    let port = at.port();
    let typed = format!("{token}Content-Type: application/json\r\n");
    let own = format!("Host: {at}\r\n");
    let body = "{\"reason\":\"x\"}";
    let sized = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let long = "x".repeat(9_000);
    let big = "y".repeat(17_000);
    let many = "X-Many: 1\r\n".repeat(99);
    let cases: Vec<(String, &[u16])> = vec![
        (format!("POST /pause HTTP/1.1\r\n{own}\r\n"), &[401]),
        (
            format!("POST /pause HTTP/1.1\r\n{own}Authorization: Bearer wrong\r\n\r\n"),
            &[401],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}Authorization: Basic {TOKEN}\r\n\r\n"),
            &[401],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}Authorization: {TOKEN}\r\n\r\n"),
            &[401],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}Authorization: Bearer {TOKEN}x\r\n\r\n"),
            &[401],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}Authorization: Bearer  {TOKEN}\r\n\r\n"),
            &[401],
        ),
        (format!("POST /pause HTTP/1.1\r\n{own}{token}{token}\r\n"), &[400]),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{token}Authorization: Bearer x\r\n\r\n"),
            &[400],
        ),
        (format!("POST /pause?token={TOKEN} HTTP/1.1\r\n{own}\r\n"), &[401]),
        (format!("POST /pause?reason=x HTTP/1.1\r\n{own}{typed}\r\n"), &[400]),
        (format!("GET /pause HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (format!("GET /resume HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (format!("GET /close-all HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (format!("GET /hedges/7/close HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (format!("PUT /pause HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (
            format!("OPTIONS /pause HTTP/1.1\r\n{own}Origin: http://evil\r\n\r\n"),
            &[405],
        ),
        (
            format!("GET /pause HTTP/1.1\r\n{own}{token}X-HTTP-Method-Override: POST\r\n\r\n"),
            &[405],
        ),
        (format!("POST /status HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (format!("POST /nothing HTTP/1.1\r\n{own}{token}\r\n"), &[404]),
        (format!("POST /pause/ HTTP/1.1\r\n{own}{token}\r\n"), &[404]),
        (format!("POST //pause HTTP/1.1\r\n{own}{token}\r\n"), &[404, 403]),
        (format!("POST /x/../pause HTTP/1.1\r\n{own}{token}\r\n"), &[404]),
        (
            format!("POST /pause HTTP/1.1\r\nHost: evil.example\r\n{typed}{sized}"),
            &[403],
        ),
        (
            format!("POST /pause HTTP/1.1\r\nHost: evil.example:{port}\r\n{typed}{sized}"),
            &[403],
        ),
        (
            format!("POST /pause HTTP/1.1\r\nHost: 127.0.0.1:1\r\n{typed}{sized}"),
            &[403],
        ),
        (
            format!("POST /pause HTTP/1.1\r\nHost: localhost.evil.example:{port}\r\n{typed}{sized}"),
            &[403],
        ),
        (
            format!("POST /pause HTTP/1.1\r\nHost: x@localhost:{port}\r\n{typed}{sized}"),
            &[403, 400],
        ),
        (
            format!("POST /pause HTTP/1.1\r\nHost: localhost:+{port}\r\n{typed}{sized}"),
            &[403],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}Host: evil.example\r\n{typed}{sized}"),
            &[400],
        ),
        (
            format!("POST http://evil.example/pause HTTP/1.1\r\n{own}{typed}{sized}"),
            &[403],
        ),
        (format!("POST /pause HTTP/1.1\r\n{typed}{sized}"), &[400]),
        (format!("POST /pause HTTP/1.0\r\n{typed}{sized}"), &[403]),
        (format!("POST /pause HTTP/1.1\r\n{own}{token}{sized}"), &[415]),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{token}Content-Type: text/plain\r\n{sized}"),
            &[415],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{token}Content-Type: application/jsonp\r\n{sized}"),
            &[415],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Content-Type: text/plain\r\n{sized}"),
            &[415],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Content-Encoding: gzip\r\n{sized}"),
            &[415],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Content-Length: 20000\r\n\r\n{big}"),
            &[413],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Transfer-Encoding: chunked\r\n\r\n4268\r\n{big}\r\n0\r\n\r\n"),
            &[413],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Transfer-Encoding: chunked\r\n{sized}"),
            &[400],
        ),
        (format!("POST /pause HTTP/1.1\r\n{own}{typed}{many}\r\n"), &[400, 431]),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}X-Long: {big}\r\n\r\n"),
            &[431],
        ),
        (format!("POST /pause?{long} HTTP/1.1\r\n{own}{typed}\r\n"), &[414]),
        (format!("POST /hedges/x/close HTTP/1.1\r\n{own}{typed}\r\n"), &[404]),
        (format!("POST /hedges/+7/close HTTP/1.1\r\n{own}{typed}\r\n"), &[404]),
        (format!("POST /hedges/7%2F/close HTTP/1.1\r\n{own}{typed}\r\n"), &[404]),
        ("nonsense\r\n\r\n".to_owned(), &[400]),
        (
            format!("POST /pause HTTP/1.1\r\n{own}Authorization: Bearer {READER}\r\n\r\n"),
            &[403],
        ),
        (
            format!("POST /resume HTTP/1.1\r\n{own}Authorization: Bearer {READER}\r\n\r\n"),
            &[403],
        ),
        (
            format!("POST /close-all HTTP/1.1\r\n{own}Authorization: bearer {READER}\r\n\r\n"),
            &[403],
        ),
        (
            format!("POST /hedges/7/close HTTP/1.1\r\n{own}Authorization: Bearer {READER}\r\n\r\n"),
            &[403],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}Cookie: funding_arb_{port}={TOKEN}\r\n\r\n"),
            &[401],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}X-Api-Key: {TOKEN}\r\n\r\n"),
            &[401],
        ),
        (format!("GET /events?token={TOKEN} HTTP/1.1\r\n{own}\r\n"), &[401]),
        (format!("POST /events HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (format!("DELETE /audit HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (format!("PATCH /hedges/7/close HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (format!("TRACE /status HTTP/1.1\r\n{own}{token}\r\n"), &[405]),
        (
            format!("CONNECT evil.example:443 HTTP/1.1\r\n{own}{token}\r\n"),
            &[400, 403, 404],
        ),
        (format!("GET /audit?limit=0 HTTP/1.1\r\n{own}{token}\r\n"), &[400]),
        (format!("GET /audit?limit=-1 HTTP/1.1\r\n{own}{token}\r\n"), &[400]),
        (
            format!("GET /audit?cursor=1%27%20OR%201=1 HTTP/1.1\r\n{own}{token}\r\n"),
            &[400],
        ),
        (format!("GET /audit?order=asc HTTP/1.1\r\n{own}{token}\r\n"), &[400]),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Content-Length: 2\r\nContent-Length: 15\r\n\r\n{body}"),
            &[400],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Content-Length: -1\r\n\r\n{body}"),
            &[400],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Content-Length: 2\r\n\r\n[]"),
            &[400],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Content-Length: 9\r\n\r\n{{\"x\": 10}}"),
            &[400],
        ),
        (
            format!("POST /pause HTTP/1.1\r\n{own}{typed}Content-Length: 12\r\n\r\n{{\"reason\":1}}"),
            &[400],
        ),
        (
            format!("GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n{own}{token}\r\n"),
            &[404],
        ),
        (format!("GET /status%00 HTTP/1.1\r\n{own}{token}\r\n"), &[404]),
        (
            format!(
                "GET /status HTTP/1.1\r\n{own}Authorization: Bearer {}\r\n\r\n",
                "a".repeat(4_000)
            ),
            &[401],
        ),
    ];
    assert!(cases.len() >= 60, "only {} cases", cases.len());
    for (request, expected) in cases {
        let answer = house.raw(request.as_bytes()).await;
        let shown: String = request.chars().take(90).collect();
        assert!(
            expected.contains(&answer.status),
            "{shown}: {} {}",
            answer.status,
            answer.body
        );
        assert!(
            !answer.body.contains("evil") && !answer.head.contains("evil"),
            "{shown}"
        );
        assert!(!answer.head.contains("access-control"), "{shown}");
    }
    assert_eq!(house.told(), Vec::<String>::new());
}

#[actix_web::test]
async fn our_own_names_are_answered() {
    let house = House::open(USUAL).await;
    let (token, port) = (bearer(TOKEN), house.at.port());
    for host in [
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
        "BOT.example.com".to_owned(),
        "bot.example.com:443".to_owned(),
    ] {
        let text = format!("GET /status HTTP/1.1\r\nHost: {host}\r\n{token}\r\n");
        assert_eq!(house.raw(text.as_bytes()).await.status, 200, "{host}");
    }
    let absolute = format!("GET http://localhost:{port}/status HTTP/1.1\r\nHost: localhost:{port}\r\n{token}\r\n");
    assert_eq!(house.raw(absolute.as_bytes()).await.status, 200);
}

#[actix_web::test]
async fn f112_a_page_in_the_owners_browser_neither_acts_nor_reads() {
    let house = House::open(USUAL).await;
    let (own, port) = (format!("Host: {}\r\n", house.at), house.at.port());
    let session = format!("Cookie: funding_arb_{port}=guessed\r\n");
    let origin = "Origin: http://evil.example\r\n";
    let plain = "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    for (request, expected) in [
        // What a form or a script of another site can send without being asked.
        (format!("POST /pause HTTP/1.1\r\n{own}{origin}{plain}"), 401),
        (
            format!("POST /close-all HTTP/1.1\r\n{own}{origin}{session}{plain}"),
            401,
        ),
        (
            format!("POST /resume HTTP/1.1\r\n{own}{origin}Content-Length: 0\r\n\r\n"),
            401,
        ),
        (
            format!("OPTIONS /close-all HTTP/1.1\r\n{own}{origin}Access-Control-Request-Method: POST\r\n\r\n"),
            405,
        ),
        // A name of its own that points here. Only /health and /livez are open under any name, to platforms.
        (
            format!("GET /opportunities HTTP/1.1\r\nHost: evil.example:{port}\r\n{origin}\r\n"),
            403,
        ),
        (
            format!("GET /status HTTP/1.1\r\nHost: evil.example:{port}\r\n{session}\r\n"),
            403,
        ),
    ] {
        let answer = house.raw(request.as_bytes()).await;
        let shown: String = request.chars().take(60).collect();
        assert_eq!(answer.status, expected, "{shown}: {}", answer.body);
        assert!(!answer.head.contains("access-control"), "{shown}");
    }
    assert_eq!(house.told(), Vec::<String>::new());
}

#[actix_web::test]
async fn f111_without_the_token_nothing_is_read() {
    let house = House::open(USUAL).await;
    for path in [
        "status",
        "opportunities",
        "hedges",
        "orders",
        "fills",
        "funding",
        "decisions",
        "audit",
        "metrics",
    ] {
        let answer = house.ask(&format!("GET /{path}"), "", "").await;
        assert!(
            answer.status == 401 && answer.head.contains("www-authenticate: bearer"),
            "{path}"
        );
        let doubled = format!("{0}{0}", bearer(TOKEN));
        assert_eq!(
            house.ask(&format!("GET /{path}"), &doubled, "").await.status,
            400,
            "{path}"
        );
    }
}

#[actix_web::test]
async fn without_a_configured_token_control_says_how_to_set_one() {
    let house = House::open(Build { token: None, ..USUAL }).await;
    for line in [
        "POST /pause",
        "POST /resume",
        "POST /close-all",
        "POST /hedges/7/close",
        "GET /status",
    ] {
        for headers in ["", &bearer(TOKEN), "Authorization: Bearer \r\n"] {
            let answer = house.ask(line, headers, "").await;
            assert_eq!(answer.status, 403, "{line}");
            assert!(answer.body.contains("set CONTROL_TOKEN"));
        }
    }
    assert!(house.told().is_empty());
}

#[actix_web::test]
async fn f113_slow_heads_and_slow_bodies_are_cut_off() {
    let house = House::open(USUAL).await;
    let head = format!("POST /pause HTTP/1.1\r\nHost: {}\r\n", house.at);
    let stalled = format!(
        "{head}{}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{{",
        bearer(TOKEN)
    );
    let (slow_head, slow_body) = tokio::join!(house.raw(head.as_bytes()), house.raw(stalled.as_bytes()));
    assert_eq!((slow_head.status, slow_body.status), (408, 408));
    assert!(house.told().is_empty());
}
