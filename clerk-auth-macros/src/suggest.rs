//! Suggests the known word that the user most likely meant.

/// Returns the candidate closest to `word`, if at most a third of its letters differ.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the edit distance with transpositions, without regard to case or `_`.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    strsim::osa_distance(&letters(left), &letters(right))
}

fn letters(word: &str) -> String {
    word.chars()
        .filter(|letter| *letter != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_misses_are_found_and_strangers_are_not() {
        let known = ["permission", "role", "reverification", "feature", "plan"];
        for (word, expected) in [
            ("permision", Some("permission")),
            ("roles", Some("role")),
            ("reverifcation", Some("reverification")),
            ("paln", Some("plan")),
            ("table", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }

    #[test]
    fn case_and_underscores_do_not_count() {
        assert_eq!(
            nearest("firstname", ["first_name", "last_name"]),
            Some("first_name")
        );
        assert_eq!(
            nearest("firstName", ["first_name", "last_name"]),
            Some("first_name")
        );
    }
}
