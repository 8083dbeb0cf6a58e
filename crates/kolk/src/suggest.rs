//! The one place that guesses what somebody meant.

/// `did you mean …?` if one of the known words is near enough to be a slip of the fingers; else
/// nothing.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // A character put in, left out, changed, or swapped with its neighbour.
    let distance = |known| strsim::osa_distance(word, known);
    let nearest = known.into_iter().map(|known| (distance(known), known)).min();
    match nearest {
        // Something must be left that both have.
        Some((distance, known))
            if distance <= known.chars().count().max(3) / 3 && distance < word.chars().count() =>
        {
            format!("did you mean `{known}`?")
        }
        _ => String::new(),
    }
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
        assert_eq!(did_you_mean("partiton", ["partition"]), "did you mean `partition`?");
    }
}
