//! Reading `kolk.toml`: what stands in it, and what is wrong with it, by its lines.

use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind as ClapKind;
use clap::{Arg, ArgAction, Command, CommandFactory};
use kolk_report::failure::{Failure, Trouble};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::args::{self, Cli};
use crate::status::Stop;
use crate::stored;
use crate::suggest::did_you_mean;

/// What the file is called.
pub const NAME: &str = "kolk.toml";

/// The commands that have a table of their own, with their flags.
pub const COMMANDS: [&str; 5] = ["test", "challenge", "check-node", "verify", "serve"];

/// The keys that are no tables.
const KEYS: [&str; 5] = ["bin", "args", "build", "sources", "store"];

/// A flag that the file gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without dashes.
    pub long: String,
    /// As it is typed, once or more than once.
    words: Vec<String>,
    line: usize,
    /// The line as it stands there.
    text: String,
}

impl Entry {
    /// The words for a command: the program of `kolk check-node` is no flag.
    pub fn words_for(&self, command: &str) -> Vec<String> {
        match (command, self.long.as_str()) {
            ("check-node", "bin") => {
                self.words.iter().map(|word| word.trim_start_matches("--bin=").to_owned()).collect()
            }
            _ => self.words.clone(),
        }
    }

    /// True if a text has the flag's name, or one of its values, in it.
    pub fn is_named_in(&self, text: &str) -> bool {
        let value =
            |word: &str| word.split_once('=').map_or(word.to_owned(), |(_, v)| v.to_owned());
        let values = self.words.iter().map(|word| value(word));
        std::iter::once(format!("--{}", self.long)).chain(values).any(|part| text.contains(&part))
    }

    /// Where it stands, for an error.
    pub fn place(&self) -> String {
        format!("line {} of {NAME} says `{}`", self.line, self.text)
    }
}

/// A project's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectFile {
    /// The program, as a flag.
    pub bin: Option<Entry>,
    /// Its arguments.
    pub args: Vec<String>,
    /// The command that makes it.
    pub build: Option<String>,
    /// What it is made of.
    pub sources: Vec<PathBuf>,
    /// Where run folders go, as a flag.
    pub store: Option<Entry>,
    flags: Vec<(String, Entry)>,
}

impl ProjectFile {
    /// Reads it, if it is there.
    pub fn read(path: &Path) -> Result<Option<ProjectFile>, Stop> {
        let text = match stored::named_text(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let failure =
                    Failure::new(Trouble::Project, format!("cannot read {}", path.display()));
                return Err(Stop::user(failure.cause(error.to_string())));
            }
        };
        ProjectFile::parse(&text).map(Some).map_err(Stop::user)
    }

    /// The flags of a command's table.
    pub fn flags_of(&self, command: &str) -> impl Iterator<Item = &Entry> {
        self.flags.iter().filter(move |(of, _)| of == command).map(|(_, entry)| entry)
    }

    fn parse(text: &str) -> Result<ProjectFile, Failure> {
        let reader = Reader { text };
        let table = DeTable::parse(text).map_err(|error| {
            reader.failure(error.span().unwrap_or(0..0), error.message().to_owned())
        })?;
        let mut file = ProjectFile::default();
        let mut cli = Cli::command();
        cli.build();
        for (key, value) in table.get_ref() {
            let name = key.get_ref().as_ref();
            let span = key.span().start..value.span().end;
            match name {
                "bin" => file.bin = Some(reader.flag(name, reader.string(value)?, span)),
                "store" => file.store = Some(reader.flag(name, reader.string(value)?, span)),
                "build" => file.build = Some(reader.string(value)?),
                "args" => file.args = reader.strings(value)?,
                "sources" => {
                    let sources = reader.strings(value)?;
                    file.sources = sources.into_iter().map(PathBuf::from).collect();
                }
                command if COMMANDS.contains(&command) => {
                    let found = cli.find_subcommand(command).expect("a command");
                    for entry in reader.flags(found, value)? {
                        file.flags.push((command.to_owned(), entry));
                    }
                }
                unknown => {
                    let known = KEYS.iter().chain(&COMMANDS).copied();
                    let failure =
                        reader.failure(key.span(), format!("there is no key `{unknown}`"));
                    let failure = failure.advice(did_you_mean(unknown, known));
                    let tables = COMMANDS.map(|name| format!("[{name}]")).join(", ");
                    return Err(failure
                        .advice(format!("keys are {}; tables are {tables}", KEYS.join(", "))));
                }
            }
        }
        Ok(file)
    }
}

