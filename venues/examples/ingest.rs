//! Reads a file of raw best-bid-and-ask messages of Binance perpetuals, one a line, bare or in the combined wrapper, and
//! prints nanoseconds a message and a hash of the final state.
//!
//! `cargo run --release -p venues --example ingest -- FILE SYMBOL...`

use std::collections::BTreeMap;
use std::error::Error;

use domain::instrument::{InstrumentId, Name, Product, VenueId};
use domain::market::MarketFact;
use domain::time::Timestamp;
use sha2::{Digest, Sha256};
use venues::binance::{Decoder, FundingRules, Said};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: ingest FILE SYMBOL...")?;
    let instruments: Vec<_> = arguments
        .map(|symbol| InstrumentId {
            venue: VenueId::Binance,
            product: Product::Perp,
            symbol: Name::new(&symbol),
        })
        .collect();
    let text = std::fs::read_to_string(file)?;
    let (mut decoder, rules) = (Decoder::new(&instruments), FundingRules::new());
    let (mut state, mut messages) = (BTreeMap::new(), 0_u128);
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement of this machine, not of market time"
    )]
    let began = std::time::Instant::now();
    for line in text.lines().filter(|line| !line.is_empty()) {
        messages += 1;
        let facts = if line.contains("\"stream\"") {
            match decoder.read(line, &rules, Timestamp(0))? {
                Said::Facts { facts, .. } => facts,
                _ => Vec::new(),
            }
        } else {
            decoder.touch(line, Timestamp(0))?
        };
        for fact in facts {
            let kind = match fact {
                MarketFact::Quote { .. } => 0,
                MarketFact::Mark { .. } => 1,
                MarketFact::Funding { .. } => 2,
            };
            state.insert((fact.instrument().clone(), kind), fact);
        }
    }
    let spent = began.elapsed();
    let mut hash = Sha256::new();
    for fact in state.values() {
        hash.update(format!("{fact:?}\n"));
    }
    let per_message = spent.as_nanos().checked_div(messages).unwrap_or_default();
    println!(
        "{messages} messages, {per_message} ns a message, state {}",
        hex::encode(hash.finalize())
    );
    Ok(())
}
