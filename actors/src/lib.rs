//! The cast: supervised actors that carry facts in and effects out.
