//! Tests through the public surface: the example application over HTTP, on real databases.

/// The cost of a request: round trips and writes.
mod cost {
    mod no_writes;
    mod round_trips;
}

/// Bans, deletions and ended sessions are refused at once.
mod denials {
    mod edge_tokens;
    pub(crate) mod events;
}

/// The example application as a process.
mod example {
    mod configuration;
    mod import;
    mod link;
    pub(crate) mod process;
    pub(crate) mod rows;
}

/// Databases, networks, poolers and application code that fail.
mod faults {
    mod error_codes;
    mod handler_connections;
    mod kinds;
    mod network;
    pub(super) mod panics;
    mod policy_panics;
    mod pool;
    mod pooler;
}

mod harness;

/// Clerk's users by the Backend API: imports, and the trust in the secret key.
mod import {
    mod odd_users;
    mod secret_key;
    mod users;
}

mod linking;

/// Events about memberships correct the roles of older tokens.
mod memberships {
    mod events;
    mod faults;
}

/// Organizations are rows.
mod organizations {
    mod answer;
    mod changing_tables;
    mod faults;
    mod import;
    mod last_handle;
    mod members;
    mod notifications;
    mod panics;
    mod pooler;
    mod races;
    mod reference_model;
    mod rows;
    mod together;
    mod triggers;
}

/// Routers, extractors and layers: what each kind of caller gets.
mod routing {
    mod guards;
    mod openapi;
    mod router_methods;
    mod routers;
}

/// The table beside the struct: start-up, its advice, the types of columns and the plans of statements.
mod schema {
    mod advice;
    mod changing_tables;
    mod checked_statements;
    mod column_types;
    mod migrations;
    mod query_plans;
    mod start_up;
    mod start_up_sqlite;
    mod types;
}

/// The sources themselves: their order and their prose.
mod sources {
    pub(crate) mod layout;
    mod prose;
    mod public_surface;
    mod test_names;
}

/// The developer's stand-in for Clerk.
mod stand_in {
    mod changes;
    mod directory;
    mod hosts;
}

/// A signed-in request becomes a row.
mod sync {
    mod bounds;
    mod conflicts;
    mod deletion;
    mod edge_tokens;
    mod foreign_rows;
    mod freshness;
    mod locks;
    mod logged_changes;
    mod missing_claims;
    mod normalized_values;
    mod on_insert;
    mod races;
    mod reference_model;
    mod refused_values;
    mod requests;
    mod sign_ups;
    mod statements;
    pub(crate) mod two_processes;
    mod unique_values;
}

/// Session token templates: shortcodes, and the configuration that was pulled from Clerk.
mod template {
    mod check;
    mod shortcodes;
}

/// Tokens, their keys and the reasons of a refusal: no rows.
mod tokens {
    mod addresses;
    mod credentials;
    mod keys;
    mod refusal_log;
    mod refusals;
}

/// Deliveries of Clerk's webhooks.
mod webhooks {
    mod deliveries;
    mod extractor;
}
