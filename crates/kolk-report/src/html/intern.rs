//! Names as small numbers, in the order in which they first appear.

use rustc_hash::FxHashMap;

/// Names and their numbers.
#[derive(Clone, Debug, Default)]
pub struct Names {
    numbers: FxHashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    /// The number of a name; a new one if it is new.
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    /// All names, by number.
    pub fn list(&self) -> &[String] {
        &self.names
    }
}
