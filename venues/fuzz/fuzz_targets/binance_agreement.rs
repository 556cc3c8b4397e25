#![no_main]
#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target uses its part of the shared checks")]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::agreement(domain::instrument::VenueId::Binance, bytes));
