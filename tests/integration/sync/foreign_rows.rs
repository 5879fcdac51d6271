//! Tests of rows that sync has neither written nor claimed: a unique value in such a row refuses a user, and the row
//! stays unchanged.

use axum::http::StatusCode;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::sync::{NotImported, SyncError};
use clerk_auth::testing::{FakeClerk, event, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Profiles, issuer, token};

on_both_databases!(
    value_of_a_row_that_is_not_of_sync_is_refused_and_the_row_is_kept,
    deleted_row_that_sync_has_not_written_keeps_its_value,
    row_deleted_by_a_webhook_releases_its_value,
);

const TAKEN: &str = "legacy@example.com";

async fn start(database: &TestDatabase, clerk_id: &str, version: i64) -> Profiles {
    let profiles = Profiles::start(database).await;
    profiles
        .pool
        .execute("CREATE UNIQUE INDEX profiles_email ON profiles (email)")
        .await;
    let row = format!(
        "INSERT INTO profiles (clerk_id, email, name, clerk_version) VALUES ('{clerk_id}', '{TAKEN}', 'Legacy', {version})"
    );
    profiles.pool.execute(&row).await;
    profiles
}

async fn row(profiles: &Profiles, clerk_id: &str) -> Option<String> {
    let columns = "id || ' ' || coalesce(email, '-') || ' ' || coalesce(name, '-') || ' ' || clerk_version";
    let sql = format!("SELECT {columns} FROM profiles WHERE clerk_id = '{clerk_id}'");
    profiles.pool.text(&sql).await
}

fn user(user_id: &str, updated_at: i64) -> serde_json::Value {
    let mut user = user_object(user_id, Timestamp::from_secs(updated_at));
    set_email(&mut user, Some(TAKEN));
    user
}

async fn value_of_a_row_that_is_not_of_sync_is_refused_and_the_row_is_kept(database: TestDatabase) {
    let rows = [
        ("legacy_42", 0),
        ("legacy_42", 5),
        ("", 5),
        ("42", 9_000_000_000_000),
        ("user_of_another_instance", 0),
        ("user_of_another_instance", -1),
    ];
    for (clerk_id, version) in rows {
        let database = database.another().await;
        let profiles = start(&database, clerk_id, version).await;
        let before = row(&profiles, clerk_id).await;
        for updated_at in [7, 8] {
            let refused = profiles
                .sync(token("user_ada", "Ada", updated_at).claim("email", TAKEN))
                .await;
            assert!(
                matches!(&refused, Err(SyncError::Conflict(columns)) if columns == &["email"]),
                "{clerk_id} {version}: {refused:?}"
            );
        }
        let updated = event("user.updated", user("user_ada", 9), profiles.clock.now());
        assert_eq!(profiles.receive(&updated).await, StatusCode::NO_CONTENT);
        let fake = FakeClerk::start().await.expect("a port is free");
        fake.publish(issuer().jwks());
        fake.put_user(user("user_ada", 9));
        fake.put_user(user("user_eve", 9));
        let api =
            BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
        let mut import = profiles.users.import(&api);
        let step = import.next().await.expect("there are users").expect("it goes on");
        assert_eq!(step.counts.conflicted, 2, "{clerk_id} {version}: {step:?}");
        assert!(
            step.not_imported
                .iter()
                .all(|(_, reason)| matches!(reason, NotImported::Conflict(columns) if columns == &["email"])),
            "{step:?}"
        );
        assert_eq!(row(&profiles, clerk_id).await, before, "{clerk_id} {version}");
        assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
        // The value is free again, so the user gets a row.
        let free = format!("UPDATE profiles SET email = NULL WHERE clerk_id = '{clerk_id}'");
        profiles.pool.execute(&free).await;
        profiles.clock.advance(std::time::Duration::from_secs(6));
        let synced = profiles
            .sync(token("user_ada", "Ada", 9).claim("email", TAKEN))
            .await
            .expect("the value is free");
        assert_eq!(synced.user.email.as_deref(), Some(TAKEN));
    }
}

async fn deleted_row_that_sync_has_not_written_keeps_its_value(database: TestDatabase) {
    for clerk_id in ["legacy_42", "user_legacy"] {
        let database = database.another().await;
        let profiles = start(&database, clerk_id, 0).await;
        profiles
            .pool
            .execute("UPDATE profiles SET clerk_deleted_at = CURRENT_TIMESTAMP")
            .await;
        let before = row(&profiles, clerk_id).await;
        let refused = profiles
            .sync(token("user_ada", "Ada", 7).claim("email", TAKEN))
            .await;
        assert!(matches!(refused, Err(SyncError::Conflict(_))), "{refused:?}");
        assert_eq!(row(&profiles, clerk_id).await, before);
    }
}

async fn row_deleted_by_a_webhook_releases_its_value(database: TestDatabase) {
    let profiles = start(&database, "user_legacy", 0).await;
    let deleted = serde_json::json!({"id": "user_legacy", "object": "user", "deleted": true});
    let deleted = event("user.deleted", deleted, profiles.clock.now());
    assert_eq!(profiles.receive(&deleted).await, StatusCode::NO_CONTENT);
    let synced = profiles
        .sync(token("user_ada", "Ada", 7).claim("email", TAKEN))
        .await
        .expect("the value of a deleted user is free");
    assert_eq!(synced.user.email.as_deref(), Some(TAKEN));
}
