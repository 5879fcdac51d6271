//! Tests of rows without an object and of objects without a row: drift is reported, and rows are deleted on request.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use clerk_auth::backend_api::{BackendApi, BackendApiError};
use clerk_auth::sync::{ImportError, NotImported};
use clerk_auth::testing::FakeClerk;
use clerk_auth::time::{Clock, SystemClock, Timestamp};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use serde_json::json;

use super::{Fixture, Process, key, numbers, run, start, team};

on_both_databases!(
    dry_run_writes_nothing,
    missing_organizations_and_memberships_are_deleted_on_request,
    deletion_of_one_is_that_of_each_process,
    instance_without_organizations_is_reported_and_nothing_is_deleted,
    refused_key_is_an_error,
    drift_is_reported_and_nothing_is_written,
);

async fn dry_run_writes_nothing(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(5, 3);
    let teams = it.teams().dry_run().run().await.expect("it is counted");
    let members = it.members().dry_run().run().await.expect("it is counted");
    assert_eq!((teams.inserted, members.inserted), (3, memberships));
    for table in ["people", "teams", "team_members"] {
        assert_eq!(
            it.process.number(&format!("SELECT count(*) FROM {table}")).await,
            0
        );
    }
    it.import_all().await;
    it.fake.remove_membership("user_2", "org_0");
    it.fake.remove_organization("org_2");
    let teams = it.teams().dry_run().delete_missing().run().await;
    let members = it.members().dry_run().delete_missing().run().await;
    assert_eq!(teams.expect("it is counted").deleted, 1);
    // Includes those of the organization.
    assert_eq!(members.expect("it is counted").deleted, 3);
    let marked = "SELECT (SELECT count(*) FROM teams WHERE clerk_deleted_at IS NOT NULL)
        + (SELECT count(*) FROM team_members WHERE clerk_deleted_at IS NOT NULL)";
    assert_eq!(it.process.number(marked).await, 0);
    assert_eq!(it.organization_of(2, 0).await.as_deref(), Some("org_0"));
}

impl Fixture {
    /// Returns the organization of a session whose claims were read a while ago.
    async fn organization_of(&self, user: i64, team: i64) -> Option<String> {
        self.process.organization_of(&self.fake, user, team).await
    }
}

impl Process {
    async fn organization_of(&self, fake: &FakeClerk, user: i64, team: i64) -> Option<String> {
        let token = fake
            .issuer()
            .token(&format!("user_{user}"))
            .organization(&format!("org_{team}"), "org:member")
            .claims_read_at(Timestamp::from_secs(SystemClock.now().as_secs() - 30));
        let bearer = format!("Bearer {}", token.sign())
            .parse()
            .expect("a header value");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let session = self.clerk.authenticate(&headers).await.expect("it is valid");
        session
            .organization()
            .map(|organization| organization.id().to_string())
    }
}

async fn missing_organizations_and_memberships_are_deleted_on_request(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(7, 4);
    it.import_all().await;
    it.fake.remove_membership("user_3", "org_1");
    it.fake.remove_organization("org_2");
    it.fake.remove_user("user_6");
    let [_, teams, members] = it.import_all().await;
    assert_eq!((teams.deleted, members.deleted), (0, 0), "nobody asked for it");

    let teams = it.teams().delete_missing().run().await.expect("it is imported");
    assert_eq!(numbers(teams), [0, 0, 3, 0, 0, 1]);
    // The removed membership, those of the organization (users 3 to 6), and the three others of the user.
    let gone = 1 + 4 + 3;
    let members = it.members().delete_missing().run().await.expect("it is imported");
    assert_eq!(numbers(members), [0, 0, memberships - gone, 0, 0, gone]);
    let marked = "SELECT count(*) FROM team_members WHERE clerk_deleted_at IS NOT NULL";
    assert_eq!(it.process.number(marked).await.unsigned_abs(), gone);
    assert_eq!(it.process.role("user_3:org_1").await, None);
    assert_eq!(
        it.process.role("user_3:org_0").await.as_deref(),
        Some("org:member")
    );
    let again = it.members().delete_missing().run().await.expect("it is imported");
    assert_eq!(again.deleted, 0);
    assert!(it.is_right().await);
    // The deleted organization is not restored, even by a list of Clerk's that is newer.
    let mut restored = team(2);
    restored["updated_at"] = SystemClock.now().as_millis().into();
    it.fake.put_organization(restored);
    let (counts, not_imported) = run(it.teams()).await;
    assert_eq!(counts.skipped, 1);
    assert!(
        matches!(&*not_imported, [(id, NotImported::Deleted)] if id.as_str() == "org_2"),
        "{not_imported:?}"
    );
}

