//! The announcement of written rows to other processes: the payload of a `NOTIFY`.

/// The channel for written rows. The payload is the sender, the table and the Clerk user ids, separated by spaces. `*`
/// replaces too many ids.
#[cfg(feature = "postgres")]
pub(crate) const CHANNEL: &str = "clerk_auth";

/// The channel for changes of the table of denials. Its messages only cause a read, because any client of the database
/// may send them.
#[cfg(feature = "postgres")]
pub(crate) const DENIALS_CHANNEL: &str = "clerk_auth_denials";

/// Replaces the ids in an announcement if any row of the table may have been written.
pub(crate) const ANY: &str = "*";

/// PostgreSQL accepts payloads shorter than 8,000 bytes.
const MAX_PAYLOAD: usize = 7_999;

/// Returns the sender, the table and the users, or [`ANY`] if they do not fit. One announcement per row would fill the
/// server's queue, which every process has to read.
pub(crate) fn announcement<'a>(
    sender: &str,
    table: &str,
    clerk_ids: impl Iterator<Item = &'a str>,
) -> String {
    let mut payload = format!("{sender} {table}");
    let place = payload.len();
    for clerk_id in clerk_ids {
        if payload.len() + 1 + clerk_id.len() > MAX_PAYLOAD {
            payload.truncate(place);
            return payload + " " + ANY;
        }
        payload.push(' ');
        payload.push_str(clerk_id);
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcement_names_the_users_as_long_as_they_fit() {
        let ids = |count: usize| (0..count).map(|number| format!("user_{number:027}"));
        for (count, expected) in [(1, false), (200, false), (241, false), (242, true), (500, true)] {
            let ids: Vec<String> = ids(count).collect();
            let payload = announcement("0123456789abcdef", "users", ids.iter().map(String::as_str));
            assert!(payload.len() < 8_000, "{count}");
            assert_eq!(payload == "0123456789abcdef users *", expected, "{count}");
            assert_eq!(payload.ends_with(&ids[count - 1]), !expected, "{count}");
        }
    }
}
