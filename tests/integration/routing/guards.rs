//! Tests of every extractor, subject and layer of the crate, with the answer to each kind of caller.

mod router;

use std::collections::BTreeSet;
use std::fs;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header::AUTHORIZATION};
use clerk_auth::testing::{SignedDelivery, event, membership_object, user_object};
use clerk_auth::time::{Clock, SystemClock};
use clerk_auth_tests::profiles::token;
use serde_json::Value;
use syn::visit::Visit;
use tower::ServiceExt;

use crate::sources::layout;
use router::{router, state};

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// The code of the refusal of each caller; an empty text stands for 200.
struct Answers {
    visitor: &'static str,
    member: &'static str,
    admin: &'static str,
    /// An administrator until a webhook took the role away; the token is still valid.
    former: &'static str,
    banned: &'static str,
    pending: &'static str,
    impersonated: &'static str,
    agent: &'static str,
}

/// Nothing is required, and the extracted type excludes visitors.
const SIGNED_IN: Answers = Answers {
    visitor: "signed_out",
    member: "",
    admin: "",
    former: "",
    banned: "user_banned",
    pending: "session_pending",
    impersonated: "",
    agent: "",
};

/// Nothing is required, and a visitor is extracted as `None`.
const VISITORS_TOO: Answers = Answers {
    visitor: "",
    ..SIGNED_IN
};

/// The handler takes the rows of the organization that the token names.
const OF_MEMBERS: Answers = Answers {
    former: "organization_changed",
    ..SIGNED_IN
};

/// The route requires an administrator who acts in person.
const RESTRICTED: Answers = Answers {
    member: "role_required",
    former: "organization_changed",
    impersonated: "impersonation_denied",
    agent: "agent_denied",
    ..SIGNED_IN
};

/// A row of the table.
struct Row {
    /// The impls that the row covers, as `Trait for Type`.
    covers: &'static [&'static str],
    path: &'static str,
    answers: Answers,
}

const fn of(covers: &'static [&'static str], path: &'static str, answers: Answers) -> Row {
    Row {
        covers,
        path,
        answers,
    }
}

const TABLE: &[Row] = &[
    of(
        &["FromRequestParts for Session", "Guard for Session"],
        "/session",
        SIGNED_IN,
    ),
    // The derive writes the extractor of a row.
    of(&["Guard for U"], "/row", SIGNED_IN),
    of(
        &[
            "FromRequestParts for Authenticated",
            "SubjectFrom for ()",
            "Guard for Authenticated",
            "SignedInUser for ()",
        ],
        "/nothing/unit",
        SIGNED_IN,
    ),
    of(
        &["SubjectFrom for Session", "SignedInUser for Session"],
        "/nothing/session",
        SIGNED_IN,
    ),
    of(
        &["SubjectFrom for U", "SignedInUser for U"],
        "/nothing/row",
        SIGNED_IN,
    ),
    of(
        &["SubjectFrom for Arc", "SignedInUser for Arc"],
        "/nothing/arc",
        SIGNED_IN,
    ),
    of(
        &["SubjectFrom for Synced", "SignedInUser for Synced"],
        "/nothing/synced",
        SIGNED_IN,
    ),
    of(
        &["SubjectFrom for MaybeSynced", "SignedInUser for MaybeSynced"],
        "/nothing/maybe-synced",
        SIGNED_IN,
    ),
    of(
        &["FromRequestParts for Member", "Guard for Member"],
        "/member",
        OF_MEMBERS,
    ),
    of(
        &["SubjectFrom for Member", "SignedInUser for Member"],
        "/nothing/member",
        OF_MEMBERS,
    ),
    of(&[], "/nothing/optional-member", VISITORS_TOO),
    of(&[], "/nothing/consistent", OF_MEMBERS),
    of(&[], "/administrator/member", RESTRICTED),
    of(&[], "/administrator/consistent", RESTRICTED),
    of(
        &["SubjectFrom for Option"],
        "/nothing/optional-session",
        VISITORS_TOO,
    ),
    of(&[], "/nothing/optional-row", VISITORS_TOO),
    of(&[], "/nothing/optional-arc", VISITORS_TOO),
    of(&[], "/nothing/optional-optional", VISITORS_TOO),
    of(&[], "/nothing/alias", VISITORS_TOO),
    of(&[], "/nothing/twice", VISITORS_TOO),
    of(&[], "/nothing/attribute", VISITORS_TOO),
    // Only a signed-in user meets a requirement, for any extracted type.
    of(&[], "/signed-in/optional-session", SIGNED_IN),
    of(&[], "/signed-in/optional-row", SIGNED_IN),
    of(&[], "/administrator/unit", RESTRICTED),
    of(&[], "/administrator/session", RESTRICTED),
    of(&[], "/administrator/row", RESTRICTED),
    of(&[], "/administrator/arc", RESTRICTED),
    of(&[], "/administrator/synced", RESTRICTED),
    of(&[], "/administrator/maybe-synced", RESTRICTED),
    of(&[], "/administrator/optional-session", RESTRICTED),
    of(&[], "/administrator/optional-row", RESTRICTED),
    of(&[], "/administrator/optional-arc", RESTRICTED),
    of(&[], "/administrator/optional-optional", RESTRICTED),
    of(&[], "/administrator/alias", RESTRICTED),
    of(&[], "/administrator/by-rule", RESTRICTED),
    of(&[], "/administrator/and-nothing", RESTRICTED),
    of(&["Layer for RequireSession"], "/layer/signed-in", SIGNED_IN),
    // A layer has no parameter that could stand for a visitor.
    of(&[], "/layer/nothing", SIGNED_IN),
    of(&[], "/layer/administrator", RESTRICTED),
];

