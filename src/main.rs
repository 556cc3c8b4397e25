//! The command line of funding-arb.
fn main() {}
