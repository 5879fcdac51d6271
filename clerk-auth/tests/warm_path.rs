//! Tests of the cost and the metrics of a warm request, besides its handler. The request takes no lock, queries no
//! database, and allocates at most twice for the session and three times with the row. A new token takes six more.

#![cfg(feature = "testing")]

use std::alloc::System;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{Request, StatusCode};
use axum::routing::get;
#[cfg(feature = "jwks")]
use clerk_auth::clerk::ClerkBuilder;
use clerk_auth::id::{OrganizationId, UserId};
#[cfg(feature = "jwks")]
use clerk_auth::metrics::KEY_FETCHES;
use clerk_auth::metrics::{SESSION_TOKEN_BYTES, SESSION_TOKENS};
use clerk_auth::middleware::RequireSession;
#[cfg(feature = "jwks")]
use clerk_auth::testing::FakeClerk;
use clerk_auth::testing::Issuer;
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth::{Clerk, Session};
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::ServiceExt;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Held by each test of this file, because the counters are those of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

fn request(token: &str) -> Request<Body> {
    let request = Request::get("/").header(AUTHORIZATION, format!("Bearer {token}"));
    request.body(Body::empty()).expect("a request")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(future)
}

/// The test compares with the same handler without the extractor, under axum's own router.
#[test]
fn warm_session_is_extracted_with_two_allocations_and_a_new_one_with_six_more() {
    let _alone = ALONE.lock();
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = issuer.clerk();
    let token = issuer.token("user_ada").claim("email", "ada@example.com").sign();
    let public: Router = Router::new()
        .route("/", get(async || ""))
        .with_state(clerk.clone());
    let guarded: Router = Router::new()
        .route("/", get(async |_: Session| ""))
        .with_state(clerk.clone());
    let layered: Router = Router::new()
        .route("/", get(async |_: Session| ""))
        .layer(RequireSession::new(clerk.clone()))
        .with_state(clerk.clone());
    let behind_layer: Router = Router::new()
        .route("/", get(async || ""))
        .layer(RequireSession::new(clerk.clone()))
        .with_state(clerk);
    block_on(async {
        let cold = allocations(&guarded, &token).await;
        let public = least(&public, &token).await;
        let mut new = usize::MAX;
        for number in 0..10 {
            // Clerk's origin reads the claims again for each token, so that no two headers are equal.
            let read_at = Timestamp::from_secs(SystemClock.now().as_secs() - number);
            let token = issuer
                .token("user_eve")
                .claim("number", number)
                .claims_read_at(read_at)
                .sign();
            new = new.min(allocations(&guarded, &token).await);
        }
        let guarded = least(&guarded, &token).await;
        assert!(cold > guarded + 10, "the cold request was counted: {cold}");
        assert!(guarded <= public + 2, "{guarded} allocations, {public} without");
        // Allocated are the parts of the token, the cached session and token, and two lists during parsing, but not
        // each claim.
        assert!(
            new <= guarded + 6,
            "{new} allocations for a new token, {guarded} for a known one"
        );
        // The extractor uses the session that the layer verified.
        assert_eq!(least(&layered, &token).await, least(&behind_layer, &token).await);
    });
}

/// The corrected claims are shared with the deny list.
#[test]
fn session_of_a_member_who_has_left_is_extracted_with_two_allocations() {
    let _alone = ALONE.lock();
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = issuer.clerk();
    let token = issuer.token("user_ada").organization("org_1", "org:admin").sign();
    let public: Router = Router::new()
        .route("/", get(async || ""))
        .with_state(clerk.clone());
    let has_left = async |session: Session| {
        assert!(session.has_left_organization());
        ""
    };
    let guarded: Router = Router::new().route("/", get(has_left)).with_state(clerk.clone());
    for number in 0..1_000 {
        let organization = OrganizationId::new(format!("org_{number}"));
        clerk.deny_membership(&UserId::new("user_ada"), &organization);
    }
    block_on(async {
        let guarded = least(&guarded, &token).await;
        let public = least(&public, &token).await;
        assert!(guarded <= public + 2, "{guarded} allocations, {public} without");
    });
}

