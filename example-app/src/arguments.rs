//! The command line: the command of the process and its options.

use clerk_auth::sync::ImportCursor;

/// The settings that are not arguments.
const ENVIRONMENT: &str = "\
The environment chooses the database and the Clerk instance: DATABASE_URL, LISTEN_ADDR, METRICS_ADDR (Prometheus),
CLERK_PUBLISHABLE_KEY and the other variables of the README. Without any of them the application uses a file in the working directory and a local stand-in for
Clerk.";

/// A complete application: sign-in by Clerk, users in its own database.
#[derive(Clone, Debug, Eq, PartialEq, clap::Parser)]
#[command(name = "example-app", version, after_help = ENVIRONMENT)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The command of the process.
#[derive(Clone, Debug, Eq, PartialEq, clap::Subcommand)]
pub(crate) enum Command {
    /// Serve the application; the default
    Serve,
    /// Bring the rows of all of Clerk's users, organizations or memberships up to date
    ///
    /// Import memberships last, because a membership whose user or organization has no row is skipped.
    Import(ImportOptions),
    /// Compare a table with Clerk, and fail if they differ
    Verify {
        /// The rows to compare
        #[arg(value_enum, default_value_t)]
        rows: Rows,
        /// Print the differences as JSON
        #[arg(long)]
        json: bool,
    },
    /// Link existing rows to Clerk's users
    ///
    /// A row without a Clerk user id, or with a placeholder for it, is linked to the user with the same verified
    /// primary e-mail address, if exactly one row and one user have the address. Run it with `--dry-run` first and read
    /// the report.
    Link(LinkOptions),
    /// Compare the session-token template at Clerk with that of this application, and fail if claims are missing or
    /// different
    ///
    /// Reads the output of `clerk config pull --keys session` from standard input. Needs no network and no variables.
    CheckTemplate {
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

/// How to import.
#[derive(Clone, Debug, Default, Eq, PartialEq, clap::Args)]
pub(crate) struct ImportOptions {
    /// The rows to import
    #[arg(value_enum, default_value_t)]
    pub(crate) rows: Rows,
    /// Count the changes without writing them
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Afterwards, mark rows that no longer exist at Clerk as deleted
    #[arg(long)]
    pub(crate) delete_missing: bool,
    /// Continue after the cursor that an earlier import printed
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<ImportCursor>,
}

/// The kind of rows that a command processes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Rows {
    /// The users
    #[default]
    Users,
    /// The organizations
    Organizations,
    /// The memberships of users in organizations
    Memberships,
}

impl Rows {
    /// Returns the noun on the command line and in the progress.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Organizations => "organizations",
            Self::Memberships => "memberships",
        }
    }

    /// Returns the noun for a single row.
    pub(crate) const fn singular(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::Organizations => "organization",
            Self::Memberships => "membership",
        }
    }
}

/// How to link.
#[derive(Clone, Debug, Default, Eq, PartialEq, clap::Args)]
pub(crate) struct LinkOptions {
    /// The value by which a user matches a row
    #[arg(long, value_enum, default_value_t)]
    pub(crate) by: LinkValue,
    /// Report the pairs without linking them
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the Clerk user id into the row, the row's id into Clerk, or both
    #[arg(long, value_enum, default_value_t)]
    pub(crate) write: Written,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The value by which rows are linked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum LinkValue {
    /// The verified primary e-mail address
    #[default]
    Email,
    /// The `external_id`
    ExternalId,
}

/// The changes that linking makes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub(crate) enum Written {
    /// The Clerk user id into the row
    #[default]
    Rows,
    /// The row's id into the `external_id` of the user at Clerk
    ExternalIds,
    /// Both
    Both,
}

impl Arguments {
    pub(crate) fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve)
    }
}

impl ImportOptions {
    /// Returns the shell command that resumes after `cursor`.
    pub(crate) fn resumed(&self, program: &str, cursor: &ImportCursor) -> String {
        let mut command = format!("{} import", quoted(program));
        if self.rows != Rows::Users {
            command.push(' ');
            command.push_str(self.rows.noun());
        }
        if self.dry_run {
            command.push_str(" --dry-run");
        }
        if self.delete_missing {
            command.push_str(" --delete-missing");
        }
        command + " --after " + &quoted(&cursor.to_string())
    }
}

/// Quotes a word for a POSIX shell (POSIX.1-2024, 2.2.2).
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    fn read(arguments: &[&str]) -> Result<Command, clap::Error> {
        let program = ["example-app"].iter();
        Arguments::try_parse_from(program.chain(arguments)).map(Arguments::into_command)
    }

    #[test]
    fn definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn each_command_is_read_with_its_flags() {
        let import = |dry_run, delete_missing, after: Option<&str>| {
            Command::Import(ImportOptions {
                rows: Rows::Users,
                dry_run,
                delete_missing,
                after: after.map(|cursor| cursor.parse().expect("a cursor")),
            })
        };
        let verify = |rows, json| Command::Verify { rows, json };
        for (arguments, command) in [
            (&[][..], Command::Serve),
            (&["serve"], Command::Serve),
            (&["import"], import(false, false, None)),
            (&["import", "--dry-run"], import(true, false, None)),
            (
                &["import", "--after", "users after user_x", "--delete-missing"],
                import(false, true, Some("users after user_x")),
            ),
            (
                &["import", "memberships"],
                Command::Import(ImportOptions {
                    rows: Rows::Memberships,
                    ..ImportOptions::default()
                }),
            ),
            (&["verify", "organizations"], verify(Rows::Organizations, false)),
            (&["verify"], verify(Rows::Users, false)),
            (&["verify", "--json"], verify(Rows::Users, true)),
            (&["link"], Command::Link(LinkOptions::default())),
            (
                &[
                    "link",
                    "--by",
                    "external-id",
                    "--dry-run",
                    "--write",
                    "both",
                    "--json",
                ],
                Command::Link(LinkOptions {
                    by: LinkValue::ExternalId,
                    dry_run: true,
                    write: Written::Both,
                    json: true,
                }),
            ),
            (&["check-template"], Command::CheckTemplate { json: false }),
            (
                &["check-template", "--json"],
                Command::CheckTemplate { json: true },
            ),
        ] {
            assert_eq!(
                read(arguments).expect("it is a command"),
                command,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn mistake_is_named() {
        for (arguments, named) in [
            (&["imprt"][..], "'imprt'"),
            (&["import", "--dry"], "'--dry'"),
            (&["verify", "--dry-run"], "'--dry-run'"),
            (&["verify", "teams"], "'teams'"),
            (&["link", "--by", "name"], "'name'"),
            (&["import", "--after"], "--after <CURSOR>"),
            (&["import", "--after", "user_x"], "'user_x'"),
        ] {
            let error = read(arguments).expect_err(named).to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn command_that_resumes_an_import_is_quoted_for_a_shell() {
        let options = ImportOptions {
            rows: Rows::Organizations,
            dry_run: true,
            delete_missing: true,
            after: None,
        };
        let cursor = "rows after user_o'hara".parse().expect("a cursor");
        assert_eq!(
            options.resumed("target/debug/example-app", &cursor),
            r"target/debug/example-app import organizations --dry-run --delete-missing --after 'rows after user_o'\''hara'"
        );
        assert!(
            ImportOptions::default()
                .resumed("/my apps/example-app", &cursor)
                .starts_with("'/my apps/")
        );
    }
}
