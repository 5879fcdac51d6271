//! The meaning of the attribute: a policy, and the user that the handler receives.

use proc_macro2::TokenStream;
use quote::format_ident;
use syn::{Ident, Type};

use super::enclosing::{Place, Sibling};

/// The attribute and the parameters, checked.
pub(super) struct Model {
    /// True if an argument requires a signed-in user, so that an optional user is a mistake.
    pub(super) requires_a_user: bool,
    pub(super) policy: Policy,
    /// A policy of the application over the row.
    pub(super) row_policy: Option<Type>,
    /// The type of the application's state, if known.
    pub(super) state: Option<Type>,
    /// The handler's user parameter.
    pub(super) subject: Subject,
    /// The parameters that rustc checks, in their order.
    pub(super) extractors: Vec<Extractor>,
    /// The return type, if rustc checks it.
    pub(super) returned: Option<Type>,
    /// The paths of attributes that were removed, because this one does their work.
    pub(super) removed: Vec<syn::Path>,
    /// The kind of item that asserts what the handler's future is, if one can call the handler.
    pub(super) sibling: Option<Sibling>,
}

/// A parameter that is not the user.
pub(super) struct Extractor {
    pub(super) ty: Type,
    /// The index of the parameter in the source.
    pub(super) index: usize,
    pub(super) is_last: bool,
}

/// The user parameter, as the handler's signature declares it.
pub(super) enum Subject {
    /// The handler takes no user; a guard is put in front.
    Nobody,
    /// The first parameter.
    Parameter(Box<Type>),
    /// The first parameter, of an uninhabited type, and the error that replaces the type.
    Refused(TokenStream),
    /// The first parameter is `self`, which was reported.
    Receiver,
}

pub(super) enum Policy {
    /// No argument requires anything.
    Nothing,
    /// Nothing is required, and agents pass.
    AgentsAllowed,
    /// A policy of the application.
    Type(Type),
    /// A hidden type next to the handler.
    Requirement {
        requirement: Requirement,
        allows_agents: bool,
    },
}

/// A requirement of the runtime crate, by the name of its variant.
pub(super) enum Requirement {
    /// The variant and its value.
    Of(&'static str, TokenStream),
    Reverification(&'static str),
    ImpersonationDenied,
    AgentDenied,
    All(Vec<Requirement>),
    Any(Vec<Requirement>),
}

impl Requirement {
    /// Collects the roles that are required, or are among several of which one is.
    pub(super) fn roles<'a>(&'a self, roles: &mut Vec<&'a TokenStream>) {
        match self {
            Self::Of("Role", role) => roles.push(role),
            Self::All(requirements) | Self::Any(requirements) => {
                requirements
                    .iter()
                    .for_each(|requirement| requirement.roles(roles));
            }
            _ => {}
        }
    }
}

/// Returns the name of the hidden policy type of a handler. The name contains the line: for two handlers of one name,
/// rustc would report each pair of equally named items next to them again.
pub(super) fn policy_name(handler: &Ident, place: Option<&Place>) -> Ident {
    use syn::ext::IdentExt;

    match place {
        Some(place) => format_ident!("__policy_of_{}_in_line_{}", handler.unraw(), place.line),
        None => format_ident!("__policy_of_{}", handler.unraw()),
    }
}
