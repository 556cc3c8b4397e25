//! Pure decisions and the ports through which the engine meets the world.
