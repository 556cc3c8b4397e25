//! Assembles an engine from its rooms.
