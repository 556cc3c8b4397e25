//! The adapter over an in-process wire, against answers that are scripted by path.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use domain::instrument::{InstrumentId, Product, Side};
use domain::interest::Interest;
use domain::market::MarketFact;
use domain::money::{Price, Quantity};
use domain::order::{ClientOrderId, HedgeId, LegIndex, OrderKind, OrderTicket, Placed, Purpose};
use domain::ports::{AccountStream, AccountView, Clock, MarketData, MarketFeed, OrderGateway, VenueError};
use domain::setup::{MarginMode, Setup};
use domain::time::{Machine, Now, Timestamp};
use futures_util::future::LocalBoxFuture;
use futures_util::{SinkExt, StreamExt};
use rust_decimal::Decimal;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_tungstenite::tungstenite::Message;

use super::parse::instrument_id;
use super::{Bybit, BybitConfig};
use crate::shared::transport::{Dial, Transport};

const NOW: i64 = 1_790_000_000_000;

#[derive(Default)]
struct Still(Cell<u64>);

impl Clock for Still {
    fn now(&self) -> Now {
        Now {
            market: Timestamp(NOW),
            machine: Machine(Duration::from_secs(self.0.get())),
        }
    }
}

/// Status and body for a request target; what was asked is kept.
type Answers = dyn Fn(&str) -> (u16, String);

struct Script {
    answers: Rc<Answers>,
    asked: Rc<RefCell<Vec<String>>>,
    frames: Vec<(&'static str, Vec<&'static str>)>,
}

impl Dial for Script {
    fn dial<'a>(&'a self, host_port: &'a str) -> LocalBoxFuture<'a, io::Result<DuplexStream>> {
        let (near, far) = tokio::io::duplex(1 << 16);
        if host_port.starts_with("stream") {
            actix_rt::spawn(socket(far, self.frames.clone(), self.asked.clone()));
        } else {
            actix_rt::spawn(http(far, self.answers.clone(), self.asked.clone()));
        }
        Box::pin(std::future::ready(Ok(near)))
    }
}

