//! How a link lies.
