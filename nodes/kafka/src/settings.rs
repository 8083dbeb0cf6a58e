//! The node's settings.

use std::time::Duration;

/// What the node is told on its command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How long a send waits for others that could share its message to another node.
    pub batch: Duration,
}

/// What [`Settings::from_args`] understands, for people.
pub const USAGE: &str = "\
settings of this node:
  --batch-ms N   a send waits up to N ms for others to share its message with (default 0): fewer
                 messages, and every send takes N ms longer";

/// The longest a send may be made to wait.
const BATCH_MS_MAX: u64 = 1000;

impl Settings {
    /// Reads a node's command line. See [`USAGE`].
    ///
    /// # Errors
    ///
    /// A text for people that says what is wrong.
    pub fn from_args(args: &[String]) -> Result<Settings, String> {
        let mut settings = Settings::default();
        let mut args = args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg, args.next()),
            };
            if name != "--batch-ms" {
                return Err(format!("unknown argument `{arg}`\n{USAGE}"));
            }
            let millis = value.and_then(|value| value.parse().ok());
            let millis = millis.filter(|millis| *millis <= BATCH_MS_MAX).ok_or_else(|| {
                format!("--batch-ms must be 0 to {BATCH_MS_MAX} ms, not `{}`", value.unwrap_or(""))
            })?;
            settings.batch = Duration::from_millis(millis);
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_make_settings() {
        for (args, expected) in [
            ("", Ok(0)),
            ("--batch-ms 5", Ok(5)),
            ("--batch-ms=5", Ok(5)),
            ("--batch", Err("unknown argument `--batch`")),
            ("--batch-ms", Err("--batch-ms must be 0 to 1000 ms, not ``")),
            ("--batch-ms 1001", Err("--batch-ms must be 0 to 1000 ms, not `1001`")),
        ] {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            let settings = Settings::from_args(&args);
            let settings = settings.map(|settings| settings.batch.as_millis());
            let settings = settings.map_err(|error| error.lines().next().unwrap_or("").to_owned());
            assert_eq!(settings, expected.map_err(str::to_owned), "{args:?}");
        }
    }
}
