//! Reads a file of raw best-bid-and-ask messages of Binance perpetuals, one a line, bare or in the combined wrapper, and
//! prints nanoseconds a message, up to the board that the scanner reads, and a hash of that.
//!
//! `cargo run --release -p venues --example ingest -- FILE SYMBOL...`

use std::error::Error;

use domain::bounds::Bounds;
use domain::instrument::{FeeRates, Instrument, InstrumentId, Name, Product, TradingStatus, VenueId};
use domain::money::{Price, Quantity, Rate, Usd};
use domain::strategy::Board;
use domain::time::{Machine, Now, Timestamp};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use venues::binance::{Decoder, FundingRules};

const NOW: Now = Now {
    market: Timestamp(0),
    machine: Machine(std::time::Duration::ZERO),
};

/// A perpetual whose rules do not matter here.
fn perpetual(symbol: &str) -> Instrument {
    Instrument {
        id: InstrumentId {
            venue: VenueId::Binance,
            product: Product::Perp,
            symbol: Name::new(symbol),
        },
        asset: Name::new(symbol),
        base: Name::new(symbol),
        quote: Name::new("USDT"),
        multiplier: Decimal::ONE,
        tick: Price(Decimal::ONE),
        lot: Quantity(Decimal::ONE),
        min_quantity: Quantity(Decimal::ONE),
        max_quantity: Quantity(Decimal::ONE),
        max_market_quantity: Quantity(Decimal::ONE),
        min_notional: Usd(Decimal::ONE),
        least_price: Price(Decimal::ZERO),
        greatest_price: None,
        status: TradingStatus::Trading,
        ends_at: None,
        bounds: Bounds::default(),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: ingest FILE SYMBOL...")?;
    let (mut board, mut instruments) = (Board::default(), Vec::new());
    let fees = FeeRates {
        maker: Rate::ZERO,
        taker: Rate::ZERO,
    };
    for symbol in arguments {
        let instrument = perpetual(&symbol);
        instruments.push(instrument.id.clone());
        board.list(instrument, fees);
    }
    let text = std::fs::read_to_string(file)?;
    let (mut decoder, rules) = (Decoder::new(&instruments), FundingRules::new());
    let (mut messages, mut facts) = (0_u128, Vec::new());
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement of this machine, not of market time"
    )]
    let began = std::time::Instant::now();
    for line in text.lines().filter(|line| !line.is_empty()) {
        messages += 1;
        facts.clear();
        if line.starts_with("{\"stream\"") {
            decoder.read(line, &rules, Timestamp(0), &mut facts)?;
        } else {
            decoder.touch(line, Timestamp(0), &mut facts)?;
        }
        for fact in &facts {
            board.observe(fact, NOW);
        }
    }
    let spent = began.elapsed();
    let mut hash = Sha256::new();
    for listing in board.listings() {
        hash.update(format!("{:?} {:?}\n", listing.instrument.id, listing.quote));
    }
    let per_message = spent.as_nanos().checked_div(messages).unwrap_or_default();
    println!(
        "{messages} messages, {per_message} ns a message, state {}",
        hex::encode(hash.finalize())
    );
    Ok(())
}
