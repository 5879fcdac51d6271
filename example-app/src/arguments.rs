//! The command line: what the process is asked to do.

use clerk_auth::sync::{ImportCursor, InvalidCursor};

/// What may be asked for.
pub(crate) const USAGE: &str = "\
usage: example-app
           serve
       example-app import [--dry-run] [--delete-missing] [--after CURSOR]
           bring the rows of all of Clerk's users up to date
             --dry-run         count what would be done, and write nothing
             --delete-missing  afterwards mark the rows of users whom Clerk does not know as deleted
             --after CURSOR    go on where an earlier import has ended
       example-app verify [--json]
           tell what the table and Clerk do not agree about; fails if there is something
       example-app --help
The environment says which database and which Clerk: DATABASE_URL, LISTEN_ADDR, CLERK_PUBLISHABLE_KEY and its like.";

/// What the process is asked to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Serve,
    Import(ImportOptions),
    Verify { json: bool },
    Help,
}

/// How to import.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ImportOptions {
    pub(crate) dry_run: bool,
    pub(crate) delete_missing: bool,
    pub(crate) after: Option<ImportCursor>,
}

/// What is wrong with the command line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum UsageError {
    #[error("there is no command `{0}`")]
    Command(String),
    #[error("`{0}` does not take `{1}`")]
    Argument(&'static str, String),
    #[error("`--after` takes the cursor of an earlier import, in quotes")]
    NoCursor,
    #[error("`--after {0}`: {1}")]
    Cursor(String, InvalidCursor),
}

impl Command {
    /// Reads the arguments that follow the program's name.
    pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Self, UsageError> {
        let mut arguments = arguments.into_iter();
        match arguments.next().as_deref() {
            None => Ok(Self::Serve),
            Some("import") => ImportOptions::read(arguments).map(Self::Import),
            Some("verify") => {
                let mut json = false;
                for argument in arguments {
                    match &*argument {
                        "--json" => json = true,
                        _ => return Err(UsageError::Argument("verify", argument)),
                    }
                }
                Ok(Self::Verify { json })
            }
            Some("--help" | "-h" | "help") => Ok(Self::Help),
            Some(other) => Err(UsageError::Command(other.to_owned())),
        }
    }
}

impl ImportOptions {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, UsageError> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--dry-run" => options.dry_run = true,
                "--delete-missing" => options.delete_missing = true,
                "--after" => {
                    let text = arguments.next().ok_or(UsageError::NoCursor)?;
                    let cursor = text.parse().map_err(|error| UsageError::Cursor(text, error))?;
                    options.after = Some(cursor);
                }
                _ => return Err(UsageError::Argument("import", argument)),
            }
        }
        Ok(options)
    }

    /// The command that goes on after `cursor`, for a shell.
    pub(crate) fn resumed(&self, program: &str, cursor: &ImportCursor) -> String {
        let mut command = format!("{} import", quoted(program));
        if self.dry_run {
            command.push_str(" --dry-run");
        }
        if self.delete_missing {
            command.push_str(" --delete-missing");
        }
        command + " --after " + &quoted(&cursor.to_string())
    }
}

/// One word of a POSIX shell (POSIX.1-2024, 2.2.2).
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Command, UsageError> {
        Command::read(arguments.iter().map(|&argument| argument.to_owned()))
    }

    #[test]
    fn each_command_is_read_with_its_flags() {
        let import = |dry_run, delete_missing, after: Option<&str>| {
            Command::Import(ImportOptions {
                dry_run,
                delete_missing,
                after: after.map(|cursor| cursor.parse().expect("a cursor")),
            })
        };
        for (arguments, command) in [
            (&[][..], Command::Serve),
            (&["import"], import(false, false, None)),
            (&["import", "--dry-run"], import(true, false, None)),
            (
                &["import", "--after", "users after user_x", "--delete-missing"],
                import(false, true, Some("users after user_x")),
            ),
            (&["verify"], Command::Verify { json: false }),
            (&["verify", "--json"], Command::Verify { json: true }),
            (&["--help"], Command::Help),
        ] {
            assert_eq!(read(arguments), Ok(command), "{arguments:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, message) in [
            (&["imprt"][..], "there is no command `imprt`"),
            (&["import", "--dry"], "`import` does not take `--dry`"),
            (&["verify", "--dry-run"], "`verify` does not take `--dry-run`"),
            (&["import", "--after"], "`--after` takes the cursor"),
            (
                &["import", "--after", "user_x"],
                "`--after user_x`: the text is no import cursor",
            ),
        ] {
            let error = read(arguments).expect_err(message).to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn the_command_to_go_on_with_is_one_word_each_to_a_shell() {
        let options = ImportOptions {
            dry_run: true,
            delete_missing: true,
            after: None,
        };
        let cursor = "rows after user_o'hara".parse().expect("a cursor");
        assert_eq!(
            options.resumed("target/debug/example-app", &cursor),
            r"target/debug/example-app import --dry-run --delete-missing --after 'rows after user_o'\''hara'"
        );
        assert!(
            ImportOptions::default()
                .resumed("/my apps/example-app", &cursor)
                .starts_with("'/my apps/")
        );
    }
}
