//! The wire as a client sees it.

mod market;
mod rest;
mod shapes;
mod sockets;
