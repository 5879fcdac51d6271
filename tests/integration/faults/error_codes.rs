//! The database errors that count as an outage: three in a row open the circuit breaker. Other errors never do.

use clerk_auth::sync::SyncError;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::{Pool, Profiles, token};

/// More failures than the breaker tolerates.
const ATTEMPTS: usize = 5;

/// Returns how often the database was queried for users whose insertion fails.
async fn failures(profiles: &Profiles, label: &str) -> usize {
    let mut asked = 0;
    for attempt in 0..ATTEMPTS {
        match profiles.sync(token(&format!("user_{attempt}"), "Ada", 5)).await {
            Err(SyncError::Database(_)) => asked += 1,
            Err(SyncError::Unavailable) => {}
            other => panic!("{label}: {other:?}"),
        }
    }
    asked
}

#[tokio::test]
async fn sqlstate_of_an_outage_opens_the_breaker() {
    let database = TestDatabase::postgres().await;
    let pool = Pool::open(database.url(), 2).await;
    pool.execute("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = TG_ARGV[0]; END $$")
        .await;
    for (code, is_outage) in [
        ("08006", true),
        ("08001", true),
        ("08003", true),
        ("08000", true),
        ("53100", true),
        // A single cancelled statement; a database that is slow for all causes a timeout.
        ("57014", false),
        ("58030", true),
        ("22001", false),
        ("23514", false),
        ("25006", false),
        ("40001", false),
        ("42501", false),
        ("55P03", false),
        ("P0001", false),
        ("10005", false),
        ("20013", false),
    ] {
        pool.execute("DROP TRIGGER IF EXISTS failing ON profiles").await;
        pool.execute(&format!(
            "CREATE TRIGGER failing BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION fail('{code}')"
        ))
        .await;
        let profiles = Profiles::start_on(pool.clone()).await;
        let expected = if is_outage { 3 } else { ATTEMPTS };
        assert_eq!(failures(&profiles, code).await, expected, "{code}");
    }
}

#[tokio::test]
async fn sqlite_result_code_of_refused_data_is_no_outage() {
    for condition in ["RAISE(ABORT, 'refused')", "RAISE(FAIL, 'refused')", "json('{')"] {
        let database = TestDatabase::sqlite();
        let pool = Pool::open(database.url(), 2).await;
        pool.execute(&format!(
            "CREATE TRIGGER failing BEFORE INSERT ON profiles BEGIN SELECT {condition}; END"
        ))
        .await;
        let profiles = Profiles::start_on(pool).await;
        assert_eq!(failures(&profiles, condition).await, ATTEMPTS, "{condition}");
    }
}
