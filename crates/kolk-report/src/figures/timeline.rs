//! `timeline.html`: a column for each worker, time downwards, a box for each operation from its
//! invocation to its completion, with all of it in words where the mouse rests.
//!
//! The page is an SVG under a heading that stays in sight. It has no script, and its content
//! security policy allows none.

use std::collections::BTreeMap;
use std::fmt::Write;

use kolk_history::{Operation, Outcome};
use kolk_protocol::Time;

use super::svg::{Number, Svg, escape};
use super::{Run, Span, pause, style};
use crate::faults::periods;
use crate::html::digest;
use crate::numbers::{counted, duration, grouped};
use crate::operation;
use crate::sanitize::excerpt;
use unicode_width::UnicodeWidthStr;

/// How many operations a page shows.
const OPERATIONS_MAX: usize = 12_000;

/// How much is said of an operation where the mouse rests.
const TITLE_WIDTH: usize = 400;

const LEFT: f64 = 78.0;
const TOP: f64 = 14.0;

/// The height of a box at least, and what lies between two.
const BOX: f64 = 16.0;
const APART: f64 = 2.0;

/// How far apart times are written.
const TIMES_APART: f64 = 15.0;

/// How wide a letter is, about.
const LETTER: f64 = 5.6;

/// How far apart lines of text are, and how many a box has at most.
const LINE: f64 = 12.0;
const LINES_MAX: usize = 6;

const STYLE: &str = "body{margin:0;font:14px/1.45 system-ui,-apple-system,'Segoe UI',sans-serif;\
    background:#fff;color:#1b2430}header{padding:14px 20px 6px}h1{font-size:16px;margin:0}\
    p{margin:4px 0;color:#56616f}#lanes{position:sticky;top:0}svg{display:block}\
    .o:hover rect{stroke-width:2.4}\
    @media (prefers-color-scheme:dark){body{background:#12161c;color:#e6ebf1}p{color:#9fabb9}}";

/// An operation, with its column and where its box begins and ends.
struct Placed<'a> {
    operation: &'a Operation,
    column: usize,
    top: f64,
    bottom: f64,
}

/// Draws all operations of a run; of a long one those of `span`, if it is given.
pub fn timeline(run: &Run<'_>, span: Option<Span>) -> String {
    let shown = shown(run, span);
    let workers = run.plan.concurrency.max(1);
    let columns = shown.iter().map(|operation| operation.process % workers + 1).max().unwrap_or(0);
    let columns = columns as usize;
    let wide = (1400.0 / columns.max(1) as f64).clamp(116.0, 240.0);
    let (placed, times) = lay_out(&shown, workers, columns);
    let width = LEFT + wide * columns as f64 + 20.0;
    let height = times.last().map_or(TOP, |(_, y)| *y) + 40.0;
    let mut svg = Svg::part(width, height);
    draw_faults(&mut svg, run, &times, width);
    for column in 0..columns {
        let x = LEFT + wide * column as f64;
        svg.line("grid", (x - 3.0, 0.0), (x - 3.0, height));
    }
    draw_times(&mut svg, &times);
    for placed in &placed {
        draw(&mut svg, run, placed, wide);
    }
    let heads = heads(&shown, workers, run, columns, wide, width);
    page(run, &words(run, &shown, span), &heads, &svg.finish())
}

/// The operations to draw: all, or as many as there is room for, from what is worth seeing.
fn shown<'a>(run: &Run<'a>, span: Option<Span>) -> Vec<&'a Operation> {
    let operations = &run.history.operations;
    let mut first = 0;
    let mut last = Time::MAX;
    if let Some((from, to)) = span {
        first = operations.partition_point(|operation| operation.invoked < from);
        last = to;
    } else if operations.len() > OPERATIONS_MAX
        && let Some(begin) = run.anomaly_begin()
    {
        let place = operations.partition_point(|operation| operation.invoked < begin);
        // Some of what came before is seen too.
        first = place.saturating_sub(OPERATIONS_MAX / 8).min(operations.len() - OPERATIONS_MAX);
    }
    let from_there = operations[first..].iter().take_while(|operation| operation.invoked <= last);
    from_there.take(OPERATIONS_MAX).collect()
}

