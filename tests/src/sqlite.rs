//! SQLite files, in a temporary folder that ends with the test process.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::watcher::Watcher;

/// Returns the URL of a file that does not exist yet.
pub(crate) fn new_url() -> String {
    format!("sqlite:{}/{}.sqlite", folder().display(), crate::unique_name())
}

/// Returns the temporary folder of this process.
///
/// # Panics
///
/// If temporary files cannot be created.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<Result<Watcher, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| Watcher::start(Command::new("sh"), "start() { :; }\nstop() { :; }"));
    match folder {
        Ok(watcher) => watcher.folder(),
        Err(problem) => panic!("no temporary folder: {problem}"),
    }
}
