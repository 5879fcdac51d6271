//! A PostgreSQL server for the test run.
//!
//! The server is watched over by a small shell, which holds one end of a pipe; when the test process ends, be it by a
//! panic or by SIGKILL, the pipe closes, and the shell stops the server and removes its files.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// What to do where no server programs are found.
const INSTALL: &str = "PostgreSQL is needed and was not found: run `tests/run`, which installs it, or \
                       `apt-get install postgresql`, or set DATABASE_URL to a server on which databases may be created";

/// Starts the server, says `ready` or why not, and waits for the end of its input.
const WATCH: &str = r#"
"$BIN/initdb" -D "$HOME_DIR/data" -U postgres -A trust -E UTF8 --locale=C --no-sync > "$HOME_DIR/log" 2>&1 &&
"$BIN/pg_ctl" -D "$HOME_DIR/data" -w -l "$HOME_DIR/log" -o "$OPTIONS" start >> "$HOME_DIR/log" 2>&1 &&
echo ready || cat "$HOME_DIR/log"
exec >&-
cat > /dev/null
"$BIN/pg_ctl" -D "$HOME_DIR/data" -m immediate stop > /dev/null 2>&1
rm -rf "$HOME_DIR"
"#;

/// Makes a database on the run's server and gives its URL.
pub(crate) async fn create_database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let name = format!(
        "clerk_auth_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let mut connection = PgConnection::connect(&server.url("postgres"))
        .await
        .expect("the server of the test run accepts connections");
    connection
        .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .expect("a database can be created");
    server.url(&name)
}

#[derive(Debug)]
enum Server {
    /// That of `DATABASE_URL`.
    Given(String),
    /// Our own, on a socket in this folder. The watch's input keeps it running.
    Own { home: PathBuf, _watch: Child },
}

impl Server {
    fn url(&self, database: &str) -> String {
        match self {
            Self::Given(url) => {
                let (server, _) = url.rsplit_once('/').unwrap_or((url, ""));
                format!("{server}/{database}")
            }
            Self::Own { home, .. } => {
                let socket = home.to_string_lossy().replace('/', "%2F");
                format!("postgres://postgres@{socket}/{database}")
            }
        }
    }
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match env::var("DATABASE_URL") {
        Ok(url) if url.starts_with("postgres") => Server::Given(url),
        _ => start(&programs(&env::var("PATH").unwrap_or_default()).expect(INSTALL)),
    })
}

/// The folder of the server programs: on the PATH, or where Debian puts them, the newest first.
fn programs(path: &str) -> Option<PathBuf> {
    let has_server = |folder: &Path| folder.join("initdb").exists() && folder.join("pg_ctl").exists();
    let on_path = env::split_paths(path).find(|folder| has_server(folder));
    on_path.or_else(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        versions
            .filter_map(|version| Some(version.ok()?.path().join("bin")))
            .filter(|folder| has_server(folder))
            .max_by_key(|folder| {
                let version = folder.parent()?.file_name()?.to_str()?;
                version.parse::<u32>().ok()
            })
    })
}

fn start(programs: &Path) -> Server {
    let home = env::temp_dir().join(format!("clerk-auth-postgres-{}", std::process::id()));
    fs::create_dir_all(&home).expect("a folder for the server can be made");
    let mut watch = Command::new("sh");
    watch
        .args(["-c", WATCH])
        .env("BIN", programs)
        .env("HOME_DIR", &home)
        .env("OPTIONS", options(&home))
        .current_dir(&home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Ctrl-c is for the tests; the pipe tells the watch.
        .process_group(0);
    let owner = fs::metadata(&home).expect("the folder is there").uid();
    if owner == 0 {
        // The server refuses to run as root.
        let (user, group) =
            unprivileged().expect("there is a user `postgres` or `nobody` to run the server as");
        chown(&home, Some(user), Some(group)).expect("root can give a folder away");
        watch.uid(user).gid(group);
    }
    let mut child = watch.spawn().expect("a shell can be started");
    let output = child.stdout.take().expect("the output is a pipe");
    let said: Vec<String> = BufReader::new(output).lines().map_while(Result::ok).collect();
    if said.last().is_none_or(|last| last != "ready") {
        drop(child.stdin.take());
        drop(child.wait());
        panic!("the PostgreSQL server did not start:\n{}", said.join("\n"));
    }
    Server::Own { home, _watch: child }
}

/// No network; and no care for a crash, after which the files are thrown away.
fn options(home: &Path) -> String {
    format!(
        "-c listen_addresses='' -c unix_socket_directories={} -c max_connections=400 -c fsync=off \
         -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB",
        home.display()
    )
}

/// A user other than root.
fn unprivileged() -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (known, user, group) = (fields.next()?, fields.nth(1)?, fields.next()?);
            (known == name).then_some((user.parse().ok()?, group.parse().ok()?))
        })
    };
    find("postgres").or_else(|| find("nobody"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_for_and_their_absence_is_told() {
        let nowhere = programs("");
        let debian = Path::new("/usr/lib/postgresql").exists();
        assert_eq!(nowhere.is_some(), debian);
        assert!(INSTALL.contains("apt-get install postgresql"));
    }
}
