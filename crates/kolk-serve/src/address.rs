//! The names in a URL's path, and which names may be asked for at all.

/// How long a path may be, in bytes, before it is decoded. The longest of ours is far shorter.
pub const PATH_BYTES_MAX: usize = 2048;

/// The names in a path, decoded once: `/files/echo/a%20b` is `files`, `echo`, `a b`. `None` if it
/// is no path that one of our pages links to: each name must be [plain](is_plain).
pub fn names(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(Vec::new());
    }
    let name = |text: &str| decode(text).filter(|name| is_plain(name));
    path.split('/').map(name).collect()
}

/// Whether a name can be nothing but an entry of the folder it is looked up in, and not a hidden
/// one: not `..`, no path, nothing that another system or a second decoding would take for one.
pub fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('.')
        && !name
            .contains(|character: char| matches!(character, '/' | '\\') || character.is_control())
        && !holds_escape(name)
}

/// True if percent-decoding would change a name. Runs never have such names; a request for one may
/// be an attempt to have a name decoded twice.
fn holds_escape(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.windows(3).any(|text| text[0] == b'%' && text[1..].iter().all(u8::is_ascii_hexdigit))
}

/// Undoes percent-encoding. `None` if it is wrong, or not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let [high, low, tail @ ..] = tail else { return None };
            let digit = |byte: &u8| char::from(*byte).to_digit(16);
            bytes.push((digit(high)? * 16 + digit(low)?) as u8);
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_plain_names_or_nothing() {
        for (path, expected) in [
            ("/", Some(vec![])),
            ("/runs/echo/20261121T153500.000", Some(vec!["runs", "echo", "20261121T153500.000"])),
            ("/files/a%20b/%C3%A9", Some(vec!["files", "a b", "é"])),
            ("/100%25", Some(vec!["100%"])),
            ("", None),
            ("runs", None),
            ("*", None),
            ("/runs/", None),
            ("//etc/passwd", None),
            ("/runs//plan.json", None),
            ("/.", None),
            ("/..", None),
            ("/runs/../../etc/passwd", None),
            ("/runs/%2e%2e/x", None),
            ("/runs/%2E./x", None),
            ("/runs/.latest.1", None),
            ("/runs/a%2fb", None),
            ("/runs/a%2Fb", None),
            ("/runs/a%5cb", None),
            ("/runs/a\\b", None),
            ("/runs/%252e%252e%252fx", None),
            ("/runs/%25252e", None),
            ("/runs/a%00", None),
            ("/runs/a%0a", None),
            ("/runs/a%7f", None),
            ("/runs/%c2%85", None),
            ("/runs/%ff", None),
            ("/runs/%c0%ae%c0%ae", None),
            ("/runs/%", None),
            ("/runs/%2", None),
            ("/runs/%zz", None),
            ("/runs/%+2", None),
        ] {
            let found = names(path);
            let expected: Option<Vec<String>> =
                expected.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(found, expected, "{path}");
        }
        assert!(names(&format!("/{}", "a".repeat(255))).is_some());
        assert!(names(&format!("/{}", "a".repeat(256))).is_none());
    }
}