/// Places for all boxes, and for the times at which something happens.
fn lay_out<'a>(
    shown: &[&'a Operation],
    workers: u32,
    columns: usize,
) -> (Vec<Placed<'a>>, Vec<(Time, f64)>) {
    // Beginnings and ends in the order of their indices; what never ends has none.
    let mut events: Vec<(u32, usize, bool)> = Vec::with_capacity(2 * shown.len());
    for (place, operation) in shown.iter().enumerate() {
        events.push((operation.index, place, true));
        if let Some(index) = operation.completion_index {
            events.push((index.get(), place, false));
        }
    }
    events.sort_unstable();
    let mut placed: Vec<Placed<'a>> = shown
        .iter()
        .map(|operation| {
            let column = (operation.process % workers) as usize;
            Placed { operation, column, top: TOP, bottom: f64::NAN }
        })
        .collect();
    let mut free = vec![TOP; columns];
    let mut times: Vec<(Time, f64)> = Vec::with_capacity(events.len());
    let (mut y, mut last) = (TOP, None);
    for (_, place, is_begin) in events {
        let operation = shown[place];
        let time = if is_begin { operation.invoked } else { operation.completed };
        if let Some(last) = last.filter(|last| time > *last) {
            y += pause(time - last);
        }
        last = Some(time);
        let box_ = &mut placed[place];
        if is_begin {
            y = y.max(free[box_.column]);
            box_.top = y;
            // If it never ends, the next on this column follows it all the same.
            free[box_.column] = y + BOX + APART;
        } else {
            y = y.max(box_.top + BOX);
            box_.bottom = y;
            free[box_.column] = free[box_.column].max(y + APART);
        }
        times.push((time, y));
    }
    for box_ in placed.iter_mut().filter(|placed| placed.bottom.is_nan()) {
        box_.bottom = box_.top + BOX;
    }
    (placed, times)
}

fn draw_times(svg: &mut Svg, times: &[(Time, f64)]) {
    let (mut free, mut last) = (f64::NEG_INFINITY, None);
    for (time, y) in times {
        if *y >= free && last != Some(*time) {
            svg.text("small end soft", LEFT - 10.0, y + 9.0, &time.to_string());
            free = y + TIMES_APART;
            last = Some(*time);
        }
    }
}

/// Faults from side to side: clients are not cut off, but what they are told depends on it.
fn draw_faults(svg: &mut Svg, run: &Run<'_>, times: &[(Time, f64)], width: f64) {
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return };
    let place = |time: Time| {
        let at = times.partition_point(|(other, _)| *other < time);
        times.get(at).map_or(last.1 + BOX, |(_, y)| *y)
    };
    for period in periods(run.plan, run.facts) {
        if !period.was_open(first.0, last.0) {
            continue;
        }
        let (from, to) = (place(period.begin), place(period.end));
        let long = duration(period.end - period.begin);
        let words = format!("{}: {}", period.name(), period.words(&run.plan.nodes));
        let title = format!("{words}\n{} … {} ({long})", period.begin, period.end);
        let size = [LEFT - 6.0, from - 2.0, width - LEFT, (to - from).max(2.0)];
        svg.rect("band", size, &title);
        svg.rect("hatched", size, &title);
        svg.line("edge", (0.0, from - 2.0), (width, from - 2.0));
        svg.line("edge", (0.0, to - 2.0), (width, to - 2.0));
    }
}

/// A box: what is known to have happened has a line around it, what did not a dotted one, what
/// nobody knows a dashed one.
fn draw(svg: &mut Svg, run: &Run<'_>, placed: &Placed<'_>, wide: f64) {
    let Placed { operation, column, top, bottom } = *placed;
    let (class, mark) = match operation.outcome {
        Outcome::Ok => ("ok", "✓"),
        Outcome::Info => ("info", "?"),
        Outcome::Fail => ("fail", "✗"),
    };
    let x = LEFT + wide * column as f64;
    let (left, y, width, height) =
        (Number(x), Number(top), Number(wide - 7.0), Number(bottom - top));
    let title = excerpt(&operation::line(run.history, operation), None, TITLE_WIDTH).text;
    let mut group = String::from("<g class=\"o\"><title>");
    escape(&mut group, &title);
    let _ = write!(
        group,
        "</title><rect class=\"box {class}\" x=\"{left}\" y=\"{y}\" width=\"{width}\" \
         height=\"{height}\"/><text class=\"small\">"
    );
    let room = (((wide - 13.0) / LETTER) as usize).max(16);
    let lines = (((bottom - top - 3.0) / LINE) as usize).clamp(1, LINES_MAX);
    let text = format!("{mark} {}", operation::what(operation));
    for (number, line) in wrap(&text, room, lines).iter().enumerate() {
        let (x, y) = (Number(x + 3.0), Number(top + LINE * (number + 1) as f64));
        let _ = write!(group, "<tspan x=\"{x}\" y=\"{y}\">");
        escape(&mut group, line);
        group.push_str("</tspan>");
    }
    group.push_str("</text></g>\n");
    svg.raw(&group);
}

