//! The wire as a client sees it.
