//! SQLite files that are removed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// A path for an SQLite file; the file and its companions are removed on drop.
#[derive(Debug)]
pub(crate) struct TemporaryFile(PathBuf);

impl TemporaryFile {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("clerk-auth-{}-{number}.sqlite", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite:{}", self.0.display())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        for companion in ["", "-shm", "-wal"] {
            let mut path = self.0.clone().into_os_string();
            path.push(companion);
            // A companion that was never made, or is gone already, is no trouble.
            drop(std::fs::remove_file(path));
        }
    }
}
