//! Tests with a separate crate: sqlx checks its statements at compile time, and a changed template is compiled again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clerk_auth::SyncedUser;
use clerk_auth::row::StoredIn;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use sqlx::{AssertSqlSafe, Connection, Executor};

on_both_databases!(statements_are_checked_while_compiling);

/// The fixture's struct without the check; only its DDL is used.
#[derive(SyncedUser)]
#[synced_user(table = "users", database(postgres, sqlite))]
#[expect(dead_code, reason = "only its statements are used")]
struct User {
    #[column(generated)]
    id: i64,
    clerk_id: String,
    email: Option<String>,
    #[column(app)]
    credits: i64,
}

/// A copy of the fixture, and the database that it is checked against.
struct Fixture {
    folder: PathBuf,
    url: String,
    feature: &'static str,
}

impl Fixture {
    /// Copies the fixture into a folder of this name.
    fn copy(name: &str, url: &str, feature: &'static str) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let original = tests.join("fixtures/checked-statements");
        let workspace = tests.parent().expect("the workspace");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        drop(fs::remove_dir_all(&folder));
        for part in ["src", "clerk", ".sqlx"] {
            fs::create_dir_all(folder.join(part)).expect("the folder can be made");
        }
        let manifest = fs::read_to_string(original.join("Cargo.toml")).expect("the manifest");
        let library = workspace.join("clerk-auth");
        let manifest = manifest.replace("../../../clerk-auth", &library.to_string_lossy());
        // Cargo treats copies with one package name as one package, and would use one copy for another.
        let manifest = manifest.replace("checked-statements", name);
        fs::write(folder.join("Cargo.toml"), manifest).expect("it can be written");
        for (from, to) in [
            (original.join("src/lib.rs"), "src/lib.rs"),
            (
                original.join("clerk/session-token.json"),
                "clerk/session-token.json",
            ),
            (workspace.join("Cargo.lock"), "Cargo.lock"),
        ] {
            fs::copy(from, folder.join(to)).expect("it can be copied");
        }
        Self {
            folder,
            url: url.to_owned(),
            feature,
        }
    }

    /// Compiles the fixture; the error is the compiler's output. `variables` are sqlx's.
    fn check(&self, variables: &[(&str, &str)]) -> Result<(), String> {
        let output = Command::new(env!("CARGO"))
            .args(["check", "--offline", "--quiet", "--color=never", "--features"])
            .arg(self.feature)
            .current_dir(&self.folder)
            // The fixture reuses the compiled dependencies of the tests.
            .env(
                "CARGO_TARGET_DIR",
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(".."),
            )
            .env_remove("DATABASE_URL")
            .env_remove("SQLX_OFFLINE")
            .envs(variables.iter().copied())
            .output()
            .expect("cargo runs");
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Compiles the fixture against the live database, whose schema may have changed since.
    fn check_live(&self) -> Result<(), String> {
        let source = self.folder.join("src/lib.rs");
        let text = fs::read_to_string(&source).expect("the source");
        fs::write(source, text).expect("it can be touched");
        self.check(&[("DATABASE_URL", &self.url)])
    }

    async fn execute(&self, statements: &str) {
        let statements = AssertSqlSafe(statements.to_owned());
        if self.feature == "sqlite" {
            let mut connection = sqlx::SqliteConnection::connect(&self.url)
                .await
                .expect("it opens");
            connection.execute(statements).await.expect("it runs");
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("it opens");
            connection.execute(statements).await.expect("it runs");
        }
    }
}

async fn statements_are_checked_while_compiling(database: TestDatabase) {
    let (name, feature, ddl, url) = if database.is_sqlite() {
        let url = format!("{}?mode=rwc", database.url());
        (
            "checked-sqlite",
            "sqlite",
            <User as StoredIn<sqlx::Sqlite>>::create_table(),
            url,
        )
    } else {
        let url = database.url().to_owned();
        (
            "checked-postgres",
            "postgres",
            <User as StoredIn<sqlx::Postgres>>::create_table(),
            url,
        )
    };
    let fixture = Fixture::copy(name, &url, feature);
    fixture.execute(&ddl).await;

    // Does the work of `cargo sqlx prepare`: makes the macros write the database's answers.
    let prepared = fixture.folder.join(".sqlx");
    let prepared_text = prepared.to_string_lossy().into_owned();
    fixture
        .check(&[
            ("DATABASE_URL", &fixture.url),
            ("SQLX_OFFLINE_DIR", &prepared_text),
        ])
        .expect("the schema is right");
    let queries = fs::read_dir(&prepared).expect("the folder is there").count();
    let statements = if database.is_sqlite() {
        <User as StoredIn<sqlx::Sqlite>>::statements().len()
    } else {
        <User as StoredIn<sqlx::Postgres>>::statements().len()
    };
    assert_eq!(queries, statements, "each statement is prepared");
    fixture
        .check(&[("SQLX_OFFLINE", "true")])
        .expect("the prepared statements are right");

    let without_column = ddl.replace("\"email\" TEXT,", "");
    let without_index = ddl.replace(" UNIQUE", "");
    for (table, schema, expected) in [
        ("without a column", without_column.as_str(), "email"),
        ("without the unique index", &without_index, "ON CONFLICT"),
        ("without the table", "", "users"),
    ] {
        assert_ne!(schema, ddl, "{table}");
        fixture
            .execute(&format!("DROP TABLE IF EXISTS users; {schema}"))
            .await;
        let message = fixture.check_live().expect_err(table);
        assert!(message.contains(expected), "{table}: {message}");
        assert!(message.contains("check = \"sqlx\""), "{table}: {message}");
    }
}

#[test]
fn template_that_changes_rebuilds_the_crate() {
    let fixture = Fixture::copy("changed-template", "", "sqlite");
    let source = fixture.folder.join("src/lib.rs");
    let text = fs::read_to_string(&source).expect("the source");
    fs::write(source, text.replace(", check = \"sqlx\"", "")).expect("it can be written");
    fixture.check(&[]).expect("the template fits the struct");

    let template = fixture.folder.join("clerk/session-token.json");
    let text = fs::read_to_string(&template).expect("the template");
    fs::write(&template, text.replace("\"email\"", "\"eMail\"")).expect("it can be written");
    let message = fixture.check(&[]).expect_err("the claim has another name now");
    assert!(message.contains("the template has no claim `email`"), "{message}");
    assert!(
        message.contains("did you mean `#[claim(\"eMail\")]`?"),
        "{message}"
    );
}
