//! Tests of an import's rows and hooks, and of objects without a row.

use clerk_auth::MembershipSync;
use clerk_auth::id::MembershipKey;
use clerk_auth::sync::NotImported;
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::on_both_databases;
use clerk_auth_tests::profiles::Pool;
use serde_json::{Value, json};

use super::{TeamMember, key, member, numbers, run, second, start, team};

on_both_databases!(
    import_writes_the_rows_of_everybody,
    membership_without_a_referenced_row_is_skipped_and_named,
    membership_that_a_trigger_skips_is_named,
    data_of_one_that_is_refused_does_not_affect_others,
    hooks_run_once_for_each_row,
);

async fn import_writes_the_rows_of_everybody(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(9, 5);
    assert_eq!(it.api.organization_count().await.expect("it counts"), 5);
    assert_eq!(it.api.membership_count().await.expect("it counts"), memberships);
    for page_size in [500, 1, 2, 3] {
        for table in ["team_members", "teams", "people"] {
            it.process.pool.execute(&format!("DELETE FROM {table}")).await;
        }
        it.people().run().await.expect("it is imported");
        let teams = it
            .teams()
            .page_size(page_size)
            .run()
            .await
            .expect("it is imported");
        let members = it.members().page_size(page_size).run().await;
        let members = members.expect("it is imported");
        assert_eq!(numbers(teams), [5, 0, 0, 0, 0, 0], "pages of {page_size}");
        assert_eq!(
            numbers(members),
            [memberships, 0, 0, 0, 0, 0],
            "pages of {page_size}"
        );
        let joined = "SELECT count(*) FROM team_members
            JOIN people ON people.id = team_members.user_id
            JOIN teams ON teams.id = team_members.organization_id
            WHERE team_members.clerk_key = people.clerk_id || ':' || teams.clerk_id AND role = 'org:member'";
        assert_eq!(it.process.number(joined).await.unsigned_abs(), memberships);
    }
    assert!(it.is_right().await);

    it.fake.put_membership(member(1, 0, "org:member"));
    let mut renamed = team(2);
    renamed["name"] = "Renamed".into();
    renamed["updated_at"] = second(50).as_millis().into();
    it.fake.put_organization(renamed);
    let mut promoted = member(4, 2, "org:admin");
    promoted["updated_at"] = second(9_000).as_millis().into();
    it.fake.put_membership(promoted);
    let [_, teams, members] = it.import_all().await;
    assert_eq!(numbers(teams), [0, 1, 4, 0, 0, 0]);
    assert_eq!(numbers(members), [0, 1, memberships - 1, 0, 0, 0]);
    assert_eq!(
        it.process.role("user_4:org_2").await.as_deref(),
        Some("org:admin")
    );
}

async fn membership_without_a_referenced_row_is_skipped_and_named(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(4, 2);
    let (counts, not_imported) = run(it.members()).await;
    assert_eq!(numbers(counts), [0, 0, 0, memberships, 0, 0]);
    assert!(
        not_imported
            .iter()
            .all(|(_, reason)| matches!(reason, NotImported::ReferenceMissing)),
        "{not_imported:?}"
    );
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    it.process
        .pool
        .execute("DELETE FROM teams WHERE clerk_id = 'org_1'")
        .await;
    it.process
        .pool
        .execute("DELETE FROM people WHERE clerk_id = 'user_3'")
        .await;
    // A page of one object uses other statements than a large page.
    for page_size in [500, 1] {
        it.process.pool.execute("DELETE FROM team_members").await;
        let (counts, mut not_imported) = run(it.members().page_size(page_size)).await;
        assert_eq!(counts.inserted, 2, "pages of {page_size}: {not_imported:?}");
        not_imported.sort_by(|one, other| one.0.cmp(&other.0));
        let keys: Vec<MembershipKey> = not_imported.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, [key(2, 1), key(3, 0), key(3, 1)]);
        for (_, reason) in &not_imported {
            assert_eq!(
                reason.to_string(),
                "the membership's user or organization has no row: import users and organizations before memberships"
            );
        }
    }
    let drift = it.process.members.verify(&it.api).await.expect("it is verified");
    assert_eq!((drift.missing.count, drift.rows), (3, 2));
    it.import_all().await;
    assert!(it.is_right().await);
}

async fn membership_that_a_trigger_skips_is_named(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(2, 2);
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    it.process
        .pool
        .skip_writes("team_members", "INSERT", "true")
        .await;
    for page_size in [500, 1] {
        let (counts, not_imported) = run(it.members().page_size(page_size)).await;
        assert_eq!(numbers(counts), [0, 0, 0, memberships, 0, 0]);
        assert!(
            not_imported
                .iter()
                .all(|(_, reason)| matches!(reason, NotImported::NotStored)),
            "{not_imported:?}"
        );
    }
}