async fn deletion_of_one_is_that_of_each_process(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(5, 3);
    it.import_all().await;
    let there = Process::start(&it.fake, it.process.pool.clone()).await;
    it.fake.remove_membership("user_3", "org_1");
    it.fake.remove_organization("org_2");
    it.teams().delete_missing().run().await.expect("it is imported");
    it.members().delete_missing().run().await.expect("it is imported");
    let restarted = Process::start(&it.fake, it.process.pool.clone()).await;
    for process in [&it.process, &restarted] {
        for (user, team, expected) in [
            (3, 1, None),
            (4, 2, None),
            (3, 0, Some("org_0")),
            (4, 1, Some("org_1")),
        ] {
            let organization = process.organization_of(&it.fake, user, team).await;
            assert_eq!(organization.as_deref(), expected, "user_{user} in org_{team}");
        }
    }
    // The other process reads the denial a little later.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while there.organization_of(&it.fake, 3, 1).await.is_some() {
        assert!(
            std::time::Instant::now() < deadline,
            "the other process still has the membership"
        );
        tokio::task::yield_now().await;
    }
}

async fn instance_without_organizations_is_reported_and_nothing_is_deleted(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(5, 3);
    it.import_all().await;
    for status in [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND] {
        it.fake.disable_organizations(status);
        for _ in 0..2 {
            let teams = it.teams().delete_missing().run().await.expect("it is no error");
            let members = it.members().delete_missing().run().await.expect("it is no error");
            for counts in [teams, members] {
                assert!(counts.organizations_disabled);
                assert_eq!(counts.total(), 0, "{counts}");
                assert!(
                    counts.to_string().starts_with("organizations are switched off"),
                    "{counts}"
                );
            }
        }
        let drift = it.process.teams.verify(&it.api).await.expect("it is no error");
        assert!(drift.organizations_disabled && drift.is_empty());
        let drift = it.process.members.verify(&it.api).await.expect("it is no error");
        assert!(drift.organizations_disabled && drift.is_empty());
        let refused = it.api.organizations(0, 10).await;
        assert!(
            matches!(refused, Err(BackendApiError::OrganizationsDisabled { status: it, .. }) if it == status.as_u16()),
            "{refused:?}"
        );
    }
    it.fake.disable_organizations(None);
    assert!(it.is_right().await);
    let users = it.people().run().await.expect("it is imported");
    let json = serde_json::to_value(users).expect("it is JSON");
    assert_eq!(json.get("organizations_disabled"), None);

    // Switched off in the middle: the counts so far remain.
    let mut import = it.teams().page_size(1);
    import.next().await.expect("a step").expect("it is imported");
    let cursor = import
        .next()
        .await
        .expect("a step")
        .expect("it is imported")
        .cursor;
    drop(import);
    it.fake.disable_organizations(StatusCode::FORBIDDEN);
    let resumed = it
        .teams()
        .resume_from(cursor.expect("a cursor"))
        .delete_missing()
        .run()
        .await;
    let resumed = resumed.expect("it is no error");
    assert!(resumed.organizations_disabled && resumed.deleted == 0);
}

