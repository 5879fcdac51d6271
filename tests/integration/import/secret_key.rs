//! The trust in a secret key: only responses about this instance, never a deletion, and a bounded number of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use clerk_auth::Session;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::sync::SyncError;
use clerk_auth::sync::SyncOutcome::{Inserted, Unchanged};
use clerk_auth::testing::{FakeClerk, Issuer, SessionToken, set_email, user_object};
use clerk_auth::time::Timestamp;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, issuer, token};
use futures_util::future::join_all;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};
use tokio::time::sleep;

on_both_databases!(
    key_of_another_instance_is_not_trusted,
    key_of_another_instance_is_not_used_to_look_up_a_holder,
    concurrent_requests_share_one_proof,
    failed_proof_is_tried_again_after_its_time,
    unknown_user_is_refused_and_the_hook_does_not_run,
    many_sessions_of_one_user_are_bounded,
    two_devices_of_one_user_make_one_lookup,
    many_users_are_bounded,
    dropped_requests_are_bounded,
    lasting_conflict_is_not_looked_up_again,
    session_of_another_instance_has_no_row,
);

const JWKS: &str = "/v1/jwks";
const ADA: &str = "/v1/users/user_ada";

/// Starts a Backend API of the tokens' instance, or of another one.
async fn fake(is_ours: bool) -> FakeClerk {
    let fake = FakeClerk::start().await.expect("a port is free");
    if is_ours {
        fake.publish(issuer().jwks());
    }
    fake
}

async fn start(database: &TestDatabase, fake: &FakeClerk) -> (Profiles, Arc<AtomicUsize>) {
    let api = BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
    let deleted = Arc::new(AtomicUsize::new(0));
    macro_rules! with_hook {
        () => {
            |builder| {
                let (api, deleted) = (api.clone(), Arc::clone(&deleted));
                builder.backend_api(api).on_delete(move |_, _| {
                    deleted.fetch_add(1, Ordering::SeqCst);
                    Box::pin(async { Ok(()) })
                })
            }
        };
    }
    let pool = Pool::open(database.url(), 5).await;
    (
        Profiles::start_with(pool, with_hook!(), with_hook!()).await,
        deleted,
    )
}

/// Returns the user object.
fn user(user_id: &str, name: &str) -> Value {
    let mut user = user_object(user_id, Timestamp::from_secs(1_000));
    user["first_name"] = name.into();
    user
}

/// Creates a token without the template's claims.
fn thin(user_id: &str, number: usize) -> SessionToken<'static> {
    issuer()
        .token(user_id)
        .claim("sid", format!("sess_{user_id}{number}"))
}

fn is_incomplete<T>(result: &Result<T, SyncError>) -> bool {
    matches!(result, Err(SyncError::Claims(_)))
}

async fn name(profiles: &Profiles, user_id: &str) -> Option<String> {
    let sql = format!("SELECT name FROM profiles WHERE clerk_id = '{user_id}' AND clerk_deleted_at IS NULL");
    profiles.pool.text(&sql).await
}

async fn key_of_another_instance_is_not_trusted(database: TestDatabase) {
    let fake = fake(false).await;
    // The other instance has users of the same ids.
    fake.put_user(user("user_ada", "Stranger"));
    let (profiles, deleted) = start(&database, &fake).await;
    profiles
        .sync(token("user_ada", "Ada", 7))
        .await
        .expect("the token has the claims");
    profiles
        .sync(token("user_bob", "Bob", 7))
        .await
        .expect("the token has the claims");
    for number in 0..5 {
        profiles.clock.advance(Duration::from_secs(6));
        for (user_id, expected) in [("user_ada", "Ada"), ("user_bob", "Bob")] {
            let known = profiles
                .sync(thin(user_id, number))
                .await
                .expect("the row is there");
            assert_eq!(
                (known.outcome, known.user.name.as_deref()),
                (Unchanged, Some(expected))
            );
        }
        assert!(is_incomplete(&profiles.sync(thin("user_eve", number)).await));
    }
    for user_id in ["user_ada", "user_bob", "user_eve"] {
        assert_eq!(fake.requests(&format!("/v1/users/{user_id}")), 0, "{user_id}");
    }
    assert_eq!(fake.requests(JWKS), 1, "the mistake is remembered");
    assert_eq!(deleted.load(Ordering::SeqCst), 0);
    // The operator has corrected the key, or the keys were rotated.
    fake.publish(issuer().jwks());
    profiles.clock.advance(Duration::from_secs(5 * 60));
    profiles.sync(thin("user_ada", 9)).await.expect("Clerk knows");
    assert_eq!((fake.requests(JWKS), fake.requests(ADA)), (2, 1));
}

