//! What stands on an arrow, and where: as much of a message as fits, and nowhere over another.

use kolk_history::Value;
use rustc_hash::FxHashSet;

use super::window::Message;
use crate::operation;
use crate::sanitize::excerpt;

/// How wide a letter is, about.
const LETTER: f64 = 5.2;

/// How many columns a label has at most.
const WIDTH: usize = 30;

/// The size of the cells in which one label at most has room.
const CELL: (f64, f64) = (14.0, 11.0);

/// Where along an arrow a label may stand, the best place first.
const PLACES: [f64; 5] = [0.5, 0.35, 0.65, 0.22, 0.78];

/// `broadcast 7`, `read_ok [1 2]`, `cas key 1 from 2 to 3`.
pub fn text(message: &Message) -> String {
    let kind = excerpt(&message.kind, None, WIDTH).text;
    let body = Value::from_json(&message.body).ok();
    let Some(Value::Map(entries)) = body else { return kind };
    let is_plain = |key: &str| !matches!(key, "type" | "msg_id" | "in_reply_to" | "lockstep");
    let fields: Vec<(&str, &Value)> = entries
        .iter()
        .filter_map(|(key, value)| Some((key.as_str().filter(|key| is_plain(key))?, value)))
        .collect();
    let mut text = kind;
    for (key, value) in &fields {
        let value = operation::value(value);
        let next = if fields.len() == 1 { value } else { format!("{key} {value}") };
        if text.chars().count() + next.chars().count() > WIDTH {
            text.push('…');
            break;
        }
        text = format!("{text} {next}");
    }
    excerpt(&text, None, WIDTH + 2).text
}

/// Where labels are already.
#[derive(Debug, Default)]
pub struct Room {
    taken: FxHashSet<(i32, i32)>,
}

impl Room {
    /// A place for a text on a line, and the angle to turn it by, in degrees; `None` if there is no
    /// room.
    pub fn find(
        &mut self,
        text: &str,
        from: (f64, f64),
        to: (f64, f64),
    ) -> Option<(f64, f64, f64)> {
        let (from, to) = if from.0 <= to.0 { (from, to) } else { (to, from) };
        let (wide, high) = (to.0 - from.0, to.1 - from.1);
        let length = libm::sqrt(wide * wide + high * high);
        let needed = text.chars().count() as f64 * LETTER;
        if length < needed + 8.0 {
            return None;
        }
        let (dx, dy) = (wide / length, high / length);
        for part in PLACES {
            let middle = (part * length).clamp(needed / 2.0 + 2.0, length - needed / 2.0 - 2.0);
            let cells: Vec<(i32, i32)> = cells(from, (dx, dy), middle - needed / 2.0, needed);
            if cells.iter().all(|cell| !self.taken.contains(cell)) {
                self.taken.extend(cells);
                let degrees = libm::atan2(high, wide).to_degrees();
                return Some((from.0 + dx * middle, from.1 + dy * middle, degrees));
            }
        }
        None
    }
}

/// The cells that a text on a line lies in.
fn cells(from: (f64, f64), (dx, dy): (f64, f64), begin: f64, long: f64) -> Vec<(i32, i32)> {
    let steps = (long / (CELL.1 / 2.0)) as usize + 1;
    let at = |step: usize| {
        let along = begin + long * step as f64 / steps as f64;
        // A label stands a little above its line.
        let (x, y) = (from.0 + dx * along + dy * 4.0, from.1 + dy * along - dx * 4.0);
        ((x / CELL.0).floor() as i32, (y / CELL.1).floor() as i32)
    };
    let mut cells: Vec<(i32, i32)> = (0..=steps).map(at).collect();
    cells.dedup();
    cells
}
