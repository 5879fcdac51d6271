//! Tests of the stand-in's webhooks: a change of a user arrives as a delivery, also late, twice or out of order.

use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::issuer;
use reqwest::StatusCode;
use serde_json::json;

use crate::example::rows::{Example, until};

on_both_databases!(
    edit_reaches_the_row_of_a_user_without_requests,
    late_older_edit_changes_nothing,
    copies_change_nothing,
    deleted_user_is_refused_although_the_token_is_valid,
    unsigned_delivery_is_refused_and_changes_nothing,
    edge_token_copies_claims_and_does_not_undo_an_edit,
    edge_token_of_an_invalid_token_is_refused,
);

async fn edit_reaches_the_row_of_a_user_without_requests(database: TestDatabase) {
    let example = Example::start(database).await;
    let ada = example
        .token(json!({ "user_id": "user_ada", "first_name": "Ada" }))
        .await;
    let (status, me) = example.get("/api/me", &ada).await;
    assert_eq!((status, &me["first_name"]), (StatusCode::OK, &json!("Ada")));

    let org = json!({ "id": "org_acme", "slug": "acme", "role": "org:admin" });
    let observer = example
        .token(json!({ "user_id": "user_observer", "org": org }))
        .await;
    example
        .change("user_ada", json!({ "first_name": "Augusta", "email": null }))
        .await;
    until("another user sees the new name", || async {
        let (_, users) = example.get("/api/admin/users", &observer).await;
        let users = users.as_array().cloned().unwrap_or_default();
        let mut expected = me.clone();
        expected["first_name"] = "Augusta".into();
        expected["email"] = json!(null);
        users.contains(&expected)
    })
    .await;
    assert_eq!(example.named("user_ada", "Augusta").await, 1);
}

/// Creates a user, whose delivery is held back. Such deliveries arrive in their order: after this user's row is there,
/// all earlier ones have arrived.
async fn hold_a_mark(example: &Example) {
    example.change_late("user_mark", "Mark").await;
}

async fn until_the_mark(example: &Example) {
    until("what was held back has come", || async {
        example.named("user_mark", "Mark").await == 1
    })
    .await;
}

async fn late_older_edit_changes_nothing(database: TestDatabase) {
    let example = Example::start(database).await;
    example.change("user_ada", json!({ "first_name": "Ada" })).await;
    until("the user has a row", || async {
        example.named("user_ada", "Ada").await == 1
    })
    .await;
    example.change_late("user_ada", "Older").await;
    hold_a_mark(&example).await;
    assert_eq!(example.named("user_ada", "Ada").await, 1, "it is held back");
    example.change("user_ada", json!({ "first_name": "Newer" })).await;
    until_the_mark(&example).await;
    assert_eq!(example.named("user_ada", "Newer").await, 1);
}

async fn copies_change_nothing(database: TestDatabase) {
    let example = Example::start(database).await;
    example.change_late("user_ada", "Older").await;
    hold_a_mark(&example).await;
    example
        .change(
            "user_ada",
            json!({ "first_name": "Newer", "webhook": { "copies": 5 } }),
        )
        .await;
    until_the_mark(&example).await;
    assert_eq!(example.named("user_ada", "Newer").await, 1);
    assert_eq!(example.row_count().await, 2);
}

async fn deleted_user_is_refused_although_the_token_is_valid(database: TestDatabase) {
    let example = Example::start(database).await;
    let ada = example.token(json!({ "user_id": "user_ada" })).await;
    assert_eq!(example.get("/api/me", &ada).await.0, StatusCode::OK);
    // The change is delivered after the deletion, which is delivered twice.
    example.change_late("user_ada", "Late").await;
    hold_a_mark(&example).await;
    example.delete("user_ada", json!({ "copies": 2 })).await;
    until("the row is marked", || async {
        example.is_marked_as_deleted("user_ada").await
    })
    .await;
    let refused = |(status, problem): (StatusCode, serde_json::Value)| {
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::UNAUTHORIZED, &json!("user_deleted")),
        );
    };
    refused(example.get("/api/me", &ada).await);
    until_the_mark(&example).await;
    refused(example.get("/api/me", &ada).await);
    assert!(example.is_marked_as_deleted("user_ada").await);
}

async fn unsigned_delivery_is_refused_and_changes_nothing(database: TestDatabase) {
    let example = Example::start(database).await;
    let event = json!({
        "object": "event",
        "type": "user.created",
        "timestamp": 1_700_000_000,
        "instance_id": "ins_x",
        "data": { "id": "user_ada", "object": "user", "updated_at": 1_700_000_000_000_i64 },
    });
    let (status, problem) = example.post_webhook(&event).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &json!("webhook_header_missing")),
    );
    assert_eq!(example.row_count().await, 0);
}

async fn edge_token_copies_claims_and_does_not_undo_an_edit(database: TestDatabase) {
    let example = Example::start(database).await;
    let first = example
        .token(json!({ "user_id": "user_ada", "first_name": "Ada" }))
        .await;
    let (_, me) = example.get("/api/me", &first).await;
    example
        .change("user_ada", json!({ "first_name": "Augusta" }))
        .await;
    until("the row has the new name", || async {
        example.named("user_ada", "Augusta").await == 1
    })
    .await;
    let mut expected = me;
    expected["first_name"] = "Augusta".into();
    // A token of the edge, and a token that copies it.
    let second = example
        .token(json!({ "edge_of": first, "expires_in": 3_000 }))
        .await;
    let third = example.token(json!({ "edge_of": second })).await;
    for token in [&second, &third, &first] {
        let (status, me) = example.get("/api/me", token).await;
        assert_eq!((status, &me), (StatusCode::OK, &expected));
        assert_eq!(example.named("user_ada", "Augusta").await, 1);
    }
    let expired = example
        .token(json!({ "edge_of": first, "expires_in": -60 }))
        .await;
    assert_eq!(example.get("/api/me", &expired).await.0, StatusCode::UNAUTHORIZED);
}

async fn edge_token_of_an_invalid_token_is_refused(database: TestDatabase) {
    let example = Example::start(database).await;
    let ada = example.token(json!({ "user_id": "user_ada" })).await;
    let elsewhere = issuer().token("user_ada").sign();
    for (request, expected) in [
        (json!({ "edge_of": "" }), "`edge_of`"),
        (json!({ "edge_of": "e30.e30.AAAA" }), "`edge_of`"),
        (json!({ "edge_of": elsewhere }), "`edge_of`"),
        (
            json!({ "edge_of": ada, "first_name": "Augusta" }),
            "at most `expires_in`",
        ),
        (
            json!({ "edge_of": ada, "omit_claims": ["email"] }),
            "at most `expires_in`",
        ),
    ] {
        let (status, text) = example.mint(&request).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{request}");
        assert!(
            text.as_str().is_some_and(|text| text.contains(expected)),
            "{request}: {text}"
        );
    }
}
