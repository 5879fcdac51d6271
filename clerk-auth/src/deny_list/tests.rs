//! The rules of the deny list, as tables.

use super::*;
use crate::id::{OrganizationId, SessionId, UserId};
use crate::session::Standing;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn denial(id: &str, refusal: Option<Refusal>, version: i64, happened_at: i64, expires_at: i64) -> Denial {
    Denial {
        subject: Subject::User(UserId::new(id)),
        effect: refusal.map_or(Effect::Admits, Effect::Bars),
        version,
        happened_at: Timestamp::from_secs(happened_at),
        expires_at: Timestamp::from_secs(expires_at),
    }
}

fn list(most: usize) -> DenyList {
    DenyList::with_capacity(DENIAL_LIFETIME, most)
}

fn refusal(list: &DenyList, id: &str, now: i64) -> Option<Refusal> {
    list.refusal(Key::User(id), Timestamp::from_secs(now))
}

fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for place in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(place);
        for mut tail in permutations(&rest) {
            tail.insert(0, first.clone());
            all.push(tail);
        }
    }
    all
}

#[test]
fn denial_bars_until_it_expires() {
    let list = list(10);
    list.record(denial("ada", Some(Refusal::UserBanned), 1, 900, 2_000), NOW, NOW);
    for (id, now, expected) in [
        ("ada", 1_000, Some(Refusal::UserBanned)),
        ("ada", 1_999, Some(Refusal::UserBanned)),
        ("ada", 2_000, None),
        ("eve", 1_000, None),
    ] {
        assert_eq!(refusal(&list, id, now), expected, "{id} at {now}");
    }
}

#[test]
fn session_and_user_of_one_id_are_different_subjects() {
    let list = list(10);
    let ended = Denial {
        subject: Subject::Session(SessionId::new("x")),
        ..denial("x", Some(Refusal::SessionEnded), i64::MAX, 900, 2_000)
    };
    list.record(ended, NOW, NOW);
    assert_eq!(list.refusal(Key::Session("x"), NOW), Some(Refusal::SessionEnded));
    assert_eq!(list.refusal(Key::User("x"), NOW), None);
}

#[test]
fn newest_event_wins_in_every_order() {
    let (banned, locked) = (Some(Refusal::UserBanned), Some(Refusal::UserLocked));
    for (events, expected) in [
        // By version.
        ([(banned, 7, 900), (None, 9, 900), (locked, 8, 900)], None),
        ([(None, 7, 999), (None, 8, 999), (banned, 9, 1)], banned),
        // At equal versions, by the time of the event: a ban does not change `updated_at`.
        ([(banned, 7, 901), (None, 7, 902), (banned, 7, 900)], None),
        ([(None, 7, 901), (banned, 7, 902), (None, 7, 900)], banned),
        // At equal times as well, the stricter one.
        ([(banned, 7, 900), (None, 7, 900), (None, 6, 990)], banned),
        // A denial that is never lifted.
        (
            [
                (Some(Refusal::UserDeleted), i64::MAX, 1),
                (None, 99, 999),
                (banned, 100, 999),
            ],
            Some(Refusal::UserDeleted),
        ),
    ] {
        for order in permutations(&events) {
            let list = list(10);
            for (refusal, version, happened_at) in order.iter().copied() {
                list.record(denial("ada", refusal, version, happened_at, 9_000), NOW, NOW);
            }
            assert_eq!(refusal(&list, "ada", 1_000), expected, "{order:?}");
        }
    }
}

#[test]
fn late_duplicate_prolongs_a_denial_and_never_shortens_it() {
    let list = list(10);
    for expires_at in [2_000, 3_000, 2_500] {
        list.record(
            denial("ada", Some(Refusal::UserBanned), 1, 900, expires_at),
            NOW,
            NOW,
        );
    }
    assert_eq!(refusal(&list, "ada", 2_999), Some(Refusal::UserBanned));
    assert_eq!(refusal(&list, "ada", 3_000), None);
}

#[test]
fn expired_denial_gives_way_to_an_older_event() {
    let list = list(10);
    list.record(denial("ada", Some(Refusal::UserLocked), 9, 900, 1_100), NOW, NOW);
    let later = Timestamp::from_secs(1_200);
    list.record(
        denial("ada", Some(Refusal::UserBanned), 8, 900, 5_000),
        later,
        later,
    );
    assert_eq!(refusal(&list, "ada", 1_200), Some(Refusal::UserBanned));
}

