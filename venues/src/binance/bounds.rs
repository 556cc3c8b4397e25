//! How much of an instrument may be held, at which prices, and how large its market is: pure.

use domain::bounds::{Activity, Bounds, PriceBand, Tier};
use domain::instrument::{InstrumentId, Product};
use domain::money::{Quantity, Rate, Usd};
use domain::ports::VenueError;
use rust_decimal::Decimal;

use super::parse::{each, instrument_id, malformed, read};
use super::wire;
use crate::shared::unreadable::LeftOut;

/// The bounds in the filters of a symbol. One that names no figure bounds nothing.
pub fn of_filters(filters: &[wire::Filter<'_>]) -> Bounds {
    let named = |name: &str| filters.iter().find(|filter| filter.filter_type == name);
    let positive = |number: Option<super::text::Num>| number.map(|number| number.0).filter(|n| *n > Decimal::ZERO);
    // On spot each side has a band of its own; a buyer may always pay less than its least, and never needs to.
    let by_side = named("PERCENT_PRICE_BY_SIDE").map(|filter| (filter.bid_multiplier_up, filter.ask_multiplier_down));
    let both = || named("PERCENT_PRICE").map(|filter| (filter.multiplier_up, filter.multiplier_down));
    let band = by_side.or_else(both).and_then(|(up, down)| {
        Some(PriceBand {
            buy_most: positive(up)?,
            sell_least: positive(down)?,
        })
    });
    Bounds {
        tiers: None,
        band: band.filter(PriceBand::is_believable),
        max_position: named("MAX_POSITION")
            .and_then(|filter| positive(filter.max_position))
            .map(Quantity),
    }
}

/// The tiers of a `leverageBracket`, each with its symbol.
pub fn tiers(body: &str) -> Result<Vec<(String, Tier)>, VenueError> {
    let rows: Vec<wire::Brackets<'_>> = read("leverageBracket", body)?;
    Ok(rows
        .into_iter()
        .flat_map(|row| {
            let symbol = row.symbol.into_owned();
            // An account that trades much is given larger ones.
            let factor = row.notional_coef.map_or(Decimal::ONE, |factor| factor.0);
            row.brackets.into_iter().map(move |tier| {
                let tier = Tier {
                    up_to: Usd(tier.notional_cap.0.saturating_mul(factor)),
                    leverage: tier.initial_leverage.0,
                    maintenance: Rate(tier.maint_margin_ratio.0),
                    deduction: Usd(tier.cum.0.saturating_mul(factor)),
                };
                (symbol.clone(), tier)
            })
        })
        .collect())
}

/// What was traded in the last 24 hours, of every symbol of a `ticker/24hr`.
pub fn volumes(product: Product, body: &str, left_out: &LeftOut) -> Result<Vec<(InstrumentId, Activity)>, VenueError> {
    let rows: Vec<wire::DayTicker<'_>> = each("ticker/24hr", body, left_out)?;
    Ok(rows
        .into_iter()
        .filter(|row| row.quote_volume.0 >= Decimal::ZERO)
        .map(|row| {
            let traded = Activity {
                open_interest: None,
                volume_24h: Some(Usd(row.quote_volume.0)),
            };
            (instrument_id(product, &row.symbol), traded)
        })
        .collect())
}

/// The units of all open positions of the perpetual that was asked about.
pub fn open_interest(asked: &InstrumentId, body: &str) -> Result<Quantity, VenueError> {
    let row: wire::OpenInterest<'_> = read("openInterest", body)?;
    if row.symbol != asked.symbol.as_str() || row.open_interest.0 < Decimal::ZERO {
        return Err(malformed(format!("openInterest: not that of {asked}")));
    }
    Ok(Quantity(row.open_interest.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::bounds::Tiers;
    use domain::money::Price;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn brackets_are_tiers_by_symbol_and_grow_with_the_accounts_factor() {
        let told = tiers(
            r#"[{"symbol":"XRPUSDT","notionalCoef":1.5,"brackets":[
                {"bracket":1,"initialLeverage":75,"notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.0065,"cum":0},
                {"bracket":2,"initialLeverage":50,"notionalCap":50000,"notionalFloor":10000,"maintMarginRatio":0.01,"cum":35}]}]"#,
        )
        .unwrap();
        let (symbols, rows): (Vec<_>, Vec<_>) = told.into_iter().unzip();
        assert_eq!(symbols, ["XRPUSDT", "XRPUSDT"]);
        let known = Tiers::believable(rows).unwrap();
        let second = known.of(Usd(dec("15000.1"))).unwrap();
        assert_eq!((second.leverage, second.deduction), (dec("50"), Usd(dec("52.5"))));
        assert_eq!(known.most(), Some(Usd(dec("75000"))));
        for bad in [
            "{}",
            r#"[{"symbol":"X","brackets":[{"initialLeverage":""}]}]"#,
            "<html>",
        ] {
            assert!(tiers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_and_the_open_interest_are_read_of_the_symbol_that_was_asked_about() {
        let left_out = LeftOut::default();
        let body = r#"[{"symbol":"XRPUSDT","quoteVolume":"1234.5","volume":"9"},{"symbol":"BAD","quoteVolume":""}]"#;
        let told = volumes(Product::Spot, body, &left_out).unwrap();
        assert_eq!(told[0].1.volume_24h, Some(Usd(dec("1234.5"))));
        assert_eq!(
            (told.len(), left_out.count()),
            (1, 1),
            "what cannot be read is left out and counted"
        );
        let xrp = instrument_id(Product::Perp, "XRPUSDT");
        let open = |text: &str| open_interest(&xrp, text);
        assert_eq!(
            open(r#"{"symbol":"XRPUSDT","openInterest":"10659.509","time":1}"#),
            Ok(Quantity(dec("10659.509")))
        );
        assert!(open(r#"{"symbol":"BTCUSDT","openInterest":"1","time":1}"#).is_err());
        assert!(open(r#"{"symbol":"XRPUSDT","openInterest":"-1","time":1}"#).is_err());
        assert!(open(r#"{"symbol":"XRPUSDT"}"#).is_err());
    }

    #[test]
    fn filters_bound_the_price_of_each_side_and_what_may_be_held() {
        let bounds = |filters: &str| of_filters(&read::<Vec<wire::Filter<'_>>>("filters", filters).unwrap());
        let futures = bounds(
            r#"[{"filterType":"PERCENT_PRICE","multiplierUp":"1.05","multiplierDown":"0.95","multiplierDecimal":"4"}]"#,
        );
        let edges = |bounds: &Bounds| bounds.band.unwrap().edges(Price(dec("100")));
        assert_eq!(edges(&futures), (Price(dec("105")), Price(dec("95"))));
        let spot = bounds(
            r#"[{"filterType":"PERCENT_PRICE_BY_SIDE","bidMultiplierUp":"1.2","bidMultiplierDown":"0.2","askMultiplierUp":"5","askMultiplierDown":"0.8","avgPriceMins":5},
                {"filterType":"MAX_POSITION","maxPosition":"10.5"}]"#,
        );
        assert_eq!(edges(&spot), (Price(dec("120")), Price(dec("80"))));
        assert_eq!(spot.max_position, Some(Quantity(dec("10.5"))));
        assert_eq!(bounds("[]"), Bounds::default());
        let crossed = r#"[{"filterType":"PERCENT_PRICE","multiplierUp":"0.9","multiplierDown":"0.95"}]"#;
        assert_eq!(bounds(crossed).band, None, "a band without room is none");
    }
}
