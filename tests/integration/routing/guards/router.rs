//! The router with a route for each row of the table, and its policies, subjects and handlers.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use clerk_auth::extract::{Authenticated, MaybeSynced};
use clerk_auth::middleware::RequireSession;
use clerk_auth::policy::{AgentsAllowed, Denied, NoRequirement, Policy, Requirement, RowPolicy, SignedIn};
use clerk_auth::routing::webhooks;
use clerk_auth::row::StoredIn;
use clerk_auth::webhook::{Webhook, WebhookVerifier};
use clerk_auth::{
    Clerk, Member, MembershipSync, OrganizationSync, Session, Synced, SyncedMembership, SyncedOrganization,
    UserSync, authenticated,
};
use clerk_auth_tests::database::TestDatabase;
use clerk_auth_tests::profiles::{Pool, Profile, issuer};

use super::SECRET;

struct Administrator;

impl Policy for Administrator {
    const REQUIREMENT: Requirement = Requirement::All(&[
        Requirement::Role("org:admin"),
        Requirement::AgentDenied,
        Requirement::ImpersonationDenied,
    ]);
}

/// A policy with a rule of the team's own and the constant; both apply.
struct AdministratorByRule;

impl Policy for AdministratorByRule {
    const REQUIREMENT: Requirement = Requirement::Role("org:admin");

    fn evaluate(session: &Session) -> Result<(), Denied> {
        match session.actor() {
            None => Ok(()),
            Some(actor) if actor.kind() == clerk_auth::session::ActorKind::Person => {
                Err(Denied::Impersonation)
            }
            Some(_) => Err(Denied::Agent),
        }
    }
}

/// A policy whose list contains only "nothing", which a visitor meets. A visitor meets no other list.
struct NothingTwice;

impl Policy for NothingTwice {
    const REQUIREMENT: Requirement = Requirement::All(&[
        Requirement::Nothing,
        Requirement::Any(&[Requirement::Nothing, Requirement::SignedIn]),
    ]);
}

struct NothingAndAdministrator;

impl Policy for NothingAndAdministrator {
    const REQUIREMENT: Requirement = Requirement::All(&[Requirement::Nothing, Administrator::REQUIREMENT]);
}

#[derive(Clone, SyncedOrganization)]
#[synced_organization(table = "teams", template_json = "{}", database(sqlite))]
struct Team {
    clerk_id: String,
}

#[derive(Clone, SyncedMembership)]
#[synced_membership(
    table = "team_members",
    user = Profile,
    organization = Team,
    template_json = "{}",
    database(sqlite)
)]
struct TeamMember {
    user_id: i64,
    organization_id: String,
}

/// A row policy that admits every consistent row.
struct Consistent;

impl RowPolicy<Member<TeamMember>> for Consistent {
    fn evaluate(member: &Member<TeamMember>, _: &Session) -> Result<(), Denied> {
        let keys = (member.user.id, &member.organization.clerk_id);
        match keys == (member.membership.user_id, &member.membership.organization_id) {
            true => Ok(()),
            false => Err(Denied::Requirements),
        }
    }
}

#[derive(Clone, FromRef)]
pub(super) struct AppState {
    clerk: Clerk,
    users: UserSync<Profile>,
    members: MembershipSync<TeamMember>,
    verifier: WebhookVerifier,
}

async fn authenticated_as<T, P>(_: Authenticated<T, P>) {}

async fn session(_: Session) {}

async fn row(_: Profile) {}

async fn member(_: Member<TeamMember>) {}

#[authenticated(row_policy = Consistent)]
async fn consistent(_member: Member<TeamMember>) {}

#[authenticated(role = "org:admin", agent = "deny", impersonation = "deny", row_policy = Consistent)]
async fn consistent_administrator(_member: Member<TeamMember>) {}

async fn delivery(_: Webhook) {}

type Visitor = Option<Session>;

#[authenticated]
async fn alias(_who: Visitor) {}

