//! `example-app link`, as a process next to the serving example, with ten existing rows.

use axum::http::StatusCode;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use serde_json::{Value, json};

use crate::example::rows::Example;

on_both_databases!(legacy_rows_are_linked_and_sign_in);

async fn legacy_rows_are_linked_and_sign_in(database: TestDatabase) {
    let example = Example::start(database).await;
    for number in 1..=10 {
        let insert = format!(
            "INSERT INTO users (clerk_id, email, image_url, credits, clerk_version) \
             VALUES ('legacy_{number}', 'person{number}@example.com', '', {number}, 0)"
        );
        example.rows.execute(&insert).await;
    }
    for number in 1..=8 {
        let user = json!({ "email": format!("person{number}@example.com"), "webhook": { "hold": true } });
        example.change(&format!("user_{number}"), user).await;
    }
    let free = "SELECT count(*) FROM users WHERE clerk_id LIKE 'legacy%'";

    let printed = example.run(&["link", "--dry-run"]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.errors);
    let expected = "dry run\n8 users, 0 with a row: 8 pairs, 0 ambiguous, 0 not linked; without a counterpart: 0 users, 2 rows\n\
                    nothing was written\npair user_1 person1@example.com (row 1)\n";
    assert!(printed.output.starts_with(expected), "{}", printed.output);
    assert_eq!(example.rows.number(free).await, 10);
    println!("$ example-app link --dry-run\n{}", printed.output);

    let printed = example.run(&["link"]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.errors);
    assert!(printed.output.contains("\nlinked 8 rows\n"), "{}", printed.output);
    assert!(
        printed
            .output
            .contains("\nrow without a user person9@example.com (row 9)\n"),
        "{}",
        printed.output
    );
    assert_eq!(example.rows.number(free).await, 2);
    println!("$ example-app link\n{}", printed.output);

    let printed = example.run(&["link", "--json", "--by", "email"]).await;
    let report: Value = serde_json::from_str(&printed.output).expect("it is JSON");
    assert_eq!(
        (&report["with_row"], &report["linked"]),
        (&json!(8), &json!(0)),
        "{report}"
    );

    // The user signs in to the existing row, twice.
    let token = example.token(json!({ "user_id": "user_3" })).await;
    for visit in ["sign-in", "second sign-in"] {
        let (status, me) = example.get("/api/me", &token).await;
        println!("{visit} of user_3: {status} {me}");
        assert_eq!(
            (status, &me["id"], &me["credits"]),
            (StatusCode::OK, &json!(3), &json!(3)),
            "{me}"
        );
    }

    // The address passes to another user, who signs in with it; linking is tried for that user.
    example
        .change(
            "user_3",
            json!({ "email": "moved@example.com", "webhook": { "hold": true } }),
        )
        .await;
    example
        .change(
            "user_eve",
            json!({ "email": "person3@example.com", "webhook": { "hold": true } }),
        )
        .await;
    let printed = example.run(&["link"]).await;
    let refused = "ambiguous user_eve person3@example.com: a row with the value belongs to another Clerk user or is marked \
                   as deleted\n";
    assert!(printed.output.contains(refused), "{}", printed.output);
    println!("$ example-app link\n{}", printed.output);
    let token = example.token(json!({ "user_id": "user_eve" })).await;
    let (status, eve) = example.get("/api/me", &token).await;
    println!("sign-in of user_eve: {status} {eve}");
    assert_eq!((status, &eve["credits"]), (StatusCode::OK, &json!(0)), "{eve}");
    let owner = example.rows.text("SELECT clerk_id FROM users WHERE id = 3").await;
    assert_eq!(owner.as_deref(), Some("user_3"));
    println!("row 3 belongs to {}", owner.unwrap_or_default());

    let printed = example.run(&["link", "--by", "external-id"]).await;
    assert_eq!(
        (printed.code, &*printed.output),
        (Some(1), ""),
        "{}",
        printed.errors
    );
    assert!(
        printed
            .errors
            .contains("`User` has no column for `{{user.external_id}}`"),
        "{}",
        printed.errors
    );
}