/// The argument of that long name.
pub fn given_long<'a>(command: &'a Command, long: &str) -> Option<&'a Arg> {
    let has_name = |arg: &&Arg| {
        arg.get_long() == Some(long)
            || arg.get_visible_aliases().is_some_and(|names| names.contains(&long))
            // The program of `kolk check-node` has no dashes.
            || (arg.is_positional() && arg.get_id() == long)
    };
    command.get_arguments().find(has_name)
}

/// A file's text, to say where something stands in it.
#[derive(Clone, Copy)]
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn line(self, place: usize) -> (usize, String) {
        let place = place.min(self.text.len());
        let before = self.text.as_bytes()[..place].iter().filter(|byte| **byte == b'\n').count();
        (before + 1, self.text.lines().nth(before).unwrap_or_default().trim().to_owned())
    }

    fn failure(self, span: Range<usize>, problem: String) -> Failure {
        let (number, line) = self.line(span.start);
        let problem = problem.trim_end().replace('\n', "; ");
        let failure = Failure::new(Trouble::Project, format!("{NAME}, line {number}: {problem}"));
        if line.is_empty() { failure } else { failure.cause(format!("it says `{line}`")) }
    }

    fn flag(self, long: &str, value: String, span: Range<usize>) -> Entry {
        self.entry(long, vec![format!("--{long}={value}")], span)
    }

    fn entry(self, long: &str, words: Vec<String>, span: Range<usize>) -> Entry {
        let (line, text) = self.line(span.start);
        Entry { long: long.to_owned(), words, line, text }
    }

    fn string(self, value: &Spanned<DeValue<'_>>) -> Result<String, Failure> {
        let text = value.get_ref().as_str().filter(|text| !text.is_empty());
        let problem = || self.failure(value.span(), "a text in quotes is wanted".to_owned());
        text.map(str::to_owned).ok_or_else(problem)
    }

    fn strings(self, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Failure> {
        let problem = || self.failure(value.span(), "a list is wanted, such as [\"a\"]".to_owned());
        let list = value.get_ref().as_array().ok_or_else(problem)?;
        list.iter().map(|value| self.string(value)).collect()
    }

    /// The flags of a command.
    fn flags(self, command: &Command, value: &Spanned<DeValue<'_>>) -> Result<Vec<Entry>, Failure> {
        let name = command.get_name();
        let table = value.get_ref().as_table().ok_or_else(|| {
            self.failure(value.span(), format!("a table is wanted: [{name}] on a line of its own"))
        })?;
        let mut entries = Vec::new();
        for (key, value) in table {
            let span = key.span().start..value.span().end;
            let long = key.get_ref().as_ref();
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(long));
            let Some(arg) = arg.filter(|arg| !matches!(arg.get_action(), ArgAction::Help)) else {
                let known = command.get_arguments().filter_map(Arg::get_long);
                return Err(self
                    .failure(span, format!("`kolk {name}` has no flag `--{long}`"))
                    .advice(did_you_mean(long, known))
                    .advice(format!("`kolk help {name}` shows all flags")));
            };
            let words = self.words(arg, long, value)?;
            refused(name, &words)
                .map_or(Ok(()), |problem| Err(self.failure(span.clone(), problem)))?;
            entries.push(self.entry(long, words, span));
        }
        let all: Vec<String> = entries.iter().flat_map(|entry| entry.words.clone()).collect();
        refused(name, &all).map_or(Ok(entries), |problem| Err(self.failure(value.span(), problem)))
    }

    /// A flag as it is typed.
    fn words(
        self,
        arg: &Arg,
        long: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<String>, Failure> {
        let wrong = |wanted: &str| self.failure(value.span(), format!("`{long}` wants {wanted}"));
        if matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::Count) {
            let is_set = value.get_ref().as_bool().ok_or_else(|| wrong("true or false"))?;
            return Ok(if is_set { vec![format!("--{long}")] } else { Vec::new() });
        }
        let one = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => match u128::from_str_radix(number.as_str(), number.radix())
            {
                Ok(number) => Ok(number.to_string()),
                Err(_) => Ok(number.as_str().to_owned()),
            },
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            _ => Err(wrong("a text or a number")),
        };
        let DeValue::Array(list) = value.get_ref() else {
            return Ok(vec![format!("--{long}={}", one(value)?)]);
        };
        let values = list.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        Ok(match arg.get_action() {
            ArgAction::Append => values.iter().map(|value| format!("--{long}={value}")).collect(),
            _ => vec![format!("--{long}={}", values.join(","))],
        })
    }
}

