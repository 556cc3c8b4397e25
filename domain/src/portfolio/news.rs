//! What of a hedge's move people are told.

use crate::alert::{Alert, AlertName};
use crate::hedge::{HedgeRow, HedgeState};

use super::Portfolio;

impl Portfolio {
    /// The alert about a hedge that now stands as in `row`; `None` when it is not worth telling. To be asked before
    /// [`Portfolio::hedge_moved`].
    pub fn news(&self, row: &HedgeRow, cause: &str) -> Option<Alert> {
        let tracked = self.hedges.get(&row.id)?;
        let (id, asset) = (row.id, &row.asset);
        let was_open = tracked.hedge.opened_at.is_some();
        let (name, text) = match row.state {
            HedgeState::Open if !was_open => (
                AlertName::HedgeOpened,
                format!(
                    "Hedge {id} is open: long {} and short {}, {} {asset} a leg. {cause}",
                    row.long, row.short, tracked.hedge.long.held
                ),
            ),
            HedgeState::Closed if tracked.has_traded() && !was_open => (
                AlertName::ExecutionFailed,
                format!(
                    "Hedge {id} ({asset}) could not be opened on both legs and was taken back: net {} USD.",
                    tracked.net_when_flat().cents()
                ),
            ),
            HedgeState::Closed if tracked.has_traded() => (
                AlertName::HedgeClosed,
                format!(
                    "Hedge {id} ({asset}) is closed: net {} USD, of it funding {} USD, fees {} USD. {cause}",
                    tracked.net_when_flat().cents(),
                    tracked.result.funding.cents(),
                    tracked.result.fees.cents()
                ),
            ),
            HedgeState::OneLegged { filled, missing } => (
                AlertName::HedgeOneLegged,
                format!(
                    "Hedge {id} has one leg: {missing} {asset} too much on the {} side. It is being repaired; entries wait.",
                    filled.as_str()
                ),
            ),
            _ => return None,
        };
        Some(Alert::new(name, &format!("hedge {id}"), text))
    }
}