/// The text in lines of at most so many columns; what is left goes with the last and is cut.
fn wrap(text: &str, width: usize, lines_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && lines.len() + 1 < lines_max && rest.width() > width {
        let fits =
            rest.char_indices().map(|(at, _)| at).take_while(|at| rest[..*at].width() <= width);
        let fits = fits.last().unwrap_or(rest.len());
        // Between words if one of them does not take most of the line.
        let end = rest[..fits].rfind([' ', ',']).map_or(fits, |space| space + 1);
        let end = if end * 2 < fits { fits } else { end };
        lines.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    if !rest.is_empty() {
        lines.push(excerpt(rest, None, width).text);
    }
    lines
}

/// The columns' names, which stay in sight.
fn heads(
    shown: &[&Operation],
    workers: u32,
    run: &Run<'_>,
    columns: usize,
    wide: f64,
    width: f64,
) -> String {
    let mut processes: BTreeMap<usize, Vec<&Operation>> = BTreeMap::new();
    for operation in shown {
        let of_column = processes.entry((operation.process % workers) as usize).or_default();
        if of_column.last().is_none_or(|last| last.process != operation.process) {
            of_column.push(operation);
        }
    }
    let mut svg = Svg::part(width, 38.0);
    for column in 0..columns {
        let Some([first, others @ ..]) = processes.get(&column).map(Vec::as_slice) else {
            continue;
        };
        let mut name = format!("process {}", first.process);
        if !others.is_empty() {
            name = format!("{name} +{}", others.len());
        }
        let x = LEFT + wide * column as f64;
        svg.text("name", x, 15.0, &name);
        if let Some(node) = run.history.node_name(first) {
            let node = excerpt(&format!("→ {node}"), None, (wide / LETTER) as usize).text;
            svg.text("small soft", x, 29.0, &node);
        }
    }
    svg.line("axis", (0.0, 37.0), (width, 37.0));
    svg.finish()
}

/// What is shown, and how to see what is not.
fn words(run: &Run<'_>, shown: &[&Operation], span: Option<Span>) -> String {
    let all = run.history.operations.len();
    let total = counted(all as u64, "operation", "operations");
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
        return format!("none of {total}");
    };
    if shown.len() == all {
        return format!("all {total}");
    }
    let about = if span.is_none() && run.anomaly_begin().is_some() {
        ", those around the first anomaly"
    } else {
        ""
    };
    format!(
        "{} of {total}{about}: invoked {} … {}. Another window: kolk report RUN --window \
         12.5..13.0; all of them: report.html, history.txt",
        grouped(shown.len() as u64),
        first.invoked,
        last.invoked
    )
}

fn page(run: &Run<'_>, words: &str, heads: &str, body: &str) -> String {
    let style = style::sheet() + STYLE;
    let mut heading = String::new();
    escape(&mut heading, &format!("operations · {}", run.heading()));
    let mut said = String::new();
    escape(&mut said, words);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src '{}'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{heading}</title>\n\
         <style>{style}</style>\n</head>\n<body>\n<header><h1>{heading}</h1>\n<p>{said}</p>\n\
         <p>✓ ok, ? info: nobody knows whether it happened, ✗ fail. A number with a plus: that \
         many processes took the place of the first. Rest the mouse on a box for all of it.</p>\
         </header>\n\
         <div id=\"lanes\">{heads}</div>\n{body}</body>\n</html>\n",
        digest(&style)
    )
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn texts_are_wrapped_between_words() {
        for (text, width, lines, wrapped) in [
            ("read", 20, 3, "read"),
            ("read → [1,2,3]", 8, 3, "read →|[1,2,3]"),
            ("read → [1,2,3]", 16, 1, "read → [1,2,3]"),
            ("one two three four", 16, 1, "one two three fo…"),
            ("abcdefghijklmnopqrstuvwxyz", 10, 2, "abcdefghij|klmnopqrstuvwxyz"),
            ("日本語日本語日本語", 16, 3, "日本語日本語日本|語"),
        ] {
            assert_eq!(wrap(text, width, lines).join("|"), wrapped);
        }
    }
}