/// Items that do not authenticate, with the reason.
const EXEMPT: [&str; 3] = [
    // A delivery is signed by Clerk's sender; `delivery_is_not_authenticated_by_a_session` shows it.
    "FromRequest for Webhook",
    // Only generated code names it, at compile time; no request reaches it, and it never resolves.
    "SubjectFrom for Anybody",
    "SignedInUser for Anybody",
];

/// Returns the status and the code of the answer; the code is empty for 200.
async fn answer(app: &Router, path: &str, token: Option<&str>) -> (u16, String) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).expect("a request");
    let response = app.clone().oneshot(request).await.expect("a router answers");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
    let document: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status, document["code"].as_str().unwrap_or_default().to_owned())
}

async fn ban(app: &Router, user_id: &str) {
    let mut user = user_object(user_id, SystemClock.now());
    user["banned"] = true.into();
    report(app, "user.updated", user).await;
}

async fn remove(app: &Router, user_id: &str) {
    let membership = membership_object(user_id, "org_1", "org:admin", SystemClock.now());
    report(app, "organizationMembership.deleted", membership).await;
}

async fn report(app: &Router, event_type: &str, data: Value) {
    let now = SystemClock.now();
    let delivery = SignedDelivery::new(SECRET, &event(event_type, data, now), now);
    let answer = app.clone().oneshot(delivery.request("/webhooks")).await;
    assert_eq!(answer.expect("a router answers").status().as_u16(), 204);
}

fn status_of(code: &str) -> u16 {
    match code {
        "" => 200,
        "signed_out" | "user_banned" | "session_pending" => 401,
        _ => 403,
    }
}

