//! The only place that prints.

use std::io::{self, IsTerminal, Write, stderr, stdout};
use std::sync::OnceLock;

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

/// Why standard output could not be written to, the first time.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints to standard output. If nobody listens (`kolk … | head`), nothing is lost that anybody
/// wanted; what is lost otherwise is told in the end, by [`lost`].
pub fn print(text: &str) {
    let mut stream = anstream::stdout().lock();
    note(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
}

/// Notes how printing went.
pub fn note(printed: io::Result<()>) {
    if let Err(error) = printed
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

/// Why something that was to be on standard output is not there.
pub fn lost() -> Option<&'static io::Error> {
    LOST.get()
}

/// Prints to standard error. If that cannot be written, nobody could be told.
pub fn print_error(text: &str) {
    let mut stream = anstream::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