async fn key_of_another_instance_is_not_used_to_look_up_a_holder(database: TestDatabase) {
    let fake = fake(false).await;
    let mut stranger = user("user_ada", "Stranger");
    stranger["updated_at"] = 9_000_000.into();
    fake.put_user(stranger);
    let (profiles, deleted) = start(&database, &fake).await;
    profiles
        .pool
        .execute("CREATE UNIQUE INDEX profiles_email ON profiles (email)")
        .await;
    let shared =
        |user_id: &str, updated_at| token(user_id, "Ada", updated_at).claim("email", "shared@example.com");
    profiles.sync(shared("user_ada", 7)).await.expect("it syncs");
    let bob = profiles.sync(shared("user_bob", 5)).await.expect("it syncs");
    assert_eq!(bob.user.email, None);
    assert_eq!(name(&profiles, "user_ada").await.as_deref(), Some("Ada"));
    assert_eq!((fake.requests(JWKS), fake.requests(ADA)), (1, 0));
    assert_eq!(deleted.load(Ordering::SeqCst), 0);
}

async fn concurrent_requests_share_one_proof(database: TestDatabase) {
    let fake = fake(true).await;
    let mut sessions = Vec::new();
    let (profiles, _) = start(&database, &fake).await;
    for number in 0..20 {
        let user_id = format!("user_{number}");
        fake.put_user(user(&user_id, "Ada"));
        sessions.push(profiles.session(thin(&user_id, 0)).await);
    }
    for synced in join_all(sessions.iter().map(|session| profiles.users.sync(session))).await {
        assert_eq!(synced.expect("Clerk knows").outcome, Inserted);
    }
    assert_eq!(fake.requests(JWKS), 1);
}

