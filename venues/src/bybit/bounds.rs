//! How much of a perpetual may be held, at which prices, and how large each market is.

use domain::bounds::{Activity, Bounds, PriceBand, Tier};
use domain::instrument::{InstrumentId, Product};
use domain::money::{Rate, Usd};
use rust_decimal::Decimal;

use super::parse::{Read, category, instrument_id, optional, required, shortened};
use super::rest::{Query, Rest};
use super::ticker::Figures;
use super::wire::{Answer, InstrumentRow, Page, TickerRow, TierRow};
use crate::shared::unreadable::LeftOut;

/// The bounds in an instrument's row.
///
/// The venue names two ratios: up to the first an order is always taken, up to the second only where the index has moved so
/// far. The first is what can be relied on.
pub fn of_row(row: &InstrumentRow) -> Read<Bounds> {
    let ratio = |text: &Option<String>| optional(text.as_deref(), "priceLimitRatio");
    let risk = &row.risk_parameters;
    let ratio = ratio(&risk.price_limit_ratio_x)?.or(ratio(&risk.price_limit_ratio_y)?);
    let band = ratio.filter(|ratio| *ratio > Decimal::ZERO).map(|ratio| PriceBand {
        buy_most: Decimal::ONE + ratio,
        sell_least: (Decimal::ONE - ratio).max(Decimal::ZERO),
    });
    Ok(Bounds {
        tiers: None,
        band,
        max_position: None,
    })
}

/// One risk tier with its symbol.
pub fn tier(row: &TierRow) -> Read<(String, Tier)> {
    let named = |field: &str| format!("{field} of {}", shortened(&row.symbol));
    let figure = |text: &str, field: &str| required(Some(text), &named(field));
    let deduction = optional(row.mm_deduction.as_deref(), &named("mmDeduction"))?;
    let tier = Tier {
        up_to: Usd(figure(&row.risk_limit_value, "riskLimitValue")?),
        leverage: figure(&row.max_leverage, "maxLeverage")?,
        maintenance: Rate(figure(&row.maintenance_margin, "maintenanceMargin")?),
        // The first has nothing to subtract, and says so with an empty text.
        deduction: Usd(deduction.unwrap_or_default()),
    };
    Ok((row.symbol.clone(), tier))
}

/// The risk tiers of every perpetual, fifteen of them a page.
///
/// # Errors
/// When a page does not come, or no row of them can be read. A row that cannot be is left out and counted.
pub async fn tiers(rest: &Rest, left_out: &LeftOut) -> Read<Vec<(String, Tier)>> {
    let query = Query::new().with("category", category(Product::Perp));
    let rows: Vec<TierRow> = rest.public_pages("/v5/market/risk-limit", &query).await?;
    left_out.keep_readable(rows.iter().map(tier))
}

/// What is traded and what is open in every market.
///
/// # Errors
/// When the venue does not tell, or no row can be read. A row that cannot be is left out and counted.
pub async fn activity(rest: &Rest, left_out: &LeftOut) -> Read<Vec<(InstrumentId, Activity)>> {
    let mut all = Vec::new();
    for product in Product::ALL {
        let query = Query::new().with("category", category(product));
        let answer: Answer<Page<TickerRow>> = rest.public_answer("/v5/market/tickers", &query).await?;
        let rows = answer.result.list;
        all.extend(left_out.keep_readable(rows.iter().map(|row| traded(product, row)))?);
    }
    Ok(all)
}

fn traded(product: Product, row: &TickerRow) -> Read<(InstrumentId, Activity)> {
    let figures = Figures::of(row)?;
    let positive = |figure: &Decimal| *figure >= Decimal::ZERO;
    let told = Activity {
        open_interest: figures.open_interest().filter(|open| positive(&open.0)),
        volume_24h: figures.turnover().filter(positive).map(Usd),
    };
    Ok((instrument_id(product, &row.symbol), told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::{Price, Quantity};

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_risk_limit_is_a_tier() {
        let read = |text: &str| tier(&serde_json::from_str(text).unwrap());
        let (symbol, told) = read(
            r#"{"id":2,"symbol":"XRPUSDT","riskLimitValue":"500000","maintenanceMargin":"0.01","initialMargin":"0.0134",
                "isLowestRisk":0,"maxLeverage":"75.00","mmDeduction":"120.5"}"#,
        )
        .unwrap();
        assert_eq!(symbol, "XRPUSDT");
        assert_eq!((told.up_to, told.leverage), (Usd(dec("500000")), dec("75")));
        assert_eq!(
            (told.maintenance, told.deduction),
            (Rate(dec("0.01")), Usd(dec("120.5")))
        );
        let row = |limit: &str, deduction: &str| {
            read(&format!(
                r#"{{"symbol":"X","riskLimitValue":"{limit}","maintenanceMargin":"0.01","maxLeverage":"75","mmDeduction":"{deduction}"}}"#
            ))
        };
        assert_eq!(row("1", "").unwrap().1.deduction, Usd::ZERO);
        assert!(row("", "0").is_err() && row("NaN", "0").is_err() && row("1", "x").is_err());
    }

    #[test]
    fn a_ticker_tells_what_is_open_and_what_is_traded() {
        let told = |text: &str| traded(Product::Perp, &serde_json::from_str(text).unwrap());
        let (id, activity) =
            told(r#"{"symbol":"XRPUSDT","openInterest":"1500.5","turnover24h":"98765.4321"}"#).unwrap();
        assert_eq!(id, instrument_id(Product::Perp, "XRPUSDT"));
        assert_eq!(activity.open_interest, Some(Quantity(dec("1500.5"))));
        assert_eq!(activity.volume_24h, Some(Usd(dec("98765.4321"))));
        let spot = told(r#"{"symbol":"XRPUSDT","turnover24h":"-1"}"#).unwrap().1;
        assert_eq!(spot, Activity::default(), "less than nothing was never traded");
        assert!(told(r#"{"symbol":"XRPUSDT","turnover24h":"much"}"#).is_err());
    }

    #[test]
    fn the_first_ratio_bounds_the_price() {
        let row = |risk: &str| {
            let text = format!(
                r#"{{"symbol":"XRPUSDT","status":"Trading","baseCoin":"XRP","quoteCoin":"USDT","priceFilter":{{"tickSize":"0.1"}},
                    "lotSizeFilter":{{}},"riskParameters":{risk}}}"#
            );
            of_row(&serde_json::from_str(&text).unwrap())
        };
        let edges = |risk: &str| row(risk).unwrap().band.map(|band| band.edges(Price(dec("100"))));
        let both = (Price(dec("105")), Price(dec("95")));
        assert_eq!(
            edges(r#"{"priceLimitRatioX":"0.05","priceLimitRatioY":"0.1"}"#),
            Some(both)
        );
        assert_eq!(edges(r#"{"priceLimitRatioY":"0.05"}"#), Some(both));
        assert_eq!(edges(r#"{"priceLimitRatioX":""}"#), None);
        assert!(row(r#"{"priceLimitRatioX":"wide"}"#).is_err());
    }
}
