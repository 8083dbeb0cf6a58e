//! Latency over time: every operation as a point, and quantiles.

use kolk_history::{Operation, Outcome};
use rustc_hash::FxHashSet;

use super::bins::Bins;
use super::panels::{Chart, Panel};
use super::scale::{Latency, plain};
use super::svg::{PathData, Svg};
use super::{Run, latency_ms, milliseconds};
use crate::numbers::counted;

/// The forms of outcomes: a dot for what happened, a cross for what did not, a ring for what nobody
/// knows.
const FORMS: [(Outcome, &str, &str); 3] = [
    (Outcome::Ok, "dots ok", "h0"),
    (Outcome::Info, "crosses info", "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0"),
    (Outcome::Fail, "crosses fail", "m-2.5-2.5l5 5m0-5l-5 5"),
];

/// How many places a point can have in a pixel's width or height.
const GRAIN: f64 = 2.0;

/// `latency-raw.svg`: each operation as a point at its invocation.
pub fn latency_raw(run: &Run<'_>) -> String {
    let (mut chart, panels) = Chart::new(run, "latency");
    chart.legend(legend);
    let (mut shown, mut all) = (0, 0);
    for panel in &panels {
        let scale = scale(run, panel);
        levels(&mut chart, &scale);
        for (outcome, class, form) in FORMS {
            let of_kind = |operation: &&Operation| {
                operation.function == panel.function && operation.outcome == outcome
            };
            let mut path = PathData::default();
            let mut taken = FxHashSet::default();
            for operation in run.history.counted().filter(of_kind) {
                let x = chart.x.place(operation.invoked.as_secs_f64());
                // What never completed took longer than anything else.
                let y = latency_ms(operation).map_or(panel.top + 3.0, |ms| scale.place(ms));
                all += 1;
                // Points closer than half a pixel are one.
                if taken.insert(((x * GRAIN).round() as i64, (y * GRAIN).round() as i64)) {
                    path.go(x, y);
                    path.steps(form);
                    shown += 1;
                }
            }
            if !path.is_empty() {
                chart.svg.path(class, path.as_str(), "");
            }
        }
    }
    let mut caption = counted(all, "operation", "operations");
    if shown < all {
        let apart = counted(shown, "point", "points");
        caption += &format!(", drawn as {apart}: what falls within half a pixel is drawn once");
    }
    if run.history.counted().any(|operation| operation.completion_index.is_none()) {
        caption += "\nat the upper edge: never answered";
    }
    chart.finish(&caption)
}

/// What is drawn in the forms of [`FORMS`], from left to right.
fn legend(svg: &mut Svg, left: f64, y: f64) {
    let mut x = left + 4.0;
    for ((_, class, form), text) in FORMS.iter().zip(["ok", "info: nobody knows", "fail"]) {
        let mut path = PathData::default();
        path.go(x, y - 4.0);
        path.steps(form);
        svg.path(class, path.as_str(), "");
        svg.text("soft", x + 9.0, y, text);
        x += 30.0 + 6.0 * text.len() as f64;
    }
}

/// A scale for all panels alike, so that they can be compared.
fn scale(run: &Run<'_>, panel: &Panel) -> Latency {
    let (mut least, mut greatest, mut has_zero) = (f64::INFINITY, 0.0f64, false);
    for ms in run.history.counted().filter_map(latency_ms) {
        has_zero |= ms <= 0.0;
        greatest = greatest.max(ms);
        if ms > 0.0 {
            least = least.min(ms);
        }
    }
    Latency::new(least, greatest, has_zero, (panel.bottom - 5.0, panel.top + 10.0))
}

fn levels(chart: &mut Chart<'_>, scale: &Latency) {
    for ms in scale.ticks() {
        chart.level(scale.place(ms), &milliseconds(ms));
    }
}

/// The quantiles drawn, their names and the forms of their lines.
const QUANTILES: [(usize, &str, &str); 4] = [
    (50, "median", "lines k0"),
    (95, "95 %", "lines dashed k2"),
    (99, "99 %", "lines dashdot k3"),
    (100, "max", "lines dotted k1"),
];

/// `latency-quantiles.svg`: quantiles of what ended ok, by the time of its invocation.
pub fn latency_quantiles(run: &Run<'_>) -> String {
    let bins = Bins::of(run);
    let (mut chart, panels) = Chart::new(run, "latency quantiles");
    chart.legend(|svg, left, y| {
        for (number, (_, name, class)) in QUANTILES.iter().enumerate() {
            let x = left + 90.0 * number as f64;
            svg.line(class, (x, y - 4.0), (x + 26.0, y - 4.0));
            svg.text("soft", x + 32.0, y, name);
        }
    });
    for panel in &panels {
        let scale = scale(run, panel);
        levels(&mut chart, &scale);
        let mut latencies: Vec<Vec<f64>> = vec![Vec::new(); bins.count];
        let counted = run.history.counted();
        for operation in counted.filter(|op| op.function == panel.function && op.is_ok()) {
            let at = bins.place(operation.invoked);
            latencies[at].extend(latency_ms(operation));
        }
        for bin in &mut latencies {
            bin.sort_unstable_by(f64::total_cmp);
        }
        let mut labels = Vec::new();
        for (percent, name, class) in QUANTILES {
            let points = latencies.iter().enumerate().filter_map(|(at, bin)| {
                let place = (bin.len() * percent / 100).min(bin.len().checked_sub(1)?);
                Some((chart.x.place(bins.middle(at)), scale.place(bin[place])))
            });
            let points: Vec<(f64, f64)> = points.collect();
            curve(&mut chart.svg, class, &points);
            labels.extend(points.last().map(|(_, y)| (*y, name.to_owned())));
        }
        chart.labels(panel, labels);
    }
    let seconds = plain(bins.seconds);
    chart.finish(&format!("of operations that ended ok, invoked within {seconds} s of each other"))
}

/// Points joined by lines; one alone is a short line, for it would not be seen.
pub fn curve(svg: &mut Svg, class: &str, points: &[(f64, f64)]) {
    let mut path = PathData::default();
    for (number, (x, y)) in points.iter().enumerate() {
        if number == 0 {
            path.go(if points.len() == 1 { x - 4.0 } else { *x }, *y);
        }
        if number > 0 || points.len() == 1 {
            path.draw(if points.len() == 1 { x + 4.0 } else { *x }, *y);
        }
    }
    if !path.is_empty() {
        svg.path(class, path.as_str(), "");
    }
}
