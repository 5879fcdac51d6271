//! Tests of conflicts that end: the newest version has the value, and no later request writes.

use clerk_auth::id::UserId;
use clerk_auth::sync::ImportCounts;
use clerk_auth::sync::SyncOutcome::{Cached, Unchanged, Updated};
use clerk_auth::testing::set_email;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, token};

use super::{SHARED, UNIQUE_EMAIL, clerk, count_writes, session, start, traces, user, value};

on_both_databases!(
    equal_versions_keep_the_value_and_write_nothing,
    newest_version_wins_and_later_requests_do_not_write,
    circle_of_three_users_settles,
);

/// Checks that requests, webhooks and imports of these users write nothing, in this process and in a new one.
async fn assert_unwritten(database: &TestDatabase, profiles: &Profiles, users: &[(&str, &str, i64)]) {
    let before = traces(&profiles.pool).await;
    let requests = async |profiles: &Profiles| {
        for number in 0..3 {
            for &(user_id, email, updated_at) in users {
                let unchanged = token(user_id, "Ada", updated_at).claim("email", email);
                let session = session(profiles, unchanged, number).await;
                let outcome = profiles.users.sync(&session).await.expect("it syncs").outcome;
                assert!(matches!(outcome, Unchanged | Cached), "{user_id}: {outcome:?}");
            }
        }
    };
    requests(profiles).await;
    assert_eq!(traces(&profiles.pool).await, before, "a request has written");
    let another = Profiles::start_on(Pool::open(database.url(), 1).await).await;
    requests(&another).await;
    assert_eq!(
        traces(&profiles.pool).await,
        before,
        "a request to another process has written"
    );
    let (_fake, api) = clerk(users.iter().map(|&(user_id, email, updated_at)| {
        let mut user = user(user_id, "Ada", updated_at);
        user["updated_at"] = (updated_at * 1_000 + 999).into();
        set_email(&mut user, Some(email));
        user
    }))
    .await;
    let counts: ImportCounts = profiles.users.import(&api).run().await.expect("it is imported");
    let expected = u64::try_from(users.len()).expect("a few");
    assert_eq!(
        (counts.unchanged, counts.total()),
        (expected, expected),
        "{counts}"
    );
    assert_eq!(traces(&profiles.pool).await, before, "an import has written");
    assert!(profiles.users.verify(&api).await.expect("it answers").is_empty());
}

async fn equal_versions_keep_the_value_and_write_nothing(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_EMAIL).await;
    count_writes(&profiles.pool).await;
    for user_id in ["user_one", "user_two", "user_three"] {
        let shared = token(user_id, "Ada", 5).claim("email", SHARED);
        profiles.sync(shared).await.expect("no user is locked out");
    }
    assert_eq!(
        value(&profiles.pool, "email", "user_one").await.as_deref(),
        Some(SHARED)
    );
    for user_id in ["user_two", "user_three"] {
        assert_eq!(value(&profiles.pool, "email", user_id).await, None);
    }
    let users = ["user_one", "user_two", "user_three"].map(|user_id| (user_id, SHARED, 5));
    assert_unwritten(&database, &profiles, &users).await;
    // The holder changes its value, and the next request of another user gets the old one.
    profiles
        .sync(token("user_one", "Ada", 6))
        .await
        .expect("it syncs");
    let two = profiles
        .sync(token("user_two", "Ada", 5).claim("email", SHARED))
        .await
        .expect("it syncs");
    assert_eq!((two.outcome, two.user.email.as_deref()), (Updated, Some(SHARED)));
}

async fn newest_version_wins_and_later_requests_do_not_write(database: TestDatabase) {
    let profiles = start(&database, UNIQUE_EMAIL).await;
    count_writes(&profiles.pool).await;
    let users = [
        ("user_old", SHARED, 5),
        ("user_new", SHARED, 8),
        ("user_late", SHARED, 6),
    ];
    for (user_id, email, updated_at) in users {
        let shared = token(user_id, "Ada", updated_at).claim("email", email);
        profiles.sync(shared).await.expect("no user is locked out");
    }
    assert_eq!(
        value(&profiles.pool, "email", "user_new").await.as_deref(),
        Some(SHARED)
    );
    assert_unwritten(&database, &profiles, &users).await;
    // A row with a null for another reason is not treated as a row that lost its value.
    profiles
        .pool
        .execute("UPDATE profiles SET email = NULL WHERE clerk_id = 'user_new'")
        .await;
    let new = token("user_new", "Ada", 8)
        .claim("email", SHARED)
        .claim("jti", "x");
    profiles
        .users
        .invalidate(&UserId::new("user_new"))
        .await
        .expect("processes are notified");
    assert_eq!(
        profiles.sync(new).await.expect("it syncs").user.email.as_deref(),
        Some(SHARED)
    );
}

async fn circle_of_three_users_settles(database: TestDatabase) {
    for versions in [[8, 8, 8], [8, 9, 10], [10, 9, 8]] {
        let profiles = start(&database, UNIQUE_EMAIL).await;
        let before = ["a@example.com", "b@example.com", "c@example.com"];
        let after = ["b@example.com", "c@example.com", "a@example.com"];
        let ids = ["user_a", "user_b", "user_c"];
        for (user_id, email) in ids.into_iter().zip(before) {
            let token = token(user_id, "Ada", versions[0].min(8)).claim("email", email);
            profiles.sync(token).await.expect("it syncs");
        }
        // The circle takes one round, and the users without their value take another.
        for round in 0..3 {
            for ((user_id, email), version) in ids.into_iter().zip(after).zip(versions) {
                let token = token(user_id, "Ada", version)
                    .claim("email", email)
                    .claim("jti", round);
                profiles.sync(token).await.expect("no user is locked out");
                profiles
                    .users
                    .invalidate(&UserId::new(user_id))
                    .await
                    .expect("processes are notified");
            }
        }
        for (user_id, email) in ids.into_iter().zip(after) {
            assert_eq!(
                value(&profiles.pool, "email", user_id).await.as_deref(),
                Some(email),
                "{user_id} {versions:?}"
            );
        }
        profiles.pool.execute("DROP TABLE profiles").await;
    }
}
