//! `link`: links existing rows to Clerk's users.

use std::error::Error;
use std::pin::pin;

use clerk_auth::sync::{LinkBy, LinkReport, Linking};
use example_app::user::User;

use crate::arguments::{LinkOptions, LinkValue, Written};
use crate::progress::Progress;
use crate::reconcile::open;
use crate::stop_signal;

/// Links, shows the progress and prints the report. Returns whether every pair could be written.
pub(crate) async fn link(options: &LinkOptions, progress: &Progress) -> Result<bool, Box<dyn Error>> {
    let (source, state) = open().await?;
    let mut linking = state.users.link(&source.api).by(match options.by {
        LinkValue::Email => LinkBy::Email,
        LinkValue::ExternalId => LinkBy::ExternalId,
    });
    if !options.dry_run && options.write != Written::ExternalIds {
        linking = linking.write_rows();
    }
    if !options.dry_run && options.write != Written::Rows {
        linking = linking.set_external_ids();
    }
    progress.begin("users", source.user_count);
    let ended = link_all(&mut linking, progress).await;
    progress.end(ended.is_ok());
    let report = linking.report();
    if let Err(problem) = ended {
        let linked = report.linked;
        return Err(
            format!("{problem}\n{linked} rows are linked and stay so; the same command goes on").into(),
        );
    }
    print(report, options)?;
    Ok(report.not_linked.count == 0)
}

async fn link_all(linking: &mut Linking<User>, progress: &Progress) -> Result<(), Box<dyn Error>> {
    let mut stopped = pin!(stop_signal());
    loop {
        let step = tokio::select! {
            step = linking.next() => step,
            () = &mut stopped => return Err("linking was interrupted".into()),
        };
        match step {
            Some(step) => progress.show_linking(&step?),
            None => return Ok(()),
        }
    }
}

fn print(report: &LinkReport, options: &LinkOptions) -> Result<(), serde_json::Error> {
    if options.json {
        println!("{}", serde_json::to_string_pretty(report)?);
        return Ok(());
    }
    if options.dry_run {
        println!("dry run");
    }
    println!("{report}");
    if !options.dry_run && report.linked > 0 {
        println!("bring the linked rows up to date with `import`");
    }
    Ok(())
}
