//! A small process that cleans up after the test process, even after an abort or SIGKILL.
//!
//! Destructors of statics do not run, and nothing runs after SIGKILL. So a shell owns the resources, and waits for the
//! end of a pipe that only the test process holds open.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Owns a temporary folder until it is dropped or its process ends.
#[derive(Debug)]
pub(crate) struct Watcher {
    shell: Child,
    folder: PathBuf,
}

impl Watcher {
    /// Runs `steps`, shell text that defines the functions `start` and `stop`, with `$folder` set.
    ///
    /// The command's user and environment must be set. The error is the output of the steps.
    pub(crate) fn start(mut command: Command, steps: &str) -> Result<Self, String> {
        let mut shell = command
            .arg("-c")
            .arg(format!("{steps}\n{}", include_str!("watcher.sh")))
            .current_dir("/") // another user may not be allowed into ours
            .process_group(0) // Ctrl-C is for the test process; the watcher acts on its end
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Inherited, so that the tests' output ends only when everything was removed.
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("cannot start `sh`: {error}"))?;
        let mut output = BufReader::new(shell.stdout.take().expect("standard output is piped"));

        let mut first_line = String::new();
        let read = output.read_line(&mut first_line);
        if let Some(folder) = first_line.strip_prefix("ready ") {
            let folder = PathBuf::from(folder.trim_end_matches('\n'));
            return Ok(Self { shell, folder });
        }
        let mut failure = first_line;
        let read = read.and_then(|_| output.read_to_string(&mut failure));
        let status = shell.wait();
        Err(format!("{failure}(read: {read:?}, status: {status:?})"))
    }

    /// Returns the folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // A failure cannot be handled here, and a panic would hide that of the test.
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests Ctrl-C while PostgreSQL starts: the reader of `ready` has exited, and the server must be removed.
    #[test]
    fn reader_who_left_before_it_was_ready_leaves_nothing() {
        let steps = "start() { echo \"$folder\" >&2; read -r left || :; }\nstop() { :; }";
        let mut shell = Command::new("sh")
            .args(["-c", &format!("{steps}\n{}", include_str!("watcher.sh"))])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell can be started");
        let mut errors = BufReader::new(shell.stderr.take().expect("standard error is piped"));
        let mut folder = String::new();
        errors.read_line(&mut folder).expect("the steps print the folder");
        let folder = Path::new(folder.trim_end());
        assert!(folder.is_dir(), "{}", folder.display());

        drop(shell.stdout.take());
        drop(shell.stdin.take());
        shell.wait().expect("a child can be waited for");
        assert!(!folder.exists(), "{}", folder.display());
    }
}
