//! The items that generated code may name. Not part of the public interface: they change without notice.
#![allow(
    missing_debug_implementations,
    clippy::return_self_not_must_use,
    reason = "only generated code names these types"
)]

pub use axum;
pub use axum::http::request::Parts;
pub use sqlx;

pub use crate::claim::FromClaim;
pub use crate::clerk::Clerk;
pub use crate::extract::Rejection;
pub use crate::sync::{MembershipSync, OrganizationSync, UserSync};

mod bind;
mod checked;
mod column;
mod copied;
mod data;
mod encoded;
mod filled;
mod joined;
mod joined_row;
mod key;
mod link;
mod member;
mod named;
mod organization;
mod parameter;
mod reply;
mod requires;
mod row_policy;
mod shared;
mod sql_type;
mod subject;

pub use bind::bind;
pub use checked::CheckedType;
pub use column::{
    ClaimField, ColumnField, ColumnFields, DefaultField, HoldsClaim, NoDefault, ParseClaim, ParsedField,
    UnheldClaim, UnstoredColumn, UnstoredColumns, set_null, unread,
};
#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub use column::{PostgresAndSqliteClaimColumn, PostgresAndSqliteOwnColumn};
#[cfg(feature = "postgres")]
pub use column::{PostgresClaimColumn, PostgresOwnColumn};
#[cfg(feature = "sqlite")]
pub use column::{SqliteClaimColumn, SqliteOwnColumn};
pub use copied::{Copied, NotCopied};
pub use data::Data;
pub use encoded::{
    JsonClaim, JsonClaimColumn, JsonColumn, JsonField, JsonOwnColumn, TextClaimColumn, TextColumn,
};
pub use filled::{assert_own_table, filled, filled_length};
pub use joined::{joined, joined_length};
pub use joined_row::{JoinedOrganization, JoinedUser};
pub use key::KeyOf;
pub use link::{KeyKind, LinkKey, bind_key, bind_own_key, read_key};
pub use member::{Later, RoleField, Roles, assert_role};
pub use named::{Named, Same, of};
pub use organization::TakenByValue;
pub use parameter::{
    AnyState, AxumExtractor, BeforeTheBody, Extractor, LaterParameter, OneUser, Parameter, PartOfState,
    Readable, UserComesFirst, any,
};
pub use reply::{AxumResponse, ErrorResponse, Response, ResponseOrJson, Returned, Writable};
pub use requires::{
    AgentDenied, All, Any, Feature, ImpersonationDenied, Lax, Literal, Moderate, Permission, Plan, Required,
    RequiredList, Requires, Role, Strict, StrictMfa, Text, text_part,
};
pub use row_policy::{DecidesOver, RowField};
pub use shared::{Probe, SharedField, SharedIn, Unshared};
#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub use sql_type::PostgresAndSqliteSqlType;
#[cfg(feature = "postgres")]
pub use sql_type::PostgresSqlType;
#[cfg(feature = "sqlite")]
pub use sql_type::SqliteSqlType;
pub use sql_type::{
    Clauses, Defined, Encoded, JsonClauses, JsonNotNull, JsonObject, KindClauses, KindSqlType, SqlType,
};
pub use subject::{Asked, FromState, Policed, StateField, SubjectField};

/// The traits whose methods `#[authenticated]` calls.
pub mod ask {
    pub use super::data::OtherData as _;
    pub use super::member::{NoRoles as _, NoRow as _, NoValues as _};
    pub use super::organization::{NotShared as _, OtherResult as _};
    pub use super::parameter::{Found as _, NoUser as _, OtherParameter as _};
    pub use super::reply::{Answered as _, Failure as _, OtherReply as _};
    pub use super::row_policy::WithoutRow as _;
    pub use super::subject::{NotASubject as _, StateWithoutClerk as _};
}

use crate::extract::active::{self, ActiveRows};
use crate::extract::{Provides, SubjectFrom, admit};
use crate::policy::NoRequirement;

/// Returns the number of usable keys in a JWKS document, for the fuzz target.
#[cfg(all(feature = "jwks", feature = "testing"))]
pub fn read_jwks_document(document: &[u8]) -> usize {
    crate::token::parse_jwks(document).map_or(0, |keys| keys.len())
}

/// Extracts a derived user: the row of the signed-in user. Not an `async fn`, because rustc would prove for each struct
/// again that the future is `Send`.
#[expect(
    clippy::manual_async_fn,
    reason = "its future is `Send` for each struct without a proof of its own"
)]
pub fn extract_user<U, S>(parts: &mut Parts, state: &S) -> impl Future<Output = Result<U, Rejection>> + Send
where
    S: Provides<Clerk> + Sync,
    U: SubjectFrom<S>,
{
    async move {
        let session = admit::<NoRequirement>(parts, &state.provide()).await?;
        U::resolve(session, state).await
    }
}

/// Extracts a derived organization or membership: the session's active row, through the handle `H`.
#[expect(
    clippy::manual_async_fn,
    reason = "its future is `Send` for each struct without a proof of its own"
)]
pub fn extract_active<H, S>(
    parts: &mut Parts,
    state: &S,
) -> impl Future<Output = Result<H::Row, Rejection>> + Send
where
    S: Provides<H> + Sync,
    H: ActiveRows,
{
    async move { active::required(parts, &state.provide()).await }
}

/// Extracts an organization or a membership; `None` if none is active.
#[expect(
    clippy::manual_async_fn,
    reason = "its future is `Send` for each struct without a proof of its own"
)]
pub fn extract_optional_active<H, S>(
    parts: &mut Parts,
    state: &S,
) -> impl Future<Output = Result<Option<H::Row>, Rejection>> + Send
where
    S: Provides<H> + Sync,
    H: ActiveRows,
{
    async move { active::optional(parts, &state.provide()).await }
}