async fn allocations(app: &Router, token: &str) -> usize {
    let (app, request) = (app.clone(), request(token));
    let region = Region::new(ALLOCATOR);
    let response = app.oneshot(request).await.expect("infallible");
    let allocations = region.change().allocations;
    assert_eq!(response.status(), StatusCode::OK);
    allocations
}

/// Returns the least of several measurements, because the test runner's own thread may allocate meanwhile.
async fn least(app: &Router, token: &str) -> usize {
    let mut least = usize::MAX;
    for _ in 0..10 {
        least = least.min(allocations(app, token).await);
    }
    least
}

#[cfg(feature = "sqlite")]
mod row {
    use axum::extract::FromRef;
    use axum::handler::Handler;
    use clerk_auth::row::StoredIn;
    use clerk_auth::testing::SessionToken;
    use clerk_auth::{
        Member, MembershipSync, OrganizationSync, SyncedMembership, SyncedOrganization, SyncedRow,
        SyncedUser, UserSync, authenticated,
    };
    use sqlx::Sqlite;
    use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};

    use super::*;

    #[derive(Clone, SyncedUser)]
    #[synced_user(table = "users", database(sqlite))]
    struct User {
        clerk_id: String,
        email: Option<String>,
        first_name: Option<String>,
        last_name: Option<String>,
        image_url: String,
    }

    #[derive(Clone, FromRef)]
    struct State {
        clerk: Clerk,
        users: UserSync<User>,
    }

    #[authenticated]
    async fn me(user: Arc<User>) -> &'static str {
        assert_eq!(
            (&*user.clerk_id, user.email.as_deref()),
            ("user_ada", Some("ada@example.com"))
        );
        ""
    }

    fn token<'a>(issuer: &'a Issuer, user_id: &str) -> SessionToken<'a> {
        issuer
            .token(user_id)
            .claim("email", "ada@example.com")
            .claim("firstName", "Ada")
            .claim("lastName", serde_json::Value::Null)
            .claim("imageUrl", "https://img.example.com/ada")
            .claim("updatedAt", 1_700_000_000)
    }

    async fn pool() -> SqlitePool {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect("sqlite::memory:");
        let pool = pool.await.expect("memory is a database");
        sqlx::raw_sql(sqlx::AssertSqlSafe(User::migration_sql::<Sqlite>()))
            .execute(&pool)
            .await
            .expect("the table is made");
        pool
    }

    /// axum boxes a handler's future for each request, so the future excludes the state of database queries.
    #[test]
    fn handlers_future_has_no_room_for_the_database() {
        let _alone = ALONE.lock();
        let issuer = Issuer::new("https://clerk.example.com");
        block_on(async {
            let clerk = issuer.clerk();
            let users = UserSync::<User>::new(clerk.clone(), pool().await).await;
            let users = users.expect("the table fits");
            let state = State { clerk, users };
            let session = async |_: Session| "";
            let alone = size_of_val(&*session.call(request(""), state.clone()));
            let with_row = size_of_val(&*me.call(request(""), state));
            assert!(
                with_row <= alone + 128,
                "{with_row} bytes, {alone} for a session alone"
            );
        });
    }

    /// The token and the row are in the caches.
    #[test]
    fn warm_row_is_extracted_with_two_allocations() {
        let _alone = ALONE.lock();
        let issuer = Issuer::new("https://clerk.example.com");
        let token = token(&issuer, "user_ada").sign();
        block_on(async {
            let pool = pool().await;
            let clerk = issuer.clerk();
            let users = UserSync::<User>::new(clerk.clone(), pool.clone()).await;
            let users = users.expect("the table fits");
            let state = State { clerk, users };
            let public: Router = Router::new()
                .route("/", get(async || ""))
                .with_state(state.clone());
            let guarded: Router = Router::new().route("/", get(me)).with_state(state);
            let cold = allocations(&guarded, &token).await;
            // The pool is closed, so the answer comes from the cache.
            pool.close().await;
            let public = least(&public, &token).await;
            let guarded = least(&guarded, &token).await;
            assert!(cold > guarded + 10, "the cold request was counted: {cold}");
            assert!(guarded <= public + 2, "{guarded} allocations, {public} without");
        });
    }

    #[derive(Clone, SyncedOrganization)]
    #[synced_organization(table = "organizations", database(sqlite))]
    struct Organization {
        clerk_id: Arc<str>,
        name: Arc<str>,
    }

    #[derive(Clone, SyncedMembership)]
    #[synced_membership(
        table = "memberships",
        user = User,
        organization = Organization,
        template_json = "{}",
        database(sqlite)
    )]
    struct Membership {
        #[column(user)]
        user: String,
        #[column(organization)]
        organization: Arc<str>,
    }

    #[derive(Clone, FromRef)]
    struct StateOfMembers {
        clerk: Clerk,
        users: UserSync<User>,
        organizations: OrganizationSync<Organization>,
        memberships: MembershipSync<Membership>,
    }

    #[authenticated]
    async fn three(user: Arc<User>, organization: Organization, membership: Membership) -> &'static str {
        assert_eq!(organization.clerk_id, membership.organization);
        assert_eq!(membership.user, user.clerk_id);
        ""
    }

    #[authenticated]
    async fn joined(member: Member<Membership>) -> &'static str {
        assert_eq!(member.organization.clerk_id, member.membership.organization);
        ""
    }

    #[authenticated]
    async fn team(_user: Arc<User>, organization: Organization) -> &'static str {
        assert_eq!(
            (&*organization.clerk_id, &*organization.name),
            ("org_1", "Analysts")
        );
        ""
    }

    /// A handler takes a copy of the row. A copy of an `Arc<str>` does not allocate; each `String` adds an allocation.
    #[test]
    fn warm_rows_of_a_member_are_extracted_with_two_allocations_more() {
        let _alone = ALONE.lock();
        let issuer = Issuer::new("https://clerk.example.com");
        let token = token(&issuer, "user_ada")
            .organization("org_1", "org:member")
            .claim("orgName", "Analysts")
            .sign();
        block_on(async {
            let pool = pool().await;
            for sql in [
                <Organization as StoredIn<Sqlite>>::create_table(),
                <Membership as StoredIn<Sqlite>>::create_table(),
            ] {
                let made = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await;
                made.expect("the table is made");
            }
            let clerk = issuer.clerk();
            let users = UserSync::<User>::new(clerk.clone(), pool.clone()).await;
            let users = users.expect("the table fits");
            let organizations = OrganizationSync::new(&users, pool.clone()).await;
            let organizations = organizations.expect("the table fits");
            let memberships = MembershipSync::new(&users, &organizations, pool.clone()).await;
            let memberships = memberships.expect("the table fits");
            let state = StateOfMembers {
                clerk,
                users,
                organizations,
                memberships,
            };
            let alone: Router = Router::new().route("/", get(me)).with_state(state.clone());
            let both: Router = Router::new().route("/", get(team)).with_state(state.clone());
            let three: Router = Router::new().route("/", get(three)).with_state(state.clone());
            let joined: Router = Router::new().route("/", get(joined)).with_state(state);
            allocations(&joined, &token).await;
            // The pool is closed, so the answer comes from the cache.
            pool.close().await;
            let alone = least(&alone, &token).await;
            for (rows, most, handler) in [
                ("user and organization", 0, &both),
                // The membership's key, and a text of the copied row.
                ("user, organization and membership", 2, &three),
                ("a member", 1, &joined),
            ] {
                let counted = least(handler, &token).await;
                assert!(
                    counted <= alone + most,
                    "{rows}: {counted} allocations, {alone} with the user alone"
                );
            }
        });
    }

    /// Measures the figure of the documentation: a cached row, with the claims of its token.
    #[test]
    fn kept_row_takes_two_kilobytes_at_most() {
        const USERS: usize = 500;
        let _alone = ALONE.lock();
        let issuer = Issuer::new("https://clerk.example.com");
        block_on(async {
            let users = UserSync::<User>::new(issuer.clerk(), pool().await).await;
            let users = users.expect("the table fits");
            let mut kept = 0;
            for round in 0..2 {
                let mut requests = Vec::new();
                for user in 0..USERS {
                    requests.push(request(&token(&issuer, &format!("user_{round}_{user}")).sign()));
                }
                let region = Region::new(ALLOCATOR);
                // A separate handle, so that its cache of tokens is dropped with it.
                let verifier = issuer.clerk();
                for request in &requests {
                    let session = verifier.authenticate(request.headers()).await;
                    let session = session.expect("it is valid");
                    users.sync_shared(&session).await.expect("it syncs");
                }
                drop(verifier);
                let change = region.change();
                // The first round also fills the parts that do not grow.
                kept = (change.bytes_allocated - change.bytes_deallocated) / USERS;
            }
            println!("{kept} bytes");
            assert!((200..=2_048).contains(&kept), "{kept} bytes for each user");
        });
    }
}

