//! Processes that end with their test, also when it panics.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::ask;

/// Opens the control doors of every engine here.
pub const TOKEN: &str = "canary-token-5b1f0c7e9a";
/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_funding-arb");
/// Between two looks.
const AGAIN: Duration = Duration::from_millis(25);

/// How long an entry is waited for where nothing forbids it. Around a settlement nothing is entered for 45 s, and these
/// tests run at any hour.
pub const ENTERED_WITHIN: Duration = secs(150);

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A folder that goes with its test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("funding-arb-service-{}-{number}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what was written stays in {}", self.0.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Looks until there is something, or fails with what was waited for.
pub fn wait_for<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < within,
            "waited {} s in vain: {what}",
            within.as_secs()
        );
        sleep(AGAIN);
    }
}

/// Seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A process that this test started, and that ends with it.
pub struct Process {
    child: Child,
    /// What it writes to standard error.
    pub log: PathBuf,
}

impl Process {
    fn start(mut command: Command, log: PathBuf) -> Self {
        let file = File::create(&log).unwrap();
        let child = command.stderr(file).stdin(Stdio::null()).spawn().unwrap();
        Self { child, log }
    }

    pub fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The code of a process that has ended.
    pub fn ended(&mut self) -> Option<Option<i32>> {
        self.child.try_wait().unwrap().map(|status| status.code())
    }

    /// Whether it stands still by a signal.
    pub fn is_frozen(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success(), "{name} was not sent");
    }

    /// Waits for the end by itself; its exit code.
    pub fn wait_end(&mut self, within: Duration) -> Option<i32> {
        wait_for(
            &format!("the end of the process, see {}", self.log.display()),
            within,
            || self.ended(),
        )
    }

    /// Kills without warning, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The simulated venues.
pub struct Venues {
    pub process: Process,
    /// Binance spot, Binance USDⓈ-M, Bybit.
    pub ports: [u16; 3],
}

impl Venues {
    pub fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    /// With words of its own on the command line.
    pub fn start_with(folder: &Path, words: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        let out = folder.join("venues.out");
        command
            .args([
                "simulate",
                "--spot-port",
                "0",
                "--usdm-port",
                "0",
                "--bybit-port",
                "0",
                "--speed",
                "1",
                "--seed",
                "7",
            ])
            .args(words)
            .env_clear()
            .current_dir(folder)
            .stdout(File::create(&out).unwrap());
        let mut process = Process::start(command, folder.join("venues.err"));
        let ports = wait_for("the venues' ports", secs(120), || {
            assert!(process.ended().is_none(), "the venues have ended: {}", process.logged());
            let text = std::fs::read_to_string(&out).unwrap_or_default();
            let ports: Vec<u16> = text
                .lines()
                .take(3)
                .filter_map(|line| line.rsplit_once(':')?.1.trim().parse().ok())
                .collect();
            text.contains("BYBIT__WS_URL").then(|| ports.try_into().ok()).flatten()
        });
        Self { process, ports }
    }

    /// The variables that point an engine here.
    fn variables(&self) -> BTreeMap<String, String> {
        let [spot, usdm, bybit] = self.ports;
        [
            ("BINANCE__SPOT_REST_URL", format!("http://127.0.0.1:{spot}")),
            ("BINANCE__SPOT_WS_URL", format!("ws://127.0.0.1:{spot}")),
            ("BINANCE__SPOT_WS_API_URL", format!("ws://127.0.0.1:{spot}/ws-api/v3")),
            ("BINANCE__USDM_REST_URL", format!("http://127.0.0.1:{usdm}")),
            ("BINANCE__USDM_WS_URL", format!("ws://127.0.0.1:{usdm}")),
            ("BINANCE__USDM_WS_API_URL", format!("ws://127.0.0.1:{usdm}/ws-fapi/v1")),
            ("BYBIT__REST_URL", format!("http://127.0.0.1:{bybit}")),
            ("BYBIT__WS_URL", format!("ws://127.0.0.1:{bybit}")),
        ]
        .into_iter()
        .map(|(name, value)| (format!("FUNDING_ARB__VENUES__{name}"), value))
        .collect()
    }

