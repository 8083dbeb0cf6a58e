//! How text is drawn: with or without colour, and how wide.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style as Ansi};

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to use colours. A symbol stands beside each, so nothing is lost without.
    pub color: bool,
    /// How many columns there are.
    pub width: usize,
}

impl Style {
    /// No colours, 100 columns: for files and pipes.
    pub const PLAIN: Style = Style { color: false, width: 100 };

    /// The text in the given role's colours.
    pub fn paint<T: Display>(self, role: Role, text: T) -> Painted<T> {
        Painted { ansi: if self.color { role.ansi() } else { Ansi::new() }, text }
    }
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Something that holds.
    Good,
    /// Something that does not.
    Bad,
    /// Something nobody can tell, or that deserves a look.
    Doubtful,
    /// What the eye should find.
    Strong,
    /// What it may pass over.
    Faint,
    /// Something to type.
    Command,
}

impl Role {
    const fn ansi(self) -> Ansi {
        match self {
            Role::Good => AnsiColor::Green.on_default().bold(),
            Role::Bad => AnsiColor::Red.on_default().bold(),
            Role::Doubtful => AnsiColor::Yellow.on_default().bold(),
            Role::Strong => Ansi::new().bold(),
            Role::Faint => Ansi::new().dimmed(),
            Role::Command => AnsiColor::Cyan.on_default(),
        }
    }
}

/// A piece of text in its colours.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    ansi: Ansi,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.ansi.render(), self.text, self.ansi.render_reset())
    }
}
