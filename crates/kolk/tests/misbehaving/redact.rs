//! Taking out of an output what differs from run to run.

use std::path::Path;

/// The output without times, the run folder's name and what depends on the machine's pace.
pub fn redact(text: &str, folder: &Path, is_paced: bool) -> String {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let text = text.replace(&*real.to_string_lossy(), "DIR");
    let text = text.replace(&*folder.to_string_lossy(), "DIR");
    let lines = text.lines().map(|line| without_wall(&without_folder_time(line)));
    if is_paced { without_pace(lines) } else { lines.collect::<Vec<_>>().join("\n") }
}

/// Without what another machine, or this one at another time, would have in its place.
fn without_pace(lines: impl Iterator<Item = String>) -> String {
    let mut in_table = false;
    let mut kept = Vec::new();
    for line in lines {
        in_table &= !line.is_empty();
        in_table |= line.starts_with("    operations ") || line.starts_with("    messages ");
        // Whether there was time enough to measure a rate, and whether an operation was open at the
        // moment of the end.
        if ["  · rate", "  · the load was lighter", "  · operations still open"]
            .iter()
            .any(|start| line.starts_with(start))
            || line.ends_with("still open at the end") && line.starts_with("    unknown: ")
        {
            continue;
        }
        if let Some((before, _)) = line.split_once(" --window ") {
            kept.push(format!("{before} --window #"));
            continue;
        }
        let is_counted = ["  · ", "  ✗ no `"].iter().any(|start| line.starts_with(start));
        kept.push(match (in_table || is_counted, line.split_once(" in all]")) {
            (true, _) => squeeze(&without_numbers(&line)),
            (false, Some((before, _))) => {
                let before = before.rsplit_once(", ").map_or(before, |(before, _)| before);
                without_seconds(&format!("{before}, # in all]"))
            }
            (false, None) => without_seconds(&line),
        });
    }
    // Where a line was left out that stood alone.
    kept.dedup_by(|line, before| line.is_empty() && before.is_empty());
    kept.join("\n")
}

/// `20261121T101502.123` becomes `TIME`.
fn without_folder_time(line: &str) -> String {
    const PATTERN: &str = "00000000T000000.000";
    let is_time = |part: &str| {
        part.bytes().zip(PATTERN.bytes()).all(|(byte, pattern)| match pattern {
            b'0' => byte.is_ascii_digit(),
            _ => byte == pattern,
        })
    };
    let parts = line.split('/').map(|part| match part.get(..PATTERN.len()) {
        Some(time) if is_time(time) => format!("TIME{}", &part[PATTERN.len()..]),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Every number becomes `#`, with what stands behind its point and the blanks between its groups.
fn without_numbers(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let is_number = c.is_ascii_digit() && !out.ends_with(char::is_alphanumeric);
        let length = if is_number { number_length(rest) } else { c.len_utf8() };
        out.push_str(if is_number { "#" } else { &rest[..length] });
        rest = &rest[length..];
    }
    out
}

/// How long the number is that the text begins with, such as `1 234.5`.
fn number_length(text: &str) -> usize {
    let digits =
        |from: usize| text[from..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - from);
    let mut length = digits(0);
    while text[length..].starts_with(' ') && digits(length + 1) == 3 {
        length += 4;
    }
    if text[length..].starts_with('.') { length + 1 + digits(length + 1) } else { length }
}

/// One blank for many, as columns are as wide as their numbers, and one unit of time for all.
fn squeeze(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let unit = |word| if matches!(word, "s" | "µs") { "ms" } else { word };
    let words: Vec<&str> = line.split_whitespace().map(unit).collect();
    format!("{}{}", " ".repeat(indent), words.join(" "))
}

/// Seconds from the run's beginning become `# s`.
fn without_seconds(line: &str) -> String {
    let mut out = Vec::new();
    let mut words = line.split(' ').peekable();
    while let Some(word) = words.next() {
        let is_number = word.contains('.') && word.parse::<f64>().is_ok();
        let is_seconds = is_number
            && words
                .peek()
                .is_some_and(|unit| matches!(unit.trim_end_matches([';', ',']), "s" | "…"));
        out.push(if is_seconds { "#" } else { word });
    }
    out.join(" ")
}

/// How long a run on the virtual clock took: `31.0 s virtual in 5 ms`.
fn without_wall(line: &str) -> String {
    let Some((before, after)) = line.split_once(" virtual in ") else { return line.to_owned() };
    let rest = after.find(" · ").map_or("", |at| &after[at..]);
    format!("{before} virtual in #{rest}")
}
