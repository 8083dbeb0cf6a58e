//! `messages.svg`: a Lamport diagram. A lane for everybody who sends or receives, time downwards,
//! an arrow for each message from its sending to its arrival; faults as bands on the lanes they
//! touch.
//!
//! A picture has room for some events. Of a longer run it shows a window: the one asked for, else
//! that of the operations which prove the first anomaly, else the beginning; the strip above shows
//! the whole run and where the window lies in it, and the words beside it how to see another.

mod arrows;
mod labels;
mod lanes;
mod rows;
mod window;

use std::fmt::Write;
use std::io::BufRead;

use kolk_history::ReadError;
use kolk_protocol::Time;

use self::lanes::{Lanes, Role};
use self::rows::Row;
use self::window::{Wanted, Window};
use super::scale::{Linear, plain};
use super::svg::{PathData, Svg};
use super::{Run, Span, bands, style};
use crate::faults::periods;
use crate::numbers::{counted, duration, grouped};

/// How many events a picture shows of its own accord.
const EVENTS: usize = 2400;

/// How many events it shows if a window was asked for.
const EVENTS_MAX: usize = 24_000;

/// How much of a run is shown before what a window is about.
const BEFORE_MS: u64 = 50;

const LEFT: f64 = 78.0;
const RIGHT: f64 = 24.0;
const STRIP: (f64, f64) = (78.0, 116.0);
const TOP: f64 = 212.0;
const BOTTOM: f64 = 30.0;
const PARTS: usize = 480;

/// How far apart the lanes' names are repeated, and times written.
const NAMES_APART: f64 = 560.0;
const TIMES_APART: f64 = 15.0;

/// Draws the messages of a run; of a long one those of `span`, if it is given.
///
/// # Errors
///
/// If the journal is not one.
pub fn messages(
    run: &Run<'_>,
    journal: impl BufRead,
    span: Option<Span>,
) -> Result<String, ReadError> {
    let ended = Time::from_nanos(run.facts.ended).as_secs_f64().max(0.001);
    let strip = Linear { domain: (0.0, ended), range: (0.0, PARTS as f64) };
    let place = |time: Time| strip.place(time.as_secs_f64()) as usize;
    let window = window::find(journal, wanted(run, span), PARTS, place)?;
    let lanes = Lanes::of(&window, &run.plan.nodes, LEFT);
    let rows = rows::lay_out(&window, &lanes, TOP);
    let bottom = rows.last().map_or(TOP, |row| row.y) + BOTTOM;
    let picture = Picture { run, window: &window, lanes: &lanes, rows: &rows, bottom };
    Ok(picture.draw(span.is_some()))
}

/// What is worth seeing: what was asked for, else what proves the first anomaly, else the
/// beginning.
fn wanted(run: &Run<'_>, span: Option<Span>) -> Wanted {
    if let Some((from, to)) = span {
        return Wanted { from, to, events_max: EVENTS_MAX, is_strict: true };
    }
    let begin = run.anomaly_begin().unwrap_or(Time::ZERO);
    let before = begin.since(Time::from_millis(BEFORE_MS)).as_nanos() as u64;
    let from = Time::from_nanos(before);
    Wanted { from, to: Time::MAX, events_max: EVENTS, is_strict: false }
}

/// All that a picture is drawn from.
struct Picture<'a> {
    run: &'a Run<'a>,
    window: &'a Window,
    lanes: &'a Lanes,
    rows: &'a [Row],
    bottom: f64,
}

