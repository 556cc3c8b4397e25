//! Drawings by integers: lines, bars and a grid of months, as inline SVG.

use std::fmt::Write as _;

/// Width of a drawing and of what is kept free for its labels.
const WIDTH: i64 = 900;
const LEFT: i64 = 70;
/// Space above and below.
const MARGIN: i64 = 18;

/// One line of a chart.
pub(super) struct Line<'a> {
    pub name: &'a str,
    pub class: &'a str,
    /// In units of 10⁻⁸ USD, equally spaced.
    pub values: Vec<i64>,
}

/// Where a value lies between two ends of a scale, in units of the drawing.
fn scaled(value: i64, (low, high): (i64, i64), length: i64) -> i64 {
    let span = i128::from(high) - i128::from(low);
    if span == 0 {
        return length / 2;
    }
    i64::try_from((i128::from(value) - i128::from(low)) * i128::from(length) / span).unwrap_or_default()
}

fn dollars(value: i64) -> String {
    (value / crate::engine::DOLLAR).to_string()
}

/// Lines over a common scale, with their names, and labels under the first and the last point.
pub(super) fn lines(title: &str, lines: &[Line<'_>], ends: (&str, &str), height: i64) -> String {
    let all = || lines.iter().flat_map(|line| line.values.iter().copied());
    let (low, high) = (
        all().min().unwrap_or_default().min(0),
        all().max().unwrap_or_default().max(0),
    );
    let at = |value: i64| height - MARGIN - scaled(value, (low, high), height - 2 * MARGIN);
    let mut out = open(title, height);
    for value in [low, 0, high] {
        let y = at(value);
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/><text x=\"{}\" y=\"{}\" class=\"left\">{}</text>",
            LEFT - 6,
            y + 4,
            dollars(value),
        );
    }
    for (place, line) in (0_i64..).zip(lines) {
        let last = i64::try_from(line.values.len()).unwrap_or(1).max(2) - 1;
        let points = (0_i64..).zip(&line.values).map(|(step, value)| {
            let x = LEFT + scaled(step, (0, last), WIDTH - LEFT);
            format!("{x},{}", at(*value))
        });
        let points = points.collect::<Vec<_>>().join(" ");
        let _ = write!(
            out,
            "<polyline class=\"{}\" points=\"{points}\"/><text x=\"{}\" y=\"{}\" class=\"name {}\">{}</text>",
            line.class,
            LEFT + 10,
            MARGIN + 14 + 15 * place,
            line.class,
            line.name,
        );
    }
    let y = height - 3;
    let _ = write!(
        out,
        "<text x=\"{LEFT}\" y=\"{y}\">{}</text><text x=\"{WIDTH}\" y=\"{y}\" class=\"left\">{}</text></svg>",
        ends.0, ends.1
    );
    out
}

/// Bars from the end of the one before: what adds up to the last one.
pub(super) fn waterfall(title: &str, steps: &[(&str, i64)], total: (&str, i64)) -> String {
    let height = 260;
    let mut level = 0_i64;
    let mut bars = Vec::new();
    for (name, amount) in steps {
        bars.push((*name, level, level + amount, *amount));
        level += amount;
    }
    bars.push((total.0, 0, total.1, total.1));
    let (low, high) = bars.iter().fold((0, 0), |(low, high), (_, from, to, _)| {
        (low.min(*from).min(*to), high.max(*from).max(*to))
    });
    let at = |value: i64| height - 2 * MARGIN - scaled(value, (low, high), height - 4 * MARGIN);
    let count = i64::try_from(bars.len()).unwrap_or(1);
    let step = (WIDTH - LEFT) / count;
    let mut out = open(title, height);
    for (place, (name, from, to, amount)) in (0_i64..).zip(bars) {
        let (top, bottom) = (at(from).min(at(to)), at(from).max(at(to)));
        let x = LEFT + place * step;
        let class = if amount < 0 { "loss" } else { "gain" };
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{}\"/><text x=\"{}\" y=\"{}\" class=\"middle\">{}</text><text x=\"{}\" y=\"{}\" class=\"middle\">{name}</text>",
            x + 8,
            step - 16,
            (bottom - top).max(1),
            x + step / 2,
            top - 4,
            dollars(amount),
            x + step / 2,
            height - 4,
        );
    }
    out.push_str("</svg>");
    out
}

/// A row for each year, a field for each month, darker where more was earned or lost. Values in cents.
pub(super) fn months(title: &str, months: &[((i32, u8), i64)]) -> String {
    let (Some(first), Some(last)) = (months.first(), months.last()) else {
        return String::new();
    };
    let most = months.iter().map(|(_, cents)| cents.abs()).max().unwrap_or(1).max(1);
    let (cell, row) = ((WIDTH - LEFT) / 12, 30);
    let mut out = open(title, row * (i64::from(last.0.0 - first.0.0) + 2));
    for month in 1..=12_i64 {
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"20\" class=\"middle\">{month}</text>",
            LEFT + (month - 1) * cell + cell / 2
        );
    }
    for year in first.0.0..=last.0.0 {
        let y = row * (i64::from(year - first.0.0) + 1);
        let _ = write!(
            out,
            "<text x=\"{}\" y=\"{}\" class=\"left\">{year}</text>",
            LEFT - 6,
            y + 19
        );
    }
    for ((year, month), cents) in months {
        let x = LEFT + (i64::from(*month) - 1) * cell;
        let y = row * (i64::from(year - first.0.0) + 1);
        let class = if *cents < 0 { "loss" } else { "gain" };
        let _ = write!(
            out,
            "<rect class=\"{class}\" fill-opacity=\"0.{:02}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\"/><text x=\"{}\" y=\"{}\" class=\"middle\">{}</text>",
            10 + (cents.abs() * 85 / most).min(85),
            cell - 2,
            row - 2,
            x + cell / 2,
            y + 19,
            cents / 100,
        );
    }
    out.push_str("</svg>");
    out
}

fn open(title: &str, height: i64) -> String {
    format!(
        "<svg viewBox=\"0 0 {} {height}\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>",
        WIDTH + 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_hold_what_they_are_given() {
        let line = |values: &[i64]| Line {
            name: "n",
            class: "own",
            values: values.to_vec(),
        };
        let drawn = lines("t", &[line(&[0, 100_000_000, -100_000_000])], ("a", "b"), 100);
        // The highest point touches the upper margin, the lowest one the lower.
        assert!(drawn.contains("points=\"70,50 485,18 900,82\""), "{drawn}");
        let falls = waterfall(
            "w",
            &[("funding", 300_000_000), ("fees", -100_000_000)],
            ("net", 200_000_000),
        );
        assert_eq!(falls.matches("<rect").count(), 3);
        let grid = months("m", &[((2024, 12), 500), ((2025, 1), -1_000)]);
        assert_eq!(
            (
                grid.matches("class=\"gain\"").count(),
                grid.matches("class=\"loss\"").count()
            ),
            (1, 1)
        );
    }
}
