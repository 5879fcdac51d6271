//! What `#[derive(SyncedUser)]` implements: how claims become a row, and how a row is stored in a database.

use sqlx::Database;

use crate::claim::{ClaimSource, SessionTokenBudget, TemplateClaim, UnreadableClaims};

/// A struct that is a row of the team's own `users` table, kept equal to Clerk's claims.
///
/// Derive it; the derive checks every field against the session-token template.
pub trait SyncedUser: Sized + Send + Sync + 'static {
    /// The columns that come from claims, in the struct's own types.
    type Claims: Send + Sync + 'static;

    /// The name of the struct, for messages and spans.
    const NAME: &'static str;

    /// The JSON text to paste into Clerk's dashboard (Sessions, Customize session token).
    const SESSION_TOKEN_TEMPLATE: &'static str;

    /// The template, parsed.
    const TEMPLATE: &'static [TemplateClaim];

    /// The most bytes that the template's claims take in a session token.
    const SESSION_TOKEN_BUDGET: SessionTokenBudget;

    /// Where a token's version comes from.
    const VERSION: VersionSource;

    /// Reads the claims of one user into the struct's own types.
    ///
    /// # Errors
    ///
    /// [`UnreadableClaims`] lists every claim that is absent, null without permission, or of another kind.
    fn read_claims(source: ClaimSource<'_>) -> Result<Self::Claims, UnreadableClaims>;

    /// Whether the row already holds these claims, so that nothing need be written.
    fn holds(&self, claims: &Self::Claims) -> bool;
}

/// Where the version of a session token's claims comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VersionSource {
    /// The claim whose template value is `{{user.updated_at}}`, by name.
    UpdatedAt {
        /// The claim's name.
        claim: &'static str,
    },
    /// The token's `iat`. Weaker: a token minted after a change can still carry the values of before it, and then wins
    /// over the webhook that told of the change.
    IssuedAt,
}

/// How a [`SyncedUser`] is stored in the database `DB`: statements, values and rows.
///
/// The statements are constants so that a team can read them, `EXPLAIN` them and put the DDL into its migrations:
///
/// ```text
/// <User as StoredIn<sqlx::Postgres>>::UPSERT
/// ```
pub trait StoredIn<DB: Database>: SyncedUser {
    /// Reads one row by Clerk user id (parameter 1). Columns: those of the struct in the order of its fields, then the
    /// version (64-bit integer) and whether the row is a tombstone (boolean).
    const SELECT: &'static str;

    /// Inserts the row or updates it if the version is not older; the parameters are those of [`bind`](Self::bind).
    /// Always returns the row that won: the columns of [`SELECT`](Self::SELECT), then whether it was inserted
    /// (boolean; always false on SQLite, where the store reads it from the transaction).
    const UPSERT: &'static str;

    /// Notes that the row's claims are current at a newer version: Clerk user id (parameter 1), version in milliseconds
    /// (parameter 2). Touches nothing else, and does nothing to a row of a newer version or a tombstone.
    const RAISE_VERSION: &'static str;

    /// Marks the row of a user as deleted: Clerk user id (parameter 1).
    const TOMBSTONE: &'static str;

    /// Creates the table with its primary key and the unique index on the Clerk user id.
    const CREATE_TABLE: &'static str;

    /// Adds the parameters of [`UPSERT`](Self::UPSERT): the claim columns in the order of the struct's fields, then the
    /// version in milliseconds.
    ///
    /// # Errors
    ///
    /// What the encoder of a column's type reports.
    fn bind(
        claims: &Self::Claims,
        version: i64,
        arguments: &mut DB::Arguments,
    ) -> Result<(), sqlx::error::BoxDynError>;

    /// Reads the struct from a row of [`SELECT`](Self::SELECT) or [`UPSERT`](Self::UPSERT), by position from 0.
    ///
    /// # Errors
    ///
    /// What the decoder of a column's type reports.
    fn from_row(row: &DB::Row) -> Result<Self, sqlx::Error>;
}
