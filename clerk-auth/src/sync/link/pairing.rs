//! Pairs users with rows whose value occurs for exactly one user and one row.

use std::collections::HashMap;

use super::candidate::Candidate;
use super::report::{LinkMatch, LinkReport, NotLinked};
use crate::sync::model::linking::{MatchedRows, UnlinkedRow};

/// A user and a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pair {
    pub(super) candidate: Candidate,
    /// The primary key of the row.
    pub(super) row: Option<String>,
}

impl Pair {
    pub(super) fn entry(&self) -> LinkMatch {
        entry(&self.candidate, self.row.as_deref())
    }
}

/// The pairs so far, by the row's value. Two users on distant pages may have values that the database considers equal.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    by_stored_value: HashMap<String, Vec<Pair>>,
}

impl Pairing {
    /// Adds a user without a row, and the rows that have the user's value.
    pub(super) fn add(
        &mut self,
        candidate: Candidate,
        is_deleted: bool,
        rows: Option<&MatchedRows>,
        report: &mut LinkReport,
    ) {
        let (unlinked, others) = rows.map_or((0, 0), |rows| (rows.unlinked, rows.others));
        let row = rows.map(|rows| &rows.row).filter(|_| unlinked == 1);
        let found = entry(&candidate, row.and_then(|row| row.id.as_deref()));
        let reason = match (unlinked, others) {
            (0, 0) if is_deleted => return,
            (0, 0) => return report.users_without_row.push(found),
            _ if is_deleted => NotLinked::UserDeleted,
            (1.., _) if !candidate.is_verified => NotLinked::Unverified,
            (2.., _) => NotLinked::SeveralRows,
            (_, 1..) => NotLinked::RowOfAnotherUser,
            _ => {
                let pair = Pair {
                    candidate,
                    row: row.and_then(|row| row.id.clone()),
                };
                let stored = row.and_then(|row| row.value.clone()).unwrap_or_default();
                return self.by_stored_value.entry(stored).or_default().push(pair);
            }
        };
        report.ambiguous.push(found.because(reason));
    }

    /// Returns the pairs of one user and one row, in the order of the users' ids. Adds all results to the report,
    /// including rows without a pair.
    pub(super) fn finish(self, rows: &[UnlinkedRow], report: &mut LinkReport) -> Vec<Pair> {
        let is_paired = |row: &UnlinkedRow| {
            let stored = row.value.as_deref().unwrap_or_default();
            let pairs = self.by_stored_value.get(stored);
            pairs.is_some_and(|pairs| pairs.len() == 1 && pairs[0].row == row.id)
        };
        for row in rows.iter().filter(|row| !is_paired(row)) {
            let left = LinkMatch::new(None, row.value.as_deref(), row.id.as_deref());
            report.rows_without_user.push(left);
        }
        let mut paired = Vec::with_capacity(self.by_stored_value.len());
        let mut ambiguous = Vec::new();
        for mut pairs in self.by_stored_value.into_values() {
            match pairs.len() {
                1 => paired.append(&mut pairs),
                _ => ambiguous.append(&mut pairs),
            }
        }
        let by_user = |one: &Pair, other: &Pair| {
            one.candidate
                .user_id
                .as_str()
                .cmp(other.candidate.user_id.as_str())
        };
        paired.sort_unstable_by(by_user);
        ambiguous.sort_unstable_by(by_user);
        for pair in &ambiguous {
            report
                .ambiguous
                .push(pair.entry().because(NotLinked::SeveralUsers));
        }
        for pair in &paired {
            report.pairs.push(pair.entry());
        }
        paired
    }
}

fn entry(candidate: &Candidate, row: Option<&str>) -> LinkMatch {
    LinkMatch::new(Some(candidate.user_id.clone()), candidate.value.as_deref(), row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UserId;

    fn candidate(user_id: &str, value: &str, is_verified: bool) -> Candidate {
        Candidate {
            user_id: UserId::new(user_id),
            value: Some(value.to_owned()),
            is_verified,
            external_id: None,
        }
    }

    fn rows(unlinked: i64, others: i64, stored: &str) -> MatchedRows {
        MatchedRows {
            place: 1,
            unlinked,
            others,
            row: UnlinkedRow {
                value: Some(stored.to_owned()),
                id: Some("7".to_owned()),
            },
        }
    }

    #[test]
    fn only_one_verified_user_and_one_free_row_are_a_pair() {
        for (unlinked, others, is_verified, is_deleted, expected) in [
            (1, 0, true, false, None),
            (1, 0, false, false, Some(NotLinked::Unverified)),
            (2, 0, false, false, Some(NotLinked::Unverified)),
            (2, 0, true, false, Some(NotLinked::SeveralRows)),
            (2, 1, true, false, Some(NotLinked::SeveralRows)),
            (1, 1, true, false, Some(NotLinked::RowOfAnotherUser)),
            (0, 1, true, false, Some(NotLinked::RowOfAnotherUser)),
            (0, 1, false, false, Some(NotLinked::RowOfAnotherUser)),
            (1, 0, true, true, Some(NotLinked::UserDeleted)),
        ] {
            let (mut pairing, mut report) = (Pairing::default(), LinkReport::default());
            let ada = candidate("user_ada", "ada@example.com", is_verified);
            let found = rows(unlinked, others, "ada@example.com");
            pairing.add(ada, is_deleted, Some(&found), &mut report);
            let pairs = pairing.finish(&[], &mut report);
            let reason = report.ambiguous.listed.first().and_then(|entry| entry.reason);
            assert_eq!(
                (reason, pairs.is_empty()),
                (expected, expected.is_some()),
                "{found:?}"
            );
        }
    }

    #[test]
    fn values_that_are_equal_to_the_database_are_several_users() {
        let (mut pairing, mut report) = (Pairing::default(), LinkReport::default());
        for (user_id, value) in [("user_1", "ada@example.com"), ("user_2", "ADA@example.com")] {
            let found = rows(1, 0, "Ada@example.com");
            pairing.add(candidate(user_id, value, true), false, Some(&found), &mut report);
        }
        let unlinked = vec![rows(1, 0, "Ada@example.com").row];
        assert_eq!(pairing.finish(&unlinked, &mut report), []);
        assert_eq!(
            (
                report.ambiguous.count,
                report.pairs.count,
                report.rows_without_user.count
            ),
            (2, 0, 1)
        );
    }

    #[test]
    fn users_and_rows_without_a_counterpart_are_reported() {
        let (mut pairing, mut report) = (Pairing::default(), LinkReport::default());
        pairing.add(
            candidate("user_1", "new@example.com", true),
            false,
            None,
            &mut report,
        );
        pairing.add(
            candidate("user_2", "gone@example.com", true),
            true,
            None,
            &mut report,
        );
        let row = UnlinkedRow {
            value: None,
            id: Some("1".to_owned()),
        };
        assert_eq!(pairing.finish(&[row], &mut report), []);
        let text = report.to_string();
        assert!(
            text.ends_with("\nuser without a row user_1 new@example.com\nrow without a user (row 1)"),
            "{text}"
        );
    }
}
