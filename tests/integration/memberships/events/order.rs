//! Tests of the order of events and tokens: the newest information about a membership counts.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use clerk_auth::time::Clock;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{issuer, token};

use super::{AS_CLAIMED, admin, apply, around, delivery, held, holds, member, send};
use crate::denials::events::start;

on_both_databases!(
    newest_event_wins_in_every_order,
    event_counts_for_tokens_of_its_second_and_before,
    member_who_returns_within_a_second_has_the_role_of_the_return,
    copies_of_the_edge_are_as_old_as_the_token_that_they_copy,
    role_that_is_lowered_and_raised_again_is_that_of_the_last_event,
);

fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for place in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(place);
        for mut tail in permutations(&rest) {
            tail.insert(0, first);
            all.push(tail);
        }
    }
    all
}

async fn newest_event_wins_in_every_order(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    // A deletion has the time of the last change before it.
    let joined = ("created", "org:member", -30_000, -30_000);
    let raised = ("updated", "org:owner", -20_000, -20_000);
    let removed = ("deleted", "org:owner", -20_000, -10_000);
    let returned = ("created", "org:guest", -5_000, -5_000);
    // If two events have the same time, the end wins.
    let changed_as_it_ended = ("updated", "org:owner", -10_000, -10_000);
    let ended = ("deleted", "org:owner", -10_000, -10_000);
    let mut expected = Vec::new();
    for (events, result) in [
        (vec![joined], "org:member"),
        (vec![joined, raised], "org:owner"),
        (vec![joined, raised, removed], ""),
        (vec![joined, raised, removed, returned], "org:guest"),
        (vec![joined, changed_as_it_ended, ended], ""),
    ] {
        for order in permutations(&events) {
            let user_id = format!("user_{}", expected.len());
            for (kind, role, updated_at, happened_at) in &order {
                let data = member(&user_id, role, &[], at(*updated_at));
                let delivery = delivery(&profiles, kind, data, at(*happened_at));
                for _ in 0..2 {
                    assert_eq!(send(&profiles, &delivery).await, StatusCode::NO_CONTENT);
                }
            }
            // Every event is delivered once more, in the first order.
            for (kind, role, updated_at, happened_at) in &order {
                let data = member(&user_id, role, &[], at(*updated_at));
                apply(&profiles, kind, data, at(*happened_at)).await;
            }
            expected.push((user_id, result, order));
        }
    }
    let restarted = start(&database).await;
    for (user_id, result, order) in expected {
        for process in [&profiles, &restarted] {
            let held = holds(process, admin(&user_id, at(-60_000))).await;
            assert_eq!(held, result, "{order:?}");
        }
    }
}

async fn event_counts_for_tokens_of_its_second_and_before(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let removed = member("user_ada", "org:admin", &[], at(-90_000));
    apply(&profiles, "deleted", removed, at(-9_500)).await;
    for (read_at, expected) in [
        (-3_600_000, ""),
        (-11_000, ""),
        // The event happened in the middle of this second.
        (-10_000, ""),
        (-9_000, AS_CLAIMED),
        (0, AS_CLAIMED),
    ] {
        let held = holds(&profiles, admin("user_ada", at(read_at))).await;
        assert_eq!(held, expected, "read at {read_at}");
    }
    // Without `oiat`, the claims are as old as the token.
    let at_second = |milliseconds: i64| token("user_ada", "Ada", 100).issued_at(at(milliseconds));
    for (minted_at, expected) in [(-10_000, ""), (-9_000, "org:admin")] {
        let token = at_second(minted_at).organization("org_1", "org:admin");
        let headers = HeaderMap::from_iter([(
            AUTHORIZATION,
            format!("Bearer {}", token.sign()).parse().expect("a header"),
        )]);
        let session = profiles
            .clerk()
            .authenticate(&headers)
            .await
            .expect("it is valid");
        assert_eq!(held(&session), expected, "minted at {minted_at}");
    }
}

async fn member_who_returns_within_a_second_has_the_role_of_the_return(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let removed = delivery(
        &profiles,
        "deleted",
        member("user_ada", "org:admin", &[], at(-90_000)),
        at(-9_700),
    );
    let returned = delivery(
        &profiles,
        "created",
        member("user_ada", "org:member", &["org:notes:read"], at(-9_300)),
        at(-9_290),
    );
    for order in [[&removed, &returned], [&returned, &removed]] {
        for sent in order {
            assert_eq!(send(&profiles, sent).await, StatusCode::NO_CONTENT);
        }
        for (read_at, expected) in [
            (-11_000, "org:member org:notes:read"),
            // Clerk's origin mints this one right after the return.
            (-10_000, "org:member org:notes:read"),
            (-9_000, AS_CLAIMED),
        ] {
            let held = holds(&profiles, admin("user_ada", at(read_at))).await;
            assert_eq!(held, expected, "read at {read_at}");
        }
    }
}

async fn copies_of_the_edge_are_as_old_as_the_token_that_they_copy(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let before = admin("user_ada", at(-20_000)).issued_at(at(-20_000)).sign();
    let verified = profiles.session(issuer().edge_token(&before)).await;
    assert_eq!(held(&verified), AS_CLAIMED);
    let removed = member("user_ada", "org:admin", &[], at(-90_000));
    apply(&profiles, "deleted", removed, at(-10_000)).await;
    // Copied repeatedly after the event.
    let mut copied = before;
    for _ in 0..4 {
        assert_eq!(holds(&profiles, issuer().edge_token(&copied)).await, "");
        copied = issuer()
            .edge_token(&copied)
            .issued_at(profiles.clock.now())
            .sign();
        profiles.clock.advance(Duration::from_secs(45));
    }
    assert_eq!(
        holds(&profiles, admin("user_ada", profiles.clock.now())).await,
        AS_CLAIMED
    );
}

async fn role_that_is_lowered_and_raised_again_is_that_of_the_last_event(database: TestDatabase) {
    let profiles = start(&database).await;
    let at = around(&profiles);
    let before = || admin("user_ada", at(-60_000));
    for (role, permissions, changed_at, expected) in [
        (
            "org:member",
            &["org:notes:read"][..],
            -40_000,
            "org:member org:notes:read",
        ),
        ("org:admin", &["org:notes:write"], -30_000, AS_CLAIMED),
        ("org:member", &[], -20_000, "org:member"),
        // This event is older than the one before.
        ("org:admin", &["org:notes:write"], -25_000, "org:member"),
    ] {
        let data = member("user_ada", role, permissions, at(changed_at));
        apply(&profiles, "updated", data, at(changed_at)).await;
        assert_eq!(
            holds(&profiles, before()).await,
            expected,
            "changed at {changed_at}"
        );
    }
    // Metadata has changed after the role: the event repeats the role.
    let data = member("user_ada", "org:member", &[], at(-10_000));
    apply(&profiles, "updated", data, at(-10_000)).await;
    assert_eq!(holds(&profiles, before()).await, "org:member");
}
