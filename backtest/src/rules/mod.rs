//! What decides. Every rule sees a [`View`], which ends at its hour; [`foresight`] alone is handed the whole tape, and is no
//! rule but a bound.
//!
//! ```text
//! edge       what a pair pays an hour, by its last settlements, and what its trading costs
//! hold       carry held from the first hour to the last
//! peers      the rules of others, as read from their sources
//! foresight  the best schedule of entries and exits for somebody who knows every settlement
//! ```

pub mod edge;
pub mod expected;
pub mod foresight;
pub mod hold;
pub mod peers;

use crate::engine::View;