    /// Lays a hand on the market.
    pub fn market(&self, hand: &Value) {
        self.post("/sim/market", hand);
    }

    fn post(&self, path: &str, body: &Value) {
        let (status, answer) = ask(self.ports[0], "POST", path, None, Some(body)).unwrap();
        assert_eq!(status, 200, "{path} {body}: {answer}");
    }

    /// Sets the rate of the coming settlements of a perpetual on both venues, in parts of one.
    pub fn funding(&self, symbol: &str, binance: &str, bybit: &str) {
        for (venue, product, rate) in [("binance", "usdm", binance), ("bybit", "linear", bybit)] {
            self.post(
                "/sim/market",
                &json!({ "venue": venue, "symbol": symbol, "product": product, "funding_rate": rate }),
            );
        }
    }

    /// Sets fault rules beside those in force.
    pub fn faults(&self, rules: &Value) {
        self.post("/sim/faults", &json!({ "rules": rules }));
    }

    /// Lets the venues' time leap ahead.
    pub fn advance(&self, seconds: u32) {
        self.post("/sim/clock", &json!({ "advance_s": seconds }));
    }

    pub fn clear_faults(&self) {
        let (status, _) = ask(self.ports[0], "DELETE", "/sim/faults", None, None).unwrap();
        assert_eq!(status, 200);
    }

    pub fn truth(&self) -> Value {
        let (status, answer) = ask(self.ports[0], "GET", "/sim/truth", None, None).unwrap();
        assert_eq!(status, 200);
        serde_json::from_str(&answer).unwrap()
    }

    /// Rows of one kind of both venues, each with its venue.
    pub fn rows(&self, kind: &str) -> Vec<(String, Value)> {
        let truth = self.truth();
        let venues = truth["venues"].as_object().unwrap();
        let rows = venues.iter().flat_map(|(venue, held)| {
            held[kind]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| (venue.clone(), row.clone()))
                .collect::<Vec<_>>()
        });
        rows.collect()
    }
}

/// A place for an engine: its variables, its folder.
pub struct House {
    pub folder: Folder,
    pub variables: BTreeMap<String, String>,
    lives: u32,
}

impl House {
    pub fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = BTreeMap::from([
            set("FUNDING_ARB__MODE", "live"),
            set("FUNDING_ARB__DATA_DIR", &folder.0.join("data").display().to_string()),
            set("FUNDING_ARB__HTTP__PORT", "0"),
            set("FUNDING_ARB__LOG__FORMAT", "json"),
            set("CONTROL_TOKEN", TOKEN),
            set("BINANCE_API_KEY", "demo"),
            set("BINANCE_API_SECRET", "demo"),
            set("BYBIT_API_KEY", "demo"),
            set("BYBIT_API_SECRET", "demo"),
            set("MAX_POSITION_USD", "2000"),
            set("FUNDING_ARB__RISK__MAX_VENUE_USD", "20000"),
            set("FUNDING_ARB__RISK__MAX_TOTAL_USD", "40000"),
            set("FUNDING_ARB__RISK__MAX_DAILY_LOSS_USD", "1000000"),
            set("MIN_SPREAD_BPS", "5"),
            set("FUNDING_ARB__STRATEGY__EVALUATION_SECONDS", "1"),
            set("FUNDING_ARB__UNIVERSE__SYMBOLS", "ETH,SOL,XRP"),
        ]);
        Self {
            folder,
            variables,
            lives: 0,
        }
    }

    /// Points the engine at these venues.
    pub fn at(mut self, venues: &Venues) -> Self {
        self.variables.extend(venues.variables());
        self
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub fn ledger(&self) -> PathBuf {
        self.folder.0.join("data/funding-arb.db")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(words)
            .env_clear()
            .envs(&self.variables)
            .current_dir(&self.folder.0);
        command
    }

    /// Starts a process of this role and waits for its doors.
    pub fn start_as(&mut self, role: &str) -> Engine {
        Engine::of(self.spawn_with(&["run", "--role", role]))
    }

    /// The same with more words.
    pub fn start_with(&mut self, words: &[&str]) -> Engine {
        Engine::of(self.spawn_with(&[&["run"], words].concat()))
    }

    /// Starts the engine; it may not be through its start yet.
    pub fn spawn(&mut self) -> Process {
        self.spawn_with(&["run"])
    }

    fn spawn_with(&mut self, words: &[&str]) -> Process {
        self.lives += 1;
        let log = self.folder.0.join(format!("engine-{}.log", self.lives));
        let mut command = self.command(words);
        command.stdout(Stdio::null());
        Process::start(command, log)
    }

    /// Starts the engine and waits for its doors.
    pub fn start(&mut self) -> Engine {
        Engine::of(self.spawn())
    }

    /// Runs a command to its end.
    pub fn run(&self, words: &[&str]) -> Output {
        self.command(words).stdin(Stdio::null()).output().unwrap()
    }
}

