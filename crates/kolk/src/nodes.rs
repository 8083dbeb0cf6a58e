//! The built-in nodes by name.

mod linked;

pub use linked::{ALL, BuiltIn, MODES, Maker};

use kolk_report::failure::{Failure, Trouble};

use crate::status::Stop;
use crate::suggest::did_you_mean;

/// The node with this name.
pub fn find(name: &str) -> Result<&'static BuiltIn, Stop> {
    ALL.iter().find(|node| node.name == name).ok_or_else(|| {
        let failure =
            Failure::new(Trouble::Arguments, format!("there is no built-in node `{name}`"))
                .advice(did_you_mean(name, ALL.iter().map(|node| node.name)))
                .advice(format!("there are {}; for a program of yours use --bin", names()));
        Stop::user(failure)
    })
}

/// Their names, with commas between.
pub fn names() -> String {
    let names: Vec<&str> = ALL.iter().map(|node| node.name).collect();
    names.join(", ")
}
