//! The meaning of the attribute: a policy, and the user that the handler receives.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{ExprPath, LitStr, Path, Type};

/// The attribute and the parameters, checked.
pub(super) struct Model {
    /// True if an argument requires a signed-in user. Then an optional user is a mistake.
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
    /// The paths of attributes that were removed: `#[debug_handler]`.
    pub(super) removed: Vec<Path>,
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
    /// The first parameter has an uninhabited type, which this error replaces.
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
    /// A type that encodes the requirement.
    Requirement {
        requirement: Requirement,
        allows_agents: bool,
    },
}

/// A requirement of the runtime crate, by the name of its type.
pub(super) enum Requirement {
    /// The type and its text.
    Of(&'static str, Text),
    /// A type without a text.
    Plain(&'static str),
    All(Vec<Requirement>),
    Any(Vec<Requirement>),
}

impl Requirement {
    /// Collects the required roles, including alternatives.
    pub(super) fn roles<'a>(&'a self, roles: &mut Vec<&'a Text>) {
        match self {
            Self::Of("Role", role) => roles.push(role),
            Self::All(requirements) | Self::Any(requirements) => {
                requirements
                    .iter()
                    .for_each(|requirement| requirement.roles(roles));
            }
            Self::Of(..) | Self::Plain(_) => {}
        }
    }
}

/// The name of a role, permission, feature or plan.
pub(super) enum Text {
    Literal(LitStr),
    /// A constant of the application.
    Constant(ExprPath),
}

impl Text {
    /// Returns whether an item can name the text, that is, whether it does not begin with `Self`.
    pub(super) fn has_a_global_name(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Constant(constant) => constant
                .path
                .segments
                .first()
                .is_none_or(|first| first.ident != "Self"),
        }
    }
}

impl ToTokens for Text {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal(text) => text.to_tokens(tokens),
            Self::Constant(path) => path.to_tokens(tokens),
        }
    }
}