async fn failed_proof_is_tried_again_after_its_time(database: TestDatabase) {
    let fake = fake(true).await;
    fake.put_user(user("user_ada", "Ada"));
    let (profiles, _) = start(&database, &fake).await;
    let mut proofs = 0;
    for failure in ["500", "no keys", "429"] {
        match failure {
            "500" => fake.fail(StatusCode::INTERNAL_SERVER_ERROR),
            "no keys" => fake.publish(json!({ "keys": [] })),
            _ => fake.fail(StatusCode::TOO_MANY_REQUESTS),
        }
        proofs += 1;
        for number in 0..3 {
            assert!(
                is_incomplete(&profiles.sync(thin("user_ada", number)).await),
                "{failure}"
            );
            profiles.clock.advance(Duration::from_secs(3));
        }
        assert_eq!(
            (fake.requests(JWKS), fake.requests(ADA)),
            (proofs, 0),
            "{failure}"
        );
        fake.fail(None);
        fake.publish(issuer().jwks());
        profiles.clock.advance(Duration::from_secs(10));
    }
    // Clerk's `Retry-After` is one second of real time.
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_incomplete(&profiles.sync(thin("user_ada", 9)).await) {
        assert!(Instant::now() < deadline, "the proof is not tried again");
        profiles.clock.advance(Duration::from_secs(11));
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((fake.requests(JWKS), fake.requests(ADA)), (proofs + 1, 1));
}

async fn unknown_user_is_refused_and_the_hook_does_not_run(database: TestDatabase) {
    let fake = fake(true).await;
    let (profiles, deleted) = start(&database, &fake).await;
    profiles
        .sync(token("user_ada", "Ada", 7))
        .await
        .expect("the token has the claims");
    for number in 0..4 {
        profiles.clock.advance(Duration::from_secs(6));
        assert!(is_incomplete(&profiles.sync(thin("user_ada", number)).await));
        assert!(is_incomplete(&profiles.sync(thin("user_new", number)).await));
    }
    assert_eq!(name(&profiles, "user_ada").await.as_deref(), Some("Ada"));
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
    assert_eq!(deleted.load(Ordering::SeqCst), 0);
    let whole = profiles.sync(token("user_ada", "Ada", 7).claim("jti", 1)).await;
    whole.expect("nobody was deleted");
    // A user who was just created appears.
    fake.put_user(user("user_new", "New"));
    profiles.clock.advance(Duration::from_secs(6));
    let new = profiles.sync(thin("user_new", 9)).await.expect("Clerk knows");
    assert_eq!(new.user.name.as_deref(), Some("New"));
}

async fn many_sessions_of_one_user_are_bounded(database: TestDatabase) {
    let fake = fake(true).await;
    fake.put_user(user("user_ada", "Ada"));
    let (profiles, _) = start(&database, &fake).await;
    let mut sessions = Vec::new();
    for number in 0..30 {
        sessions.push(profiles.session(thin("user_ada", number)).await);
    }
    for synced in join_all(sessions.iter().map(|session| profiles.users.sync(session))).await {
        synced.expect("Clerk knows");
    }
    assert_eq!(fake.requests(ADA), 1);
    // A new session and a new token in each second of a minute.
    for number in 0..60 {
        profiles.clock.advance(Duration::from_secs(1));
        profiles
            .sync(thin("user_ada", 100 + number))
            .await
            .expect("the row is there");
    }
    assert_eq!(fake.requests(ADA), 13, "once in five seconds");
    // Like above, for a user who does not exist.
    for number in 0..60 {
        profiles.clock.advance(Duration::from_secs(1));
        assert!(is_incomplete(&profiles.sync(thin("user_eve", number)).await));
    }
    assert_eq!(fake.requests("/v1/users/user_eve"), 12);
}

async fn two_devices_of_one_user_make_one_lookup(database: TestDatabase) {
    let fake = fake(true).await;
    fake.put_user(user("user_ada", "Ada"));
    let (profiles, _) = start(&database, &fake).await;
    let (phone, laptop) = (thin("user_ada", 1), thin("user_ada", 2));
    let devices = [profiles.session(phone).await, profiles.session(laptop).await];
    profiles.clock.advance(Duration::from_secs(10));
    for number in 0..10 {
        let device: &Session = &devices[number % 2];
        profiles.users.sync(device).await.expect("Clerk knows");
        // The answer is newer than both tokens' claims, however often the devices alternate.
        profiles.clock.advance(Duration::from_secs(4));
    }
    assert_eq!(fake.requests(ADA), 1);
}

async fn many_users_are_bounded(database: TestDatabase) {
    let fake = fake(true).await;
    let (profiles, _) = start(&database, &fake).await;
    let mut sessions = Vec::new();
    for number in 0..120 {
        let user_id = format!("user_{number}");
        fake.put_user(user(&user_id, "Ada"));
        sessions.push(profiles.session(thin(&user_id, 0)).await);
    }
    let questions = || {
        let users = (0..120).map(|number| fake.requests(&format!("/v1/users/user_{number}")));
        users.sum::<usize>() + fake.requests(JWKS)
    };
    for expected in [50, 100] {
        for session in &sessions {
            // A user who is not looked up is refused for now.
            drop(profiles.users.sync(session).await);
        }
        assert_eq!(questions(), expected, "50 in ten seconds");
        profiles.clock.advance(Duration::from_secs(10));
    }
    for session in &sessions {
        profiles
            .users
            .sync(session)
            .await
            .expect("Clerk was asked about all");
    }
    assert_eq!(questions(), 121);
}

/// A lookup counts even if the client closes the connection before Clerk has answered.
async fn dropped_requests_are_bounded(database: TestDatabase) {
    let fake = fake(true).await;
    fake.put_user(user("user_ada", "Ada"));
    let (profiles, _) = start(&database, &fake).await;
    profiles
        .sync(thin("user_bob", 0))
        .await
        .expect_err("Clerk does not know");
    let session = profiles.session(thin("user_ada", 0)).await;
    let mut given_up = Box::pin(profiles.users.sync(&session));
    let deadline = Instant::now() + Duration::from_secs(10);
    while fake.requests(ADA) == 0 {
        assert!(Instant::now() < deadline, "Clerk is not asked");
        tokio::select! {
            biased;
            answered = &mut given_up => panic!("{answered:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(given_up);
    for number in 1..20 {
        let again = profiles.sync(thin("user_ada", number)).await;
        assert!(is_incomplete(&again), "{again:?}");
    }
    assert_eq!(fake.requests(ADA), 1);
}

async fn lasting_conflict_is_not_looked_up_again(database: TestDatabase) {
    let fake = fake(true).await;
    for user_id in ["user_ada", "user_bob"] {
        let mut user = user(user_id, "Ada");
        set_email(&mut user, Some("shared@example.com"));
        fake.put_user(user);
    }
    let (profiles, _) = start(&database, &fake).await;
    profiles
        .pool
        .execute("CREATE UNIQUE INDEX profiles_email ON profiles (email)")
        .await;
    let shared = |user_id: &str, updated_at: i64| {
        token(user_id, "Ada", updated_at).claim("email", "shared@example.com")
    };
    profiles.sync(shared("user_ada", 2_000)).await.expect("it syncs");
    for second in 0..30 {
        // Occasionally another version of the losing user, still older than that of the holder.
        let bob = shared("user_bob", 1_000 + second / 3).claim("jti", second);
        assert_eq!(profiles.sync(bob).await.expect("it syncs").user.email, None);
        profiles.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(fake.requests(ADA), 1);
    // A value that Clerk does not keep unique is refused without a request to Clerk.
    profiles
        .pool
        .execute("CREATE UNIQUE INDEX profiles_name ON profiles (name) WHERE name = 'Grace'")
        .await;
    profiles
        .sync(token("user_grace", "Grace", 5))
        .await
        .expect("it syncs");
    for second in 0..10 {
        let eve = profiles
            .sync(token("user_eve", "Grace", 9).claim("jti", second))
            .await;
        assert!(matches!(eve, Err(SyncError::Conflict(_))), "{eve:?}");
        profiles.clock.advance(Duration::from_secs(10));
    }
    assert_eq!(fake.requests("/v1/users/user_grace"), 0);
    assert_eq!(fake.requests("/v1/users/user_eve"), 0);
}

/// The application's state mixes two instances.
async fn session_of_another_instance_has_no_row(database: TestDatabase) {
    let profiles = Profiles::start(&database).await;
    let other = Issuer::new("https://other.example.com");
    let token = other
        .token("user_ada")
        .claim("email", "ada@example.com")
        .claim("name", "Ada")
        .claim("updatedAt", 5);
    let bearer = format!("Bearer {}", token.sign());
    let headers: HeaderMap = [(AUTHORIZATION, bearer.parse().expect("a header value"))]
        .into_iter()
        .collect();
    let session = other.clerk().authenticate(&headers).await;
    let session = session.expect("the other instance accepts it");
    let refused = profiles.users.sync(&session).await;
    assert!(
        matches!(&refused, Err(SyncError::OtherInstance { session, rows })
            if &**session == "https://other.example.com" && &**rows == issuer().url()),
        "{refused:?}"
    );
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 0);
}

/// Between the read of a row and the raise of its version, another process writes other claims at the version that was
/// read.
#[tokio::test]
async fn raised_version_is_reread() {
    let database = TestDatabase::postgres().await;
    let profiles = Profiles::start(&database).await;
    profiles
        .sync(token("user_ada", "Ada", 5))
        .await
        .expect("it syncs");
    let pool = profiles.pool.postgres();
    let mut other = pool.begin().await.expect("it begins");
    sqlx::query("UPDATE profiles SET name = 'Other' WHERE clerk_id = 'user_ada'")
        .execute(&mut *other)
        .await
        .expect("it runs");
    let session = profiles.session(token("user_ada", "Ada", 9)).await;
    let (synced, ()) = tokio::join!(profiles.users.sync(&session), async {
        profiles.pool.until_a_session_waits().await;
        other.commit().await.expect("it commits");
    });
    let synced = synced.expect("it syncs");
    assert_eq!(synced.user.name.as_deref(), Some("Ada"));
    assert_eq!(name(&profiles, "user_ada").await.as_deref(), Some("Ada"));
}
