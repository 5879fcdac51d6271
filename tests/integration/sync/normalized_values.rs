//! Tests that a value that the database normalizes is written once for each version, and that a write without effect is
//! tried once.

use axum::Router;
use axum::http::StatusCode;
use clerk_auth::backend_api::BackendApi;
use clerk_auth::routing::webhooks;
use clerk_auth::sync::SyncOutcome::{Inserted, Unchanged, Updated};
use clerk_auth::testing::{FakeClerk, SignedDelivery, event, set_email, user_object};
use clerk_auth::time::{Clock, Timestamp};
use clerk_auth::webhook::WebhookVerifier;
use clerk_auth::{SyncedUser, UserSync};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::log::Log;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Pool, Profile, Profiles, token};
use tower::ServiceExt;

on_both_databases!(
    normalized_value_is_written_once_for_each_version,
    normalized_value_is_written_once_where_a_hook_needs_a_transaction,
    value_changed_by_hand_is_repaired_all_the_same,
    write_that_changes_nothing_is_tried_once,
    kept_row_of_a_normalized_value_is_served,
);

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const ADDRESS: &str = "Ada@Example.com";

async fn start(pool: Pool) -> Profiles<AlwaysRead> {
    Profiles::<AlwaysRead>::always_read(pool).await
}

/// Starts a process with a hook, so that each write is in a transaction.
async fn start_hooked(pool: Pool) -> Profiles<AlwaysRead> {
    Profiles::of_table(
        pool,
        |builder| builder.on_insert(|_, _: &AlwaysRead| Box::pin(async { Ok(()) })),
        |builder| builder.on_insert(|_, _: &AlwaysRead| Box::pin(async { Ok(()) })),
    )
    .await
}

/// Creates triggers that record each write of sync, also one that the database discards.
async fn count_writes(pool: &Pool) {
    pool.execute("CREATE TABLE writes (clerk_id text)").await;
    let sql = match pool {
        Pool::Postgres(_) => {
            "CREATE FUNCTION log_write() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN INSERT INTO writes VALUES (NEW.clerk_id); RETURN NEW; END $$; \
             CREATE TRIGGER log_write AFTER INSERT OR UPDATE OF clerk_version ON profiles \
             FOR EACH ROW EXECUTE FUNCTION log_write()"
        }
        Pool::Sqlite(_) => {
            "CREATE TRIGGER log_insert AFTER INSERT ON profiles BEGIN INSERT INTO writes VALUES (NEW.clerk_id); END; \
             CREATE TRIGGER log_update AFTER UPDATE OF clerk_version ON profiles \
             BEGIN INSERT INTO writes VALUES (NEW.clerk_id); END"
        }
    };
    pool.execute(sql).await;
}

async fn writes(pool: &Pool) -> i64 {
    pool.number("SELECT count(*) FROM writes").await
}

/// Each normalization, its result for [`ADDRESS`], and the number of writes until it is detected.
fn normalizers(pool: &Pool) -> Vec<(&'static str, &'static str, Option<&'static str>, i64)> {
    const TRIGGER: &str =
        "CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION tidy()";
    match pool {
        Pool::Postgres(_) => vec![
            (
                "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN NEW.email = lower(NEW.email); RETURN NEW; END $$",
                TRIGGER,
                Some("ada@example.com"),
                1,
            ),
            (
                "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN NEW.email = NULL; RETURN NEW; END $$",
                TRIGGER,
                None,
                1,
            ),
            (
                "SELECT 1",
                "ALTER TABLE profiles ALTER email TYPE char(20)",
                Some("Ada@Example.com     "),
                1,
            ),
            (
                "CREATE DOMAIN padded AS char(17)",
                "ALTER TABLE profiles ALTER email TYPE padded",
                Some("Ada@Example.com  "),
                1,
            ),
            // The statement's own `RETURNING` does not contain this change.
            (
                "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN UPDATE profiles SET email = upper(email) WHERE id = NEW.id; RETURN NULL; END $$",
                "CREATE TRIGGER tidy AFTER INSERT OR UPDATE OF clerk_version ON profiles \
                 FOR EACH ROW EXECUTE FUNCTION tidy()",
                Some("ADA@EXAMPLE.COM"),
                1,
            ),
            // A trigger for each statement, with the rows that it has written.
            (
                "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN UPDATE profiles SET email = upper(profiles.email) FROM written \
                 WHERE profiles.id = written.id; \
                 RETURN NULL; END $$; \
                 CREATE TRIGGER tidy_new AFTER INSERT ON profiles REFERENCING NEW TABLE AS written \
                 FOR EACH STATEMENT EXECUTE FUNCTION tidy()",
                "CREATE TRIGGER tidy_changed AFTER UPDATE ON profiles REFERENCING NEW TABLE AS written \
                 FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION tidy()",
                Some("ADA@EXAMPLE.COM"),
                1,
            ),
            // A deferred trigger runs when the transaction is committed.
            (
                "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ \
                 BEGIN UPDATE profiles SET email = upper(email) WHERE id = NEW.id; RETURN NULL; END $$",
                "CREATE CONSTRAINT TRIGGER tidy AFTER INSERT OR UPDATE OF clerk_version ON profiles \
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tidy()",
                Some("ADA@EXAMPLE.COM"),
                1,
            ),
        ],
        Pool::Sqlite(_) => vec![
            (
                "CREATE TRIGGER tidy AFTER INSERT ON profiles \
                 BEGIN UPDATE profiles SET email = lower(email) WHERE id = NEW.id; END",
                "CREATE TRIGGER tidy_again AFTER UPDATE OF clerk_version ON profiles \
                 BEGIN UPDATE profiles SET email = lower(email) WHERE id = NEW.id; END",
                Some("ada@example.com"),
                1,
            ),
            (
                "CREATE TRIGGER tidy AFTER INSERT ON profiles \
                 BEGIN UPDATE profiles SET email = NULL WHERE id = NEW.id; END",
                "CREATE TRIGGER tidy_again AFTER UPDATE OF clerk_version ON profiles \
                 BEGIN UPDATE profiles SET email = NULL WHERE id = NEW.id; END",
                None,
                1,
            ),
        ],
    }
}

