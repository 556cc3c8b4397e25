//! A receiver of alerts on loopback: Discord's and Telegram's in one, by path.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// What was heard, and what is answered.
#[derive(Clone)]
pub struct Receiver {
    pub port: u16,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
    status: Arc<AtomicU16>,
}

impl Receiver {
    /// Listens until the test process ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            heard: Arc::default(),
            status: Arc::new(AtomicU16::new(200)),
        };
        let serving = receiver.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.serve(socket));
            }
        });
        receiver
    }

    /// From now on answers with this status; 0 keeps silent.
    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn serve(&self, socket: TcpStream) {
        let mut reader = BufReader::new(socket);
        loop {
            let (mut path, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                match reader.read_line(&mut line) {
                    Ok(read) if read > 0 => {}
                    _ => return,
                }
                let line = line.trim_end();
                if line.is_empty() {
                    break;
                }
                if path.is_empty() {
                    line.split(' ').nth(1).unwrap_or_default().clone_into(&mut path);
                } else if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap_or(0);
                }
            }
            let mut body = vec![0; length];
            if reader.read_exact(&mut body).is_err() {
                return;
            }
            let status = self.status.load(Ordering::SeqCst);
            if status == 0 {
                continue;
            }
            if status == 200 {
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                self.heard.lock().unwrap().push((path, body));
            }
            // Whoever is told to wait is told for how long.
            let wait = if status == 429 { "Retry-After: 2\r\n" } else { "" };
            let answer = format!(
                "HTTP/1.1 {status} Said\r\n{wait}Content-Length: 11\r\nContent-Type: application/json\r\n\r\n{{\"ok\":true}}"
            );
            if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    /// The texts that arrived at paths which begin so; a Discord embed's title comes first.
    pub fn texts(&self, path: &str) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        let here = heard.iter().filter(|(at, _)| at.starts_with(path));
        here.map(|(_, body)| match body["embeds"][0]["title"].as_str() {
            Some(title) => format!(
                "{title} {}",
                body["embeds"][0]["description"].as_str().unwrap_or_default()
            ),
            None => body["text"].as_str().unwrap_or_default().to_owned(),
        })
        .collect()
    }
}
