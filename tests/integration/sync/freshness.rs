//! Tests that no cached row is served after its time, a write or an invalidation.

use std::sync::Arc;
use std::time::Duration;

use clerk_auth::id::UserId;
use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Cached, Inserted, Unchanged, Updated};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profile, Profiles, token};
use futures_util::future::join_all;

use crate::sync::two_processes::wait_until_listening;

on_both_databases!(
    row_is_kept_for_its_time_and_no_longer,
    another_token_of_the_same_claims_is_served_the_kept_row,
    token_with_changed_claims_is_not_served_the_kept_row,
    invalidated_row_is_read_again,
    row_written_through_is_served_afterwards,
    row_that_was_served_is_not_followed_by_an_older_one,
    write_that_fails_forgets_the_row,
    struct_that_is_not_clone_is_read_for_each_request,
    requests_of_one_user_share_their_statements,
    deleted_user_is_not_kept,
);

async fn row_is_kept_for_its_time_and_no_longer(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    wait_until_listening(&profiles).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    let outcome = async || profiles.users.sync(&session).await.expect("it syncs").outcome;
    assert_eq!(outcome().await, Inserted);
    assert_eq!(outcome().await, Cached);
    profiles.clock.advance(Duration::from_millis(4_999));
    assert_eq!(outcome().await, Cached);
    profiles.clock.advance(Duration::from_millis(1));
    assert_eq!(outcome().await, Unchanged);
    assert_eq!(outcome().await, Cached);
}

async fn another_token_of_the_same_claims_is_served_the_kept_row(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    wait_until_listening(&profiles).await;
    let first = profiles
        .sync(token("user_ada", "Ada", 7))
        .await
        .expect("it syncs");
    let second = profiles
        .sync(token("user_ada", "Ada", 7).claim("sid", "sess_2"))
        .await;
    let second = second.expect("it syncs");
    assert_eq!((second.outcome, second.user), (Cached, first.user));
}

async fn token_with_changed_claims_is_not_served_the_kept_row(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    wait_until_listening(&profiles).await;
    profiles
        .sync(token("user_ada", "Ada", 7))
        .await
        .expect("it syncs");
    let renamed = profiles
        .sync(token("user_ada", "Grace", 9))
        .await
        .expect("it syncs");
    assert_eq!(
        (renamed.outcome, renamed.user.name.as_deref()),
        (Updated, Some("Grace"))
    );
    let late = profiles
        .sync(token("user_ada", "Eve", 8))
        .await
        .expect("it syncs");
    assert_eq!((late.outcome, late.user.name.as_deref()), (Cached, Some("Grace")));
}

async fn invalidated_row_is_read_again(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    wait_until_listening(&profiles).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    profiles.users.sync(&session).await.expect("it syncs");
    profiles
        .pool
        .execute("UPDATE profiles SET email = 'changed'")
        .await;
    let kept = profiles.users.sync(&session).await.expect("it syncs");
    assert_eq!(kept.outcome, Cached);
    profiles
        .users
        .invalidate(&UserId::new("user_ada"))
        .await
        .expect("other processes are notified");
    let read = profiles.users.sync(&session).await.expect("it syncs");
    assert_ne!(read.outcome, Cached);
}

async fn row_written_through_is_served_afterwards(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    wait_until_listening(&profiles).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    let first = profiles.users.sync(&session).await.expect("it syncs").user;
    let id = UserId::new("user_ada");
    let write = async {
        // A row that is read during the write is not cached after the write.
        profiles.users.sync(&session).await.expect("it syncs");
        Ok::<_, SyncError>(Profile {
            name: Some("Written".to_owned()),
            ..first.clone()
        })
    };
    let written = profiles
        .users
        .write_through(&id, write)
        .await
        .expect("it is written");
    assert_eq!(written.name.as_deref(), Some("Written"));
    let served = profiles.users.sync_shared(&session).await.expect("it syncs");
    if served.outcome == Cached {
        assert!(Arc::ptr_eq(&served.user, &written), "an older row was served");
    }
}

/// A writer may receive its own notification late, after other writes whose rows it has read.
async fn row_that_was_served_is_not_followed_by_an_older_one(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    wait_until_listening(&profiles).await;
    let older = profiles.session(token("user_ada", "Ada", 7)).await;
    let first = profiles.users.sync(&older).await.expect("it syncs").user;
    let write = async {
        profiles
            .pool
            .execute("UPDATE profiles SET name = 'Newest', clerk_version = 9999")
            .await;
        let newest = profiles.sync(token("user_ada", "Newest", 9)).await;
        assert_eq!(newest.expect("it syncs").outcome, Unchanged);
        Ok::<_, SyncError>(Profile {
            name: Some("Written".to_owned()),
            ..first.clone()
        })
    };
    profiles
        .users
        .write_through(&UserId::new("user_ada"), write)
        .await
        .expect("it is written");
    let served = profiles.users.sync(&older).await.expect("it syncs").user;
    assert_eq!(served.name.as_deref(), Some("Newest"));
}

async fn write_that_fails_forgets_the_row(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    wait_until_listening(&profiles).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    profiles.users.sync(&session).await.expect("it syncs");
    let failed = profiles
        .users
        .write_through(&UserId::new("user_ada"), async { Err("no answer") })
        .await;
    assert_eq!(failed, Err("no answer"));
    assert_eq!(
        profiles.users.sync(&session).await.expect("it syncs").outcome,
        Unchanged
    );
}

async fn struct_that_is_not_clone_is_read_for_each_request(database: TestDatabase) {
    let profiles = Profiles::<AlwaysRead>::always_read(Pool::open(database.url(), 10).await).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    let requests = (0..20).map(|_| profiles.users.sync(&session));
    for synced in join_all(requests).await {
        assert_eq!(synced.expect("it syncs").user.clerk_id, "user_ada");
    }
}

async fn requests_of_one_user_share_their_statements(database: TestDatabase) {
    let profiles = Profiles::<AlwaysRead>::always_read(Pool::open(database.url(), 10).await).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    let requests = (0..100).map(|_| profiles.users.sync_shared(&session));
    let synced = join_all(requests).await;
    let rows: Vec<_> = synced.into_iter().map(|it| it.expect("it syncs")).collect();
    let inserted = rows.iter().filter(|row| row.outcome == Inserted).count();
    assert_eq!(inserted, 1);
    assert!(
        rows.iter().all(|row| matches!(row.outcome, Inserted | Unchanged)),
        "more than one wrote"
    );
    // Requests share a running read, so a few statements served all of them.
    let mut distinct: Vec<_> = rows.iter().map(|row| Arc::as_ptr(&row.user)).collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() < 20, "{} statements", distinct.len());
}

async fn deleted_user_is_not_kept(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    wait_until_listening(&profiles).await;
    let session = profiles.session(token("user_ada", "Ada", 7)).await;
    profiles.users.sync(&session).await.expect("it syncs");
    profiles
        .pool
        .execute("UPDATE profiles SET clerk_deleted_at = CURRENT_TIMESTAMP")
        .await;
    profiles
        .users
        .invalidate(&UserId::new("user_ada"))
        .await
        .expect("other processes are notified");
    for _ in 0..2 {
        let gone = profiles.users.sync(&session).await;
        assert!(matches!(gone, Err(SyncError::UserDeleted)), "{gone:?}");
    }
}
