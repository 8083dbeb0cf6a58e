//! `rate.svg`: operations a second over time.

use kolk_history::Outcome;

use super::Run;
use super::bins::Bins;
use super::latency::curve;
use super::panels::Chart;
use super::scale::{Linear, plain};

/// Outcomes, and the forms of their lines.
const LINES: [(Outcome, &str); 3] = [
    (Outcome::Ok, "lines ok"),
    (Outcome::Info, "lines dashed info"),
    (Outcome::Fail, "lines dotted fail"),
];

/// Draws how many operations of each kind were invoked a second, by how they ended.
pub fn rate(run: &Run<'_>) -> String {
    let bins = Bins::of(run);
    let (mut chart, panels) = Chart::new(run, "rate");
    chart.legend(|svg, left, y| {
        for (number, (outcome, class)) in LINES.iter().enumerate() {
            let x = left + 90.0 * number as f64;
            svg.line(class, (x, y - 4.0), (x + 26.0, y - 4.0));
            svg.text("soft", x + 32.0, y, outcome.name());
        }
    });
    // For each function and outcome, how many in each part.
    let mut counts = vec![vec![vec![0u64; bins.count]; LINES.len()]; panels.len()];
    for operation in run.history.counted() {
        let panel = panels.iter().position(|panel| panel.function == operation.function);
        let line = LINES.iter().position(|(outcome, _)| *outcome == operation.outcome);
        if let (Some(panel), Some(line)) = (panel, line) {
            counts[panel][line][bins.place(operation.invoked)] += 1;
        }
    }
    let rates = counts.iter().flatten().flat_map(|parts| {
        parts.iter().enumerate().map(|(at, count)| *count as f64 / bins.length(at))
    });
    let greatest = rates.fold(1.0, f64::max);
    for (panel, lines) in panels.iter().zip(&counts) {
        let y = Linear { domain: (0.0, greatest), range: (panel.bottom, panel.top + 10.0) };
        for level in y.ticks(4) {
            chart.level(y.place(level), &format!("{} /s", plain(level)));
        }
        let mut labels = Vec::new();
        for ((outcome, class), counts) in LINES.iter().zip(lines) {
            let total: u64 = counts.iter().sum();
            if total == 0 {
                continue;
            }
            let points = counts.iter().enumerate().map(|(at, count)| {
                let rate = *count as f64 / bins.length(at);
                (chart.x.place(bins.middle(at)), y.place(rate))
            });
            let points: Vec<(f64, f64)> = points.collect();
            curve(&mut chart.svg, class, &points);
            let last = points.last().map_or(panel.bottom, |(_, y)| *y);
            labels.push((last, format!("{total} {}", outcome.name())));
        }
        chart.labels(panel, labels);
    }
    let seconds = plain(bins.seconds);
    chart.finish(&format!(
        "operations invoked a second, counted over {seconds} s each, by how they ended"
    ))
}