async fn refused_key_is_an_error(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(3, 2);
    it.fake.disable_organizations(StatusCode::UNAUTHORIZED);
    let refused = it.teams().run().await;
    assert!(
        matches!(refused, Err(ImportError::Clerk(BackendApiError::Unauthorized(_)))),
        "{refused:?}"
    );
    let other = FakeClerk::start().await.expect("a port is free");
    other.put_organization(team(1));
    let api = BackendApi::with_base_url(other.issuer().url(), "sk_test_secret");
    let api = api.expect("the key and the address are right");
    let refused = it.process.teams.import(&api).delete_missing().run().await;
    assert!(
        matches!(refused, Err(ImportError::OtherInstance { .. })),
        "{refused:?}"
    );
    assert_eq!(it.process.number("SELECT count(*) FROM teams").await, 0);
}

async fn drift_is_reported_and_nothing_is_written(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(6, 4);
    it.import_all().await;
    let sql = "UPDATE teams SET name = 'Other' WHERE clerk_id = 'org_0'";
    it.process.pool.execute(sql).await;
    it.fake.put_organization(team(7));
    it.fake.remove_organization("org_3");
    let sql = "UPDATE teams SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE clerk_id = 'org_1'";
    it.process.pool.execute(sql).await;
    let drift = it.process.teams.verify(&it.api).await.expect("it is verified");
    assert!(!drift.is_empty());
    let list = |id: &str| json!({ "count": 1, "ids": [id] });
    assert_eq!(
        serde_json::to_value(&drift).expect("it is JSON"),
        json!({
            "in_clerk": 4,
            "rows": 3,
            "missing": list("org_7"),
            "stale": list("org_0"),
            "extra": list("org_3"),
            "deleted": list("org_1"),
            "unreadable": { "count": 0, "ids": [] },
            "reasons": [["org_1", "the row is marked as deleted"]],
        })
    );
    assert_eq!(
        drift.to_string(),
        "4 organizations, 3 rows: 1 missing, 1 stale, 1 extra, 1 deleted, 0 unreadable\nmissing org_7\nstale org_0\n\
         extra org_3\ndeleted org_1: the row is marked as deleted"
    );
    assert_eq!(
        it.process.teams.verify(&it.api).await.expect("it is verified"),
        drift
    );

    let sql = "UPDATE team_members SET role = 'org:other' WHERE clerk_key = 'user_1:org_0'";
    it.process.pool.execute(sql).await;
    let sql = "UPDATE team_members SET clerk_deleted_at = CURRENT_TIMESTAMP WHERE clerk_key = 'user_2:org_1'";
    it.process.pool.execute(sql).await;
    it.process
        .pool
        .execute("DELETE FROM team_members WHERE clerk_key = 'user_3:org_0'")
        .await;
    it.fake.remove_membership("user_5", "org_2");
    let drift = it.process.members.verify(&it.api).await.expect("it is verified");
    assert_eq!(drift.missing.ids, [key(3, 0)]);
    assert_eq!(drift.stale.ids, [key(1, 0)]);
    assert_eq!(drift.deleted.ids, [key(2, 1)]);
    // The others belong to the removed organization.
    assert_eq!(drift.extra.ids, [key(4, 3), key(5, 2), key(5, 3)]);
    assert_eq!(
        serde_json::to_value(&drift).expect("it is JSON")["missing"],
        json!({ "count": 1, "ids": [{ "user_id": "user_3", "organization_id": "org_0" }] })
    );
    let text = drift.to_string();
    assert!(text.contains("\nmissing user_3 in org_0\n"), "{text}");
    it.teams().delete_missing().run().await.expect("it is imported");
    it.members().delete_missing().run().await.expect("it is imported");
    let drift = it.process.members.verify(&it.api).await.expect("it is verified");
    assert_eq!(
        (drift.missing.count, drift.stale.count, drift.extra.count),
        (0, 0, 0),
        "{drift}"
    );
}
