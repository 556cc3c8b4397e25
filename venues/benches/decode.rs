//! How long one best bid and ask takes from text to decimals.
fn main() {}