async fn data_of_one_that_is_refused_does_not_affect_others(database: TestDatabase) {
    let it = start(&database).await;
    let memberships = it.populate(6, 4);
    let mut refused = team(1);
    refused["name"] = "refused".into();
    it.fake.put_organization(refused);
    let mut nameless = team(2);
    nameless["name"] = Value::Null;
    it.fake.put_organization(nameless);
    let mut unreadable = team(3);
    unreadable["updated_at"] = "yesterday".into();
    it.fake.put_organization(unreadable);
    it.people().run().await.expect("it is imported");
    let (counts, not_imported) = run(it.teams()).await;
    assert_eq!((counts.inserted, counts.skipped), (1, 3));
    for (id, reason) in &not_imported {
        let is_right = match id.as_str() {
            "org_1" => matches!(reason, NotImported::Refused { code: Some(_), .. }),
            "org_2" => matches!(reason, NotImported::Claims(_)),
            "org_3" => matches!(reason, NotImported::NotAnOrganization),
            _ => false,
        };
        assert!(is_right, "{id}: {reason}");
    }
    let drift = it.process.teams.verify(&it.api).await.expect("it is verified");
    assert_eq!((drift.missing.count, drift.unreadable.count), (1, 2), "{drift}");

    it.populate(6, 4);
    it.teams().run().await.expect("it is imported");
    it.fake.put_membership(member(3, 1, "refused"));
    let mut unknown = member(4, 1, "org:member");
    unknown["public_user_data"] = Value::Null;
    it.fake.put_membership(unknown);
    let mut roleless = member(5, 1, "org:member");
    roleless["role"] = json!(["org:member"]);
    it.fake.put_membership(roleless);
    let (counts, not_imported) = run(it.members()).await;
    assert_eq!((counts.inserted, counts.skipped), (memberships - 3, 3));
    for (id, reason) in &not_imported {
        let is_right = match &*id.to_string() {
            "user_3 in org_1" => matches!(reason, NotImported::Refused { code: Some(_), .. }),
            "an unknown user in org_1" => matches!(reason, NotImported::NotAMembership),
            "user_5 in org_1" => matches!(reason, NotImported::Claims(_)),
            _ => false,
        };
        assert!(is_right, "{id}: {reason}");
    }
}

async fn hooks_run_once_for_each_row(database: TestDatabase) {
    let it = start(&database).await;
    it.populate(5, 3);
    it.people().run().await.expect("it is imported");
    it.teams().run().await.expect("it is imported");
    it.process
        .pool
        .execute("CREATE TABLE seats (member BIGINT NOT NULL, what TEXT NOT NULL)")
        .await;
    let (people, teams) = (&it.process.people, &it.process.teams);
    let members = match &it.process.pool {
        Pool::Postgres(pool) => {
            MembershipSync::<TeamMember>::builder(people, teams, pool.clone())
                .on_insert(|connection, member| {
                    let sql = "INSERT INTO seats (member, what) VALUES ($1, 'joined')";
                    Box::pin(async move {
                        sqlx::query(sql).bind(member.user_id).execute(connection).await?;
                        Ok(())
                    })
                })
                .on_delete(|connection, member| {
                    let sql = "INSERT INTO seats (member, what) VALUES ($1, 'left')";
                    Box::pin(async move {
                        sqlx::query(sql).bind(member.user_id).execute(connection).await?;
                        Ok(())
                    })
                })
                .build()
                .await
        }
        Pool::Sqlite(pool) => {
            MembershipSync::<TeamMember>::builder(people, teams, pool.clone())
                .on_insert(|connection, member| {
                    let sql = "INSERT INTO seats (member, what) VALUES ($1, 'joined')";
                    Box::pin(async move {
                        sqlx::query(sql).bind(member.user_id).execute(connection).await?;
                        Ok(())
                    })
                })
                .on_delete(|connection, member| {
                    let sql = "INSERT INTO seats (member, what) VALUES ($1, 'left')";
                    Box::pin(async move {
                        sqlx::query(sql).bind(member.user_id).execute(connection).await?;
                        Ok(())
                    })
                })
                .build()
                .await
        }
    };
    let members = members.expect("the table fits");
    for _ in 0..2 {
        members.import(&it.api).run().await.expect("it is imported");
    }
    it.fake.remove_membership("user_3", "org_1");
    for _ in 0..2 {
        let import = members.import(&it.api).delete_missing();
        import.run().await.expect("it is imported");
    }
    let count = |what: &str| format!("SELECT count(*) FROM seats WHERE what = '{what}'");
    assert_eq!(it.process.number(&count("joined")).await, 9);
    assert_eq!(it.process.number(&count("left")).await, 1);
}