async fn http(mut wire: DuplexStream, answers: Rc<Answers>, asked: Rc<RefCell<Vec<String>>>) {
    let mut text = String::new();
    let mut part = vec![0; 4096];
    loop {
        let Ok(count) = wire.read(&mut part).await else { return };
        if count == 0 {
            return;
        }
        text.push_str(std::str::from_utf8(&part[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length: usize = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        if body.len() < length {
            continue;
        }
        let target = head.split(' ').nth(1).unwrap().to_owned();
        asked.borrow_mut().push(text.clone());
        text.clear();
        let (status, body) = if target == "/v5/market/time" {
            (
                200,
                ok(r#"{"timeSecond":"1790000003","timeNano":"1790000003000000000"}"#),
            )
        } else {
            answers(&target)
        };
        let reply = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        wire.write_all(reply.as_bytes()).await.unwrap();
    }
}

/// Answers each request that holds a word with its frames, then stays silent.
async fn socket(wire: DuplexStream, frames: Vec<(&'static str, Vec<&'static str>)>, asked: Rc<RefCell<Vec<String>>>) {
    let mut socket = tokio_tungstenite::accept_async(wire).await.unwrap();
    while let Some(Ok(Message::Text(text))) = socket.next().await {
        asked.borrow_mut().push(text.to_string());
        for (_, answers) in frames.iter().filter(|(word, _)| text.contains(word)) {
            for answer in answers {
                socket.send(Message::text(*answer)).await.unwrap();
            }
        }
    }
}

fn ok(result: &str) -> String {
    format!(r#"{{"retCode":0,"retMsg":"OK","result":{result},"retExtInfo":{{}},"time":{NOW}}}"#)
}

struct Stage {
    venue: Bybit,
    asked: Rc<RefCell<Vec<String>>>,
}

fn stage(answers: impl Fn(&str) -> (u16, String) + 'static, frames: Vec<(&'static str, Vec<&'static str>)>) -> Stage {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let script = Script {
        answers: Rc::new(answers),
        asked: asked.clone(),
        frames,
    };
    let config = BybitConfig {
        rest_url: "https://api.test".to_owned(),
        ws_url: "wss://stream.test".to_owned(),
        key: SecretString::from("a-key-of-ours"),
        secret: SecretString::from("a-secret-of-ours"),
    };
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let transport = Transport::pipes(Rc::new(script));
    let venue = Bybit::new(config, transport, Rc::new(Still::default()), log).unwrap();
    Stage { venue, asked }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    actix_rt::System::new().block_on(test)
}

fn xrp(product: Product) -> InstrumentId {
    instrument_id(product, "XRPUSDT")
}

const EMPTY: &str = r#"{"list":[],"nextPageCursor":"","category":"linear"}"#;
const ORDER: &str = r#"{"symbol":"XRPUSDT","orderId":"o-1","orderLinkId":"fatest-1-1-1","side":"Sell","qty":"40",
    "cumExecQty":"12","orderStatus":"Cancelled","cancelType":"UNKNOWN","updatedTime":"1790000000000"}"#;

fn find(realtime: (u16, String), history: (u16, String)) -> Result<Option<String>, VenueError> {
    let stage = stage(
        move |target| {
            if target.starts_with("/v5/order/realtime") {
                realtime.clone()
            } else {
                history.clone()
            }
        },
        Vec::new(),
    );
    let id = ClientOrderId::from_text("fatest-1-1-1");
    run(async { stage.venue.find(&xrp(Product::Perp), &id).await })
        .map(|found| found.map(|report| report.venue_order_id))
}

#[test]
fn a_venue_that_shut_us_out_says_for_how_long() {
    let stage = stage(|_| (403, String::new()), Vec::new());
    let spot = xrp(Product::Spot);
    assert_eq!(stage.venue.shut_for(&spot), None);
    run(async { stage.venue.book(&spot).await }).unwrap_err();
    for product in Product::ALL {
        assert_eq!(stage.venue.shut_for(&xrp(product)), Some(Duration::from_mins(10)));
    }
}

#[test]
fn an_order_is_absent_only_after_two_good_empty_answers() {
    let row = ok(&format!(r#"{{"list":[{ORDER}],"nextPageCursor":""}}"#));
    let other = row.replace("fatest-1-1-1", "fatest-9-9-9");
    let empty = || (200, ok(EMPTY));
    assert_eq!(find(empty(), empty()), Ok(None));
    assert_eq!(find((200, row.clone()), empty()), Ok(Some("o-1".to_owned())));
    assert_eq!(find(empty(), (200, row)), Ok(Some("o-1".to_owned())));
    let busy = r#"{"retCode":10016,"retMsg":"busy","result":{}}"#.to_owned();
    for bad in [
        (502, "<html>".to_owned()),
        (200, String::new()),
        (200, busy),
        (200, other),
        (200, ok("{}")),
    ] {
        assert!(find(empty(), bad.clone()).is_err(), "{bad:?}");
        assert!(find(bad.clone(), empty()).is_err(), "{bad:?}");
    }
}

#[test]
fn an_order_goes_out_once_signed_by_the_venues_clock() {
    let stage = stage(
        |_| (200, ok(r#"{"orderId":"o-7","orderLinkId":"fatest-1-1-1"}"#)),
        Vec::new(),
    );
    let ticket = OrderTicket {
        client_id: ClientOrderId::from_text("fatest-1-1-1"),
        hedge: HedgeId(1),
        leg: LegIndex::Short,
        purpose: Purpose::Open,
        instrument: xrp(Product::Perp),
        side: Side::Sell,
        kind: OrderKind::ImmediateOrCancel {
            limit: Price("0.6123".parse().unwrap()),
        },
        quantity: Quantity(40.into()),
    };
    let placed = run(async { stage.venue.place(&ticket).await });
    assert_eq!(
        placed,
        Placed::Confirmed {
            venue_order_id: "o-7".to_owned()
        }
    );
    let asked = stage.asked.borrow();
    let orders: Vec<_> = asked
        .iter()
        .filter(|text| text.starts_with("POST /v5/order/create"))
        .collect();
    assert_eq!(orders.len(), 1);
    let order = orders[0].to_lowercase();
    assert!(order.contains("x-bapi-timestamp: 1790000003000"), "{order}");
    assert!(order.contains("x-bapi-recv-window: 5000"));
    let body = orders[0].split_once("\r\n\r\n").unwrap().1;
    let signed = crate::shared::sign::hmac_sha256(
        &SecretString::from("a-secret-of-ours"),
        &format!("1790000003000a-key-of-ours5000{body}"),
    );
    assert!(order.contains(&format!("x-bapi-sign: {signed}")));
    assert!(!asked.iter().any(|text| text.contains("a-secret-of-ours")));
}

#[test]
fn the_truth_is_every_page_of_everything_or_an_error() {
    let answer = |target: &str| {
        let (path, query) = target.split_once('?').unwrap();
        let sample = |name: &str| {
            let path = format!("{}/fixtures/bybit/{name}", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(path).unwrap()
        };
        let body = match path {
            "/v5/account/wallet-balance" => {
                ok(r#"{"list":[{"coin":[{"coin":"USDT","walletBalance":"1204.88","locked":"4.88"}]}]}"#)
            }
            "/v5/position/list" => sample("positions.json"),
            "/v5/account/transaction-log" => sample("log.json"),
            "/v5/execution/list" if query.contains("category=linear") && !query.contains("cursor") => {
                sample("executions.json").replace(r#""nextPageCursor":"""#, r#""nextPageCursor":"p%3A2""#)
            }
            "/v5/execution/list" if query.contains("cursor=p%253A2") => {
                sample("executions.json").replace("e-1", "e-9").replace("e-3", "e-4")
            }
            _ => ok(EMPTY),
        };
        (200, body)
    };
    let good = stage(answer, Vec::new());
    let truth = run(async { good.venue.truth(Timestamp(NOW - 1000), &[]).await }).unwrap();
    let ids: Vec<_> = truth.fills.iter().map(|fill| fill.trade_id.as_str()).collect();
    assert_eq!(
        ids,
        ["e-1", "e-9", "e-3", "e-4"],
        "what the venue forces is executed, too"
    );
    assert_eq!(
        (truth.positions.len(), truth.funding.len(), truth.balances.len()),
        (2, 2, 1)
    );
    let bad = stage(
        move |target| {
            if target.contains("cursor=") {
                (500, String::new())
            } else {
                answer(target)
            }
        },
        Vec::new(),
    );
    let truth = run(async { bad.venue.truth(Timestamp(NOW - 1000), &[]).await });
    assert!(matches!(truth, Err(VenueError::Unreachable { .. })));
}

const CROSS: Setup = Setup {
    leverage: 3,
    margin: MarginMode::Cross,
};

#[test]
fn a_margin_mode_is_set_only_where_it_is_another_and_is_looked_at_again() {
    // Read before, whether it is set, read after, and whether the instrument is ready.
    let isolated = Setup {
        margin: MarginMode::Isolated,
        ..CROSS
    };
    for (before, after, setup, sets, ready) in [
        ("REGULAR_MARGIN", "REGULAR_MARGIN", CROSS, 0, true),
        ("REGULAR_MARGIN", "ISOLATED_MARGIN", isolated, 1, true),
        ("PORTFOLIO_MARGIN", "REGULAR_MARGIN", CROSS, 1, true),
        ("REGULAR_MARGIN", "REGULAR_MARGIN", isolated, 1, false),
    ] {
        let looks = std::cell::Cell::new(0);
        let stage = stage(
            move |target| {
                if target.starts_with("/v5/account/info") {
                    looks.set(looks.get() + 1);
                    let mode = if looks.get() == 1 { before } else { after };
                    return (200, ok(&format!(r#"{{"marginMode":"{mode}"}}"#)));
                }
                (200, ok("{}"))
            },
            Vec::new(),
        );
        let prepared = run(async { stage.venue.prepare(&xrp(Product::Perp), setup).await });
        assert_eq!(prepared.is_ok(), ready, "{before} to {setup:?}: {prepared:?}");
        let asked = stage.asked.borrow();
        let set = asked.iter().filter(|target| target.contains("set-margin-mode"));
        assert_eq!(set.count(), sets, "{before} to {setup:?}");
    }
}

#[test]
fn f074_already_so_is_success_and_in_the_way_is_not() {
    let answering = |code: i64| {
        let stage = stage(
            move |target| {
                if target.starts_with("/v5/account/info") {
                    return (200, ok(r#"{"marginMode":"REGULAR_MARGIN"}"#));
                }
                (200, format!(r#"{{"retCode":{code},"retMsg":"x","result":{{}}}}"#))
            },
            Vec::new(),
        );
        run(async { stage.venue.prepare(&xrp(Product::Perp), CROSS).await })
    };
    assert_eq!(answering(110_043), Ok(()));
    assert_eq!(answering(110_025), Ok(()));
    assert!(matches!(
        answering(110_024),
        Err(VenueError::Refused { code: 110_024, .. })
    ));
}

#[test]
fn a_feed_gives_the_market_now_and_then_what_is_pushed() {
    let tickers = r#"{"category":"linear","list":[{"symbol":"XRPUSDT","markPrice":"0.6122","indexPrice":"0.6121",
        "fundingRate":"0.0002","nextFundingTime":"1790006400000","fundingIntervalHour":"8","fundingCap":"0.005",
        "bid1Price":"0.6121","bid1Size":"88","ask1Price":"0.6122","ask1Size":"120"}]}"#;
    let stage = stage(
        move |_| (200, ok(tickers)),
        vec![(
            "orderbook.1.XRPUSDT",
            vec![
                r#"{"success":true,"ret_msg":"","conn_id":"c","req_id":"s0","op":"subscribe"}"#,
                r#"{"topic":"orderbook.1.XRPUSDT","type":"snapshot","ts":1,"data":{"s":"XRPUSDT","b":[["0.6","1"]],"a":[["0.7","1"]],"u":5},"cts":1}"#,
                r#"{"topic":"tickers.XRPUSDT","type":"delta","ts":1,"data":{"symbol":"XRPUSDT","markPrice":"0.7"}}"#,
            ],
        )],
    );
    run(async {
        let instruments = [xrp(Product::Perp)];
        let feed = stage.venue.market_feed(Product::Perp);
        let mut stream = feed.open(&instruments, &Interest::none()).await.unwrap();
        assert_eq!(stream.next().await.unwrap().len(), 3);
        assert_eq!(stream.next().await.unwrap(), []);
        assert!(matches!(&stream.next().await.unwrap()[..], [MarketFact::Quote { .. }]));
        // Its snapshot never came over this connection: the change is left out, and a snapshot is asked for.
        let next = tokio::time::timeout(std::time::Duration::from_millis(500), stream.next()).await;
        assert!(next.is_err(), "{next:?}");
        assert_eq!(stage.venue.left_out().count(), 1);
    });
    let is_asked = |text: &String| text.contains("unsubscribe") && text.contains("tickers.XRPUSDT");
    assert!(stage.asked.borrow().iter().any(is_asked));
}

#[test]
fn an_account_stream_is_open_when_it_is_signed_in_and_acknowledged() {
    let good = stage(
        |_| (200, ok("{}")),
        vec![
            (
                r#""op":"auth""#,
                vec![r#"{"success":true,"ret_msg":"","op":"auth","conn_id":"c"}"#],
            ),
            (
                "subscribe",
                vec![
                    r#"{"success":true,"ret_msg":"","conn_id":"c","req_id":"s0","op":"subscribe"}"#,
                    r#"{"topic":"wallet","data":[{"coin":[{"coin":"USDT","walletBalance":"5","locked":"2"}]}]}"#,
                ],
            ),
        ],
    );
    run(async {
        let mut stream = good.venue.open().await.unwrap();
        assert_eq!(stream.next().await.unwrap().len(), 1);
    });
    assert!(
        good.asked
            .borrow()
            .iter()
            .any(|text| text.contains(r#""a-key-of-ours",1790000013000,"#))
    );
    let bad = stage(
        |_| (200, ok("{}")),
        vec![(
            "auth",
            vec![r#"{"success":false,"ret_msg":"Invalid sign","op":"auth","conn_id":"c"}"#],
        )],
    );
    let refused = run(async { bad.venue.open().await.err() });
    assert!(matches!(refused, Some(VenueError::Refused { .. })));
}

#[test]
fn instruments_of_both_categories_are_read_whole() {
    let stage = stage(
        |target| {
            let name = if target.contains("category=spot") {
                "spot"
            } else {
                "linear"
            };
            let path = format!("{}/fixtures/bybit/instruments_{name}.json", env!("CARGO_MANIFEST_DIR"));
            (200, std::fs::read_to_string(path).unwrap())
        },
        Vec::new(),
    );
    let instruments = run(async { stage.venue.instruments().await }).unwrap();
    let names: Vec<_> = instruments.iter().map(|instrument| instrument.id.to_string()).collect();
    assert_eq!(
        names,
        ["bybit:spot:XRPUSDT", "bybit:perp:1000PEPEUSDT", "bybit:perp:XRPUSDT"]
    );
}

#[test]
fn our_key_is_in_no_error() {
    let complaint =
        r#"{"retCode":10004,"retMsg":"error sign! origin_string[1790000003000a-key-of-ours5000]","result":{}}"#;
    let stage = stage(move |_| (200, complaint.to_owned()), Vec::new());
    run(async {
        let refused = stage.venue.balances().await.unwrap_err();
        assert!(matches!(refused, VenueError::Refused { code: 10004, .. }));
        assert!(!refused.to_string().contains("a-key-of-ours"), "{refused}");
        let cancelled = stage
            .venue
            .cancel(&xrp(Product::Spot), &ClientOrderId::from_text("fatest-1-1-1"))
            .await;
        assert!(!format!("{cancelled:?}").contains("a-key-of-ours"));
    });
}

/// Five hundred settlements, told as the venue tells them: the newest two hundred up to the asked end.
#[test]
fn past_settlements_are_read_backwards_to_the_end_in_order() {
    const STEP: i64 = 8 * 3_600_000;
    let newest = NOW / STEP * STEP;
    let stage = stage(
        move |target| {
            if target.starts_with("/v5/market/time") {
                let time = format!(r#"{{"timeSecond":"{}","timeNano":"{}000000"}}"#, NOW / 1000, NOW);
                return (200, ok(&time));
            }
            let asked = |name: &str| {
                let from = target.split(&format!("{name}=")).nth(1).unwrap();
                from.split('&').next().unwrap().parse::<i64>().unwrap()
            };
            let rows: Vec<_> = (0..500)
                .map(|back| newest - back * STEP)
                .filter(|at| (asked("startTime")..=asked("endTime")).contains(at))
                .take(200)
                .map(|at| {
                    let rate = (at / STEP) % 100;
                    format!(r#"{{"symbol":"XRPUSDT","fundingRate":"0.0000{rate:02}","fundingRateTimestamp":"{at}"}}"#)
                })
                .collect();
            (
                200,
                ok(&format!(r#"{{"category":"linear","list":[{}]}}"#, rows.join(","))),
            )
        },
        Vec::new(),
    );
    let since = Timestamp(newest - 449 * STEP);
    let told = run(async { stage.venue.funding_history(&xrp(Product::Perp), since).await }).unwrap();
    let times: Vec<_> = told.iter().map(|row| row.at.0).collect();
    let all: Vec<_> = (0..450).rev().map(|back| newest - back * STEP).collect();
    assert_eq!(times, all);
    assert!(told.iter().all(|row| row.rate.0 == dec((row.at.0 / STEP) % 100)));
    let pages = stage
        .asked
        .borrow()
        .iter()
        .filter(|target| target.contains("/funding/history"))
        .count();
    assert_eq!(pages, 3);
}

fn dec(hundredths: i64) -> Decimal {
    Decimal::new(hundredths, 6)
}

#[test]
fn a_settlement_of_another_symbol_or_beyond_every_cap_is_refused() {
    for row in [
        r#"{"symbol":"XRPUSD","fundingRate":"0.0001","fundingRateTimestamp":"1789999200000"}"#,
        r#"{"symbol":"XRPUSDT","fundingRate":"1.5","fundingRateTimestamp":"1789999200000"}"#,
        r#"{"symbol":"XRPUSDT","fundingRate":"","fundingRateTimestamp":"1789999200000"}"#,
    ] {
        let answer = ok(&format!(r#"{{"category":"linear","list":[{row}]}}"#));
        let stage = stage(move |_| (200, answer.clone()), Vec::new());
        let told = run(async { stage.venue.funding_history(&xrp(Product::Perp), Timestamp(0)).await });
        assert!(matches!(told, Err(VenueError::Malformed { .. })), "{row}: {told:?}");
    }
}
