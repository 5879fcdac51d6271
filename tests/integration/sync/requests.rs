//! Tests of the row of a signed-in request, on both databases.

use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth_tests::app::TestApp;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use serde_json::{Value, json};

on_both_databases!(
    first_request_inserts_and_the_next_changes_nothing,
    changed_claim_updates_the_row,
    ten_concurrent_first_requests_make_one_row,
    older_token_does_not_overwrite_a_newer_row,
    newer_version_is_stored_even_if_no_claim_changed,
    null_clears_a_column_and_absence_is_refused,
    claim_of_another_kind_is_refused_and_nothing_is_written,
    deleted_user_is_not_recreated,
    columns_of_the_application_are_unchanged,
    notes_belong_to_their_user,
    administrators_see_all_users_and_others_do_not,
    impersonated_user_is_synced_as_themselves,
    visitor_is_served_and_a_bad_token_is_refused,
    session_is_read_without_the_database,
    unreachable_database_is_a_503,
);

async fn first_request_inserts_and_the_next_changes_nothing(database: TestDatabase) {
    let sqlite = database.is_sqlite();
    let app = TestApp::start(database).await;
    let token = app.token(app.claims("user_ada"), json!({}));

    let first = app.get("/api/me", &token).await;
    assert_eq!((first.status.as_u16(), first.sync()), (200, "inserted"));
    let expected = json!({
        "id": first.body["id"],
        "clerk_id": "user_ada",
        "email": "user_ada@example.com",
        "first_name": "Ada",
        "last_name": null,
        "image_url": "https://img.example.com/ada",
        "credits": 0,
    });
    assert_eq!(first.body, expected);

    const ROW: &str = "SELECT xmin::text::bigint FROM users";
    let written_by = if sqlite { 0 } else { app.number(ROW).await };
    let second = app.get("/api/me", &token).await;
    assert_eq!((second.status.as_u16(), second.sync()), (200, "unchanged"));
    assert_eq!(second.body, first.body);
    if !sqlite {
        assert_eq!(app.number(ROW).await, written_by, "an unchanged user was written");
    }
}

async fn changed_claim_updates_the_row(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let claims = app.claims("user_ada");
    let first = app.get("/api/me", &app.token(claims.clone(), json!({}))).await;
    let changed = json!({ "firstName": "Grace", "updatedAt": 1_700_000_001 });
    let second = app.get("/api/me", &app.token(claims, changed)).await;
    assert_eq!((second.status.as_u16(), second.sync()), (200, "updated"));
    assert_eq!(second.body["first_name"], "Grace");
    assert_eq!(second.body["id"], first.body["id"]);
}

async fn ten_concurrent_first_requests_make_one_row(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let token = app.token(app.claims("user_ada"), json!({}));
    let get = || app.get("/api/me", &token);
    let answers = tokio::join!(
        get(),
        get(),
        get(),
        get(),
        get(),
        get(),
        get(),
        get(),
        get(),
        get()
    );
    let answers: [_; 10] = answers.into();
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body, answers[0].body);
    }
    let inserted = answers
        .iter()
        .filter(|answer| answer.sync() == "inserted")
        .count();
    assert_eq!(inserted, 1);
    assert_eq!(app.number("SELECT count(*) FROM users").await, 1);
}

async fn older_token_does_not_overwrite_a_newer_row(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let claims = app.claims("user_ada");
    let old = app.token(
        claims.clone(),
        json!({ "firstName": "Old", "updatedAt": 1_700_000_000 }),
    );
    let new = app.token(claims, json!({ "firstName": "New", "updatedAt": 1_700_000_009 }));
    assert_eq!(app.get("/api/me", &old).await.sync(), "inserted");
    assert_eq!(app.get("/api/me", &new).await.sync(), "updated");
    let again = app.get("/api/me", &old).await;
    assert_eq!((again.status.as_u16(), again.sync()), (200, "unchanged"));
    assert_eq!(again.body["first_name"], "New");
}

async fn newer_version_is_stored_even_if_no_claim_changed(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let claims = app.claims("user_ada");
    let token = |name: &str, updated_at: i64| {
        app.token(
            claims.clone(),
            json!({ "firstName": name, "updatedAt": updated_at }),
        )
    };
    app.get("/api/me", &token("Ada", 1_700_000_000)).await;
    let later = app.get("/api/me", &token("Ada", 1_700_000_009)).await;
    assert_eq!(later.sync(), "unchanged");
    // The name was changed to Eve and back; the change to Eve arrives late, and has no effect.
    let late = app.get("/api/me", &token("Eve", 1_700_000_005)).await;
    assert_eq!(late.body["first_name"], "Ada");
    assert_eq!(
        app.number("SELECT clerk_version FROM users").await,
        1_700_000_009_999
    );
}

async fn null_clears_a_column_and_absence_is_refused(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let claims = app.claims("user_ada");
    app.get("/api/me", &app.token(claims.clone(), json!({}))).await;

    for absent in [&["email"][..], &["updatedAt"], &["email", "updatedAt"]] {
        // The token is newer, so that each of its claims would be written.
        let mut without = claims.clone();
        without.insert("updatedAt".to_owned(), json!(1_700_000_001));
        without.retain(|name, _| !absent.contains(&name.as_str()));
        let refused = app.get("/api/me", &app.token(without, json!({}))).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code()),
            (503, "session_token_incomplete"),
            "{absent:?}"
        );
        assert_eq!(refused.header("retry-after"), "60");
        assert_eq!(
            app.number("SELECT count(*) FROM users WHERE email IS NOT NULL")
                .await,
            1,
            "{absent:?}"
        );
    }

    let cleared = json!({ "email": null, "updatedAt": 1_700_000_002 });
    let cleared = app.get("/api/me", &app.token(claims, cleared)).await;
    assert_eq!(
        (cleared.sync(), &cleared.body["email"]),
        ("updated", &Value::Null)
    );
}

