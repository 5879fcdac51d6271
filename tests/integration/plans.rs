//! Every statement finds its rows by the unique index on the Clerk id; the plans are those of the documentation.
//!
//! `cargo test -p clerk-auth-tests --test integration plans -- --nocapture` prints them.

use std::fmt::Write as _;

use clerk_auth::user::StoredIn;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Pool};
use sqlx::{AssertSqlSafe, Postgres, Row, Sqlite};

on_both_databases!(each_statement_uses_the_index);

async fn each_statement_uses_the_index(database: TestDatabase) {
    let pool = Pool::open(database.url(), 1).await;
    let numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)";
    pool.execute(&format!(
        "{numbers} INSERT INTO profiles (clerk_id, email, name, clerk_version) \
         SELECT 'user_' || n, 'user_' || n || '@example.com', 'Ada', 5999 FROM n"
    ))
    .await;
    pool.execute("ANALYZE").await;
    let mut text = String::new();
    for (name, statement) in statements(&pool) {
        let plan = explain(&pool, statement).await;
        // PostgreSQL calls a search by index a scan of it; SQLite calls only a walk through all rows a scan.
        let walks = if database.is_sqlite() {
            "SCAN profiles"
        } else {
            "Seq Scan"
        };
        assert!(!plan.contains(walks), "{name}:\n{plan}");
        if !["UPSERT", "INSERT"].contains(&name) {
            let index = if database.is_sqlite() {
                "USING INDEX sqlite_autoindex_profiles_1 (clerk_id=?)"
            } else {
                "profiles_clerk_id_key"
            };
            assert!(plan.contains(index), "{name}:\n{plan}");
        }
        let _ = writeln!(text, "{name}\n{plan}");
    }
    println!("{text}");
}

fn statements(pool: &Pool) -> Vec<(&'static str, &'static str)> {
    macro_rules! of {
        ($database:ty) => {
            vec![
                ("SELECT", <AlwaysRead as StoredIn<$database>>::SELECT),
                (
                    "SELECT_MANY",
                    <AlwaysRead as StoredIn<$database>>::SELECT_MANY,
                ),
                ("INSERT", <AlwaysRead as StoredIn<$database>>::INSERT),
                ("UPSERT", <AlwaysRead as StoredIn<$database>>::UPSERT),
                (
                    "RAISE_VERSION",
                    <AlwaysRead as StoredIn<$database>>::RAISE_VERSION,
                ),
                ("TOMBSTONE", <AlwaysRead as StoredIn<$database>>::TOMBSTONE),
            ]
        };
    }
    let select_or_insert = match pool {
        Pool::Postgres(_) => <AlwaysRead as StoredIn<Postgres>>::SELECT_OR_INSERT,
        Pool::Sqlite(_) => <AlwaysRead as StoredIn<Sqlite>>::SELECT_OR_INSERT,
    };
    let statements = match pool {
        Pool::Postgres(_) => of!(Postgres),
        Pool::Sqlite(_) => of!(Sqlite),
    };
    let select_or_insert = select_or_insert.map(|sql| ("SELECT_OR_INSERT", sql));
    statements.into_iter().chain(select_or_insert).collect()
}

async fn explain(pool: &Pool, statement: &str) -> String {
    match pool {
        Pool::Postgres(pool) => {
            // As a connection plans it that has run it a few times: for any value.
            let mut connection = pool.acquire().await.expect("it is free");
            let values = (1..=9).filter(|number| statement.contains(&format!("${number}")));
            let value = if statement.contains("ANY($1)") {
                "'{}'"
            } else {
                "'1'"
            };
            let values = vec![value; values.count()].join(", ");
            let prepare =
                format!("SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL; PREPARE p AS {statement}");
            sqlx::raw_sql(AssertSqlSafe(prepare))
                .execute(&mut *connection)
                .await
                .expect("it is prepared");
            let explain = format!("EXPLAIN (COSTS OFF) EXECUTE p ({values})");
            let rows = sqlx::raw_sql(AssertSqlSafe(explain))
                .fetch_all(&mut *connection)
                .await;
            let lines = rows.expect("it is explained").into_iter();
            lines
                .map(|row| row.get::<String, _>(0))
                .collect::<Vec<_>>()
                .join("\n")
        }
        Pool::Sqlite(pool) => {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let rows = sqlx::raw_sql(explain)
                .fetch_all(pool)
                .await
                .expect("it is explained");
            let lines = rows.into_iter();
            lines
                .map(|row| row.get::<String, _>("detail"))
                .collect::<Vec<_>>()
                .join("\n")
        }
    }
}
