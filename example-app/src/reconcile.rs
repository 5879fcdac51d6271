//! `import` and `verify`: the table made equal to Clerk for everybody at once, or only compared.

use std::error::Error;
use std::pin::pin;

use clerk_auth::UserSync;
use clerk_auth::backend_api::BackendApiError;
use clerk_auth::sync::{ImportCounts, ImportCursor, ImportError};
use example_app::AppState;
use example_app::config::Config;
use example_app::database;
use example_app::user::User;

use crate::arguments::ImportOptions;
use crate::progress::Progress;
use crate::source::Source;
use crate::stop_signal;

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the import was told to stop")]
    Stopped,
    #[error(transparent)]
    Failed(#[from] ImportError),
}

/// Imports all users, shows the progress and prints the counts.
pub(crate) async fn import(options: &ImportOptions, progress: &Progress) -> Result<(), Box<dyn Error>> {
    let (source, users) = open().await?;
    let mut cursor = options.after.clone();
    // Clerk does not report the number of users after a cursor.
    progress.begin(source.user_count.filter(|_| cursor.is_none()));
    let imported = import_all(&users, &source, options, progress, &mut cursor).await;
    progress.end(imported.is_ok());
    match imported {
        Ok(counts) if options.dry_run => println!("dry run, nothing is written: {counts}"),
        Ok(counts) => println!("imported: {counts}"),
        Err(ended) => return Err(advice(&ended, options, cursor.as_ref()).into()),
    }
    Ok(())
}

async fn import_all(
    users: &UserSync<User>,
    source: &Source,
    options: &ImportOptions,
    progress: &Progress,
    cursor: &mut Option<ImportCursor>,
) -> Result<ImportCounts, Ended> {
    let mut import = users.import(&source.api);
    if let Some(cursor) = cursor {
        import = import.resume_from(cursor.clone());
    }
    if options.dry_run {
        import = import.dry_run();
    }
    if options.delete_missing {
        import = import.delete_missing();
    }
    let mut counts = ImportCounts::default();
    let mut stopped = pin!(stop_signal());
    loop {
        let step = tokio::select! {
            step = import.next() => step,
            () = &mut stopped => return Err(Ended::Stopped),
        };
        let Some(step) = step else {
            return Ok(counts);
        };
        let step = step?;
        progress.show(&step);
        counts = step.counts;
        cursor.clone_from(&step.cursor);
    }
}

/// Describes the outcome, with the command to resume.
fn advice(ended: &Ended, options: &ImportOptions, cursor: Option<&ImportCursor>) -> String {
    let Some(cursor) = cursor else {
        return format!("{ended}; the first page was not finished");
    };
    let is_refused = matches!(
        ended,
        Ended::Failed(ImportError::Clerk(BackendApiError::Status {
            status: 400..500,
            ..
        }))
    );
    if is_refused && options.after.as_ref() == Some(cursor) {
        return format!(
            "{ended}\nif Clerk has deleted the user of `--after` since, leave it out: rows that are right are only read"
        );
    }
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "example-app".to_owned());
    format!(
        "{ended}\nit has come to `{cursor}`; what is done stays, and this goes on:\n  {}",
        options.resumed(&program, cursor)
    )
}

/// Compares, and prints the differences. Returns whether there were none.
pub(crate) async fn verify(json: bool) -> Result<bool, Box<dyn Error>> {
    let (source, users) = open().await?;
    let drift = users.verify(&source.api).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&drift)?);
    } else {
        println!("{drift}");
    }
    Ok(drift.is_empty())
}

/// Opens the database and finds Clerk.
pub(crate) async fn open() -> Result<(Source, UserSync<User>), Box<dyn Error>> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    let source = Source::of(&config).await?;
    let database = database::open(&config.database_url).await?;
    let state = AppState::new(source.clerk.clone(), database).await?;
    Ok((source, state.users))
}