#[derive(Default)]
struct Counts {
    counters: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    samples: Arc<Samples>,
}

#[derive(Default)]
struct Samples(Mutex<Vec<f64>>);

impl HistogramFn for Samples {
    fn record(&self, value: f64) {
        self.0.lock().expect("no test panicked").push(value);
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        let mut counters = self.counters.lock().expect("no test panicked");
        Counter::from_arc(Arc::clone(counters.entry(name).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        assert_eq!(key.name(), SESSION_TOKEN_BYTES);
        Histogram::from_arc(Arc::clone(&self.samples))
    }
}

#[test]
fn tokens_are_counted_by_outcome() {
    let _alone = ALONE.lock();
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk: Clerk = issuer.clerk();
    let token = issuer.token("user_ada").sign();
    let expired = issuer.token("user_ada").expired().sign();
    let counts = Counts::default();
    with_local_recorder(&counts, || {
        block_on(async {
            for token in [&*token, &*token, &*token, &*expired, "a.b.c"] {
                let request = request(token);
                let _ = clerk.authenticate(request.headers()).await;
            }
        });
    });
    let counters = counts.counters.lock().expect("no test panicked");
    let counted: Vec<(&str, u64)> = counters
        .iter()
        .map(|(name, count)| (name.as_str(), count.load(Ordering::SeqCst)))
        .collect();
    let name = |outcome: &str| format!("{SESSION_TOKENS} {outcome}");
    assert_eq!(
        counted,
        [
            (name("cached").as_str(), 2),
            (name("token_expired").as_str(), 1),
            (name("token_malformed").as_str(), 1),
            (name("verified").as_str(), 1),
        ]
    );
    let samples = counts.samples.0.lock().expect("no test panicked");
    assert_eq!(*samples, [token.len() as f64]);
}

#[cfg(feature = "jwks")]
#[test]
fn fetches_of_keys_are_counted_by_outcome() {
    let _alone = ALONE.lock();
    let counts = Counts::default();
    with_local_recorder(&counts, || {
        block_on(async {
            let fake = FakeClerk::start().await.expect("a port is free");
            fake.fail(StatusCode::INTERNAL_SERVER_ERROR);
            let request = request(&fake.issuer().token("user_ada").sign());
            let authenticate = async |clerk: ClerkBuilder| {
                let clerk = clerk.build().expect("the configuration is right");
                clerk.authenticate(request.headers()).await
            };
            authenticate(fake.clerk()).await.expect_err("there is no key");
            fake.fail(None);
            authenticate(fake.clerk()).await.expect("there is a key");
            authenticate(fake.clerk()).await.expect("there is a key");
        });
    });
    let counters = counts.counters.lock().expect("no test panicked");
    for (outcome, expected) in [("failed", 1), ("fetched", 2)] {
        let counter = &counters[&format!("{KEY_FETCHES} {outcome}")];
        assert_eq!(counter.load(Ordering::SeqCst), expected, "{outcome}");
    }
}
