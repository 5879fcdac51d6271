//! Tests of imports while deliveries arrive: the newest data is in the row.

use clerk_auth::sync::NotImported;
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use serde_json::json;

use super::{Process, key, member, run, start};

on_both_databases!(
    webhook_after_a_page_was_read_wins_over_the_page,
    ended_membership_is_restored_by_newer_data_only,
    imports_and_deliveries_at_once_keep_rows_right,
);

async fn webhook_after_a_page_was_read_wins_over_the_page(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(4, 3);
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    let process = &it.process;
    // A page of memberships is read twice: first without rows, then with all rows.
    for has_rows in [false, true] {
        let objects = it.api.memberships(0, 500).await.expect("a page");
        assert_eq!(objects.len(), 6);
        let mut import = it.members().page_size(1);
        import.next().await.expect("a step").expect("it is imported");
        // The second page, of one membership, is fetched while the first is written.
        let paths = || it.fake.requests("/v1/organization_memberships");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while paths() < 3 + usize::from(has_rows) * 3 {
            assert!(
                std::time::Instant::now() < deadline,
                "the next page is not fetched: {}",
                paths()
            );
            tokio::task::yield_now().await;
        }
        let ended = member(2, 0, "org:member");
        let happened_at = SystemClock.now();
        process
            .receive("organizationMembership.deleted", ended, happened_at)
            .await;
        let step = import.next().await.expect("a step").expect("it is imported");
        assert_eq!(process.role("user_2:org_0").await, None, "rows: {has_rows}");
        assert!(
            matches!(&*step.not_imported, [(id, NotImported::Deleted)] if *id == key(2, 0)),
            "{step:?}"
        );
        drop(import);
        // The member returns with another role, and a late page has the earlier membership.
        let mut returned = member(2, 0, "org:admin");
        returned["updated_at"] = (happened_at.as_millis() + 5).into();
        process
            .receive("organizationMembership.created", returned.clone(), happened_at)
            .await;
        let (counts, _) = run(it.members()).await;
        assert_eq!(counts.updated, 0);
        assert_eq!(process.role("user_2:org_0").await.as_deref(), Some("org:admin"));
    }
    let deleted = json!({ "id": "org_1", "object": "organization", "deleted": true });
    process
        .receive("organization.deleted", deleted, SystemClock.now())
        .await;
    process
        .pool
        .execute("DELETE FROM teams WHERE clerk_id = 'org_1'")
        .await;
    // No row records the deletion of the organization, and the list is older than the deletion.
    let (counts, not_imported) = run(it.teams()).await;
    assert_eq!((counts.inserted, counts.skipped), (0, 1), "{not_imported:?}");
}

async fn ended_membership_is_restored_by_newer_data_only(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(3, 2);
    it.import_all().await;
    let left_at = Timestamp::from_millis(SystemClock.now().as_millis() - 10_000);
    it.process
        .receive(
            "organizationMembership.deleted",
            member(2, 1, "org:member"),
            left_at,
        )
        .await;
    for (offset, expected) in [(-1, None), (0, None), (1, Some("org:admin"))] {
        let mut listed = member(2, 1, "org:admin");
        listed["updated_at"] = (left_at.as_millis() + offset).into();
        it.fake.put_membership(listed);
        for page_size in [500, 1] {
            it.members()
                .page_size(page_size)
                .run()
                .await
                .expect("it is imported");
            let role = it.process.role("user_2:org_1").await;
            assert_eq!(role.as_deref(), expected, "{offset} ms after the end");
        }
    }
    // A process that has received no event detects the end only by the row.
    it.process.pool.execute("DELETE FROM clerk_denials").await;
    let ended_at = SystemClock.now();
    let sql = format!(
        "UPDATE team_members SET clerk_deleted_at = CURRENT_TIMESTAMP, clerk_version = {} WHERE clerk_key = 'user_2:org_0'",
        ended_at.as_millis()
    );
    it.process.pool.execute(&sql).await;
    let there = Process::start(&it.fake, it.process.pool.clone()).await;
    for (offset, expected) in [(0, None), (1, Some("org:guest"))] {
        let mut listed = member(2, 0, "org:guest");
        listed["updated_at"] = (ended_at.as_millis() + offset).into();
        it.fake.put_membership(listed);
        let counts = there.members.import(&it.api).run().await.expect("it is imported");
        assert_eq!(counts.skipped == 0, expected.is_some());
        assert_eq!(there.role("user_2:org_0").await.as_deref(), expected);
    }
}

async fn imports_and_deliveries_at_once_keep_rows_right(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(12, 6);
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    let there = Process::start(&it.fake, it.process.pool.clone()).await;
    for round in 0..4_i64 {
        let import = |process: &Process| process.members.import(&it.api).page_size(7).run();
        let deliveries = async {
            for user in 1..12 {
                let changed_at = Timestamp::from_millis(SystemClock.now().as_millis() + round);
                let mut changed = member(user, 0, &format!("org:role{round}"));
                changed["updated_at"] = changed_at.as_millis().into();
                it.fake.put_membership(changed.clone());
                there
                    .receive("organizationMembership.updated", changed, changed_at)
                    .await;
            }
        };
        let (one, other, ()) = tokio::join!(import(&it.process), import(&there), deliveries);
        one.expect("it is imported");
        other.expect("it is imported");
        for user in 1..12 {
            let role = it.process.role(&format!("user_{user}:org_0")).await;
            assert_eq!(role, Some(format!("org:role{round}")), "user_{user}");
        }
    }
    it.members().run().await.expect("it is imported");
    assert!(it.is_right().await);
}