#[test]
fn expired_denials_are_forgotten() {
    let list = list(1_000);
    for second in 0..100 {
        let now = Timestamp::from_secs(1_000 + second);
        list.record(
            denial(
                &format!("user_{second}"),
                (second % 2 == 0).then_some(Refusal::UserBanned),
                1,
                900,
                1_010 + second,
            ),
            now,
            now,
        );
    }
    assert_eq!(list.barred.len(), 10);
    assert_eq!(list.barred.floor(), i64::MIN, "no living denial was dropped");
}

#[test]
fn full_list_drops_admissions_first_then_the_oldest_and_raises_the_floor() {
    let list = list(3);
    let at = Timestamp::from_secs;
    let bar = |id: &str, now: i64| {
        list.record(
            denial(id, Some(Refusal::UserBanned), 1, 900, 9_000),
            at(now),
            at(now),
        );
    };
    bar("one", 1_000);
    list.record(denial("free", None, 1, 900, 9_000), at(1_001), at(1_001));
    bar("two", 1_002);
    bar("three", 1_003);
    assert_eq!(list.barred.floor(), i64::MIN, "an admission was dropped");
    bar("four", 1_004);
    assert_eq!(refusal(&list, "one", 1_004), None);
    assert_eq!(list.barred.floor(), at(1_000).as_millis());
    for id in ["two", "three", "four"] {
        assert_eq!(refusal(&list, id, 1_004), Some(Refusal::UserBanned), "{id}");
    }
}

#[test]
fn full_list_copies_few_denials_for_each_that_it_records() {
    let list = list(MAX_DENIALS);
    for number in 0..MAX_DENIALS + 100 {
        let id = format!("user_{number}");
        list.record(denial(&id, Some(Refusal::UserBanned), 1, 900, 9_000), NOW, NOW);
    }
    assert_eq!(list.barred.len(), MAX_DENIALS);
    for number in 100..MAX_DENIALS + 100 {
        let id = format!("user_{number}");
        assert_eq!(refusal(&list, &id, 1_004), Some(Refusal::UserBanned), "{id}");
    }
    let longest = list.barred.longest_bucket();
    // Eight on average. By chance, one list in ten thousand million has as many.
    assert!(longest < 48, "{longest}");
}

fn ended(number: usize, happened_at: i64) -> Denial {
    Denial {
        subject: Subject::Membership(
            UserId::new(format!("user_{number}")),
            OrganizationId::new("org_1"),
        ),
        effect: Effect::Corrects(Arc::new(Correction::Ended)),
        ..denial("", None, happened_at * 1_000, happened_at, 9_000)
    }
}

fn is_known(list: &DenyList, number: usize) -> bool {
    let user = format!("user_{number}");
    let key = Key::Membership(&user, "org_1");
    list.corrected.read(key, NOW, |_| Some(())).is_some()
}

#[test]
fn memberships_displace_each_other_and_no_ban() {
    let list = list(10);
    let at = Timestamp::from_secs;
    list.record(denial("ada", Some(Refusal::UserBanned), 1, 900, 9_000), NOW, NOW);
    for number in 0..15 {
        let second = 1_000 + i64::try_from(number).expect("a small number");
        list.record(ended(number, second - 500), at(second), NOW);
    }
    assert_eq!(refusal(&list, "ada", 1_000), Some(Refusal::UserBanned));
    assert_eq!(list.barred.floor(), i64::MIN);
    let known: Vec<usize> = (0..15).filter(|number| is_known(&list, *number)).collect();
    assert_eq!(known, (5..15).collect::<Vec<_>>());
    assert_eq!(list.corrected.floor(), at(1_004).as_millis());
}

#[test]
fn long_lists_of_permissions_count_as_several_denials() {
    let list = list(10);
    let permissions: Vec<String> = (0..50)
        .map(|number| format!("org:feature_{number}:write"))
        .collect();
    for number in 0..20 {
        let permissions = permissions.iter().map(String::as_str);
        let standing = Standing::new("org:admin", Some(permissions));
        assert!((1_500..2_300).contains(&standing.bytes()), "{}", standing.bytes());
        let changed = Denial {
            effect: Effect::Corrects(Arc::new(Correction::Changed(standing))),
            ..ended(number, 900)
        };
        list.record(changed, NOW, NOW);
    }
    assert_eq!(list.corrected.len(), 1);
    // Expired denials leave room again, and a newer event replaces an older one.
    for happened_at in [950, 960] {
        for number in 0..10 {
            list.record(ended(number, happened_at), NOW, NOW);
        }
    }
    assert_eq!(list.corrected.len(), 10);
}
