//! Tests of the operator's log: it contains each refusal once, with its reason, and no part of a token. A message that
//! every request would repeat appears once a minute.

use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};
use clerk_auth::clerk::AuthenticationError;
use clerk_auth::testing::Issuer;
use clerk_auth::{Clerk, Session};
use clerk_auth_tests::log::Log;
use tracing::Level;

fn authenticate(clerk: &Clerk, authorization: Option<&str>) -> Option<Session> {
    let mut headers = HeaderMap::new();
    if let Some(authorization) = authorization {
        headers.insert(
            AUTHORIZATION,
            HeaderValue::from_str(authorization).expect("a header value"),
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    runtime.block_on(clerk.authenticate(&headers)).ok()
}

/// An application may log a session, so `Debug` omits custom claims, which are personal data.
#[test]
fn session_debug_prints_ids_only() {
    let issuer = Issuer::new("https://clerk.example.com");
    let token = issuer
        .token("user_ada")
        .organization("org_1", "org:admin")
        .slug("acme");
    let token = token
        .claim("sid", "sess_1")
        .claim("email", "ada@example.com")
        .sign();
    let clerk = issuer.clerk();
    let session = authenticate(&clerk, Some(&format!("Bearer {token}"))).expect("a session token");
    assert_eq!(
        format!("{session:?}"),
        r#"Session { user_id: "user_ada", id: "sess_1", .. }"#
    );
    assert_eq!(
        format!("{:?}", session.organization()),
        r#"Some(Organization { id: "org_1", slug: Some("acme"), role: Some("org:admin"), .. })"#
    );
    assert_eq!(
        format!("{clerk:?}"),
        r#"Clerk { issuer: "https://clerk.example.com", .. }"#
    );
}

/// The log names a front end that is missing among the authorized parties, and omits a value that a page can make long.
#[test]
fn request_of_another_site_is_one_event_with_its_origin() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = issuer.clerk();
    let token = issuer.token("user_ada").sign();
    log.take();
    let long = format!("https://{}.example", "a".repeat(1_000));
    for (origin, logged) in [
        ("https://admin.example.com", "Some(\"https://admin.example.com\")"),
        (&*long, "None"),
    ] {
        let request = axum::http::Request::post("/")
            .header(COOKIE, format!("__session={token}; __client_uat=1"))
            .header(ORIGIN, origin);
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime starts");
        let refused = runtime.block_on(clerk.authenticate_request(&parts));
        assert_eq!(refused.err(), Some(AuthenticationError::CrossSiteRequest));
        let lines = log.take();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("INFO"), "{lines:?}");
        for part in ["reason=\"cross_site_request\"", &format!("origin={logged}")] {
            assert!(lines[0].contains(part), "{lines:?}");
        }
        assert!(!lines[0].contains(&token), "{lines:?}");
    }
}

#[test]
fn refusal_is_one_event_with_its_reason_and_nothing_of_the_token() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let issuer = Issuer::new("https://clerk.example.com");
    let clerk = issuer.clerk();
    log.take();

    let right = format!("Bearer {}", issuer.token("user_ada").sign());
    let (start, end) = right.split_at(right.len() - 20);
    let forged = format!("{start}AAAAAAAAAAAA{}", &end[12..]);
    let pending = format!(
        "Bearer {}",
        issuer.token("user_ada").claim("sts", "pending").sign()
    );
    for (authorization, accepted, reason) in [
        (None, false, None),
        (Some(&*right), true, None),
        (Some(&*right), true, None),
        (Some(&*forged), false, Some("token_signature_invalid")),
        (Some("Bearer secret secret"), false, Some("credential_malformed")),
        (Some(&*pending), false, Some("session_pending")),
    ] {
        assert_eq!(authenticate(&clerk, authorization).is_some(), accepted);
        let events = log.take();
        let expected: Vec<String> = reason
            .map(|reason| {
                format!(
                    "{} message=refused a session token reason=\"{reason}\"",
                    Level::INFO
                )
            })
            .into_iter()
            .collect();
        assert_eq!(events, expected);
    }
}

