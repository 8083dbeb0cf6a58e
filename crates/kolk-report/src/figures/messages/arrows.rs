//! Messages as arrows.

use std::fmt::Write;

use kolk_history::journal::DropReason;
use rustc_hash::FxHashMap;

use super::labels::{self, Room};
use super::window::{Message, What};
use super::{LEFT, Picture, TOP};
use crate::figures::svg::{Number, PathData, Svg, escape};
use crate::numbers::duration;
use crate::sanitize::excerpt;

/// How many kinds have a colour of their own.
const COLORS: usize = 8;

/// How many kinds the legend names.
const LEGEND_MAX: usize = 10;

/// How much of a body is told.
const BODY_WIDTH: usize = 400;

/// How far beyond the last event an arrow leads that arrives later.
const BEYOND: f64 = 18.0;

/// With more events than this, arrows are thinner.
const DENSE: usize = 1200;

/// How an arrow ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Arrived,
    Dropped(DropReason),
    Later,
}

impl Picture<'_> {
    /// Draws all arrows and says how many have no label.
    pub(super) fn arrows(&self, svg: &mut Svg) -> usize {
        let kinds = self.kinds();
        self.legend(svg, &kinds);
        let mut sent: FxHashMap<u64, f64> = FxHashMap::default();
        let mut ended: FxHashMap<u64, ()> = FxHashMap::default();
        let mut labels = Labels::default();
        let dense =
            if self.window.events.len() > DENSE { "<g class=\"dense\">\n" } else { "<g>\n" };
        svg.raw(dense);
        for (event, row) in self.window.events.iter().zip(self.rows) {
            let end = match event.what {
                What::Send => {
                    sent.insert(event.id, row.y);
                    continue;
                }
                What::Receive => End::Arrived,
                What::Drop(reason) => End::Dropped(reason),
            };
            let message = &self.window.messages[&event.id];
            // What was sent before the window comes from above.
            let from = sent.get(&event.id).copied().unwrap_or(TOP - 8.0);
            let is_copy = ended.insert(event.id, ()).is_some();
            let tail = match end {
                End::Dropped(reason) => format!("{} at {}", words(reason), event.time),
                _ => format!("received {} ({})", event.time, duration(event.time - message.sent)),
            };
            let arrow = Arrow { message, id: event.id, from, to: row.y, end, is_copy, tail };
            self.arrow(svg, &arrow, &kinds, &mut labels);
        }
        // What did not end in the window leads out of it.
        let bottom = self.rows.last().map_or(TOP, |row| row.y) + BEYOND;
        for event in self.window.events.iter().filter(|event| event.what == What::Send) {
            if ended.contains_key(&event.id) {
                continue;
            }
            let message = &self.window.messages[&event.id];
            let from = sent.get(&event.id).copied().unwrap_or(TOP);
            let tail = "arrived later, or never".to_owned();
            let (end, is_copy) = (End::Later, false);
            let arrow = Arrow { message, id: event.id, from, to: bottom, end, is_copy, tail };
            self.arrow(svg, &arrow, &kinds, &mut labels);
        }
        svg.raw("</g>\n");
        // Above all arrows, so that none goes through a word.
        svg.raw(&labels.texts);
        labels.missing
    }

    /// The kinds of message in the window, those of a request and its answer as one, in the order
    /// in which they first appear.
    fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<String> = Vec::new();
        for event in &self.window.events {
            let kind = base(&self.window.messages[&event.id].kind);
            if !kinds.iter().any(|known| known == kind) {
                kinds.push(kind.to_owned());
            }
        }
        kinds
    }

    fn legend(&self, svg: &mut Svg, kinds: &[String]) {
        let mut x = LEFT;
        let y = 148.0;
        for (number, kind) in kinds.iter().enumerate().take(LEGEND_MAX) {
            let name = excerpt(kind, None, 24).text;
            svg.line(&format!("lines k{}", number % COLORS), (x, y - 4.0), (x + 22.0, y - 4.0));
            svg.text("soft", x + 27.0, y, &name);
            x += 46.0 + 6.2 * name.chars().count() as f64;
        }
        if kinds.len() > LEGEND_MAX {
            svg.text("soft", x, y, &format!("and {} more kinds", kinds.len() - LEGEND_MAX));
        }
    }

    /// Draws one arrow; its label comes later.
    fn arrow(&self, svg: &mut Svg, arrow: &Arrow<'_>, kinds: &[String], labels: &mut Labels) {
        let Arrow { message, from, to, end, .. } = *arrow;
        let lane =
            |name: &str| self.lanes.place(name).map_or(LEFT, |place| self.lanes.list[place].x);
        let (begin, target) = (lane(&message.src), lane(&message.dest));
        // One that never arrives gets a part of the way.
        let reached = if end == End::Arrived { 1.0 } else { 0.6 };
        let x = begin + (target - begin) * reached;
        let mut line = PathData::default();
        line.go(begin, from);
        if message.src == message.dest {
            let bulge = Number((to - from) / 2.0 + 6.0);
            line.steps(&format!("q22 {bulge} 0 {}", Number(to - from)));
        } else {
            line.draw(x, to);
        }
        let kind = kinds.iter().position(|kind| kind == base(&message.kind)).unwrap_or_default();
        let mut class = format!("k{}", kind % COLORS);
        if message.is_reply {
            class.push_str(" dashed");
        }
        if arrow.is_copy {
            class.push_str(" dotted");
        }
        let mut group = String::from("<g class=\"m\"><title>");
        for (number, text) in arrow.title().iter().enumerate() {
            group.push_str(if number > 0 { "\n" } else { "" });
            escape(&mut group, text);
        }
        let data = line.as_str();
        let _ = write!(
            group,
            "</title><path class=\"near\" d=\"{data}\"/><path class=\"{class}\" d=\"{data}\"/>"
        );
        let (x, to) = if message.src == message.dest { (begin, to) } else { (x, to) };
        match end {
            End::Arrived => head(&mut group, kind % COLORS, (begin, from), (x, to)),
            End::Dropped(_) => {
                let (x, to) = (Number(x - 3.5), Number(to - 3.5));
                let _ = write!(group, "<path class=\"cross fail\" d=\"M{x} {to}l7 7m0-7l-7 7\"/>");
            }
            End::Later => {}
        }
        group.push_str("</g>\n");
        svg.raw(&group);
        labels.add(arrow, kind % COLORS, (begin, from), (x, to));
    }
}

