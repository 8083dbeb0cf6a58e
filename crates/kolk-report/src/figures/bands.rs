//! Faults as bands over time.

use kolk_protocol::Time;

use super::Run;
use super::scale::Linear;
use super::svg::Svg;
use crate::faults::periods;
use crate::numbers::{counted, duration};

/// The least width of a band; what is shorter can be seen all the same.
const WIDTH_MIN: f64 = 1.0;

/// How wide a band must be for its name.
const NAME_WIDTH: f64 = 52.0;

/// A band: one fault, or several that are closer together than can be told apart.
struct Band {
    from: f64,
    to: f64,
    title: String,
    name: String,
    count: u64,
}

/// Draws the faults of a run between two heights, from left to right, with their names above.
pub fn draw(svg: &mut Svg, run: &Run<'_>, x: &Linear, top: f64, bottom: f64) {
    for band in bands(run, x) {
        let size = [band.from, top, band.to - band.from, bottom - top];
        svg.rect("band", size, "");
        svg.rect("hatched", size, &band.title);
        for edge in [band.from, band.to] {
            svg.line("edge", (edge, top), (edge, bottom));
        }
        if band.to - band.from >= NAME_WIDTH {
            svg.text("small soft", band.from + 2.0, top - 3.0, &band.name);
        }
    }
}

fn bands(run: &Run<'_>, x: &Linear) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for period in periods(run.plan, run.facts) {
        let place = |time: Time| x.place(time.as_secs_f64());
        let (from, to) = (place(period.begin), place(period.end));
        let to = to.max(from + WIDTH_MIN);
        let (begin, long) = (period.begin, duration(period.end - period.begin));
        match bands.last_mut().filter(|last| from < last.to + WIDTH_MIN) {
            Some(last) => {
                last.to = last.to.max(to);
                last.count += 1;
                last.title = counted(last.count, "fault", "faults");
                last.name.clone_from(&last.title);
            }
            None => bands.push(Band {
                from,
                to,
                title: format!(
                    "{}, {begin} … {} ({long}): {}",
                    period.name(),
                    period.end,
                    period.words(&run.plan.nodes)
                ),
                name: period.name().to_owned(),
                count: 1,
            }),
        }
    }
    bands
}
