//! The driver for virtual time: every line is a step, stamped with its time, and ends with `idle`.

use std::fs::File;
use std::io;

use kolk_protocol::lockstep::{CLOCK, Idle};
use kolk_protocol::{Line, Time};

use super::lines::Lines;
use super::session::Session;
use crate::runtime::Runtime;

/// Runs the node until its input ends.
pub(super) fn drive<R: Runtime>(
    mut session: Session<R>,
    mut lines: Lines,
    mut stdin: File,
) -> io::Result<()> {
    let mut now = Time::ZERO;
    loop {
        while let Some(line) = lines.next() {
            step(&mut session, &mut now, line)?;
            // The workbench waits for the output before it goes on.
            session.flush()?;
        }
        if lines.read_from(&mut stdin)? == 0 {
            return Ok(());
        }
    }
}

/// Reacts to one line. If it is stamped, whatever it says, the reaction ends with an `idle`.
///
/// `now` is the last stamp: time stands still at a line without one, and never goes back.
pub(super) fn step<R: Runtime>(
    session: &mut Session<R>,
    now: &mut Time,
    line: &[u8],
) -> io::Result<()> {
    // A line that cannot be read may have been a stamped one, and then the workbench waits for the
    // `idle` that answers it.
    let mut stamped = session.node.in_lockstep();
    match Line::parse(line) {
        Ok(parsed) => {
            stamped |= parsed.at.is_some();
            *now = parsed.at.map_or(*now, |at| Time::from_nanos(at).max(*now));
            if parsed.src == CLOCK {
                session.wake(*now)?;
            } else {
                session.message(*now, &parsed)?;
            }
        }
        Err(error) => session.drop_line(line, &error),
    }
    if stamped {
        let idle = Idle { wake_at: session.node.deadline().map(Time::as_nanos) };
        session.push(CLOCK, &serde_json::to_vec(&idle)?);
    }
    Ok(())
}
