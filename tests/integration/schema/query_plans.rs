//! Tests that every statement finds its rows by the unique index on the Clerk id, with the plans that the documentation
//! shows.
//!
//! `cargo test -p clerk-auth-tests --test integration query_plans -- --nocapture` prints them.

use std::fmt::Write as _;

use clerk_auth::row::{Parameter, Statement, StoredIn};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::{AlwaysRead, Member, Pool, Profile};
use sqlx::{AssertSqlSafe, Postgres, Row, Sqlite};

on_both_databases!(each_statement_uses_the_index);

async fn each_statement_uses_the_index(database: TestDatabase) {
    let pool = Pool::open(database.url(), 1).await;
    let numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)";
    pool.execute(&format!(
        "{numbers} INSERT INTO profiles (clerk_id, email, name, clerk_version) \
         SELECT 'user_' || n, 'user_' || n || '@example.com', 'Ada ' || n, 5999 FROM n"
    ))
    .await;
    // The indexes of a team with unique columns.
    for column in ["email", "name"] {
        pool.execute(&format!("CREATE INDEX of_{column} ON profiles ({column})"))
            .await;
        pool.execute(&format!(
            "CREATE INDEX of_folded_{column} ON profiles (lower(CAST({column} AS TEXT)))"
        ))
        .await;
    }
    pool.execute("ANALYZE").await;
    let statements = match &pool {
        Pool::Postgres(_) => <AlwaysRead as StoredIn<Postgres>>::statements(),
        Pool::Sqlite(_) => <AlwaysRead as StoredIn<Sqlite>>::statements(),
    };
    let mut text = String::new();
    for statement in statements {
        let name = statement.name;
        let plan = explain(&pool, &statement).await;
        // PostgreSQL calls a search by index an index scan; SQLite calls only a read of all rows a scan.
        let walks = if database.is_sqlite() {
            "SCAN profiles"
        } else {
            "Seq Scan"
        };
        assert!(!plan.contains(walks), "{name}:\n{plan}");
        let holder = name
            .strip_prefix("CLAIM_COLUMNS.")
            .filter(|rest| !rest.ends_with("give_way"));
        let index = if let Some(holder) = holder {
            let (column, statement) = holder.split_once('.').expect("a column and a statement");
            let folded = if statement == "holder" { "" } else { "folded_" };
            format!("of_{folded}{column}")
        } else if database.is_sqlite() {
            "INDEX sqlite_autoindex_profiles_1 (clerk_id".to_owned()
        } else {
            "profiles_clerk_id_key".to_owned()
        };
        // These statements find the row by the constraint itself.
        if !["UPSERT", "UPSERT_MANY", "INSERT"].contains(&name) {
            assert!(plan.contains(&index), "{name}:\n{plan}");
        }
        let _ = writeln!(text, "{name}\n{plan}");
    }
    println!("{text}");
}

/// The list is complete: it contains every statement of the constants, with the number of parameters in the text.
#[test]
fn list_has_every_statement_once() {
    fn of<U: StoredIn<DB>, DB: sqlx::Database>() {
        let many = U::UPSERT_MANY.to_sql(2);
        let mut expected = vec![
            U::SELECT,
            U::SELECT_FOR_UPDATE,
            U::SELECT_MANY,
            U::SELECT_IDS,
            U::UPSERT,
            U::INSERT,
            &many,
            U::RAISE_VERSION,
            U::RAISE_VERSION_MANY,
            U::TOMBSTONE,
        ];
        expected.extend(U::SELECT_OR_INSERT);
        if let Some(it) = U::TOMBSTONES {
            expected.extend([it.select, it.select_many, it.delete]);
        }
        for column in U::CLAIM_COLUMNS {
            expected.extend([column.holder, column.holder_ignoring_case]);
            expected.extend(column.give_way);
        }
        expected.sort_unstable();
        expected.dedup();
        let mut listed: Vec<&str> = U::statements().iter().map(|it| it.sql).collect();
        listed.sort_unstable();
        assert_eq!(listed, expected, "{}", U::NAME);
        for statement in U::statements() {
            let count = statement.parameters.len();
            let has = |number: usize| {
                ["$", "?"].iter().any(|sign| {
                    let parameter = format!("{sign}{number}");
                    let mut rests = statement.sql.split(&parameter).skip(1);
                    rests.any(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
                })
            };
            assert!((1..=count).all(has) && !has(count + 1), "{statement:?}");
        }
    }
    of::<AlwaysRead, Postgres>();
    of::<AlwaysRead, Sqlite>();
    of::<Profile, Postgres>();
    of::<Member, Postgres>();
    of::<Member, Sqlite>();
}

async fn explain(pool: &Pool, statement: &Statement) -> String {
    let sql = statement.sql;
    match pool {
        Pool::Postgres(pool) => {
            // The generic plan, as of a connection that has run the statement a few times.
            let mut connection = pool.acquire().await.expect("it is free");
            let value = |parameter: &Parameter| match parameter {
                Parameter::Texts => "'{}'",
                _ => "'1'",
            };
            let values: Vec<&str> = statement.parameters.iter().map(value).collect();
            // PostgreSQL assumes a hundred users in a JSON object. For a table as small as this, it would rather read
            // all rows than look them up.
            let settings = match statement.name {
                "RAISE_VERSION_MANY" => "SET enable_seqscan = off",
                _ => "RESET enable_seqscan",
            };
            let prepare = format!(
                "{settings}; SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL; PREPARE p AS {sql}"
            );
            sqlx::raw_sql(AssertSqlSafe(prepare))
                .execute(&mut *connection)
                .await
                .expect("it is prepared");
            let explain = format!("EXPLAIN (COSTS OFF) EXECUTE p ({})", values.join(", "));
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
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
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