async fn deliver<U: SyncedUser>(profiles: &Profiles<U>, user: serde_json::Value) -> StatusCode {
    let now = profiles.clock.now();
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret")).clock(profiles.clock.clone());
    let router: Router = Router::new().route("/", webhooks(&profiles.users, verifier));
    let delivery = SignedDelivery::new(SECRET, &event("user.updated", user, now), now);
    router
        .oneshot(delivery.request("/"))
        .await
        .expect("it answers")
        .status()
}

fn user(user_id: &str, updated_at: i64) -> serde_json::Value {
    let mut user = user_object(user_id, Timestamp::from_secs(updated_at));
    user["first_name"] = "Ada".into();
    set_email(&mut user, Some(ADDRESS));
    user
}

async fn normalized_value_is_written_once_for_each_version(database: TestDatabase) {
    written_once_for_each_version(database, start).await;
}

async fn normalized_value_is_written_once_where_a_hook_needs_a_transaction(database: TestDatabase) {
    written_once_for_each_version(database, start_hooked).await;
}

async fn written_once_for_each_version(
    first: TestDatabase,
    start: impl AsyncFn(Pool) -> Profiles<AlwaysRead>,
) {
    let count = normalizers(&Pool::open(first.url(), 1).await).len();
    for place in 0..count {
        let database = match first.is_sqlite() {
            true => TestDatabase::sqlite(),
            false => TestDatabase::postgres().await,
        };
        let pool = Pool::open(database.url(), 3).await;
        count_writes(&pool).await;
        let (before, normalizer, expected, most) = normalizers(&pool)[place];
        pool.execute(before).await;
        pool.execute(normalizer).await;
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        let profiles = start(pool.clone()).await;
        let ada = |version| token("user_ada", "Ada", version).claim("email", ADDRESS);
        assert_eq!(profiles.sync(ada(5)).await.expect("it syncs").outcome, Inserted);
        let mut written = 0;
        for version in [5, 7, 9] {
            for number in 0..10 {
                // Each request has a different token.
                let synced = profiles
                    .sync(ada(version).claim("jti", number))
                    .await
                    .expect("it syncs");
                if number >= most {
                    assert_eq!(synced.outcome, Unchanged, "{normalizer}");
                    assert_eq!(synced.user.email.as_deref(), expected, "{normalizer}");
                }
            }
            written += most;
            assert_eq!(writes(&pool).await, written, "{normalizer} at {version}");
        }
        // Notifications of that version cause no write.
        assert_eq!(
            deliver(&profiles, user("user_ada", 9)).await,
            StatusCode::NO_CONTENT
        );
        assert_eq!(writes(&pool).await, written, "{normalizer}, a delivery");
        // A user with deliveries only, each sent twice.
        for _ in 0..4 {
            assert_eq!(
                deliver(&profiles, user("user_eve", 9)).await,
                StatusCode::NO_CONTENT
            );
        }
        let eve = writes(&pool).await - written;
        assert!(eve <= most, "{normalizer}: {eve}");
        drop(guard);
        let warnings: Vec<String> = log
            .lines()
            .into_iter()
            .filter(|line| line.contains("another value than was written"))
            .collect();
        assert_eq!(warnings.len(), 1, "{normalizer}: {warnings:?}");
        assert!(
            warnings[0].contains("email") && !warnings[0].contains("Example"),
            "{warnings:?}"
        );
        // After a restart, sync writes at most once more.
        let written = writes(&pool).await;
        let restarted = start(pool.clone()).await;
        for number in 0..6 {
            restarted
                .sync(ada(9).claim("jti", number))
                .await
                .expect("it syncs");
        }
        assert!(writes(&pool).await - written <= most, "{normalizer}, a restart");
        // A value that is new is written.
        let grace = token("user_ada", "Grace", 11).claim("email", ADDRESS);
        let synced = restarted.sync(grace).await.expect("it syncs");
        assert_eq!(
            (synced.outcome, synced.user.name.as_deref()),
            (Updated, Some("Grace"))
        );
        // The last import writes nothing either.
        let fake = FakeClerk::start().await.expect("a port is free");
        let api =
            BackendApi::with_base_url(fake.issuer().url(), "sk_test_secret").expect("the address is right");
        let clerk = fake.clerk().build().expect("the configuration is right");
        let users: UserSync<AlwaysRead> = match &pool {
            Pool::Postgres(pool) => UserSync::new(clerk, pool.clone()).await,
            Pool::Sqlite(pool) => UserSync::new(clerk, pool.clone()).await,
        }
        .expect("the table fits");
        fake.put_user(user("user_eve", 9));
        fake.put_user(user("user_bob", 9));
        for _ in 0..3 {
            users.import(&api).run().await.expect("it imports");
        }
        let written = writes(&pool).await;
        let counts = users.import(&api).run().await.expect("it imports");
        assert_eq!(
            (counts.unchanged, counts.total()),
            (2, 2),
            "{normalizer}: {counts}"
        );
        assert_eq!(writes(&pool).await, written, "{normalizer}, an import");
    }
}

