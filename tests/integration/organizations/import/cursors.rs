//! Tests of pages and cursors: an import resumes, and a deletion meanwhile hides no object.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use clerk_auth::SyncedRow;
use clerk_auth::sync::{Import, ImportCursor, ImportError, ImportedId};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;

use super::start;

on_both_databases!(
    import_resumes_at_the_cursor_of_another,
    deletion_during_an_import_hides_no_organization,
    deletion_of_the_last_object_read_hides_nothing,
    cursor_of_another_kind_is_refused,
);

async fn import_resumes_at_the_cursor_of_another(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(8, 6);
    it.people().run().await.expect("it is imported");
    for crash_after in 0..7 {
        for table in ["team_members", "teams"] {
            it.process.pool.execute(&format!("DELETE FROM {table}")).await;
        }
        resumed(it.teams(), it.teams(), crash_after).await;
        resumed(it.members(), it.members(), crash_after).await;
        let rows = it.process.number("SELECT count(*) FROM team_members").await;
        assert_eq!(
            rows.unsigned_abs(),
            memberships,
            "crashed after {crash_after} steps"
        );
        assert!(it.is_right().await, "crashed after {crash_after} steps");
    }
}

/// Drops the first import after this many steps, in the middle of the next one, and resumes the second import at its
/// cursor.
async fn resumed<R: SyncedRow, I: ImportedId>(first: Import<R, I>, second: Import<R, I>, crash_after: usize) {
    let mut first = first.page_size(2);
    let mut cursor: Option<String> = None;
    for _ in 0..crash_after {
        let Some(step) = first.next().await else { break };
        let step = step.expect("it is imported");
        cursor = step.cursor.map(|cursor| cursor.to_string());
    }
    {
        let mut next = pin!(first.next());
        poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_ready())).await;
    }
    drop(first);
    let mut second = second.page_size(2);
    if let Some(cursor) = cursor {
        let cursor: ImportCursor = cursor.parse().expect("it is a cursor");
        second = second.resume_from(cursor);
    }
    second.run().await.expect("it is imported");
}

async fn deletion_during_an_import_hides_no_organization(database: TestDatabase) {
    let it = start(&database).await;
    let teams: i64 = 12;
    it.populate(0, teams);
    // All earlier organizations are deleted after each step, so that the others have smaller offsets.
    for page_size in [1, 2, 3, 5] {
        it.process.pool.execute("DELETE FROM teams").await;
        it.populate(0, teams);
        let mut import = it.teams().page_size(page_size);
        let mut kept = None;
        while let Some(step) = import.next().await {
            let step = step.expect("it is imported");
            kept = step.cursor;
            let read = i64::try_from(step.counts.total()).expect("a few");
            for number in 0..read - 1 {
                it.fake.remove_organization(&format!("org_{number}"));
            }
            // The page that is fetched meanwhile may be older than the deletions.
            drop(import);
            import = it
                .teams()
                .page_size(page_size)
                .resume_from(kept.clone().expect("a cursor"));
        }
        let _ = kept;
        assert_eq!(
            it.process.number("SELECT count(*) FROM teams").await,
            teams,
            "pages of {page_size}"
        );
    }
}

async fn deletion_of_the_last_object_read_hides_nothing(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(0, 9);
    let mut import = it.teams().page_size(3);
    let step = import.next().await.expect("a step").expect("it is imported");
    drop(import);
    let cursor = step.cursor.expect("a cursor");
    for gone in [0, 1, 2] {
        it.fake.remove_organization(&format!("org_{gone}"));
    }
    let rest = it.teams().page_size(3).resume_from(cursor).run().await;
    assert_eq!(rest.expect("it is imported").inserted, 6);
    assert_eq!(it.process.number("SELECT count(*) FROM teams").await, 9);
}

async fn cursor_of_another_kind_is_refused(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(3, 2);
    let cursors = [
        "users after user_1",
        "rows after user_1",
        "organizations after org_1, offset 1, created 1700000001000",
        "organization rows after org_1",
        "memberships after orgmem_1_user_2, offset 1",
        "membership rows after user_1:org_1",
    ];
    for (place, text) in cursors.into_iter().enumerate() {
        let cursor: ImportCursor = text.parse().expect("it is a cursor");
        let users = it.people().resume_from(cursor.clone()).run().await;
        let teams = it.teams().resume_from(cursor.clone()).run().await;
        let members = it.members().resume_from(cursor).run().await;
        for (kind, done) in [users, teams, members].into_iter().enumerate() {
            match done {
                Ok(_) => assert_eq!(kind, place / 2, "{text}"),
                Err(ImportError::OtherCursor { cursor, .. }) => {
                    assert_eq!(cursor, text);
                    assert_ne!(kind, place / 2, "{text}");
                }
                Err(error) => panic!("{text}: {error}"),
            }
        }
    }
}
