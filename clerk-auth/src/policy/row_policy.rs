//! A rule over a row, for decisions that need more than the session.

use super::denied::Denied;
use super::unless_left;
use crate::session::Session;

/// A rule over the row that a handler takes: `#[authenticated(row_policy = path::to::Policy)]`.
///
/// The policy decides after the requirements on the session. It gets the row that the handler then takes, so the
/// decision costs no statement. `R` is the type of the row. If the handler takes a struct with `#[derive(SyncedUser)]`,
/// or an `Arc` or a [`Synced`](crate::Synced) of the struct, `R` is the struct. For a rule over user, organization and
/// membership, `R` is [`Member`](crate::Member).
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod example {
/// use clerk_auth::policy::{Denied, RowPolicy};
/// use clerk_auth::{Member, Session, SyncedMembership, SyncedOrganization, SyncedUser, authenticated};
///
/// # #[derive(SyncedUser)]
/// # #[synced_user(table = "users", database(sqlite))]
/// # pub struct User { pub clerk_id: String }
/// #[derive(SyncedOrganization)]
/// #[synced_organization(table = "organizations", database(sqlite))]
/// pub struct Organization {
///     pub clerk_id: String,
///     #[column(app)]
///     pub is_paid: bool,
/// }
///
/// # #[derive(SyncedMembership)]
/// # #[synced_membership(table = "memberships", user = User, organization = Organization, database(sqlite))]
/// # pub struct Membership { pub user_id: String, pub organization_id: String, pub role: String }
/// pub struct PaidTeams;
///
/// impl RowPolicy<Member<Membership>> for PaidTeams {
///     fn evaluate(member: &Member<Membership>, _: &Session) -> Result<(), Denied> {
///         match member.organization.is_paid {
///             true => Ok(()),
///             false => Err(Denied::Requirements),
///         }
///     }
/// }
///
/// #[authenticated(role = "org:admin", row_policy = PaidTeams)]
/// async fn export(member: Member<Membership>) -> String {
///     format!("the data of {}", member.organization.clerk_id)
/// }
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy over `{R}`",
    label = "does not implement `clerk_auth::policy::RowPolicy` for what the handler takes",
    note = "write `impl RowPolicy<{R}> for {Self} {{ fn evaluate(row: &{R}, session: &Session) -> Result<(), Denied> {{ … }} }}`"
)]
pub trait RowPolicy<R>: Send + Sync + 'static {
    /// Decides whether the user of the row may call the handler.
    ///
    /// If a user who [has left](Session::has_left_organization) the organization is denied, `evaluate` is called again
    /// with the claims of the token. If the second call allows, the denial is [`Denied::OrganizationChanged`].
    ///
    /// A panic denies access: the request is answered with 500 and the code `service_failed`.
    ///
    /// # Errors
    ///
    /// [`Denied`] names what is missing.
    fn evaluate(row: &R, session: &Session) -> Result<(), Denied>;
}

/// Applies a policy to a row.
pub(crate) fn decide_row<P: RowPolicy<R>, R>(row: &R, session: &Session) -> Result<(), Denied> {
    P::evaluate(row, session)
        .map_err(|denied| unless_left(session, denied, |before| P::evaluate(row, before).is_ok()))
}