/// A running engine.
pub struct Engine {
    pub process: Process,
    pub port: u16,
}

impl Engine {
    /// Waits for the doors of a process.
    pub fn of(mut process: Process) -> Self {
        let port = wait_for("open doors", secs(120), || {
            assert!(process.ended().is_none(), "the engine has ended: {}", process.logged());
            let logged = process.logged();
            let line = logged.lines().find(|line| line.contains("the doors are open"))?;
            let line: Value = serde_json::from_str(line).ok()?;
            line["address"].as_str()?.rsplit_once(':')?.1.parse().ok()
        });
        Self { process, port }
    }

    /// Asks with the token; `None` when nobody answers.
    pub fn try_get(&self, path: &str) -> Option<Value> {
        let (status, body) = ask(self.port, "GET", path, Some(TOKEN), None).ok()?;
        if status == 200 {
            serde_json::from_str(&body).ok()
        } else {
            None
        }
    }

    pub fn status(&self) -> Value {
        wait_for("a status", secs(60), || self.try_get("/status"))
    }

    pub fn mode(&self) -> String {
        self.try_get("/status").map_or_else(String::new, |status| {
            status["mode"].as_str().unwrap_or_default().to_owned()
        })
    }

    /// Status code and body of `/health`.
    pub fn health(&self) -> (u16, Value) {
        let (status, body) = ask(self.port, "GET", "/health", None, None).unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    pub fn post(&self, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, answer) = ask(self.port, "POST", path, Some(TOKEN), body).unwrap();
        (status, serde_json::from_str(&answer).unwrap())
    }

    /// Waits until it trades or is paused; answers which.
    pub fn wait_ready(&mut self, within: Duration) -> String {
        let started = Instant::now();
        loop {
            let mode = self.mode();
            if mode == "running" || mode == "paused" {
                return mode;
            }
            let ended = self.process.ended();
            assert!(
                ended.is_none(),
                "the engine ended with {ended:?}:\n{}",
                self.process.logged()
            );
            assert!(started.elapsed() < within, "still {mode:?}:\n{}", self.process.logged());
            sleep(AGAIN);
        }
    }

    /// Every row of a list.
    pub fn list(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = wait_for(path, secs(60), || self.try_get(&format!("{path}?limit=200{cursor}")));
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_i64() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// The hedges that are not closed.
    pub fn hedges(&self) -> Vec<Value> {
        self.status()["hedges"].as_array().cloned().unwrap_or_default()
    }

    /// Whether any hedge is open on both legs.
    pub fn has_open(&self) -> bool {
        self.hedges().iter().any(|hedge| hedge["state"] == "open")
    }

    /// Leaves every hedge and waits until none is left.
    pub fn close_all(&self) {
        let mut asked = Instant::now();
        self.post("/close-all", None);
        wait_for("every hedge to be closed", secs(60), || {
            if asked.elapsed() > secs(5) {
                asked = Instant::now();
                self.post("/close-all", None);
            }
            self.hedges().is_empty().then_some(())
        });
    }
}
