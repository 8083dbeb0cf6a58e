//! Numbers for people.

use std::time::Duration;

/// A number with its thousands apart: `12 345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// A fraction or ratio with three digits that mean something: `0.992`, `11.8`, `1 204`.
pub fn ratio(number: f64) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let size = number.abs();
    if size >= 1000.0 {
        grouped(number.round() as u64)
    } else if size >= 100.0 {
        format!("{number:.0}")
    } else if size >= 10.0 {
        trimmed(format!("{number:.1}"))
    } else if size >= 1.0 {
        trimmed(format!("{number:.2}"))
    } else {
        trimmed(format!("{number:.3}"))
    }
}

fn trimmed(text: String) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A size on disk: `812 B`, `3.1 kB`, `262 MB`.
pub fn bytes(count: u64) -> String {
    let (mut size, mut units) = (count as f64, ["kB", "MB", "GB", "TB"].into_iter());
    if count < 1000 {
        return format!("{count} B");
    }
    let mut unit = "B";
    while size >= 1000.0 {
        let Some(larger) = units.next() else { break };
        (size, unit) = (size / 1000.0, larger);
    }
    format!("{} {unit}", ratio(size))
}

/// A length of time: `0.9 s`, `45 ms`, `2 min 5 s`.
pub fn duration(length: Duration) -> String {
    let seconds = length.as_secs_f64();
    if length.is_zero() {
        "0 s".to_owned()
    } else if seconds < 0.001 {
        format!("{} µs", length.as_micros())
    } else if seconds < 0.1 {
        format!("{} ms", length.as_millis())
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", length.as_secs() / 60, length.as_secs() % 60)
    }
}

/// `1 node`, `5 nodes`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1 000"), (1234567, "1 234 567")] {
            assert_eq!(grouped(number), text);
        }
        for (number, text) in [
            (0.0, "0"),
            (0.9921, "0.992"),
            (1.0, "1"),
            (1.684, "1.68"),
            (11.84, "11.8"),
            (640.4, "640"),
            (1204.4, "1 204"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(ratio(number), text);
        }
        for (millis, text) in [(0, "0 s"), (45, "45 ms"), (900, "0.9 s"), (125_000, "2 min 5 s")] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(counted(1, "node", "nodes"), "1 node");
        assert_eq!(counted(5, "node", "nodes"), "5 nodes");
    }
}
