//! Venues that take nothing for now, by their own word.
//!
//! What needs both legs is not begun while one of them cannot be traded: the other leg would stand alone until the venue
//! opens, and it would be our own doing. What mends a single leg is not held up by this.

use std::time::Duration;

use domain::alert::{Alert, AlertName};
use domain::instrument::InstrumentId;
use domain::journal::Record;
use domain::risk::Gate;
use slog::{error, warn};

use super::Hands;

/// The tries of one leg bridge a wait of this length.
const SHORT: Duration = Duration::from_secs(1);
/// People are told of a longer wait.
const WORTH_TELLING: Duration = Duration::from_secs(5);

impl Hands {
    /// Whether both instruments can be traded now, as far as their venues have told. People hear of one that cannot, once
    /// until it is open again.
    ///
    /// # Errors
    /// [`Gate::Shut`] for the first that is shut for longer than [`SHORT`].
    pub(super) async fn both_open(&self, legs: [&InstrumentId; 2]) -> Result<(), Gate> {
        for id in legs {
            let desk = self.wires.desks.get(&id.venue);
            let wait = desk.and_then(|desk| desk.gateway.shut_for(id));
            let host = (id.venue, id.product);
            let Some(wait) = wait.filter(|wait| *wait > SHORT) else {
                self.shut.borrow_mut().remove(&host);
                continue;
            };
            warn!(self.log, "nothing is begun: a venue takes no orders"; "instrument" => %id, "seconds" => wait.as_secs());
            if wait > WORTH_TELLING && self.shut.borrow_mut().insert(host) {
                self.tell_shut(id, wait).await;
            }
            return Err(Gate::Shut {
                what: id.to_string(),
                wait,
            });
        }
        Ok(())
    }

    async fn tell_shut(&self, id: &InstrumentId, wait: Duration) {
        let (venue, product) = (id.venue, id.product.as_str());
        let text = format!(
            "{venue} takes no {product} orders for another {} s, by its own word. Until then no hedge with a leg there is entered, and none that holds both legs is left: the other leg would stand alone. A single leg is still mended where its venue is open. What a person asked to be left must be asked for again.",
            wait.as_secs()
        );
        let alert = Alert::new(AlertName::VenueDegraded, &format!("shut:{venue}:{product}"), text);
        if let Err(error) = self.wires.recorder.write_way_out(vec![Record::Alert(alert)]).await {
            error!(self.log, "an alert could not be kept"; "error" => %error);
        }
    }
}
