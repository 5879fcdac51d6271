//! The metrics and their names, recorded through the facade `metrics` to the recorder that the application installs.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | [`SESSION_TOKENS`] | counter | `outcome`: `verified`, `cached`, `keys_unavailable`, `denials_unavailable`, `cross_site_request`, or a refusal's [`code`](crate::token::Refusal::code) |
//! | [`SESSION_TOKEN_BYTES`] | histogram, in bytes | |
//! | [`KEY_FETCHES`] | counter | `outcome`: `fetched`, `failed` |
//! | [`USER_SYNCS`] | counter | `user`: the struct, also that of an organization. `table`: its table. `outcome`: a [`SyncOutcome`](crate::sync::SyncOutcome), or `gone`, `claims`, `claim_invalid`, `other_instance`, `conflict`, `link_conflict`, `data_refused`, `row_unreadable`, `reference_missing`, `on_insert`, `on_link`, `on_delete`, `timeout`, `busy`, `unavailable`, `database`, `read_only`, `statement_refused`, `panic`, `database_error` |
//! | [`WEBHOOKS`] | counter | `outcome`: `received`, or the `code` of a [`WebhookRejection`](crate::extract::WebhookRejection) |
//! | [`WEBHOOK_EVENTS`] | counter | `user`: the struct, also that of an organization. `table`: its table. `outcome`: `inserted`, `linked`, `updated`, `unchanged`, `stale`, `deleted`, `gone`, `refused`, `nothing`, `on_event`, or a failure of [`USER_SYNCS`] |
//! | `USERS_IMPORTED` (feature `backend-api`) | counter | `user`: the struct. `table`: its table. `outcome`: `inserted`, `linked`, `updated`, `unchanged`, `skipped`, `conflicted`, `deleted` |
//!
//! Labels never contain any part of a token or any personal data. Without a recorder a count costs a few nanoseconds.
//!
//! The application installs the recorder, for example Prometheus's exporter, and then registers the descriptions:
//!
//! ```
//! use clerk_auth::metrics::{KEY_FETCHES, SESSION_TOKEN_BYTES, SESSION_TOKENS, USER_SYNCS};
//! use metrics::{Unit, describe_counter, describe_histogram};
//!
//! describe_counter!(SESSION_TOKENS, "session tokens that requests carried, by outcome");
//! describe_histogram!(SESSION_TOKEN_BYTES, Unit::Bytes, "sizes of session tokens that were verified anew");
//! describe_counter!(KEY_FETCHES, "fetches of the JWKS document, by outcome");
//! describe_counter!(USER_SYNCS, "sessions for which a row was asked, by struct and outcome");
//! ```
//!
//! These rules for Prometheus alert an operator if sign-in fails for everyone, or if rows cannot be loaded:
//!
//! ```text
//! rate(clerk_auth_session_tokens_total{outcome="keys_unavailable"}[5m]) > 0
//! rate(clerk_auth_user_syncs_total{outcome=~"claims|timeout|unavailable|database|read_only|statement_refused|panic|database_error"}[5m]) > 0
//! ```

use ::metrics::{Counter, Key, Label, Level, Metadata, counter, with_recorder};

/// Session tokens of requests. Requests without a token are not counted.
pub const SESSION_TOKENS: &str = "clerk_auth_session_tokens_total";

/// The sizes of newly verified session tokens, in bytes. A cookie holds 4,096, including its name and attributes.
pub const SESSION_TOKEN_BYTES: &str = "clerk_auth_session_token_bytes";

/// Fetches of the JWKS document.
pub const KEY_FETCHES: &str = "clerk_auth_key_fetches_total";

/// Sessions for which a row was requested.
pub const USER_SYNCS: &str = "clerk_auth_user_syncs_total";

/// Deliveries of webhooks.
pub const WEBHOOKS: &str = "clerk_auth_webhooks_total";

/// Events of verified deliveries, and their effects on rows.
pub const WEBHOOK_EVENTS: &str = "clerk_auth_webhook_events_total";

/// Users, organizations or memberships that an [import](crate::UserSync::import) processed, by table; a dry run counts
/// nothing.
#[cfg(feature = "backend-api")]
pub const USERS_IMPORTED: &str = "clerk_auth_users_imported_total";

static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Built at compile time, because the facade's macros hash a name that is not a literal at each call.
static CACHED: Key = Key::from_static_parts(SESSION_TOKENS, &CACHED_LABELS);
static CACHED_LABELS: [Label; 1] = [Label::from_static_parts("outcome", "cached")];
static VERIFIED: Key = Key::from_static_parts(SESSION_TOKENS, &VERIFIED_LABELS);
static VERIFIED_LABELS: [Label; 1] = [Label::from_static_parts("outcome", "verified")];
static BYTES: Key = Key::from_static_name(SESSION_TOKEN_BYTES);

fn kept_counter(key: &'static Key) -> Counter {
    with_recorder(|recorder| recorder.register_counter(key, &METADATA))
}

pub(crate) fn session_token_cached() {
    kept_counter(&CACHED).increment(1);
}

pub(crate) fn session_token_verified(bytes: usize) {
    kept_counter(&VERIFIED).increment(1);
    let histogram = with_recorder(|recorder| recorder.register_histogram(&BYTES, &METADATA));
    // Exact: a token is shorter than 2^52 bytes.
    histogram.record(bytes as f64);
}

pub(crate) fn session_token_refused(outcome: &'static str) {
    counter!(SESSION_TOKENS, "outcome" => outcome).increment(1);
}

#[cfg_attr(not(feature = "jwks"), expect(dead_code, reason = "nothing is fetched"))]
pub(crate) fn keys_fetched(outcome: &'static str) {
    counter!(KEY_FETCHES, "outcome" => outcome).increment(1);
}

pub(crate) fn user_synced(user: &'static str, table: &'static str, outcome: &'static str) {
    counter!(USER_SYNCS, "user" => user, "table" => table, "outcome" => outcome).increment(1);
}

/// The labels of [`user_synced`], as a constant.
pub(crate) const fn labels_of_sync(
    user: &'static str,
    table: &'static str,
    outcome: &'static str,
) -> [Label; 3] {
    [
        Label::from_static_parts("user", user),
        Label::from_static_parts("table", table),
        Label::from_static_parts("outcome", outcome),
    ]
}

/// Like [`user_synced`], without an allocation.
pub(crate) fn user_synced_as(labels: &'static [Label]) {
    const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
    let key = Key::from_static_parts(USER_SYNCS, labels);
    with_recorder(|recorder| recorder.register_counter(&key, &METADATA).increment(1));
}

pub(crate) fn webhook_applied(user: &'static str, table: &'static str, outcome: &'static str) {
    counter!(WEBHOOK_EVENTS, "user" => user, "table" => table, "outcome" => outcome).increment(1);
}

pub(crate) fn webhook(outcome: &'static str) {
    counter!(WEBHOOKS, "outcome" => outcome).increment(1);
}

#[cfg(feature = "backend-api")]
pub(crate) fn users_imported(user: &'static str, table: &'static str, outcome: &'static str, users: u64) {
    if users > 0 {
        counter!(USERS_IMPORTED, "user" => user, "table" => table, "outcome" => outcome).increment(users);
    }
}
