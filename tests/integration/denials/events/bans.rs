//! Tests of bans whose delivery cannot change the row, and of deliveries that arrive again or late.

use axum::http::StatusCode;
use clerk_auth::sync::CREATE_DELIVERIES;
use clerk_auth::token::Refusal;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{Pool, Profiles, token};
use serde_json::{Value, json};

use super::{ada, banned, deleted, delivery, ended, receive, refusal, send, start, user};

on_both_databases!(
    ban_applies_although_the_claims_fit_no_row,
    ban_applies_although_the_database_refuses_the_claims,
    ban_applies_although_the_hook_fails,
    refused_delivery_is_applied_when_it_comes_again_and_fits,
    late_ban_does_not_undo_its_lifting,
);

async fn ban_applies_although_the_claims_fit_no_row(database: TestDatabase) {
    let profiles = start(&database).await;
    assert_eq!(
        receive(&profiles, "user.created", user("user_ada", 100)).await,
        StatusCode::NO_CONTENT
    );
    for (number, (member, odd)) in [
        ("first_name", json!(7)),
        ("first_name", json!("{{7*7}}")),
        ("first_name", json!(["Ada"])),
        (
            "email_addresses",
            json!([{ "id": "idn_1", "email_address": "a{{b" }]),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let updated_at = 200 + 10 * i64::try_from(number).expect("a small number");
        let mut ban = banned("user_ada", updated_at);
        ban[member] = odd.clone();
        ban["primary_email_address_id"] = "idn_1".into();
        assert_eq!(
            receive(&profiles, "user.updated", ban).await,
            StatusCode::NO_CONTENT,
            "{odd}"
        );
        assert_eq!(
            refusal(&profiles, ada()).await,
            Some(Refusal::UserBanned),
            "{odd}"
        );
        // The lifting has a value that fits no row either.
        let mut lifted = user("user_ada", updated_at + 1);
        lifted[member] = odd.clone();
        lifted["primary_email_address_id"] = "idn_1".into();
        assert_eq!(
            receive(&profiles, "user.updated", lifted).await,
            StatusCode::NO_CONTENT,
            "{odd}"
        );
        assert_eq!(refusal(&profiles, ada()).await, None, "{odd}");
    }
    let version = "SELECT clerk_version FROM profiles WHERE clerk_id = 'user_ada'";
    assert_eq!(
        profiles.pool.number(version).await,
        100_000,
        "the row is as it was"
    );
}

async fn ban_applies_although_the_database_refuses_the_claims(database: TestDatabase) {
    let profiles = start(&database).await;
    let check = if database.is_sqlite() {
        "CREATE TRIGGER no_long_names BEFORE INSERT ON profiles WHEN length(NEW.name) > 20 \
         BEGIN SELECT RAISE(ABORT, 'too long'); END"
    } else {
        "ALTER TABLE profiles ADD CONSTRAINT no_long_names CHECK (length(name) <= 20)"
    };
    profiles.pool.execute(check).await;
    let mut ban = banned("user_ada", 100);
    ban["first_name"] = "Augusta Ada King, Countess of Lovelace".into();
    assert_eq!(
        receive(&profiles, "user.created", ban).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(refusal(&profiles, ada()).await, Some(Refusal::UserBanned));
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 0);
    // Another user is not affected.
    assert_eq!(
        receive(&profiles, "user.created", user("user_bob", 100)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(profiles.pool.number("SELECT count(*) FROM profiles").await, 1);
}

/// Starts a process whose hook records each delivery, and fails while a table `broken` exists.
async fn hooked(database: &TestDatabase, once: bool) -> Profiles {
    let pool = Pool::open(database.url(), 5).await;
    pool.execute("CREATE TABLE received (event TEXT NOT NULL)").await;
    pool.execute(CREATE_DELIVERIES).await;
    macro_rules! with_hook {
        () => {
            move |builder| {
                macro_rules! hook {
                    () => {
                        |connection, delivery| {
                            Box::pin(async move {
                                sqlx::query("INSERT INTO received (event) VALUES ($1)")
                                    .bind(delivery.event.event_type())
                                    .execute(connection)
                                    .await?;
                                Ok(())
                            })
                        }
                    };
                }
                if once {
                    builder.on_event_once(hook!())
                } else {
                    builder.on_event(hook!())
                }
            }
        };
    }
    Profiles::start_with(pool, with_hook!(), with_hook!()).await
}

async fn ban_applies_although_the_hook_fails(database: TestDatabase) {
    let profiles = hooked(&database, false).await;
    profiles
        .pool
        .execute("ALTER TABLE received RENAME TO renamed")
        .await;
    let sid = ada().claim("sid", "sess_1");
    for (event_type, data, token, expected) in [
        (
            "session.revoked",
            ended(&profiles, "sess_1", "user_ada"),
            sid,
            Refusal::SessionEnded,
        ),
        (
            "user.updated",
            banned("user_ada", 200),
            ada(),
            Refusal::UserBanned,
        ),
        ("user.deleted", deleted("user_ada"), ada(), Refusal::UserDeleted),
    ] {
        let answer = receive(&profiles, event_type, data).await;
        assert_eq!(answer, StatusCode::SERVICE_UNAVAILABLE, "{event_type}");
        assert_eq!(refusal(&profiles, token).await, Some(expected), "{event_type}");
    }
}

async fn refused_delivery_is_applied_when_it_comes_again_and_fits(database: TestDatabase) {
    for once in [true, false] {
        let database = if database.is_sqlite() {
            TestDatabase::sqlite()
        } else {
            TestDatabase::postgres().await
        };
        let profiles = hooked(&database, once).await;
        let pool = &profiles.pool;
        if database.is_sqlite() {
            pool.execute(
                "CREATE TRIGGER strict BEFORE INSERT ON profiles BEGIN SELECT RAISE(ABORT, 'no'); END",
            )
            .await;
        } else {
            pool.execute("ALTER TABLE profiles ADD CONSTRAINT strict CHECK (name <> 'Ada')")
                .await;
        }
        let mut created = user("user_ada", 100);
        created["first_name"] = "Ada".into();
        let created = delivery(&profiles, "user.created", created);
        assert_eq!(send(&profiles, &created).await, StatusCode::NO_CONTENT);
        assert_eq!(pool.number("SELECT count(*) FROM profiles").await, 0);
        // A hook that runs once per delivery runs when the delivery is applied.
        assert_eq!(
            pool.number("SELECT count(*) FROM received").await,
            i64::from(!once)
        );
        assert_eq!(pool.number("SELECT count(*) FROM clerk_deliveries").await, 0);
        if database.is_sqlite() {
            pool.execute("DROP TRIGGER strict").await;
        } else {
            pool.execute("ALTER TABLE profiles DROP CONSTRAINT strict").await;
        }
        assert_eq!(send(&profiles, &created).await, StatusCode::NO_CONTENT);
        assert_eq!(pool.number("SELECT count(*) FROM profiles").await, 1);
        assert_eq!(
            pool.number("SELECT count(*) FROM received").await,
            1 + i64::from(!once)
        );
        assert_eq!(
            pool.number("SELECT count(*) FROM clerk_deliveries").await,
            i64::from(once)
        );
    }
}

async fn late_ban_does_not_undo_its_lifting(database: TestDatabase) {
    let profiles = start(&database).await;
    for (user_id, has_row) in [("user_ada", true), ("user_eve", false)] {
        let odd = |mut user: Value| {
            // Without a row, only the denials record the last event.
            if !has_row {
                user["first_name"] = 7.into();
            }
            user
        };
        let new_token = || token(user_id, "Ada", 50);
        let ban = delivery(&profiles, "user.updated", odd(banned(user_id, 100)));
        let lifting = delivery(&profiles, "user.updated", odd(user(user_id, 200)));
        for (order, expected) in [
            (vec![&ban], Some(Refusal::UserBanned)),
            (vec![&ban, &lifting], None),
            (vec![&ban, &lifting, &ban], None),
            (vec![&lifting, &ban, &ban], None),
        ] {
            for sent in &order {
                assert_eq!(send(&profiles, sent).await, StatusCode::NO_CONTENT);
            }
            assert_eq!(
                refusal(&profiles, new_token()).await,
                expected,
                "{user_id}: {} events",
                order.len()
            );
        }
        // The lifting comes first, to a process and a database without any state.
        let other = format!("{user_id}_2");
        for data in [odd(user(&other, 200)), odd(banned(&other, 100))] {
            assert_eq!(
                receive(&profiles, "user.updated", data).await,
                StatusCode::NO_CONTENT
            );
        }
        assert_eq!(
            refusal(&profiles, token(&other, "Ada", 50)).await,
            None,
            "{other}"
        );

        let restarted = start(&database).await;
        assert_eq!(refusal(&restarted, new_token()).await, None, "{user_id}");
        assert_eq!(send(&restarted, &ban).await, StatusCode::NO_CONTENT);
        assert_eq!(refusal(&restarted, new_token()).await, None, "{user_id}");
    }
}
