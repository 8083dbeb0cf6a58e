//! The only place that prints.

use std::io::{IsTerminal, Write, stderr, stdout};

use anstream::{AutoStream, ColorChoice};
use kolk_report::Style;

/// How standard output is drawn on: colours only on a terminal that wants them.
pub fn out_style() -> Style {
    Style { color: AutoStream::choice(&stdout()) != ColorChoice::Never, width: width(&stdout()) }
}

/// How standard error is drawn on.
pub fn error_style() -> Style {
    Style { color: AutoStream::choice(&stderr()) != ColorChoice::Never, width: width(&stderr()) }
}

fn width(stream: &(impl IsTerminal + std::os::fd::AsFd)) -> usize {
    if !stream.is_terminal() {
        return Style::PLAIN.width;
    }
    let size = terminal_size::terminal_size_of(stream);
    size.map_or(Style::PLAIN.width, |(width, _)| usize::from(width.0).clamp(60, 140))
}

/// Prints to standard output. If nobody listens (`kolk … | head`), nothing is lost that anybody
/// wanted: the error is dropped.
pub fn print(text: &str) {
    let mut stream = anstream::stdout().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// Prints to standard error, likewise.
pub fn print_error(text: &str) {
    let mut stream = anstream::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
