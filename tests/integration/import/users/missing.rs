//! Tests of rows without a user and of users without a row: drift is reported, and rows are deleted on request.

use clerk_auth::sync::{ImportError, SyncError};
use clerk_auth::testing::{FakeClerk, Issuer, set_email};
use clerk_auth::{Clerk, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Pool;
use serde_json::json;

use super::{Member, api, numbers, start, user};

on_both_databases!(
    dry_run_counts_and_writes_nothing,
    user_unknown_to_clerk_is_deleted_on_request,
    row_with_a_placeholder_is_neither_deleted_nor_reported,
    user_with_a_tombstone_is_not_imported_again,
    secret_key_of_another_instance_writes_nothing,
    replaced_key_does_not_make_another_instance,
    drift_is_reported_and_nothing_is_written,
);

async fn dry_run_counts_and_writes_nothing(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    for id in ["user_changed", "user_gone"] {
        it.sync(id, "Old", 5).await.expect("it syncs");
    }
    it.fake.put_user(user("user_changed", "New", 50));
    it.fake.put_user(user("user_new", "New", 50));
    let import = || it.import().delete_missing();
    let counts = import().dry_run().run().await.expect("it is counted");
    assert_eq!(numbers(counts), [1, 1, 0, 0, 0, 1]);
    let untouched = "SELECT count(*) FROM members WHERE name = 'Old' AND clerk_deleted_at IS NULL";
    assert_eq!(it.number(untouched).await, 2);
    assert_eq!(it.number("SELECT count(*) FROM members").await, 2);
    assert_eq!(import().run().await.expect("it is imported"), counts);
}

async fn user_unknown_to_clerk_is_deleted_on_request(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.fake
        .serve_users(230, |place| user(&format!("user_{place}"), "Ada", 50));
    it.counts().await;
    let gone = [0, 99, 100, 229].map(FakeClerk::served_user);
    for id in &gone {
        it.fake.remove_user(id.as_str());
    }
    assert_eq!(it.api.user_count().await.expect("Clerk counts"), 226);
    assert_eq!(numbers(it.counts().await), [0, 0, 226, 0, 0, 0]);
    let deleted = "SELECT count(*) FROM members WHERE clerk_deleted_at IS NOT NULL";
    assert_eq!(it.number(deleted).await, 0);
    let counts = it.import().delete_missing().run().await.expect("it is imported");
    assert_eq!(numbers(counts), [0, 0, 226, 0, 0, 4]);
    assert_eq!(it.number(deleted).await, 4);
    for id in &gone {
        let refused = it.sync(id.as_str(), "Ada", 90).await;
        assert!(matches!(refused, Err(SyncError::UserDeleted)), "{refused:?}");
    }
    // Rows are looked up at Clerk a hundred at a time, and missing users separately.
    let by_name = format!("/v1/users/{}", gone[0]);
    assert_eq!(it.fake.requests(&by_name), 1);
    let counts = it.import().delete_missing().run().await.expect("it is imported");
    assert_eq!(counts.deleted, 0);
}

async fn row_with_a_placeholder_is_neither_deleted_nor_reported(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.sync("user_gone", "Gone", 5).await.expect("it syncs");
    it.fake.put_user(user("user_ada", "Ada", 50));
    for id in ["unlinked_7", "", "42", "legacy_user_7"] {
        it.pool
            .execute(&format!(
                "INSERT INTO members (clerk_id, email, name, clerk_version) VALUES ('{id}', 'old@example.com', 'Legacy', 0)"
            ))
            .await;
    }
    let counts = it.import().delete_missing().run().await.expect("it is imported");
    assert_eq!(numbers(counts), [1, 0, 0, 0, 0, 1]);
    let kept = "SELECT count(*) FROM members WHERE name = 'Legacy' AND clerk_deleted_at IS NULL AND clerk_version = 0";
    assert_eq!(it.number(kept).await, 4);
    let drift = it.users.verify(&it.api).await.expect("it is compared");
    assert!(drift.is_empty(), "{drift}");
}

async fn user_with_a_tombstone_is_not_imported_again(database: TestDatabase) {
    let it = start::<clerk_auth_tests::profiles::Member>(&database).await;
    for id in ["user_ada", "user_bob", "user_eve"] {
        it.fake.put_user(user(id, id, 50));
    }
    assert_eq!(numbers(it.counts().await), [3, 0, 0, 0, 0, 0]);
    // Clerk's list may be older than a deletion that a webhook has reported.
    it.pool
        .execute("INSERT INTO former_members (clerk_id) VALUES ('user_eve'), ('user_new')")
        .await;
    it.pool
        .execute("DELETE FROM members WHERE clerk_id = 'user_eve'")
        .await;
    for id in ["user_ada", "user_eve", "user_new", "user_one", "user_two"] {
        it.fake.put_user(user(id, "Later", 60));
    }
    assert_eq!(numbers(it.counts().await), [2, 1, 1, 2, 0, 0]);
    assert_eq!(it.number("SELECT count(*) FROM members").await, 4);
    // A user who no longer exists at Clerk loses the row, and is recorded as deleted.
    it.fake.remove_user("user_bob");
    let counts = it.import().delete_missing().run().await.expect("it is imported");
    assert_eq!(counts.deleted, 1);
    assert_eq!(it.number("SELECT count(*) FROM members").await, 3);
    assert_eq!(it.number("SELECT count(*) FROM former_members").await, 3);
}

async fn secret_key_of_another_instance_writes_nothing(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.sync("user_ada", "Ada", 5).await.expect("it syncs");
    let other = FakeClerk::start().await.expect("a port is free");
    other.put_user(user("user_stranger", "Eve", 50));
    let other = api(other.issuer().url());
    let import = it.users.import(&other).delete_missing().run().await;
    assert!(
        matches!(import, Err(ImportError::OtherInstance { .. })),
        "{import:?}"
    );
    let verified = it.users.verify(&other).await;
    assert!(
        matches!(verified, Err(ImportError::OtherInstance { .. })),
        "{verified:?}"
    );
    let rows = "SELECT count(*) FROM members WHERE clerk_deleted_at IS NULL";
    assert_eq!(it.number(rows).await, 1);

    // Like above, for a handle with its key as PEM.
    let clerk = Clerk::builder()
        .issuer(it.fake.issuer().url())
        .jwt_key(it.fake.issuer().public_key_pem())
        .build()
        .expect("the configuration is right");
    let users: UserSync<Member> = match &it.pool {
        Pool::Postgres(pool) => UserSync::new(clerk, pool.clone()).await,
        Pool::Sqlite(pool) => UserSync::new(clerk, pool.clone()).await,
    }
    .expect("the table fits");
    let import = users.import(&other).run().await;
    assert!(
        matches!(import, Err(ImportError::OtherInstance { .. })),
        "{import:?}"
    );
    users.import(&it.api).run().await.expect("it is of this instance");
    // Without Clerk's keys, no answer is trusted.
    let keyless = FakeClerk::start().await.expect("a port is free");
    keyless.publish(json!({ "keys": [] }));
    let import = it.users.import(&api(keyless.issuer().url())).run().await;
    assert!(
        matches!(import, Err(ImportError::OtherInstance { .. })),
        "{import:?}"
    );
}

async fn replaced_key_does_not_make_another_instance(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    it.users
        .import(&it.api)
        .run()
        .await
        .expect("it is of this instance");
    // Clerk's key ids are those of the instance, so a new key has the old id.
    it.fake.publish(Issuer::new(it.fake.issuer().url()).jwks());
    it.fake.put_user(user("user_ada", "Ada", 50));
    let counts = it
        .users
        .import(&it.api)
        .run()
        .await
        .expect("it is of this instance");
    assert_eq!(counts.inserted, 1);
}

async fn drift_is_reported_and_nothing_is_written(database: TestDatabase) {
    let it = start::<Member>(&database).await;
    for id in [
        "user_stale",
        "user_same",
        "user_deleted",
        "user_newer",
        "user_extra",
    ] {
        it.sync(id, "Old", 5).await.expect("it syncs");
    }
    it.sync("user_newer", "Newer", 90).await.expect("it syncs");
    let tombstone = "UPDATE members SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE clerk_id = 'user_deleted'";
    it.pool.execute(tombstone).await;
    for (id, name) in [
        ("user_stale", "New"),
        ("user_same", "Old"),
        ("user_deleted", "Old"),
        ("user_newer", "New"),
        ("user_missing", "New"),
        ("user_null", "New"),
    ] {
        it.fake.put_user(user(id, name, 50));
    }
    let mut null = user("user_null", "New", 50);
    set_email(&mut null, None);
    it.fake.put_user(null);

    let drift = it.users.verify(&it.api).await.expect("it is verified");
    assert!(!drift.is_empty());
    let list = |id: &str| json!({ "count": 1, "ids": [id] });
    assert_eq!(
        serde_json::to_value(&drift).expect("it is JSON"),
        json!({
            "in_clerk": 6,
            "rows": 4,
            "missing": list("user_missing"),
            "stale": list("user_stale"),
            "extra": list("user_extra"),
            "deleted": list("user_deleted"),
            "unreadable": list("user_null"),
            "reasons": [
                ["user_null", "claim `email` is null"],
                ["user_deleted", "the row is marked as deleted"],
            ],
        })
    );
    assert_eq!(
        drift.to_string(),
        "6 users, 4 rows: 1 missing, 1 stale, 1 extra, 1 deleted, 1 unreadable\nmissing user_missing\nstale user_stale\n\
         extra user_extra\ndeleted user_deleted: the row is marked as deleted\n\
         unreadable user_null: claim `email` is null"
    );
    assert_eq!(it.users.verify(&it.api).await.expect("it is verified"), drift);

    it.import().delete_missing().run().await.expect("it is imported");
    let drift = it.users.verify(&it.api).await.expect("it is verified");
    assert_eq!(
        (drift.missing.count, drift.stale.count, drift.extra.count),
        (0, 0, 0)
    );
}
