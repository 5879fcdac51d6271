//! Random values: unique marks, and parts of pauses.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The number of different parts of a duration.
const PARTS: u32 = 1_024;

/// Returns a random number. Each state has random keys of its own, initially from the operating system.
fn number() -> u64 {
    RandomState::new().hash_one(())
}

/// Returns 16 hexadecimal digits by which a process or a connection is recognized.
pub(crate) fn mark() -> String {
    format!("{:016x}", number())
}

/// Returns a random part of the duration, less than the whole: work that failed together must not be repeated together.
pub(crate) fn part_of(longest: Duration) -> Duration {
    let part = u32::try_from(number() % u64::from(PARTS)).unwrap_or(0);
    longest / PARTS * part
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn parts_differ_and_are_less_than_the_whole() {
        for longest in [Duration::from_millis(2), Duration::from_secs(15)] {
            let parts: HashSet<Duration> = (0..200).map(|_| part_of(longest)).collect();
            assert!(parts.iter().all(|part| *part < longest));
            assert!(parts.len() > 100, "{}", parts.len());
        }
        assert_eq!(part_of(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn marks_differ() {
        let marks: HashSet<String> = (0..200).map(|_| mark()).collect();
        assert_eq!(marks.len(), 200);
        assert!(marks.iter().all(|mark| mark.len() == 16));
    }
}
