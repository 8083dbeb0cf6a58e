//! How far down each event stands: in the order in which they happened, later ones never higher,
//! pauses longer than others a little longer.

use kolk_protocol::Time;
use rustc_hash::FxHashMap;

use super::lanes::Lanes;
use super::window::{What, Window};
use crate::figures::pause;

/// How far a message falls at least: one that takes no time still leads somewhere.
const FALL_MIN: f64 = 15.0;

/// How far apart arrivals on a lane are.
const ARRIVALS_APART: f64 = 9.0;

/// Where a time stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// When.
    pub time: Time,
    /// How far down.
    pub y: f64,
}

/// Places of the window's events, one for each, from `top` on.
pub fn lay_out(window: &Window, lanes: &Lanes, top: f64) -> Vec<Row> {
    let mut sent: FxHashMap<u64, f64> = FxHashMap::default();
    let mut lowest = vec![f64::NEG_INFINITY; lanes.list.len()];
    let (mut y, mut last) = (top, window.events.first().map(|event| event.time));
    let mut rows = Vec::with_capacity(window.events.len());
    for event in &window.events {
        let message = &window.messages[&event.id];
        let at = if event.what == What::Send { &message.src } else { &message.dest };
        let lane = lanes.place(at).unwrap_or_default();
        if let Some(last) = last.filter(|last| event.time > *last) {
            y += pause(event.time - last);
        }
        last = Some(event.time);
        match event.what {
            What::Send => {
                y = y.max(lowest[lane]);
                sent.insert(event.id, y);
            }
            What::Receive | What::Drop(_) => {
                let from = sent.get(&event.id).copied().unwrap_or(top - FALL_MIN);
                y = y.max(from + FALL_MIN).max(lowest[lane] + ARRIVALS_APART);
            }
        }
        lowest[lane] = y;
        rows.push(Row { time: event.time, y });
    }
    rows
}

/// How far down a moment stands: with the first event that is not before it.
pub fn place(rows: &[Row], time: Time) -> f64 {
    let at = rows.partition_point(|row| row.time < time);
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return 0.0 };
    match rows.get(at) {
        Some(_) if at == 0 => first.y,
        // Between two events, in the middle of the pause.
        Some(row) if row.time > time => (rows[at - 1].y + row.y) / 2.0,
        Some(row) => row.y,
        None => last.y,
    }
}
