//! Finds PostgreSQL's server programs and the account that runs them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of Debian's packages, with a folder per major version; not in the PATH.
pub const PACKAGED: &str = "/usr/lib/postgresql";

/// The environment variable that names the folder of the server programs of another version, before all others.
pub const FOLDER: &str = "CLERK_AUTH_POSTGRES";

/// The message of a test that needs PostgreSQL and does not find it.
pub const MISSING: &str = "\
this test needs PostgreSQL, and its server programs (initdb, pg_ctl, postgres) are neither in the PATH nor in \
/usr/lib/postgresql/*/bin: install them with `apt-get install postgresql`, or let `tests/run` do that and run all \
tests. Instead, DATABASE_URL may name a server (postgres://…) in which the tests can create databases";

/// Returns the folder in [`FOLDER`], or else the result of [`find`].
///
/// # Errors
///
/// If the folder lacks a program, or [`MISSING`].
pub fn chosen() -> Result<PathBuf, String> {
    let Some(folder) = env::var_os(FOLDER).filter(|folder| !folder.is_empty()) else {
        let path = env::var_os("PATH").unwrap_or_default();
        return Ok(find(&path, Path::new(PACKAGED))?);
    };
    let folder = PathBuf::from(folder);
    match has_programs(&folder) {
        true => Ok(folder),
        false => Err(format!(
            "{FOLDER} names {}, which has no initdb, pg_ctl and postgres: name the `bin` folder of a PostgreSQL",
            folder.display()
        )),
    }
}

/// Finds the folder of the server programs: the first one in `path` that has them, or else the newest below `packaged`.
///
/// # Errors
///
/// [`MISSING`]
pub fn find(path: &OsStr, packaged: &Path) -> Result<PathBuf, &'static str> {
    env::split_paths(path)
        .chain(newest_first(packaged))
        .find(|folder| has_programs(folder))
        .ok_or(MISSING)
}

fn has_programs(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"]
        .iter()
        .all(|name| folder.join(name).is_file())
}

fn newest_first(packaged: &Path) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(packaged)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, folder)| folder).collect()
}

/// A user and group id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Account {
    user: u32,
    group: u32,
}

/// Returns the account that runs the server, because PostgreSQL refuses root. `None` means the user who runs the tests.
fn account() -> Result<Option<Account>, &'static str> {
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    // Without a package, the server programs have no user of their own.
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| {
            Some(Account {
                user: id(&["-u", name])?,
                group: id(&["-g", name])?,
            })
        })
        .map(Some)
        .ok_or(
            "PostgreSQL refuses to run as root, and this system has neither a user `postgres` nor `nobody`",
        )
}

/// Creates a command that runs as the server's account, without the environment variables of PostgreSQL's clients.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Result<Command, &'static str> {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    if let Some(account) = account()? {
        command.uid(account.user).gid(account.group);
    }
    Ok(command)
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    str::from_utf8(&output.stdout).ok()?.trim().parse().ok()
}
