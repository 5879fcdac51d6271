//! Tests that sync fetches the claims that a token lacks from Clerk's Backend API, rarely, and that a failure never
//! causes a refusal.

use std::time::Duration;

use axum::http::StatusCode;
use clerk_auth::backend_api::{BackendApi, BackendApiError};
use clerk_auth::id::UserId;
use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Inserted, Unchanged};
use clerk_auth::testing::{FakeClerk, SessionToken, set_email, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer, token};
use futures_util::future::join_all;
use serde_json::Value;

on_both_databases!(
    token_without_the_claims_is_completed_by_clerk,
    clerk_is_queried_once_however_many_requests_a_token_makes,
    silent_clerk_does_not_refuse_a_user_with_a_row,
    deleted_row_is_not_served_while_clerk_does_not_answer,
    user_unknown_to_clerk_is_refused_and_not_deleted,
    stale_holder_of_a_unique_value_is_updated,
    holder_unknown_to_clerk_is_not_deleted,
);

async fn fake() -> FakeClerk {
    let fake = FakeClerk::start().await.expect("a port is free");
    // The keys of the instance whose tokens the library verifies.
    fake.publish(issuer().jwks());
    fake
}

fn api(fake: &FakeClerk) -> BackendApi {
    BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret")
        .expect("the key and the address are right")
}

async fn start(database: &TestDatabase, fake: &FakeClerk) -> Profiles {
    Profiles::start_with(
        Pool::open(database.url(), 5).await,
        |builder| builder.backend_api(api(fake)),
        |builder| builder.backend_api(api(fake)),
    )
    .await
}

fn ada() -> Value {
    let mut ada = user_object("user_ada", Timestamp::from_secs(1_000));
    ada["first_name"] = "Ada".into();
    ada
}

fn bare() -> SessionToken<'static> {
    issuer().token("user_ada")
}

const ADA: &str = "/v1/users/user_ada";

async fn token_without_the_claims_is_completed_by_clerk(database: TestDatabase) {
    let fake = fake().await;
    fake.put_user(ada());
    let profiles = start(&database, &fake).await;
    let synced = profiles.sync(bare()).await.expect("Clerk knows");
    assert_eq!(
        (synced.outcome, synced.user.name.as_deref()),
        (Inserted, Some("Ada"))
    );
    assert_eq!(synced.user.email.as_deref(), Some("ada@example.com"));
    assert_eq!(
        profiles.pool.number("SELECT clerk_version FROM profiles").await,
        1_000_000
    );
    // A claim of another kind is a mistake, not an absence.
    let wrong = profiles
        .sync(token("user_ada", "Ada", 2_000).claim("name", 7))
        .await;
    assert!(matches!(wrong, Err(SyncError::Claims(_))), "{wrong:?}");
}

async fn clerk_is_queried_once_however_many_requests_a_token_makes(database: TestDatabase) {
    let fake = fake().await;
    fake.put_user(ada());
    let profiles = start(&database, &fake).await;
    let session = profiles.session(bare()).await;
    for synced in join_all((0..20).map(|_| profiles.users.sync(&session))).await {
        assert_eq!(synced.expect("Clerk knows").user.name.as_deref(), Some("Ada"));
    }
    assert_eq!(fake.requests(ADA), 1);
    // Another token may be newer than a change.
    let mut changed = ada();
    changed["first_name"] = "Grace".into();
    changed["updated_at"] = 2_000_000.into();
    fake.put_user(changed);
    profiles.clock.advance(Duration::from_secs(5));
    let synced = profiles
        .sync(bare().claim("jti", "another"))
        .await
        .expect("Clerk knows");
    assert_eq!(synced.user.name.as_deref(), Some("Grace"));
    assert_eq!(fake.requests(ADA), 2);
}

