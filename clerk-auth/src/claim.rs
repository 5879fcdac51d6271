//! Claims: their kinds, and the Rust types that can hold them.

mod budget;
mod expression;
mod from_claim;
pub(crate) mod json;
mod kind;
mod objects;
mod problem;
mod reader;

pub use budget::{ClaimBudget, SessionTokenBudget};
#[doc(hidden)]
pub use expression::shortcodes;
pub use expression::{Expression, Literal, TemplateClaim};
pub use from_claim::FromClaim;
pub use kind::{Boolean, ClaimKind, Integer, Json, Nullable, Number, Object, Text};
pub(crate) use objects::Objects;
pub use problem::{ClaimProblem, InvalidClaim};
pub use reader::{Claim, ClaimReader, ClaimSource, UnreadableClaims};
