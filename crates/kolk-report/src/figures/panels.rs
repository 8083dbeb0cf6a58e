//! What all charts have in common: a heading, a panel for each function above one axis of time,
//! fault bands, and a caption.

use kolk_history::Function;
use kolk_protocol::Time;

use super::scale::{Linear, plain};
use super::style;
use super::svg::Svg;
use super::{Run, bands};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 92.0;
const TOP: f64 = 66.0;
const PANEL: f64 = 150.0;
const GAP: f64 = 26.0;
const BELOW: f64 = 62.0;

/// How much room the words at the end of the load take.
const LOAD_ENDS_WIDTH: f64 = 54.0;

/// A chart while it is drawn.
pub struct Chart<'a> {
    /// The picture.
    pub svg: Svg,
    /// Seconds, from left to right.
    pub x: Linear,
    run: &'a Run<'a>,
    bottom: f64,
}

/// A panel's place: its upper and lower edge.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// What is drawn in it.
    pub function: Function,
    /// Its upper edge.
    pub top: f64,
    /// Its lower edge.
    pub bottom: f64,
}

impl<'a> Chart<'a> {
    /// A chart with a panel for each function: grid and bands are there, the data is not.
    pub fn new(run: &'a Run<'a>, title: &str) -> (Chart<'a>, Vec<Panel>) {
        let functions = run.functions();
        let panel = |(number, function): (usize, &Function)| {
            let top = TOP + number as f64 * (PANEL + GAP);
            Panel { function: *function, top, bottom: top + PANEL }
        };
        let panels: Vec<Panel> = functions.iter().enumerate().map(panel).collect();
        let bottom = panels.last().map_or(TOP, |panel| panel.bottom);
        let heading = format!("{title} · {}", run.heading());
        let svg = Svg::new(WIDTH, bottom + BELOW, &heading, &style::sheet());
        let ended = Time::from_nanos(run.facts.ended).as_secs_f64().max(0.001);
        let x = Linear { domain: (0.0, ended), range: (LEFT, WIDTH - RIGHT) };
        let mut chart = Chart { svg, x, run, bottom };
        chart.svg.text("head", LEFT, 24.0, &heading);
        for panel in &panels {
            chart.ground(panel);
        }
        if panels.is_empty() {
            chart.svg.text("soft", LEFT, TOP, "no operation was invoked");
        }
        (chart, panels)
    }

    /// A panel's name, bands and lines of time.
    fn ground(&mut self, panel: &Panel) {
        let Panel { function, top, bottom } = *panel;
        bands::draw(&mut self.svg, self.run, &self.x, top, bottom);
        for second in self.x.ticks(10) {
            let x = self.x.place(second);
            self.svg.line("grid", (x, top), (x, bottom));
            if bottom >= self.bottom {
                self.svg.text("middle soft", x, bottom + 15.0, &format!("{} s", plain(second)));
            }
        }
        self.svg.line("axis", (LEFT, bottom), (WIDTH - RIGHT, bottom));
        let load_ended = Time::from_nanos(self.run.facts.load_ended).as_secs_f64();
        if load_ended < self.x.domain.1 * 0.995 {
            let x = self.x.place(load_ended);
            self.svg.line("mark", (x, top), (x, bottom));
            let has_room = x + LOAD_ENDS_WIDTH < WIDTH - RIGHT;
            if has_room && top <= TOP {
                self.svg.text("small soft", x + 3.0, top + 10.0, "load ends");
            }
        }
        self.svg.text("name", WIDTH - RIGHT + 8.0, top + 11.0, function.name());
    }

    /// A line across a panel, with its value at the left.
    pub fn level(&mut self, y: f64, text: &str) {
        self.svg.line("grid", (LEFT, y), (WIDTH - RIGHT, y));
        self.svg.text("end soft", LEFT - 6.0, y + 4.0, text);
    }

    /// The places of texts at the right of a panel's lines, near where those end and apart from
    /// each other; of those in the same place the last is the uppermost. Below the panel's name.
    pub fn labels(&mut self, panel: &Panel, mut labels: Vec<(f64, String)>) {
        const LINE: f64 = 12.0;
        labels.reverse();
        labels.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut least = panel.top + 24.0;
        let lowest = |left: usize| panel.bottom + 4.0 - LINE * left as f64;
        let count = labels.len();
        for (number, (y, text)) in labels.into_iter().enumerate() {
            let y = (y + 4.0).min(lowest(count - 1 - number)).max(least);
            least = y + LINE;
            self.svg.text("small", WIDTH - RIGHT + 8.0, y, &text);
        }
    }

    /// The line under the heading: what the forms mean.
    pub fn legend(&mut self, draw: impl FnOnce(&mut Svg, f64, f64)) {
        draw(&mut self.svg, LEFT, 42.0);
    }

    /// The picture with its caption.
    pub fn finish(mut self, caption: &str) -> String {
        let lines = caption.lines().enumerate();
        for (number, line) in lines {
            let y = self.bottom + 36.0 + 14.0 * number as f64;
            self.svg.text("small soft", LEFT, y, line);
        }
        self.svg.finish()
    }
}
