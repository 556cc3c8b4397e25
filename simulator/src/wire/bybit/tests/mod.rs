//! The room as clients see it.

mod errors;
mod orders;
mod shapes;
mod sockets;
mod strangers;
mod venue;
