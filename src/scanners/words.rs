//! A naming as text: JSON, whole and short enough for one notice.

use domain::instrument::{InstrumentId, Name, Product, VenueId};
use domain::money::Bps;
use domain::named::Naming;
use domain::strategy::Pair;
use domain::time::Timestamp;
use ledger::LONGEST_NOTICE;
use serde::{Deserialize, Serialize};

/// What this program writes; another number is another program's.
const VERSION: u32 = 1;
/// Letters of a name that are believed.
const LONGEST_NAME: usize = 96;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    v: u32,
    who: String,
    at_ms: i64,
    pairs: Vec<(String, String, String)>,
}

/// As many texts as the pairs need; one, where there are none: a scanner that finds nothing is heard, too.
pub fn write(naming: &Naming) -> Vec<String> {
    let pair = |(pair, net): &(Pair, Bps)| {
        (
            pair.long.to_string(),
            pair.short.to_string(),
            net.0.round_dp(4).to_string(),
        )
    };
    let mut waiting: Vec<Vec<_>> = vec![naming.pairs.iter().map(pair).collect()];
    let mut texts = Vec::new();
    while let Some(mut pairs) = waiting.pop() {
        let said = Said {
            v: VERSION,
            who: naming.who.clone(),
            at_ms: naming.at.millis(),
            pairs: pairs.clone(),
        };
        match serde_json::to_string(&said) {
            Ok(text) if text.len() <= LONGEST_NOTICE => texts.push(text),
            _ if pairs.len() > 1 => {
                let rest = pairs.split_off(pairs.len() / 2);
                waiting.extend([rest, pairs]);
            }
            _ => {} // one pair that does not fit is no pair of ours
        }
    }
    texts
}

/// What a text says; `None` when it is no naming.
pub fn read(text: &str) -> Option<Naming> {
    let said: Said = serde_json::from_str(text).ok()?;
    let is_name =
        |name: &str| !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(|b| b.is_ascii_graphic());
    if said.v != VERSION || !is_name(&said.who) {
        return None;
    }
    let pair = |(long, short, net): &(String, String, String)| {
        let pair = Pair {
            long: instrument(long)?,
            short: instrument(short)?,
        };
        Some((pair, Bps(net.parse().ok()?)))
    };
    Some(Naming {
        at: Timestamp(said.at_ms),
        pairs: said.pairs.iter().map(pair).collect::<Option<_>>()?,
        who: said.who,
    })
}

fn instrument(text: &str) -> Option<InstrumentId> {
    let mut parts = text.splitn(3, ':');
    let (venue, product, symbol) = (parts.next()?, parts.next()?, parts.next()?);
    let is_symbol = !symbol.is_empty() && symbol.len() <= LONGEST_NAME;
    Some(InstrumentId {
        venue: VenueId::parse(venue)?,
        product: Product::parse(product)?,
        symbol: Name::new(Some(symbol).filter(|_| is_symbol)?),
    })
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    fn naming(pairs: usize) -> Naming {
        let leg = |venue, n| InstrumentId {
            venue,
            product: Product::Perp,
            symbol: Name::new(&format!("COIN{n}USDT")),
        };
        let pair = |n| Pair {
            long: leg(VenueId::Binance, n),
            short: leg(VenueId::Bybit, n),
        };
        Naming {
            who: "scanner-1".to_owned(),
            at: Timestamp(1_767_225_600_000),
            pairs: (0..pairs).map(|n| (pair(n), Bps(Decimal::new(312_345, 4)))).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_in_as_many_pieces_as_it_needs() {
        for pairs in [0, 1, 70, 1_000] {
            let said = naming(pairs);
            let texts = write(&said);
            assert!(texts.iter().all(|text| text.len() <= LONGEST_NOTICE));
            let read: Vec<Naming> = texts.iter().map(|text| read(text).unwrap()).collect();
            assert!(read.iter().all(|one| one.who == said.who && one.at == said.at));
            let whole: Vec<_> = read.into_iter().flat_map(|one| one.pairs).collect();
            assert_eq!(whole, said.pairs);
            assert_eq!(texts.len() == 1, pairs <= 70, "{pairs} pairs in {} texts", texts.len());
        }
    }

    #[test]
    fn what_is_no_naming_is_none() {
        let good = write(&naming(1)).remove(0);
        assert!(read(&good).is_some());
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("scanner-1", ""),
            ("scanner-1", "two words"),
            ("binance:perp:", "okx:perp:"),
            ("binance:perp:", "binance:future:"),
            ("COIN0USDT", ""),
            ("31.2345", "much"),
            ("\"at_ms\":", "\"sent_ms\":"),
            ("{", "{\"secret\":1,"),
            ("}", ""),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            assert!(read(&bad).is_none(), "{bad}");
        }
        assert!(read("").is_none() && read("null").is_none() && read("[]").is_none());
    }
}