impl Picture<'_> {
    fn draw(&self, is_asked: bool) -> String {
        let right = LEFT + self.lanes.width.max(760.0);
        let heading = format!("messages · {}", self.run.heading());
        let mut svg = Svg::new(right + RIGHT, self.bottom + BOTTOM, &heading, &style::sheet());
        svg.text("head", LEFT, 24.0, &heading);
        self.strip(&mut svg, right);
        self.faults(&mut svg);
        self.grid(&mut svg);
        let unlabelled = self.arrows(&mut svg);
        self.names(&mut svg);
        self.words(&mut svg, unlabelled, is_asked);
        svg.finish()
    }

    /// How many messages were sent when, in the whole run, and where the window lies in it.
    fn strip(&self, svg: &mut Svg, right: f64) {
        let (top, bottom) = STRIP;
        let ended = Time::from_nanos(self.run.facts.ended).as_secs_f64().max(0.001);
        let x = Linear { domain: (0.0, ended), range: (LEFT, right) };
        bands::draw(svg, self.run, &x, top, bottom);
        let greatest = self.window.density.iter().max().copied().unwrap_or(0).max(1);
        let wide = (right - LEFT) / PARTS as f64;
        let mut path = PathData::default();
        let counts = self.window.density.iter().enumerate().filter(|(_, count)| **count > 0);
        for (part, count) in counts {
            let high = f64::from(*count) / f64::from(greatest) * (bottom - top - 4.0);
            path.go(LEFT + (part as f64 + 0.5) * wide, bottom);
            path.draw(LEFT + (part as f64 + 0.5) * wide, bottom - high.max(1.0));
        }
        svg.path("bars k0", path.as_str(), "messages sent over time");
        svg.line("axis", (LEFT, bottom), (right, bottom));
        for second in x.ticks(10) {
            svg.text(
                "small middle soft",
                x.place(second),
                bottom + 12.0,
                &format!("{} s", plain(second)),
            );
        }
        if let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) {
            let from = x.place(first.time.as_secs_f64());
            let to = x.place(last.time.as_secs_f64()).max(from + 3.0);
            svg.rect(
                "window",
                [from - 1.0, top, to - from + 2.0, bottom - top],
                "what is drawn below",
            );
        }
    }

    /// Faults on the lanes of the nodes they touched; those on the lesser side are hatched.
    fn faults(&self, svg: &mut Svg) {
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else { return };
        let periods = periods(self.run.plan, self.run.facts);
        for period in periods.iter().filter(|period| period.was_open(first.time, last.time)) {
            let from = if period.begin <= first.time {
                TOP - 16.0
            } else {
                rows::place(self.rows, period.begin)
            };
            let to = if period.end > last.time {
                self.bottom
            } else {
                rows::place(self.rows, period.end)
            };
            let words = period.words(&self.run.plan.nodes);
            let long = duration(period.end - period.begin);
            let title =
                format!("{}: {words}\n{} … {} ({long})", period.name(), period.begin, period.end);
            let sides = period.sides(&self.run.plan.nodes);
            let many = sides.last().cloned().unwrap_or_default();
            for lane in self.lanes.list.iter().filter(|lane| lane.role == Role::Node) {
                if !period.touches(&lane.name) {
                    continue;
                }
                let size = [lane.x - 9.0, from, 18.0, (to - from).max(2.0)];
                let is_few = !many.contains(&lane.name.as_str());
                svg.rect("band", size, &title);
                if is_few {
                    svg.rect("hatched", size, &title);
                }
            }
            svg.line("edge", (LEFT, from), (LEFT + self.lanes.width, from));
            let words = format!("{}: {words}", period.name());
            svg.text("small halo", LEFT + 4.0, from - 3.0, &words);
            if period.end <= last.time {
                svg.line("edge", (LEFT, to), (LEFT + self.lanes.width, to));
                svg.text("small halo", LEFT + 4.0, to - 3.0, &format!("{} ends", period.name()));
            }
        }
    }

    /// The lanes' names, again and again: the first are out of sight soon.
    fn names(&self, svg: &mut Svg) {
        for lane in &self.lanes.list {
            let class = match lane.role {
                Role::Node => "name middle halo",
                Role::Client => "small soft middle halo",
                Role::Service => "middle halo",
            };
            let mut y = TOP - 32.0;
            while y < self.bottom - 40.0 {
                svg.text(class, lane.x, y, &lane.name);
                y += NAMES_APART;
            }
        }
    }

    /// Lanes, and times at the left.
    fn grid(&self, svg: &mut Svg) {
        for lane in &self.lanes.list {
            let class = if lane.role == Role::Client { "grid" } else { "lane" };
            svg.line(class, (lane.x, TOP - 28.0), (lane.x, self.bottom));
        }
        let mut free = f64::NEG_INFINITY;
        let mut last = None;
        for row in self.rows {
            if row.y >= free && last != Some(row.time) {
                svg.text("small end soft", LEFT - 14.0, row.y + 3.5, &row.time.to_string());
                free = row.y + TIMES_APART;
                last = Some(row.time);
            }
        }
    }

    /// What is shown, what is not, and how to see that; what the forms mean.
    fn words(&self, svg: &mut Svg, unlabelled: usize, is_asked: bool) {
        let window = self.window;
        let shown = window.events.iter().filter(|event| event.what == window::What::Send).count();
        let total = counted(window.message_count, "message", "messages");
        let is_whole = window.events.len() as u64 >= window.event_count
            || shown as u64 == window.message_count;
        let mut line = if is_whole {
            format!("all {total}")
        } else {
            let first = window.messages_before + 1;
            let last = window.messages_before + shown as u64;
            let (from, to) = match (self.rows.first(), self.rows.last()) {
                (Some(first), Some(last)) => (first.time.to_string(), last.time.to_string()),
                _ => (String::new(), String::new()),
            };
            let (first, last) = (grouped(first), grouped(last));
            format!("messages {first} to {last} of {total}, sent {from} … {to}")
        };
        if !is_whole {
            if window.is_cut && is_asked {
                line.push_str("; of the window asked for the rest had no room");
            }
            let about = if !is_asked && self.run.anomaly_begin().is_some() {
                ": those around the first anomaly"
            } else {
                ""
            };
            let _ = write!(
                line,
                "{about}. Another window: kolk report RUN --window 12.5..13.0; all of them: \
                 report.html"
            );
        }
        svg.text("soft", LEFT, 42.0, &line);
        let mut hint = "solid: a request or a one-way message; dashed: an answer; a cross: it \
                        never arrived. Rest the mouse on an arrow for its message"
            .to_owned();
        if unlabelled > 0 {
            let _ = write!(
                hint,
                "; {} had no room for a label",
                counted(unlabelled as u64, "arrow", "arrows")
            );
        }
        svg.text("small soft", LEFT, 58.0, &hint);
    }
}
