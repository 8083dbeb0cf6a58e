//! The one place that guesses what somebody meant.

/// How many names are named that a word may be a part of.
const PARTS_MAX: usize = 8;

/// `did you mean …?` if one of the known words is near enough to be a slip of the fingers, or if a
/// few of them begin with the word or have it in them; else nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    // A character put in, left out, changed, or swapped with its neighbour.
    let distance = |known: &&'a str| strsim::osa_distance(word, known);
    if let Some(nearest) = known.iter().copied().min_by_key(|known| (distance(known), *known)) {
        let distance = distance(&nearest);
        // Something must be left that both have.
        let is_slip = distance <= nearest.chars().count().max(3) / 3;
        if is_slip && distance < word.chars().count() && !is_part(word, nearest) {
            return format!("did you mean `{nearest}`?");
        }
    }
    let whole: Vec<String> =
        known.iter().filter(|known| is_part(word, known)).map(|name| format!("`{name}`")).collect();
    match whole.as_slice() {
        [] => String::new(),
        [one] => format!("did you mean {one}?"),
        [some @ .., last] if whole.len() <= PARTS_MAX => {
            format!("did you mean {} or {last}?", some.join(", "))
        }
        _ => String::new(),
    }
}

/// True if a word is the beginning of a name, or a longer one is anywhere in it.
fn is_part(word: &str, name: &str) -> bool {
    !word.is_empty()
        && (name.starts_with(word) || (word.chars().count() > 2 && name.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_words() {
        for (word, guess) in [
            ("ecko", "did you mean `echo`?"),
            ("boardcast", "did you mean `broadcast`?"),
            ("gset", "did you mean `g-set`?"),
            ("kafka", ""),
        ] {
            assert_eq!(did_you_mean(word, ["broadcast", "echo", "g-set", "unique-ids"]), guess);
        }
        assert_eq!(did_you_mean("9", ["1", "2"]), "");
        let parts = ["3a", "3b", "stale-read", "stale-cas", "non-atomic-cas", "all"];
        for (word, guess) in [
            ("3", "did you mean `3a` or `3b`?"),
            ("cas", "did you mean `stale-cas` or `non-atomic-cas`?"),
            ("stale", "did you mean `stale-read` or `stale-cas`?"),
            ("atomic", "did you mean `non-atomic-cas`?"),
            ("x", ""),
            ("", ""),
        ] {
            assert_eq!(did_you_mean(word, parts), guess);
        }
        assert_eq!(did_you_mean("a", ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"]), "");
        assert_eq!(did_you_mean("partiton", ["partition"]), "did you mean `partition`?");
    }
}
