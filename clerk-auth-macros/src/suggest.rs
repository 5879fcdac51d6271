//! Near misses: the known word that the user most likely meant.

/// The candidate closest to `word`, if it is close enough to be worth suggesting: at most a third of its letters differ.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edit distance with transpositions (Damerau's restricted form), without regard to case or `_`.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let left = letters(left);
    let right = letters(right);
    let width = right.len() + 1;
    let mut table = vec![0; (left.len() + 1) * width];
    for row in 0..=left.len() {
        for column in 0..=right.len() {
            let at = row * width + column;
            table[at] = if row == 0 || column == 0 {
                row + column
            } else {
                let same = left[row - 1] == right[column - 1];
                let mut least = (table[at - width] + 1)
                    .min(table[at - 1] + 1)
                    .min(table[at - width - 1] + usize::from(!same));
                let swapped = row > 1
                    && column > 1
                    && left[row - 1] == right[column - 2]
                    && left[row - 2] == right[column - 1];
                if swapped {
                    least = least.min(table[at - 2 * width - 2] + 1);
                }
                least
            };
        }
    }
    table[table.len() - 1]
}

fn letters(word: &str) -> Vec<char> {
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
