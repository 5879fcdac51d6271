//! A handler's requirements on a session, evaluated by a pure function.

mod denied;
mod reverification;
mod row_policy;

pub use denied::Denied;
pub use reverification::Reverification;
pub use row_policy::RowPolicy;
pub(crate) use row_policy::decide_row;

use crate::session::{ActorKind, Session};

/// A requirement that can be a constant; `#[authenticated(…)]` generates these.
///
/// ```
/// use clerk_auth::Session;
/// use clerk_auth::policy::{Denied, Requirement, Reverification};
///
/// const TO_PAY: Requirement =
///     Requirement::All(&[Requirement::Role("org:admin"), Requirement::Reverification(Reverification::Strict)]);
///
/// fn may_pay(session: &Session) -> Result<(), Denied> {
///     TO_PAY.evaluate(session)
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Requirement {
    /// Nothing, not even a session: the only requirement that a visitor meets. A handler still rejects visitors unless
    /// its parameter is an `Option`.
    Nothing,
    /// Nothing beyond a valid session.
    SignedIn,
    /// A role in the active organization: `org:admin`.
    Role(&'static str),
    /// A custom permission in the active organization: `org:feature:action`.
    Permission(&'static str),
    /// A feature of the organization's or the user's plan.
    Feature(&'static str),
    /// A plan of the organization or the user.
    Plan(&'static str),
    /// A recently verified factor.
    Reverification(Reverification),
    /// No actor of any kind: neither a person who impersonates the user nor an agent.
    ImpersonationDenied,
    /// No agent, and no actor of an unrecognized kind. A person may impersonate the user.
    AgentDenied,
    /// Every one of these; an empty list denies.
    All(&'static [Requirement]),
    /// At least one of these; an empty list denies.
    Any(&'static [Requirement]),
}

/// States what a handler requires, as a type: `#[authenticated(policy = path::To::Policy)]`.
///
/// The requirement is a constant. A rule that [`Requirement`] cannot express is added in [`evaluate`](Self::evaluate):
///
/// ```
/// use clerk_auth::policy::{Policy, Requirement};
///
/// pub struct Billing;
///
/// impl Policy for Billing {
///     const REQUIREMENT: Requirement =
///         Requirement::Any(&[Requirement::Role("org:admin"), Requirement::Permission("org:billing:manage")]);
/// }
///
/// pub struct Staff;
///
/// impl Policy for Staff {
///     const REQUIREMENT: Requirement = Requirement::AgentDenied;
///
///     fn evaluate(session: &clerk_auth::Session) -> Result<(), clerk_auth::policy::Denied> {
///         let is_ours = session.organization().is_some_and(|it| it.slug() == Some("acme"));
///         if is_ours { Ok(()) } else { Err(clerk_auth::policy::Denied::Requirements) }
///     }
/// }
/// ```
///
/// A policy without a requirement does not compile:
///
/// ```compile_fail,E0046
/// struct Admins;
///
/// impl clerk_auth::policy::Policy for Admins {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy",
    label = "does not implement `clerk_auth::policy::Policy`",
    note = "write `impl Policy for {Self} {{ const REQUIREMENT: Requirement = …; }}`"
)]
pub trait Policy: Send + Sync + 'static {
    /// The requirement. Always enforced, even if [`evaluate`](Self::evaluate) is overridden.
    const REQUIREMENT: Requirement;

    /// True if agents pass although the handle [denies them](crate::clerk::ClerkBuilder::deny_agents) by default.
    const ALLOWS_AGENTS: bool = false;

    /// Applies a rule beyond [`REQUIREMENT`](Self::REQUIREMENT). Override it for a rule that [`Requirement`] cannot
    /// express; both must hold.
    ///
    /// The rule must depend on the session alone. If a user who [has left](Session::has_left_organization) the
    /// organization is denied, `evaluate` is called again with the claims of the token. If the second call allows, the
    /// denial is [`Denied::OrganizationChanged`].
    ///
    /// A panic denies access: the request is answered with 500 and the code `service_failed`.
    ///
    /// # Errors
    ///
    /// [`Denied`] names what is missing.
    fn evaluate(session: &Session) -> Result<(), Denied> {
        Self::REQUIREMENT.evaluate(session)
    }
}

/// Decides for a session: applies the handle's default for agents, the policy's requirement, and the policy's own rule.
pub(crate) fn decide<P: Policy>(session: &Session, agents_denied: bool) -> Result<(), Denied> {
    if agents_denied && !P::ALLOWS_AGENTS {
        Requirement::AgentDenied.evaluate(session)?;
    }
    P::REQUIREMENT.evaluate(session)?;
    P::evaluate(session).map_err(|denied| unless_left(session, denied, |before| P::evaluate(before).is_ok()))
}

/// The policy of `#[authenticated]` without an argument: no requirement.
///
/// The handler's parameter decides whether visitors reach the handler. Only an `Option` admits them.
///
/// ```
/// use clerk_auth::Session;
/// use clerk_auth::extract::Authenticated;
/// use clerk_auth::policy::{NoRequirement, SignedIn};
///
/// // A visitor reaches this handler, as `None`,
/// async fn home(Authenticated { subject, .. }: Authenticated<Option<Session>, NoRequirement>) -> String {
///     subject.map_or("hello, visitor".to_owned(), |session| format!("hello, {}", session.user_id()))
/// }
///
/// // and gets 401 from this one: a requirement denies visitors, whatever the parameter is.
/// async fn account(_: Authenticated<Option<Session>, SignedIn>) {}
/// # let _ = (home, account);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NoRequirement;

#[diagnostic::do_not_recommend]
impl Policy for NoRequirement {
    const REQUIREMENT: Requirement = Requirement::Nothing;
}

/// The policy of `#[authenticated(agent = "allow")]`: no requirement, and agents pass.
///
/// ```
/// use clerk_auth::Clerk;
/// use clerk_auth::middleware::RequireSession;
/// use clerk_auth::policy::AgentsAllowed;
///
/// fn layer(clerk: Clerk) -> RequireSession<AgentsAllowed> {
///     RequireSession::new(clerk).policy::<AgentsAllowed>()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AgentsAllowed;

#[diagnostic::do_not_recommend]
impl Policy for AgentsAllowed {
    const REQUIREMENT: Requirement = Requirement::Nothing;
    const ALLOWS_AGENTS: bool = true;
}

/// The policy that requires a valid session and nothing else.
///
/// [`RequireSession`](crate::middleware::RequireSession) without an argument uses this policy. Name it only to name the
/// layer's type:
///
/// ```
/// use clerk_auth::Clerk;
/// use clerk_auth::middleware::RequireSession;
/// use clerk_auth::policy::SignedIn;
///
/// fn layer(clerk: Clerk) -> RequireSession<SignedIn> {
///     RequireSession::new(clerk)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SignedIn;

#[diagnostic::do_not_recommend]
impl Policy for SignedIn {
    const REQUIREMENT: Requirement = Requirement::SignedIn;
}

impl Requirement {
    /// Checks a session.
    ///
    /// # Errors
    ///
    /// [`Denied`] for the first requirement that is not met.
    pub fn evaluate(&self, session: &Session) -> Result<(), Denied> {
        match *self {
            Self::Nothing | Self::SignedIn => Ok(()),
            Self::Role(role) => require(session.has_role(role), || as_member(session, Denied::Role(role))),
            Self::Permission(permission) => require(session.has_permission(permission), || {
                as_member(session, Denied::Permission(permission))
            }),
            Self::Feature(feature) => require(session.has_feature(feature), || {
                unless_left(session, Denied::Feature(feature), |before| {
                    before.has_feature(feature)
                })
            }),
            Self::Plan(plan) => require(session.has_plan(plan), || {
                unless_left(session, Denied::Plan(plan), |before| before.has_plan(plan))
            }),
            Self::Reverification(level) => require(level.is_met(session.factor_verification_age()), || {
                Denied::Reverification(level)
            }),
            Self::ImpersonationDenied => require(session.actor().is_none(), || Denied::Impersonation),
            // Only known persons pass, so that unknown kinds of actors are denied too.
            Self::AgentDenied => {
                let actor = session.actor();
                let is_person = actor.is_none_or(|actor| actor.kind() == ActorKind::Person);
                require(is_person, || Denied::Agent)
            }
            Self::All([]) | Self::Any([]) => Err(Denied::Requirements),
            Self::All(requirements) => requirements
                .iter()
                .try_for_each(|requirement| requirement.evaluate(session)),
            Self::Any(requirements) => {
                let mut denied = Denied::Requirements;
                for requirement in requirements {
                    match requirement.evaluate(session) {
                        Ok(()) => return Ok(()),
                        Err(Denied::OrganizationChanged) => denied = Denied::OrganizationChanged,
                        Err(_) => {}
                    }
                }
                Err(denied)
            }
        }
    }
}

fn require(is_met: bool, denied: impl FnOnce() -> Denied) -> Result<(), Denied> {
    if is_met { Ok(()) } else { Err(denied()) }
}

/// Returns the denial of a role or a permission. If the user has left the organization, or the last event contained
/// neither, the denial asks for a new token.
fn as_member(session: &Session, denied: Denied) -> Denied {
    let is_unknown = session.organization().is_some_and(|organization| match denied {
        Denied::Role(_) => organization.lacks_role(),
        _ => organization.lacks_permissions(),
    });
    if is_unknown || session.has_left_organization() {
        Denied::OrganizationChanged
    } else {
        denied
    }
}

/// Returns the denial of a requirement that need not come from an organization. If the user met it before leaving, the
/// denial asks for a new token.
fn unless_left(session: &Session, denied: Denied, had: impl FnOnce(&Session) -> bool) -> Denied {
    match session.before_leaving() {
        Some(before) if had(&before) => Denied::OrganizationChanged,
        _ => denied,
    }
}

impl Requirement {
    /// Returns whether a visitor, who has no session, meets the requirement.
    pub(crate) fn admits_visitors(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::All(requirements) => {
                !requirements.is_empty() && requirements.iter().all(Self::admits_visitors)
            }
            Self::Any(requirements) => requirements.iter().any(Self::admits_visitors),
            _ => false,
        }
    }
}
