//! PostgreSQL's server programs and PgBouncer are found where systems install them; otherwise the message names the
//! package.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use clerk_auth_tests::pooler;
use clerk_auth_tests::postgres::programs;
use clerk_auth_tests::sqlite;

#[test]
fn programs_in_the_path_come_first() {
    let system = System::new("programs_in_the_path_come_first");
    let client_only = system.programs("client", &["psql", "initdb"]);
    let complete = system.programs("complete", &["initdb", "pg_ctl", "postgres"]);
    system.programs("packaged/15/bin", &["initdb", "pg_ctl", "postgres"]);
    let path = env::join_paths([&client_only, &complete]).expect("folders without a colon");
    assert_eq!(programs::find(&path, &system.packaged()), Ok(complete));
}

#[test]
fn newest_package_comes_second() {
    let system = System::new("newest_package_comes_second");
    system.programs("packaged/9/bin", &["initdb", "pg_ctl", "postgres"]);
    let newest = system.programs("packaged/17/bin", &["initdb", "pg_ctl", "postgres"]);
    system.programs("packaged/18/bin", &["psql"]);
    assert_eq!(
        programs::find(OsStr::new("/nowhere"), &system.packaged()),
        Ok(newest)
    );
}

#[test]
fn missing_server_is_reported_with_the_command() {
    let system = System::new("missing_server_is_reported_with_the_command");
    let message = programs::find(OsStr::new(""), &system.packaged()).expect_err("there is nothing to find");
    assert!(message.contains("`apt-get install postgresql`"), "{message}");
    assert!(message.contains("`tests/run`"), "{message}");
    assert!(message.contains("DATABASE_URL"), "{message}");
}

#[test]
fn missing_pooler_is_reported_with_the_command() {
    let system = System::new("missing_pooler_is_reported_with_the_command");
    let message = pooler::find(OsStr::new(""), &system.packaged()).expect_err("there is nothing to find");
    assert!(message.contains("`apt-get install pgbouncer`"), "{message}");
    assert!(message.contains("`tests/run`"), "{message}");
    let packaged = system.programs("packaged", &["pgbouncer"]);
    let program = |folder: PathBuf| Ok(folder.join("pgbouncer"));
    assert_eq!(
        pooler::find(OsStr::new("/nowhere"), &packaged),
        program(packaged.clone())
    );
    let first = system.programs("first", &["pgbouncer"]);
    assert_eq!(pooler::find(first.as_os_str(), &packaged), program(first.clone()));
}

/// A folder with server programs in chosen places.
struct System(PathBuf);

impl System {
    fn new(test: &str) -> Self {
        Self(sqlite::folder().join(test))
    }

    fn packaged(&self) -> PathBuf {
        self.0.join("packaged")
    }

    fn programs(&self, folder: impl AsRef<Path>, names: &[&str]) -> PathBuf {
        let folder = self.0.join(folder);
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        for name in names {
            fs::write(folder.join(name), "").expect("the temporary folder is writable");
        }
        folder
    }
}
