//! Files of JSON lines that somebody may still be writing.

use std::io::BufRead;

use crate::error::ReadError;

/// Has each line taken that has its end, which it is given without. What follows the last line end
/// is passed over: whoever wrote it was stopped.
///
/// # Errors
///
/// If `input` cannot be read, or a line is not what is taken.
pub(crate) fn each_whole(
    mut input: impl BufRead,
    mut take: impl FnMut(&[u8]) -> serde_json::Result<()>,
) -> Result<(), ReadError> {
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        input.read_until(b'\n', &mut bytes)?;
        if bytes.last() != Some(&b'\n') {
            break;
        }
        take(bytes.trim_ascii_end()).map_err(|error| ReadError::json(number, &error))?;
    }
    Ok(())
}
