//! The organizations and memberships of the Backend API, for fake instances and the stand-in.
//!
//! Limits, paging and filters are those of Clerk's OpenAPI document, `bapi/2026-05-12.yml` in `clerk/openapi-specs`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::endpoints::{answer, error, is_authorized, parameters};

/// The organizations and memberships of an instance.
pub(crate) trait OrganizationSource: Send + Sync + 'static {
    /// Returns the organizations in any order; an error with this status if the instance has none.
    fn organizations(&self) -> Result<Vec<Value>, StatusCode>;

    /// Returns the memberships in any order; an error with this status if the instance has no organizations.
    fn memberships(&self) -> Result<Vec<Value>, StatusCode>;
}

type Source = State<Arc<dyn OrganizationSource>>;

pub(crate) fn router(source: Arc<dyn OrganizationSource>) -> Router {
    Router::new()
        .route("/v1/organizations", get(organizations))
        .route("/v1/organizations/{id}", get(organization))
        .route("/v1/organizations/{id}/memberships", get(members))
        .route("/v1/organization_memberships", get(memberships))
        .route(
            "/v1/users/{id}/organization_memberships",
            get(memberships_of_user),
        )
        .with_state(source)
}

async fn organizations(State(source): Source, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let found = source.organizations();
    list(&headers, query, found, |organization, ids| {
        ids("organization_id").is_none_or(|ids| ids.iter().any(|id| organization["id"] == **id))
    })
}

async fn organization(State(source): Source, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !is_authorized(&headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    match source.organizations() {
        Err(status) => error(status, DISABLED),
        Ok(organizations) => match organizations.iter().find(|it| it["id"] == *id) {
            Some(organization) => answer(StatusCode::OK, organization),
            None => error(StatusCode::NOT_FOUND, "resource_not_found"),
        },
    }
}

async fn members(
    State(source): Source,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let is_known = |found: &Vec<Value>| found.iter().any(|organization| organization["id"] == *id);
    if source.organizations().is_ok_and(|found| !is_known(&found)) {
        return error(StatusCode::NOT_FOUND, "resource_not_found");
    }
    list(&headers, query, source.memberships(), |membership, ids| {
        let user_id = &membership["public_user_data"]["user_id"];
        membership["organization"]["id"] == *id
            && ids("user_id").is_none_or(|ids| ids.iter().any(|id| user_id == *id))
    })
}

async fn memberships(State(source): Source, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    list(&headers, query, source.memberships(), |_, _| true)
}

async fn memberships_of_user(
    State(source): Source,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    list(&headers, query, source.memberships(), |membership, _| {
        membership["public_user_data"]["user_id"] == *id
    })
}

/// The code with which Clerk refuses requests about organizations.
const DISABLED: &str = "organization_not_enabled_in_instance";

/// Returns the ids of a filter, by its name; `None` without the filter.
type Ids<'a> = &'a dyn Fn(&'static str) -> Option<Vec<&'a str>>;

/// Answers with a page of the objects that pass a filter, newest first by default.
fn list(
    headers: &HeaderMap,
    query: Option<String>,
    objects: Result<Vec<Value>, StatusCode>,
    is_listed: impl Fn(&Value, Ids<'_>) -> bool,
) -> Response {
    /// The maximum number of ids in a filter.
    const MAX_IDS: usize = 100;
    if !is_authorized(headers) {
        return error(StatusCode::UNAUTHORIZED, "clerk_key_invalid");
    }
    let mut objects = match objects {
        Ok(objects) => objects,
        Err(status) => return error(status, DISABLED),
    };
    let query = query.unwrap_or_default();
    let number = |name| parameters(&query, name).next().and_then(|text| text.parse().ok());
    let ids = |name| {
        let ids: Vec<&str> = parameters(&query, name).take(MAX_IDS).collect();
        (!ids.is_empty()).then_some(ids)
    };
    objects.retain(|object| is_listed(object, &ids));
    let created = |object: &Value| {
        (
            object["created_at"].as_i64(),
            object["id"].as_str().map(str::to_owned),
        )
    };
    objects.sort_by_cached_key(created);
    let order = parameters(&query, "order_by").next().unwrap_or("-created_at");
    if order.starts_with('-') {
        objects.reverse();
    }
    let total_count = objects.len();
    let (offset, limit) = (number("offset").unwrap_or(0), number("limit").unwrap_or(10));
    let page: Vec<Value> = objects.into_iter().skip(offset).take(limit.min(500)).collect();
    answer(
        StatusCode::OK,
        &json!({ "data": page, "total_count": total_count }),
    )
}
