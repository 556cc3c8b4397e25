//! Three days of both venues' real wires in virtual time: a socket per host that listens to every instrument.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands; helpers are not marked as tests"
)]

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use common::{Board, play};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use simulator::serve::{Options, Twin};
use simulator::wire::Host;
use tokio::io::duplex;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

const DAYS: u64 = 3;

/// Subscribes and counts what comes.
async fn listen(twin: Twin, host: Host, url: &'static str, subscribe: String, heard: Rc<Cell<u64>>) {
    let (near, far) = duplex(1 << 20);
    tokio::task::spawn_local(async move { twin.serve(host, far).await });
    let (mut socket, _) = client_async(url, near).await.unwrap();
    socket.send(Message::text(subscribe)).await.unwrap();
    while let Some(Ok(frame)) = socket.next().await {
        if let Message::Text(text) = frame {
            let message: Value = serde_json::from_str(text.as_str()).unwrap();
            assert!(
                message.get("error").is_none() && message["success"] != false,
                "{message}"
            );
            heard.set(heard.get() + 1);
            // Bybit hangs up on a client that says nothing for ten minutes.
            if host == Host::Bybit && heard.get().is_multiple_of(10) {
                socket.send(Message::text(r#"{"op":"ping"}"#)).await.unwrap();
            }
        }
    }
}

#[test]
fn three_days_of_every_stream_pass_quickly_and_none_is_silent() {
    let make = |clock| {
        let board = Board::new();
        board.moving.set(true);
        let options = Options {
            push_every: Duration::from_secs(30),
            ..Options::default()
        };
        Twin::new(Box::new(board), options, clock)
    };
    play(make, async |twin| {
        let spot = r#"{"method":"SUBSCRIBE","params":["btcusdt@bookTicker","ethusdt@bookTicker"],"id":1}"#;
        let marks = r#"{"method":"SUBSCRIBE","params":["btcusdt@markPrice","ethusdt@markPrice"],"id":1}"#;
        let linear = r#"{"op":"subscribe","args":["tickers.BTCUSDT","tickers.ETHUSDT","orderbook.1.BTCUSDT"]}"#;
        let streams = [
            (Host::BinanceSpot, "ws://sim/ws", spot),
            (Host::BinanceUsdm, "ws://sim/market/ws", marks),
            (Host::Bybit, "ws://sim/v5/public/linear", linear),
        ];
        let mut counts = Vec::new();
        for (host, url, subscribe) in streams {
            let heard = Rc::new(Cell::new(0));
            counts.push((host, Rc::clone(&heard)));
            tokio::task::spawn_local(listen(twin.clone(), host, url, subscribe.to_owned(), heard));
        }
        tokio::time::sleep(Duration::from_secs(DAYS * 86_400)).await;
        for (host, heard) in counts {
            println!("{host:?}: {} frames", heard.get());
            assert!(
                heard.get() >= DAYS * 86_400 / 30,
                "{host:?} said {} things",
                heard.get()
            );
        }
    });
}