async fn value_changed_by_hand_is_repaired_all_the_same(database: TestDatabase) {
    let pool = Pool::open(database.url(), 2).await;
    let profiles = start(pool.clone()).await;
    for _ in 0..3 {
        profiles
            .sync(token("user_ada", "Ada", 5))
            .await
            .expect("it syncs");
        pool.execute("UPDATE profiles SET name = 'By hand'").await;
        let synced = profiles
            .sync(token("user_ada", "Ada", 5))
            .await
            .expect("it syncs");
        assert_eq!(
            (synced.outcome, synced.user.name.as_deref()),
            (Updated, Some("Ada"))
        );
    }
}

/// A trigger discards each write of the row: it restores the old values, or skips the row.
async fn write_that_changes_nothing_is_tried_once(database: TestDatabase) {
    let pool = Pool::open(database.url(), 2).await;
    let profiles = start(pool.clone()).await;
    for user in ["user_ada", "user_eve"] {
        profiles.sync(token(user, "Ada", 5)).await.expect("it syncs");
    }
    let keepers: &[&str] = match &pool {
        Pool::Postgres(_) => &[
            "CREATE SEQUENCE tries; \
             CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN PERFORM nextval('tries'); RETURN OLD; END $$; \
             CREATE TRIGGER keep BEFORE UPDATE ON profiles FOR EACH ROW EXECUTE FUNCTION keep()",
            "CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN PERFORM nextval('tries'); RETURN NULL; END $$",
        ],
        Pool::Sqlite(_) => &["CREATE TRIGGER keep BEFORE UPDATE ON profiles BEGIN SELECT RAISE(IGNORE); END"],
    };
    for (place, keeper) in (1..).zip(keepers) {
        pool.execute(keeper).await;
        let log = Log::default();
        let guard = tracing::subscriber::set_default(log.clone());
        let profiles = start(pool.clone()).await;
        // First the claims are unchanged at a newer version, and then one changes.
        for (user, name) in [("user_ada", "Ada"), ("user_eve", "Eve")] {
            let tries = match &pool {
                Pool::Postgres(_) => pool.number("SELECT nextval('tries')").await,
                Pool::Sqlite(_) => 0,
            };
            for number in 0..10 {
                let token = token(user, name, 10 * place).claim("jti", number);
                let synced = profiles.sync(token).await.expect("the row is served");
                assert_eq!(
                    (synced.outcome, synced.user.name.as_deref()),
                    (Unchanged, Some("Ada"))
                );
            }
            if matches!(pool, Pool::Postgres(_)) {
                let tried = pool.number("SELECT nextval('tries')").await - tries - 1;
                assert_eq!(tried, 1, "{keeper} {user}");
            }
        }
        drop(guard);
        let lines = log.lines();
        let warnings = lines
            .iter()
            .filter(|line| line.contains("a write changes nothing"));
        assert_eq!(warnings.count(), 1, "{keeper}: {lines:#?}");
    }
}

async fn kept_row_of_a_normalized_value_is_served(database: TestDatabase) {
    let pool = Pool::open(database.url(), 2).await;
    let (before, normalizer, expected, _) = normalizers(&pool)[0];
    pool.execute(before).await;
    pool.execute(normalizer).await;
    let profiles: Profiles<Profile> = Profiles::start_on(pool).await;
    crate::sync::two_processes::wait_until_listening(&profiles).await;
    let ada = || token("user_ada", "Ada", 5).claim("email", ADDRESS);
    profiles.sync(ada()).await.expect("it syncs");
    for number in 0..3 {
        let synced = profiles.sync(ada().claim("sid", format!("sess_{number}"))).await;
        let synced = synced.expect("it syncs");
        assert_ne!(synced.outcome, Updated);
        assert_eq!(synced.user.email.as_deref(), expected);
    }
}
