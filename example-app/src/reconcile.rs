//! `import` and `verify`: make a whole table equal to Clerk, or only compare it.

use std::error::Error;
use std::pin::pin;

use clerk_auth::SyncedRow;
use clerk_auth::backend_api::BackendApiError;
use clerk_auth::sync::{Drift, Import, ImportCounts, ImportCursor, ImportError, ImportedId};
use example_app::AppState;
use example_app::config::Config;
use example_app::database;
use serde::Serialize;

use crate::arguments::{ImportOptions, Rows};
use crate::progress::Progress;
use crate::source::Source;
use crate::stop_signal;

/// The reason why an import ended early.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the import was interrupted")]
    Stopped,
    #[error(transparent)]
    Failed(#[from] ImportError),
}

/// Imports all users, organizations or memberships, shows the progress and prints the counts.
pub(crate) async fn import(options: &ImportOptions, progress: &Progress) -> Result<(), Box<dyn Error>> {
    let (source, state) = open().await?;
    let api = &source.api;
    let mut cursor = options.after.clone();
    let count = match options.rows {
        Rows::Users => source.user_count,
        // Only the progress bar uses the count. An error appears when the objects are listed.
        Rows::Organizations => api.organization_count().await.ok(),
        Rows::Memberships => api.membership_count().await.ok(),
    };
    // Clerk does not report the number of objects after a cursor.
    progress.begin(options.rows.noun(), count.filter(|_| cursor.is_none()));
    let imported = match options.rows {
        Rows::Users => import_all(state.users.import(api), options, progress, &mut cursor).await,
        Rows::Organizations => {
            import_all(state.organizations.import(api), options, progress, &mut cursor).await
        }
        Rows::Memberships => import_all(state.memberships.import(api), options, progress, &mut cursor).await,
    };
    progress.end(imported.is_ok());
    match imported {
        Ok(counts) if options.dry_run => println!("dry run, nothing is written: {counts}"),
        Ok(counts) => println!("imported: {counts}"),
        Err(ended) => return Err(advice(&ended, options, cursor.as_ref()).into()),
    }
    Ok(())
}

async fn import_all<R: SyncedRow, I: ImportedId>(
    mut import: Import<R, I>,
    options: &ImportOptions,
    progress: &Progress,
    cursor: &mut Option<ImportCursor>,
) -> Result<ImportCounts, Ended> {
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
        let deleted = options.rows.singular();
        return format!(
            "{ended}\nif Clerk has deleted the {deleted} of `--after` since, omit `--after`: correct rows are only read"
        );
    }
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "example-app".to_owned());
    format!(
        "{ended}\nthe import has reached `{cursor}`, and everything before it is stored. To resume, run\n  {}",
        options.resumed(&program, cursor)
    )
}

/// Compares, and prints the differences. Returns whether the table matches.
pub(crate) async fn verify(rows: Rows, json: bool) -> Result<bool, Box<dyn Error>> {
    let (source, state) = open().await?;
    let api = &source.api;
    match rows {
        Rows::Users => print(&state.users.verify(api).await?, json),
        Rows::Organizations => print(&state.organizations.verify(api).await?, json),
        Rows::Memberships => print(&state.memberships.verify(api).await?, json),
    }
}

fn print<I: ImportedId + Serialize>(drift: &Drift<I>, json: bool) -> Result<bool, Box<dyn Error>> {
    if json {
        println!("{}", serde_json::to_string_pretty(drift)?);
    } else {
        println!("{drift}");
    }
    Ok(drift.is_empty())
}

/// Opens the database and finds Clerk.
pub(crate) async fn open() -> Result<(Source, AppState), Box<dyn Error>> {
    let config = Config::read(|name| std::env::var(name).ok())?;
    let source = Source::of(&config).await?;
    let database = database::open(&config.database_url).await?;
    let state = AppState::new(source.clerk.clone(), database).await?;
    Ok((source, state))
}