async fn check(deny_agents: bool) {
    let (state, _database) = state(deny_agents).await;
    let app = router(&state);
    ban(&app, "user_eve").await;
    let admin = |user_id: &str| token(user_id, "Ada", 100).organization("org_1", "org:admin");
    let member = token("user_bob", "Bob", 100)
        .organization("org_1", "org:member")
        .sign();
    let [administrator, banned, former] =
        ["user_ada", "user_eve", "user_zoe"].map(|user_id| admin(user_id).sign());
    // The token is verified first, so that the session is in the cache.
    assert_eq!(answer(&app, "/administrator/session", Some(&former)).await.0, 200);
    remove(&app, "user_zoe").await;
    let pending = admin("user_ada").pending().sign();
    let impersonated = admin("user_ada").impersonated_by("user_support").sign();
    let agent = admin("user_ada").agent("agent_1").sign();
    for Row { path, answers, .. } in TABLE {
        // The handle's default applies to every route.
        let of_agent = if deny_agents {
            "agent_denied"
        } else {
            answers.agent
        };
        for (caller, token, code) in [
            ("visitor", None, answers.visitor),
            ("member", Some(&member), answers.member),
            ("administrator", Some(&administrator), answers.admin),
            ("former administrator", Some(&former), answers.former),
            ("banned", Some(&banned), answers.banned),
            ("pending", Some(&pending), answers.pending),
            ("impersonated", Some(&impersonated), answers.impersonated),
            ("agent", Some(&agent), of_agent),
        ] {
            let expected = (status_of(code), code.to_owned());
            assert_eq!(
                answer(&app, path, token.map(String::as_str)).await,
                expected,
                "{path}: {caller}"
            );
        }
    }
    // A single handler or a single layer can lift the default.
    for path in ["/lifted/session", "/lifted/optional", "/lifted/layer"] {
        assert_eq!(answer(&app, path, Some(&agent)).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn each_extractor_subject_and_layer_answers_each_caller_as_listed() {
    check(false).await;
}

#[tokio::test]
async fn denying_agents_by_default_changes_the_answer_to_agents_alone() {
    check(true).await;
}

/// A session token does not authenticate a webhook delivery.
#[tokio::test]
async fn delivery_is_not_authenticated_by_a_session() {
    let (state, _database) = state(false).await;
    let token = token("user_ada", "Ada", 100).sign();
    let request = Request::post("/delivery").header(AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::empty()).expect("a request");
    let response = router(&state).oneshot(request).await.expect("a router answers");
    assert_eq!(response.status().as_u16(), 400);
}

/// Collects the impls of these traits in the sources, as `Trait for Type`.
#[derive(Default)]
struct Impls(BTreeSet<String>);

const TRAITS: [&str; 8] = [
    "FromRequest",
    "FromRequestParts",
    "Guard",
    "Layer",
    "SignedInUser",
    "OptionalFromRequest",
    "OptionalFromRequestParts",
    "SubjectFrom",
];

impl<'ast> Visit<'ast> for Impls {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
        if let Some(of) = of.filter(|of| TRAITS.iter().any(|known| of.ident == known)) {
            let name = match &*item.self_ty {
                syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
                syn::Type::Tuple(tuple) if tuple.elems.is_empty() => Some("()".to_owned()),
                _ => None,
            };
            let name = name.expect("a name can be read of the type");
            self.0.insert(format!("{} for {name}", of.ident));
        }
    }
}

/// A new extractor, subject or layer needs a row in the table above, or an exemption with its reason.
#[test]
fn each_extractor_subject_and_layer_of_the_crate_has_a_row() {
    let mut found = Impls::default();
    for file in layout::sources(&layout::root().join("clerk-auth/src")) {
        let text = fs::read_to_string(&file).expect("the file can be read");
        found.visit_file(&syn::parse_file(&text).expect("the file is Rust"));
    }
    let listed = TABLE.iter().flat_map(|row| row.covers).chain(&EXEMPT);
    let listed: BTreeSet<String> = listed.map(|name| (*name).to_owned()).collect();
    assert_eq!(found.0, listed, "the table lists what the sources implement");
}

/// A guarded route takes only these types, so none of them may admit a visitor.
#[test]
fn no_guard_admits_visitors() {
    for row in TABLE {
        let guards = ["Guard for", "SignedInUser for"];
        let is_guard = row
            .covers
            .iter()
            .any(|name| guards.iter().any(|guard| name.starts_with(guard)));
        assert!(!is_guard || row.answers.visitor == "signed_out", "{}", row.path);
    }
}
