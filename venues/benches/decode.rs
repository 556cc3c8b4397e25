//! How long one best bid and ask takes from its text to decimals.

use domain::instrument::{InstrumentId, Name, Product, VenueId};
use domain::time::Timestamp;
use venues::binance::Decoder;

const ROUNDS: u32 = 200_000;
const TEXT: &str = r#"{"e":"bookTicker","u":9000123,"s":"XRPUSDT","b":"0.6126","B":"1200.1","a":"0.6127","A":"310.0","T":1790000001001,"E":1790000001004,"st":1,"ps":"XRPUSDT"}"#;

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of this machine, not of market time"
)]
fn main() {
    let id = InstrumentId {
        venue: VenueId::Binance,
        product: Product::Perp,
        symbol: Name::new("XRPUSDT"),
    };
    let mut decoder = Decoder::new(&[id]);
    let began = std::time::Instant::now();
    let facts: usize = (0..ROUNDS)
        .filter_map(|_| decoder.touch(std::hint::black_box(TEXT), Timestamp(0)).ok())
        .map(|facts| facts.len())
        .sum();
    let spent = began.elapsed();
    println!("{facts} touches, {} ns each", spent.as_nanos() / u128::from(ROUNDS));
}