async fn silent_clerk_does_not_refuse_a_user_with_a_row(database: TestDatabase) {
    let fake = fake().await;
    let profiles = start(&database, &fake).await;
    // The response proves that the secret key belongs to the instance.
    profiles
        .sync(issuer().token("user_bob"))
        .await
        .expect_err("Clerk has no answer");
    fake.fail(StatusCode::TOO_MANY_REQUESTS);
    let unknown = profiles.sync(bare()).await;
    assert!(matches!(unknown, Err(SyncError::Claims(_))), "{unknown:?}");
    // Clerk answered with a wait, so no request is sent.
    profiles
        .sync(bare().claim("jti", "another"))
        .await
        .expect_err("the claims are missing");
    assert_eq!(fake.requests(ADA), 1);
    profiles
        .sync(token("user_ada", "Ada", 7))
        .await
        .expect("the token has the claims");
    profiles.clock.advance(Duration::from_secs(5));
    let known = profiles
        .sync(bare().claim("jti", "third"))
        .await
        .expect("the row is there");
    assert_eq!(
        (known.outcome, known.user.name.as_deref()),
        (Unchanged, Some("Ada"))
    );
}

/// Another process deleted the user; this process sees only the row.
async fn deleted_row_is_not_served_while_clerk_does_not_answer(database: TestDatabase) {
    let fake = fake().await;
    let profiles = start(&database, &fake).await;
    let session = profiles.session(token("user_ada", "Ada", 1_000)).await;
    profiles.users.sync(&session).await.expect("it syncs");
    fake.fail(StatusCode::INTERNAL_SERVER_ERROR);
    let sql = "UPDATE profiles SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE clerk_id = 'user_ada'";
    profiles.pool.execute(sql).await;
    profiles.clock.advance(Duration::from_secs(5));
    let thin = profiles.session(bare()).await;
    let refused = profiles.users.sync(&thin).await.expect_err("the user is deleted");
    assert!(matches!(refused, SyncError::UserDeleted), "{refused}");
}

async fn user_unknown_to_clerk_is_refused_and_not_deleted(database: TestDatabase) {
    let fake = fake().await;
    let profiles = start(&database, &fake).await;
    profiles
        .sync(token("user_ada", "Ada", 7))
        .await
        .expect("the token has the claims");
    profiles.clock.advance(Duration::from_secs(5));
    let session = profiles.session(bare()).await;
    for _ in 0..3 {
        let refused = profiles.users.sync(&session).await;
        assert!(matches!(refused, Err(SyncError::Claims(_))), "{refused:?}");
    }
    assert_eq!(fake.requests(ADA), 1);
    // Clerk answered from a replica that was behind.
    fake.put_user(ada());
    profiles.clock.advance(Duration::from_secs(5));
    let known = profiles.users.sync(&session).await.expect("Clerk knows");
    assert_eq!(known.user.name.as_deref(), Some("Ada"));
    let whole = profiles.sync(token("user_ada", "Grace", 2_000)).await;
    assert_eq!(
        whole.expect("no user was deleted").user.name.as_deref(),
        Some("Grace")
    );
}

async fn stale_holder_of_a_unique_value_is_updated(database: TestDatabase) {
    let fake = fake().await;
    let mut moved_on = ada();
    set_email(&mut moved_on, Some("elsewhere@example.com"));
    moved_on["updated_at"] = 9_000_000.into();
    fake.put_user(moved_on);
    let profiles = start(&database, &fake).await;
    profiles
        .pool
        .execute("CREATE UNIQUE INDEX profiles_email ON profiles (email)")
        .await;
    profiles
        .sync(token("user_ada", "Ada", 7).claim("email", "shared@example.com"))
        .await
        .expect("it syncs");
    let new = profiles
        .sync(token("user_bob", "Bob", 5).claim("email", "shared@example.com"))
        .await;
    assert_eq!(
        new.expect("it syncs").user.email.as_deref(),
        Some("shared@example.com")
    );
    let email = profiles
        .pool
        .text("SELECT email FROM profiles WHERE clerk_id = 'user_ada'")
        .await;
    assert_eq!(email.as_deref(), Some("elsewhere@example.com"));
}

