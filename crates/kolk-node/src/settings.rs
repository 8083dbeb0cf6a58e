//! Settings that a node takes on its command line.
//!
//! The convention of the reference nodes: a package exports
//!
//! ```ignore
//! pub fn factory(args: &[String]) -> Result<impl Fn(&Context) -> MyNode + Clone + use<>, String>
//! ```
//!
//! which reads the settings and gives what `run` and `machine` want: a function
//! that makes the node from what `init` says. Its `main` is `kolk_node::main(my_node::factory)`.

use std::ops::RangeInclusive;
use std::time::Duration;

/// For a node without settings: any argument is an error.
///
/// # Errors
///
/// A text for people that quotes the first argument.
pub fn no_settings(args: &[String]) -> Result<(), String> {
    match args.first() {
        None => Ok(()),
        Some(arg) => Err(format!("unknown argument `{arg}`: this node has no settings")),
    }
}

/// For a node whose only setting is a time: the value of the flag `name`, in milliseconds, or
/// `default` if it is not given.
///
/// # Errors
///
/// A text for people, which ends with `usage`, if the value is missing or out of `range`, or if
/// there is any other argument.
pub fn only_milliseconds(
    args: &[String],
    usage: &str,
    name: &str,
    range: RangeInclusive<u64>,
    default: Duration,
) -> Result<Duration, String> {
    let mut flags = Flags::new(args, usage);
    let mut duration = default;
    while let Some(given) = flags.next_name() {
        if given != name {
            return Err(flags.unknown());
        }
        duration = flags.milliseconds(range.clone())?;
    }
    Ok(duration)
}

/// A node's arguments, flag by flag: `--name value`, `--name=value`, or `--name` for a switch.
///
/// Errors are texts for people that end with the node's usage.
///
/// ```
/// use std::time::Duration;
/// use kolk_node::Flags;
///
/// fn read(args: &[String]) -> Result<(Duration, bool), String> {
///     let mut flags = Flags::new(args, "--every-ms N   how often\n--loud         not quietly");
///     let (mut every, mut loud) = (Duration::ZERO, false);
///     while let Some(name) = flags.next_name() {
///         match name {
///             "--every-ms" => every = flags.milliseconds(1..=60_000)?,
///             "--loud" => loud = flags.switch()?,
///             _ => return Err(flags.unknown()),
///         }
///     }
///     Ok((every, loud))
/// }
///
/// let args = ["--every-ms=20".to_owned(), "--loud".to_owned()];
/// assert_eq!(read(&args), Ok((Duration::from_millis(20), true)));
/// ```
#[derive(Debug)]
pub struct Flags<'a> {
    args: std::slice::Iter<'a, String>,
    usage: &'a str,
    /// The argument that is being read: whole, its name, and what stands behind `=`.
    arg: &'a str,
    name: &'a str,
    value: Option<&'a str>,
}

impl<'a> Flags<'a> {
    /// The flags of a node whose settings `usage` describes.
    pub fn new(args: &'a [String], usage: &'a str) -> Flags<'a> {
        Flags { args: args.iter(), usage, arg: "", name: "", value: None }
    }

    /// The name of the next flag, with its dashes.
    pub fn next_name(&mut self) -> Option<&'a str> {
        self.arg = self.args.next()?;
        (self.name, self.value) = match self.arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (self.arg, None),
        };
        Some(self.name)
    }

    /// The flag's value: what stands behind `=`, or the next argument.
    fn value(&mut self) -> Option<&'a str> {
        self.value.take().or_else(|| self.args.next().map(String::as_str))
    }

    /// The flag's value as a number of milliseconds.
    ///
    /// # Errors
    ///
    /// If it is none, or out of `range`.
    pub fn milliseconds(&mut self, range: RangeInclusive<u64>) -> Result<Duration, String> {
        let name = self.name;
        let Some(value) = self.value() else {
            return Err(self.error(format_args!("{name} needs a number of milliseconds")));
        };
        let millis = value.parse().ok().filter(|millis| range.contains(millis));
        millis.map(Duration::from_millis).ok_or_else(|| {
            let (least, most) = range.into_inner();
            self.error(format_args!("{name} must be {least} to {most} ms, not `{value}`"))
        })
    }

    /// The flag's value as one of the given words.
    ///
    /// # Errors
    ///
    /// If the value is missing or another one.
    pub fn one_of<'w>(&mut self, words: &[&'w str]) -> Result<&'w str, String> {
        let value = self.value();
        words.iter().copied().find(|word| Some(*word) == value).ok_or_else(|| {
            let (last, others) = words.split_last().unwrap_or((&"", &[]));
            let or = if others.is_empty() { "" } else { " or " };
            self.error(format_args!("{} must be {}{or}{last}", self.name, others.join(", ")))
        })
    }

    /// The flag is a switch, and it is on.
    ///
    /// # Errors
    ///
    /// If it was given a value.
    pub fn switch(&mut self) -> Result<bool, String> {
        match self.value {
            None => Ok(true),
            Some(_) => {
                let (name, arg) = (self.name, self.arg);
                Err(self.error(format_args!("{name} takes no value, but `{arg}` has one")))
            }
        }
    }

    /// The error of a flag that the node does not know.
    pub fn unknown(&self) -> String {
        self.error(format_args!("unknown argument `{}`", self.arg))
    }

    /// The error of two flags that exclude each other.
    pub fn alternatives(&self, one: &str, other: &str) -> String {
        self.error(format_args!("{one} and {other} do not go together"))
    }

    fn error(&self, what: std::fmt::Arguments<'_>) -> String {
        format!("{what}\n{}", self.usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_make_settings() {
        for (args, expected) in [
            ("", Ok(3)),
            ("--batch-ms 5", Ok(5)),
            ("--batch-ms=5", Ok(5)),
            ("--batch-ms 5 --batch-ms 6", Ok(6)),
            ("--batch", Err("unknown argument `--batch`")),
            ("--batch-ms", Err("--batch-ms needs a number of milliseconds")),
            ("--batch-ms 1001", Err("--batch-ms must be 0 to 1000 ms, not `1001`")),
            ("--batch-ms=x", Err("--batch-ms must be 0 to 1000 ms, not `x`")),
        ] {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            let default = Duration::from_millis(3);
            let read = only_milliseconds(&args, "usage", "--batch-ms", 0..=1000, default);
            let expected = expected.map(Duration::from_millis);
            assert_eq!(read, expected.map_err(|error| format!("{error}\nusage")), "{args:?}");
        }
    }

    #[test]
    fn words_are_chosen() {
        for (args, expected) in [
            ("--service=b", Ok("b")),
            ("--service b", Ok("b")),
            ("--service", Err("--service must be a, b or c\nusage")),
            ("--service d", Err("--service must be a, b or c\nusage")),
        ] {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            let mut flags = Flags::new(&args, "usage");
            assert_eq!(flags.next_name(), Some("--service"));
            let expected = expected.map_err(str::to_owned);
            assert_eq!(flags.one_of(&["a", "b", "c"]), expected, "{args:?}");
        }
    }
}