pub(super) fn router(state: &AppState) -> Router {
    let layer = || RequireSession::new(state.clerk.clone());
    let inside = || get(async || ());
    Router::new()
        .route("/session", get(session))
        .route("/row", get(row))
        .route("/member", get(member))
        .route(
            "/nothing/member",
            get(authenticated_as::<Member<TeamMember>, NoRequirement>),
        )
        .route(
            "/nothing/optional-member",
            get(authenticated_as::<Option<Member<TeamMember>>, NoRequirement>),
        )
        .route("/nothing/consistent", get(consistent))
        .route(
            "/administrator/member",
            get(authenticated_as::<Member<TeamMember>, Administrator>),
        )
        .route("/administrator/consistent", get(consistent_administrator))
        .route("/nothing/unit", get(authenticated_as::<(), NoRequirement>))
        .route(
            "/nothing/session",
            get(authenticated_as::<Session, NoRequirement>),
        )
        .route("/nothing/row", get(authenticated_as::<Profile, NoRequirement>))
        .route(
            "/nothing/arc",
            get(authenticated_as::<Arc<Profile>, NoRequirement>),
        )
        .route(
            "/nothing/synced",
            get(authenticated_as::<Synced<Profile>, NoRequirement>),
        )
        .route(
            "/nothing/maybe-synced",
            get(authenticated_as::<MaybeSynced<Profile>, NoRequirement>),
        )
        .route(
            "/nothing/optional-session",
            get(authenticated_as::<Option<Session>, NoRequirement>),
        )
        .route(
            "/nothing/optional-row",
            get(authenticated_as::<Option<Profile>, NoRequirement>),
        )
        .route(
            "/nothing/optional-arc",
            get(authenticated_as::<Option<Arc<Profile>>, NoRequirement>),
        )
        .route(
            "/nothing/optional-optional",
            get(authenticated_as::<Option<Option<Session>>, NoRequirement>),
        )
        .route("/nothing/alias", get(authenticated_as::<Visitor, NoRequirement>))
        .route("/nothing/twice", get(authenticated_as::<Visitor, NothingTwice>))
        .route("/nothing/attribute", get(alias))
        .route(
            "/signed-in/optional-session",
            get(authenticated_as::<Option<Session>, SignedIn>),
        )
        .route(
            "/signed-in/optional-row",
            get(authenticated_as::<Option<Profile>, SignedIn>),
        )
        .route("/administrator/unit", get(authenticated_as::<(), Administrator>))
        .route(
            "/administrator/session",
            get(authenticated_as::<Session, Administrator>),
        )
        .route(
            "/administrator/row",
            get(authenticated_as::<Profile, Administrator>),
        )
        .route(
            "/administrator/arc",
            get(authenticated_as::<Arc<Profile>, Administrator>),
        )
        .route(
            "/administrator/synced",
            get(authenticated_as::<Synced<Profile>, Administrator>),
        )
        .route(
            "/administrator/maybe-synced",
            get(authenticated_as::<MaybeSynced<Profile>, Administrator>),
        )
        .route(
            "/administrator/optional-session",
            get(authenticated_as::<Option<Session>, Administrator>),
        )
        .route(
            "/administrator/optional-row",
            get(authenticated_as::<Option<Profile>, Administrator>),
        )
        .route(
            "/administrator/optional-arc",
            get(authenticated_as::<Option<Arc<Profile>>, Administrator>),
        )
        .route(
            "/administrator/optional-optional",
            get(authenticated_as::<Option<Option<Session>>, Administrator>),
        )
        .route(
            "/administrator/alias",
            get(authenticated_as::<Visitor, Administrator>),
        )
        .route(
            "/administrator/by-rule",
            get(authenticated_as::<Visitor, AdministratorByRule>),
        )
        .route(
            "/administrator/and-nothing",
            get(authenticated_as::<Visitor, NothingAndAdministrator>),
        )
        .route("/layer/signed-in", inside().layer(layer()))
        .route(
            "/layer/nothing",
            inside().layer(layer().policy::<NoRequirement>()),
        )
        .route(
            "/layer/administrator",
            inside().layer(layer().policy::<Administrator>()),
        )
        .route("/lifted/session", get(authenticated_as::<Session, AgentsAllowed>))
        .route(
            "/lifted/optional",
            get(authenticated_as::<Visitor, AgentsAllowed>),
        )
        .route("/lifted/layer", inside().layer(layer().policy::<AgentsAllowed>()))
        .route("/delivery", axum::routing::post(delivery))
        .route("/webhooks", webhooks(&state.users, state.verifier.clone()))
        .with_state(state.clone())
}

pub(super) async fn state(deny_agents: bool) -> (AppState, TestDatabase) {
    let clerk = Clerk::builder()
        .issuer(issuer().url())
        .jwt_key(issuer().public_key_pem());
    let clerk = if deny_agents { clerk.deny_agents() } else { clerk };
    let clerk = clerk.build().expect("the configuration is right");
    let database = TestDatabase::sqlite();
    let Pool::Sqlite(pool) = Pool::open(database.url(), 5).await else {
        unreachable!("the URL is that of a file");
    };
    for sql in [
        <Team as StoredIn<sqlx::Sqlite>>::create_table(),
        <TeamMember as StoredIn<sqlx::Sqlite>>::create_table(),
    ] {
        let made = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&pool).await;
        made.expect("the table is made");
    }
    let users = UserSync::new(clerk.clone(), pool.clone())
        .await
        .expect("the table fits");
    let teams = OrganizationSync::new(&users, pool.clone())
        .await
        .expect("the table fits");
    let members = MembershipSync::new(&users, &teams, pool)
        .await
        .expect("the table fits");
    let verifier = WebhookVerifier::new(SECRET.parse().expect("a secret"));
    let state = AppState {
        clerk,
        users,
        members,
        verifier,
    };
    (state, database)
}