/// A message on its way.
struct Arrow<'a> {
    message: &'a Message,
    id: u64,
    from: f64,
    to: f64,
    end: End,
    is_copy: bool,
    tail: String,
}

impl Arrow<'_> {
    /// What is said when the mouse rests on it.
    fn title(&self) -> [String; 4] {
        let Message { src, dest, sent, body, body_bytes, op, .. } = self.message;
        let body_shown = excerpt(body, None, BODY_WIDTH);
        let more = if body.len() < *body_bytes || body_shown.is_cut {
            format!(" ({body_bytes} bytes in all)")
        } else {
            String::new()
        };
        let copy = if self.is_copy { ", a second time" } else { "" };
        [
            format!("{src} → {dest}, message {}", self.id),
            format!("{}{more}", body_shown.text),
            format!("sent {sent}, {}{copy}", self.tail),
            op.map_or_else(String::new, |op| format!("for op {op}")),
        ]
    }
}

/// The kind of a request and of its answers: `read` for `read_ok`.
fn base(kind: &str) -> &str {
    kind.strip_suffix("_ok").unwrap_or(kind)
}

fn words(reason: DropReason) -> &'static str {
    match reason {
        DropReason::Loss => "lost",
        DropReason::Partition => "cut off by a partition",
        DropReason::DeadNode => "the node was not running",
        DropReason::PausedNode => "the node stood still",
    }
}

/// The head of an arrow.
fn head(out: &mut String, color: usize, from: (f64, f64), to: (f64, f64)) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = libm::sqrt(dx * dx + dy * dy).max(1.0);
    let (dx, dy) = (dx / length, dy / length);
    let back = (to.0 - dx * 6.5, to.1 - dy * 6.5);
    let wing = |side: f64| (back.0 - dy * 2.6 * side, back.1 + dx * 2.6 * side);
    let (one, other) = (wing(1.0), wing(-1.0));
    let _ = write!(
        out,
        "<path class=\"tip k{color}\" d=\"M{} {}L{} {}L{} {}\"/>",
        Number(one.0),
        Number(one.1),
        Number(to.0),
        Number(to.1),
        Number(other.0),
        Number(other.1)
    );
}

/// The labels of all arrows.
#[derive(Default)]
struct Labels {
    room: Room,
    texts: String,
    missing: usize,
}

impl Labels {
    /// Adds an arrow's label if there is room for it. Copies need none, nor does what leads out of
    /// the picture.
    fn add(&mut self, arrow: &Arrow<'_>, color: usize, from: (f64, f64), to: (f64, f64)) {
        if arrow.is_copy || arrow.end == End::Later {
            return;
        }
        let text = labels::text(arrow.message);
        let Some((x, y, degrees)) = self.room.find(&text, from, to) else {
            self.missing += 1;
            return;
        };
        let (x, y, degrees) = (Number(x), Number(y), Number(degrees));
        let _ = write!(
            self.texts,
            "<text class=\"t{color} label\" transform=\"translate({x} {y})rotate({degrees})\" \
             y=\"-3\">"
        );
        escape(&mut self.texts, &text);
        self.texts.push_str("</text>\n");
    }
}
