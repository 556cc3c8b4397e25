//! The wire as a client sees it.

#![allow(clippy::too_many_lines, reason = "a test tells one story, or is a table")]

mod market;
mod rest;
mod shapes;
mod sockets;
mod strangers;
mod venue;