async fn holder_unknown_to_clerk_is_not_deleted(database: TestDatabase) {
    let fake = fake().await;
    let profiles = start(&database, &fake).await;
    profiles
        .pool
        .execute("CREATE UNIQUE INDEX profiles_email ON profiles (email)")
        .await;
    profiles
        .sync(token("user_ada", "Ada", 7).claim("email", "shared@example.com"))
        .await
        .expect("it syncs");
    for (updated_at, email) in [(5, None), (9, Some("shared@example.com"))] {
        let new = profiles
            .sync(token("user_bob", "Bob", updated_at).claim("email", "shared@example.com"))
            .await;
        assert_eq!(new.expect("it syncs").user.email.as_deref(), email);
        let sql = "SELECT count(*) FROM profiles WHERE clerk_id = 'user_ada' AND clerk_deleted_at IS NULL";
        assert_eq!(profiles.pool.number(sql).await, 1);
    }
    assert_eq!(fake.requests(ADA), 1);
}

#[tokio::test]
async fn client_error_names_the_cause_and_never_the_key() {
    for (url, key) in [
        ("https://api.clerk.com", "pk_test_x"),
        ("https://api.clerk.com", "sk_test_\n"),
        ("http://api.clerk.com", "sk_test_secret"),
        ("ftp://127.0.0.1", "sk_test_secret"),
        ("nowhere", "sk_test_secret"),
    ] {
        let refused = BackendApi::with_base_url(url, key)
            .expect_err("it is wrong")
            .to_string();
        assert!(
            !refused.contains("secret") || refused.contains("secret key"),
            "{refused}"
        );
    }
    let fake = fake().await;
    let api = api(&fake);
    assert!(!format!("{api:?}").contains("sk_test"));
    let unknown = UserId::new("user_nobody");
    assert_eq!(api.user(&unknown).await.expect("Clerk answers"), None);
    fake.put_user(user_object("user_nobody", Timestamp::from_secs(1_000)));
    fake.serve_as("user_nobody", ada().to_string());
    let message = api
        .user(&unknown)
        .await
        .expect_err("it is another user")
        .to_string();
    assert!(message.contains("the requested user"), "{message}");
    fake.remove_user("user_nobody");
    assert_eq!(api.user(&unknown).await.expect("Clerk answers"), None);
    // Ids with dot segments do not leave the path.
    assert_eq!(
        api.user(&UserId::new("../jwks")).await.expect("Clerk answers"),
        None
    );
    for (status, expected) in [
        (StatusCode::UNAUTHORIZED, "refuses the secret key"),
        (StatusCode::INTERNAL_SERVER_ERROR, "answered 500"),
        (StatusCode::NOT_FOUND, "answered 404"),
        (StatusCode::FOUND, "answered 302"),
        (StatusCode::TOO_MANY_REQUESTS, "rate limit is used up for 1 s"),
    ] {
        fake.fail(status);
        let message = api.user(&unknown).await.expect_err("it failed").to_string();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("sk_test"), "{message}");
    }
    fake.fail(None);
    assert!(matches!(
        api.user(&unknown).await,
        Err(BackendApiError::RateLimited(_))
    ));
}

#[tokio::test]
async fn any_number_of_users_is_requested_by_id() {
    let fake = fake().await;
    let mut ids = vec![UserId::new("user_unknown")];
    for number in 0..250 {
        let user_id = format!("user_{number}");
        fake.put_user(user_object(&user_id, Timestamp::from_secs(1_000)));
        ids.push(UserId::new(user_id));
    }
    assert_eq!(api(&fake).users_by_id(&ids).await.expect("it answers").len(), 250);
    // Without an id, Clerk would list all users.
    assert!(api(&fake).users_by_id(&[]).await.expect("it answers").is_empty());
}