/// Why the command line refuses these words, the first line of it.
fn refused(command: &str, words: &[String]) -> Option<String> {
    let line = ["kolk", command].into_iter().chain(words.iter().map(String::as_str));
    let error = args::parse(line).err()?;
    // Nothing else is given, so something may be missing.
    let matters = !matches!(
        error.kind(),
        ClapKind::MissingRequiredArgument | ClapKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    matters.then_some(first)
}

#[cfg(test)]
#[path = "../../tests/mutated/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever stands in it, it is read or refused.
    #[test]
    fn copes_with_any_text() {
        let text = b"bin = \"./node\"\nargs = [\"-v\"]\n[test]\nrate = 2.5\nseed = 0x2a\n\
                     nemesis = [\"partition\"]\nstrict = true\n[serve]\nport = 8_000\n";
        let mut read = 0;
        for number in 0..1500 {
            let mut random = kolk_protocol::Key::new(7).with(number).random();
            let text = mutate::mutate(text, &mut random);
            read += u64::from(ProjectFile::parse(&String::from_utf8_lossy(&text)).is_ok());
        }
        assert!(read > 30, "{read} are read");
    }

    #[test]
    fn reads_what_a_project_gives() {
        let text = r#"
bin = "./bin/node"
args = ["--level", "debug"]
build = "./build.sh"
sources = ["main.go", "kolknode"]
store = "runs"

[test]
workload = "broadcast"
node-count = 3
rate = 2.5
seed = 0x2a
nemesis = ["partition"]
cut = ["n0@1..2", "n1@3..4"]
strict = true
log-stderr = false

[challenge]
seeds = 1_000
"#;
        let file = ProjectFile::parse(text).expect("a good file");
        let words = |command| -> Vec<String> {
            file.flags_of(command).flat_map(|entry| entry.words.clone()).collect()
        };
        let mut test = words("test");
        test.sort();
        let expected = [
            "--cut=n0@1..2",
            "--cut=n1@3..4",
            "--nemesis=partition",
            "--node-count=3",
            "--rate=2.5",
            "--seed=42",
            "--strict",
            "--workload=broadcast",
        ];
        assert_eq!(test, expected);
        assert_eq!(words("challenge"), ["--seeds=1000"]);
        assert_eq!(
            file.bin.as_ref().map(|bin| bin.words.clone()),
            Some(vec!["--bin=./bin/node".into()])
        );
        assert_eq!((file.args.len(), file.sources.len()), (2, 2));
        assert_eq!(ProjectFile::parse("").expect("an empty file"), ProjectFile::default());
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let screens = [
            "bin = 5",
            "bin = \"\"",
            "bni = \"x\"",
            "\n[tset]\nrate = 5",
            "[test]\nrate = \"fast\"",
            "[test]\nnode-cuont = 5",
            "[test]\n\n# more\nstrict = 1",
            "[test]\nseed = -1",
            "[test]\nrate = [1, {}]",
            "[test]\nstrict = true\nas = \"kolk\"",
            "test = 5",
            "args = \"--loud\"",
            "bin = \"x\"\nbin = \"y\"",
            "bin = \"x",
            "[test",
        ]
        .map(|text| {
            let failure = ProjectFile::parse(text).expect_err(text);
            failure.draw(kolk_report::Style::PLAIN)
        });
        insta::assert_snapshot!(screens.join("\n"));
    }
}
