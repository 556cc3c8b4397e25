//! Ids and names as the venues and the truth spell them.

use crate::market::{Product, Venue};

/// A numeric id in a venue's spelling: decimal on Binance, a well-formed UUID on Bybit.
pub fn id_text(venue: Venue, id: u64) -> String {
    match venue {
        Venue::Binance => id.to_string(),
        Venue::Bybit => {
            // A fixed mixing, so that ids look unrelated and yet one seed is one run.
            let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ 0x5B0F_9C52_0C0E_4B5F;
            let (a, b, c) = (mixed >> 32, (mixed >> 16) & 0xFFFF, mixed & 0xFFF);
            format!("{a:08x}-{b:04x}-4{c:03x}-9f33-{:012x}", id & 0xFFFF_FFFF_FFFF)
        }
    }
}

/// The number behind [`id_text`]; `None` if the text is none of ours.
pub fn id_number(venue: Venue, text: &str) -> Option<u64> {
    let id = match venue {
        Venue::Binance => text.parse().ok()?,
        Venue::Bybit => u64::from_str_radix(text.rsplit('-').next()?, 16).ok()?,
    };
    (id_text(venue, id) == text).then_some(id)
}

/// The product's name in the truth: `spot`, `usdm` or `linear`.
pub const fn product_name(venue: Venue, product: Product) -> &'static str {
    match (venue, product) {
        (_, Product::Spot) => "spot",
        (Venue::Binance, Product::Perp) => "usdm",
        (Venue::Bybit, Product::Perp) => "linear",
    }
}

/// The venue's name in the truth.
pub const fn venue_name(venue: Venue) -> &'static str {
    match venue {
        Venue::Binance => "binance",
        Venue::Bybit => "bybit",
    }
}
