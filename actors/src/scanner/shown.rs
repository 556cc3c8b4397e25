//! The ranking and the shadow book as people read them.

use domain::money::Bps;
use domain::risk::Gate;
use domain::shadow::Regret;
use domain::strategy::Opportunity;
use domain::time::Now;
use serde_json::{Value, json};

use super::Scanner;

fn bps(of: Bps) -> String {
    of.0.round_dp(4).to_string()
}

/// What a gate has cost in a week, of one leg's notional for each asset.
pub fn shown_regret(of: &Regret) -> Value {
    let best = of.best.as_ref().map(
        |(pair, gain)| json!({ "long": pair.long.to_string(), "short": pair.short.to_string(), "net_bps": bps(*gain) }),
    );
    json!({
        "week": of.week.to_string(),
        "gate": of.gate,
        "missed_bps": bps(of.missed),
        "assets": of.assets,
        "stopped_assets": of.of,
        "best": best,
    })
}

impl Scanner {
    /// Every pair, best first, with the first gate that stops it, and what each gate has cost.
    pub(super) fn shown(&self, now: Now) -> Value {
        let mut ranked: Vec<_> = self.board.opportunities().collect();
        ranked.sort_by(|a, b| {
            b.outlook
                .map(|o| o.net())
                .cmp(&a.outlook.map(|o| o.net()))
                .then_with(|| a.pair.cmp(&b.pair))
        });
        let items: Vec<_> = ranked.into_iter().map(|one| self.item(one, now)).collect();
        let regrets: Vec<_> = self.shadow.regrets().iter().map(shown_regret).collect();
        json!({
            "facts": self.facts,
            "left_out": self.left_out.values().sum::<u64>(),
            "instruments": self.board.listings().count(),
            "opportunities": items,
            "regret": regrets,
            "scanners": self.scanners(now),
        })
    }

    /// The scanners of other processes as they were heard; nothing where this process heeds none.
    fn scanners(&self, now: Now) -> Option<Value> {
        let named = self.named.as_ref()?;
        let heard = named.scanners().iter().map(|(who, one)| {
            json!({
                "name": who,
                "age_seconds": now.machine.since(one.last).as_secs(),
                "messages": one.namings,
                "pairs": one.pairs,
            })
        });
        Some(json!({ "heard": heard.collect::<Vec<_>>(), "ignored": named.ignored() }))
    }

    fn item(&self, opportunity: &Opportunity, Now { market: now, machine }: Now) -> Value {
        let (outlook, gate) = (opportunity.outlook, self.first_gate(opportunity, machine));
        let named = self.named.as_ref().and_then(|named| named.by(&opportunity.pair));
        // What nothing of its own stops may still wait for what stops everything.
        let held_back = self.held_back().filter(|_| gate.is_none());
        let shadow = self.shadow.of(&opportunity.pair, now).map(|(gate, earned)| {
            json!({
                "gate": gate,
                "funding_bps": bps(earned.funding),
                "costs_bps": bps(earned.costs),
                "net_bps": bps(earned.net()),
            })
        });
        json!({
            "asset": opportunity.asset.as_str(),
            "kind": opportunity.kind.as_str(),
            "long": opportunity.pair.long.to_string(),
            "short": opportunity.pair.short.to_string(),
            "net_bps": outlook.map(|o| bps(o.net())),
            "funding_bps": outlook.map(|o| bps(o.funding)),
            "costs_bps": outlook.map(|o| bps(o.costs.total())),
            "break_even_hours": outlook.and_then(|o| o.break_even_hours),
            "refused_by": gate.as_ref().map(Gate::name),
            "refused_because": gate.as_ref().map(ToString::to_string),
            "held_back_by": held_back.as_ref().map(Gate::name),
            "held_back_because": held_back.as_ref().map(ToString::to_string),
            "named_by": named.map(|(who, _)| who),
            "named_net_bps": named.map(|(_, net)| bps(net)),
            "would_have_earned": shadow.collect::<Vec<_>>(),
        })
    }
}
