//! The venues alone, for any client.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use simulator::exchange::{AccountSpec, AccountsError, parse_accounts};
use simulator::faults::{FaultError, parse_rules};
use simulator::market::{GeneratedOptions, MarketError, Shifted};

use crate::clock::{ScaledClock, wall};
use crate::twin::{TwinLine, TwinOptions, market};

/// How much generated market there is: days of one coin. A market of more than 20 coins is shorter, so that it takes no
/// more memory.
const COIN_DAYS: u32 = 8_000;
/// Most and least days.
const DAYS: (u32, u32) = (400, 20);

/// What to serve.
#[derive(Clone, Debug)]
pub struct SimulateOptions {
    /// Ports of Binance spot, Binance USDⓈ-M and Bybit; 0 takes a free one.
    pub ports: [u16; 3],
    /// A folder of recorded market data; generated without one.
    pub market: Option<PathBuf>,
    /// Coins of the generated market.
    pub symbols: u32,
    /// Whether its books change ten times a second.
    pub busy: bool,
    /// Draws the generated market.
    pub seed: u64,
    /// Market seconds per machine second.
    pub speed: u32,
    /// A file of fault rules.
    pub faults: Option<PathBuf>,
    /// A file of accounts.
    pub accounts: Option<PathBuf>,
}

/// Why the venues could not be served.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The market cannot be read.
    #[error("the market cannot be used")]
    Market(#[from] MarketError),
    /// A file cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The faults are not rules.
    #[error("the fault rules cannot be used")]
    Faults(#[from] FaultError),
    /// The accounts are none.
    #[error("the accounts cannot be used")]
    Accounts(#[from] AccountsError),
    /// A port is taken.
    #[error("port {port} of 127.0.0.1 cannot be used; choose another with --spot-port, --usdm-port or --bybit-port")]
    Port {
        /// Which.
        port: u16,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

impl SimulateError {
    /// 2 when what was asked for is wrong, 1 when the machine refused.
    pub const fn exit_code(&self) -> i32 {
        match self {
            Self::Port { .. } => 1,
            _ => 2,
        }
    }
}

fn read(path: &PathBuf) -> Result<String, SimulateError> {
    std::fs::read_to_string(path).map_err(|cause| SimulateError::File {
        path: path.clone(),
        cause,
    })
}

/// Starts the venues. Everything is read and every port is taken before the first byte is served.
///
/// # Errors
/// What is wrong with the market, a file or a port.
pub fn start(options: &SimulateOptions) -> Result<TwinLine, SimulateError> {
    let faults = options
        .faults
        .as_ref()
        .map(read)
        .transpose()?
        .map_or_else(|| Ok(Vec::new()), |text| parse_rules(&text))?;
    let accounts = match &options.accounts {
        Some(path) => parse_accounts(&read(path)?)?,
        None => vec![AccountSpec::demo()],
    };
    let generated = GeneratedOptions {
        symbols: usize::try_from(options.symbols).unwrap_or(usize::MAX),
        days: (COIN_DAYS / options.symbols.max(1)).clamp(DAYS.1, DAYS.0),
        busy: options.busy,
        ..GeneratedOptions::default()
    };
    let source = market(options.market.as_deref(), options.seed, generated)?;
    let now = wall();
    let source = Box::new(Shifted::to_now(source, now.millis()));
    let listen =
        |port: u16| TcpListener::bind(("127.0.0.1", port)).map_err(|cause| SimulateError::Port { port, cause });
    let [spot, usdm, bybit] = options.ports;
    let listeners = [listen(spot)?, listen(usdm)?, listen(bybit)?];
    let twin = TwinOptions {
        accounts,
        seed: options.seed,
        speed: options.speed,
        push_every: Duration::from_millis(100),
        faults,
    };
    TwinLine::start(source, twin, ScaledClock::scaled(now, options.speed), listeners, None)
        .map_err(|cause| SimulateError::Port { port: 0, cause })
}

/// Where the venues answer, and how an engine is pointed at them.
pub fn greeting([spot, usdm, bybit]: [u16; 3]) -> String {
    format!(
        "Binance spot     http://127.0.0.1:{spot}
Binance USDⓈ-M   http://127.0.0.1:{usdm}
Bybit v5         http://127.0.0.1:{bybit}
Key and secret are demo / demo unless --accounts says otherwise. Truth: GET /sim/truth on any of them.
An engine is pointed here with
  FUNDING_ARB__VENUES__BINANCE__SPOT_REST_URL=http://127.0.0.1:{spot}
  FUNDING_ARB__VENUES__BINANCE__SPOT_WS_URL=ws://127.0.0.1:{spot}
  FUNDING_ARB__VENUES__BINANCE__SPOT_WS_API_URL=ws://127.0.0.1:{spot}/ws-api/v3
  FUNDING_ARB__VENUES__BINANCE__USDM_REST_URL=http://127.0.0.1:{usdm}
  FUNDING_ARB__VENUES__BINANCE__USDM_WS_URL=ws://127.0.0.1:{usdm}
  FUNDING_ARB__VENUES__BINANCE__USDM_WS_API_URL=ws://127.0.0.1:{usdm}/ws-fapi/v1
  FUNDING_ARB__VENUES__BYBIT__REST_URL=http://127.0.0.1:{bybit}
  FUNDING_ARB__VENUES__BYBIT__WS_URL=ws://127.0.0.1:{bybit}"
    )
}