#[test]
fn start_without_authorized_parties_is_warned_of() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let issuer = Issuer::new("https://clerk.example.com");
    let builder = || {
        Clerk::builder()
            .issuer(issuer.url())
            .jwt_key(issuer.public_key_pem())
    };
    let strict = builder()
        .authorized_parties(["https://app.example.com"])
        .build()
        .expect("the configuration is right");
    assert_eq!(log.take(), Vec::<String>::new());
    drop(strict);
    let _open = builder().build().expect("the configuration is right");
    let warnings = log.take();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].starts_with("WARN") && warnings[0].contains("CLERK_AUTHORIZED_PARTIES"),
        "{warnings:?}"
    );
}

/// A denial of one `Clerk` has no effect on the other.
#[test]
fn second_handle_of_an_instance_is_warned_of() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let [one, other] = ["https://clerk.example.com", "https://clerk.example.org"].map(Issuer::new);
    let build = |issuer: &Issuer| {
        let builder = Clerk::builder()
            .issuer(issuer.url())
            .jwt_key(issuer.public_key_pem())
            .authorized_parties(["https://app.example.com"]);
        builder.build().expect("the configuration is right")
    };
    let first = build(&one);
    let clone = first.clone();
    let _of_another_instance = build(&other);
    assert_eq!(log.take(), Vec::<String>::new());
    let second = build(&one);
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("WARN") && warnings[0].contains("another `Clerk` of this instance"),
        "{warnings:?}"
    );
    drop((first, clone, second));
    let _alone = build(&one);
    assert_eq!(log.take(), Vec::<String>::new(), "the others are gone");
}

#[test]
fn token_without_the_claims_is_reported_once_a_minute_with_the_template_to_paste() {
    use clerk_auth::sync::SyncError;
    use clerk_auth::testing::MovableClock;
    use clerk_auth::time::Timestamp;
    use clerk_auth::{SyncedRow, SyncedUser, UserSync};

    #[derive(Clone, SyncedUser)]
    #[synced_user(
        table = "users",
        template_json = r#"{
            "email": "{{user.primary_email_address}}",
            "name": "{{user.first_name}}",
            "updatedAt": "{{user.updated_at}}"
        }"#,
        database(sqlite)
    )]
    #[expect(dead_code, reason = "no token has a row")]
    struct User {
        clerk_id: String,
        email: Option<String>,
        name: Option<String>,
    }

    let issuer = Issuer::new("https://clerk.example.com");
    let clock = MovableClock::new(Timestamp::from_secs(1_700_000_000));
    let clerk = Clerk::builder()
        .issuer(issuer.url())
        .jwt_key(issuer.public_key_pem())
        .clock(clock.clone())
        .build()
        .expect("the configuration is right");
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
        let pool = options.connect("sqlite::memory:").await.expect("it opens");
        let tables = sqlx::AssertSqlSafe(User::migration_sql::<sqlx::Sqlite>());
        sqlx::raw_sql(tables).execute(&pool).await.expect("it is made");
        let users = UserSync::<User>::new(clerk.clone(), pool).await.expect("it fits");
        let now = Timestamp::from_secs(1_700_000_000);
        let token = issuer.token("user_ada").claim("name", "Ada").issued_at(now);
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", token.sign()).parse().expect("a header value");
        headers.insert(AUTHORIZATION, bearer);
        let session = clerk.authenticate(&headers).await.expect("the token is valid");
        log.take();
        // The times are in seconds.
        for (passed, expected) in [(0, 1), (0, 0), (59, 0), (1, 1), (0, 0)] {
            clock.advance(std::time::Duration::from_secs(passed));
            let refused = users.sync(&session).await;
            assert!(matches!(refused, Err(SyncError::Claims(_))), "it has two claims too few");
            let reports = log.take();
            assert_eq!(reports.len(), expected, "{reports:?}");
            for report in reports {
                let template = r#"template={"email": "{{user.primary_email_address}}","name": "{{user.first_name}}","updatedAt": "{{user.updated_at}}"}"#;
                assert!(report.starts_with("ERROR") && report.contains(template), "{report}");
                assert!(report.contains(r#"absent="email, updatedAt""#), "{report}");
                assert!(!report.contains("Ada"), "{report}");
            }
        }
    });
}