async fn claim_of_another_kind_is_refused_and_nothing_is_written(database: TestDatabase) {
    let app = TestApp::start(database).await;
    for wrong in [
        json!({ "firstName": "{{user.frist_name}}" }),
        json!({ "firstName": 7 }),
        json!({ "imageUrl": null }),
        json!({ "updatedAt": "yesterday" }),
        json!({ "updatedAt": null }),
    ] {
        let answer = app
            .get("/api/me", &app.token(app.claims("user_ada"), wrong.clone()))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (503, "session_token_incomplete"),
            "{wrong}"
        );
    }
    assert_eq!(app.number("SELECT count(*) FROM users").await, 0);
}

async fn deleted_user_is_not_recreated(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let claims = app.claims("user_ada");
    app.get("/api/me", &app.token(claims.clone(), json!({}))).await;
    app.execute("UPDATE users SET clerk_deleted_at = CURRENT_TIMESTAMP")
        .await;
    for replaced in [
        json!({}),
        json!({ "firstName": "Back", "updatedAt": 1_800_000_000 }),
    ] {
        let answer = app.get("/api/me", &app.token(claims.clone(), replaced)).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "user_deleted"));
    }
    assert_eq!(
        app.number("SELECT count(*) FROM users WHERE clerk_deleted_at IS NOT NULL")
            .await,
        1
    );
}

async fn columns_of_the_application_are_unchanged(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let claims = app.claims("user_ada");
    app.get("/api/me", &app.token(claims.clone(), json!({}))).await;
    app.execute("UPDATE users SET credits = 42").await;
    let changed = json!({ "firstName": "Grace", "updatedAt": 1_700_000_001 });
    let changed = app.get("/api/me", &app.token(claims, changed)).await;
    assert_eq!(
        (changed.sync(), &changed.body["credits"]),
        ("updated", &json!(42))
    );
}

async fn notes_belong_to_their_user(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let ada = app.token(app.claims("user_ada"), json!({}));
    let eve = app.token(app.claims("user_eve"), json!({}));
    let written = app.post("/api/notes", &ada, &json!({ "body": "milk" })).await;
    assert_eq!(written.status, 201);
    let notes = app.get("/api/notes", &ada).await;
    // The welcome message of a new user is the older one.
    assert_eq!(
        (notes.body.as_array().map(Vec::len), &notes.body[0]),
        (Some(2), &written.body)
    );
    let notes = app.get("/api/notes", &eve).await;
    assert_eq!(notes.body.as_array().map(Vec::len), Some(1));
    assert_ne!(notes.body[0]["user_id"], written.body["user_id"]);
}

async fn administrators_see_all_users_and_others_do_not(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let member = app.token(
        app.claims("user_ada"),
        json!({ "o": { "id": "org_1", "slg": "acme", "rol": "member" } }),
    );
    let nobody = app.token(app.claims("user_ada"), json!({}));
    let admin = app.token(
        app.claims("user_bob"),
        json!({ "o": { "id": "org_1", "slg": "acme", "rol": "admin" } }),
    );
    app.get("/api/me", &nobody).await;
    for token in [&member, &nobody] {
        let denied = app.get("/api/admin/users", token).await;
        assert_eq!((denied.status.as_u16(), denied.code()), (403, "role_required"));
    }
    let users = app.get("/api/admin/users", &admin).await;
    assert_eq!(users.status, 200);
    assert_eq!(users.body[0]["clerk_id"], "user_ada");
}

/// A token under impersonation has the claims of the user, and so does the row.
async fn impersonated_user_is_synced_as_themselves(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let act = json!({ "act": { "iss": app.issuer.url(), "sid": "sess_support", "sub": "user_support" } });
    let impersonated = app.token(app.claims("user_ada"), act);
    let first = app.get("/api/me", &impersonated).await;
    assert_eq!(
        (first.sync(), &first.body["clerk_id"]),
        ("inserted", &json!("user_ada"))
    );
    let own = app
        .get("/api/me", &app.token(app.claims("user_ada"), json!({})))
        .await;
    assert_eq!((own.sync(), &own.body), ("unchanged", &first.body));
    let session = app.get("/api/session", &impersonated).await;
    assert_eq!(session.body["impersonator"], "user_support");
}

async fn visitor_is_served_and_a_bad_token_is_refused(database: TestDatabase) {
    let app = TestApp::start(database).await;
    let visitor = app.get_with("/api/greeting", Default::default()).await;
    assert_eq!(visitor.body, "Hello! You are not signed in.");
    let ada = app
        .get("/api/greeting", &app.token(app.claims("user_ada"), json!({})))
        .await;
    assert_eq!(ada.body, "Hello, Ada!");
    let expired = app.claims_at(
        "user_ada",
        0,
        Timestamp::from_secs(SystemClock.now().as_secs() - 70),
    );
    let refused = app.get("/api/greeting", &app.token(expired, json!({}))).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (401, "token_expired"));
}

async fn session_is_read_without_the_database(database: TestDatabase) {
    let app = TestApp::start(database).await;
    app.close_database().await;
    let answer = app
        .get("/api/session", &app.token(app.claims("user_ada"), json!({})))
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["user_id"]),
        (200, &json!("user_ada"))
    );
}

async fn unreachable_database_is_a_503(database: TestDatabase) {
    let app = TestApp::start(database).await;
    app.close_database().await;
    let answer = app
        .get("/api/me", &app.token(app.claims("user_ada"), json!({})))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (503, "database_unavailable")
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let text = answer.body.to_string();
    assert!(!text.contains("pool") && !text.contains("sql"), "{text}");
}
