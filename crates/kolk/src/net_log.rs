//! `--log-net-send` and `--log-net-recv`: messages on standard error, as they are sent and arrive.

use kolk_history::journal::{JournalEvent, JournalKind};
use kolk_report::sanitize::{excerpt, sanitize};

use crate::terminal;

/// How much of a body is shown.
const BODY_WIDTH: usize = 400;

/// Shows an event of the journal, if it is one that is to be shown. The journal has a message's
/// body where it was sent, and so has this.
pub fn show(event: &JournalEvent<'_>, sends: bool, receives: bool) {
    let (verb, body) = match event.kind {
        JournalKind::Send { body, .. } if sends => ("send", body),
        JournalKind::Receive if receives => ("recv", ""),
        _ => return,
    };
    terminal::print_error(&format!(
        "{verb} {} #{} {} → {} {}\n",
        event.time,
        event.id,
        sanitize(event.src),
        sanitize(event.dest),
        excerpt(body, None, BODY_WIDTH).text
    ));
}
