//! The traits whose messages name a field whose type cannot hold its claim.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};

use super::access::{held_kind, kind_type};
use super::requirement::{Requirement, escape};
use crate::synced_row::RowKind;
use crate::synced_row::check::spelling::{Feature, feature_of};
use crate::synced_row::model::{ClaimColumn, Column, Encoding, Null, Role};
use crate::synced_row::template::shortcode::Kind;

fn claim_trait_name(column: &Column) -> Ident {
    format_ident!("__Claim_{}", column.ident, span = Span::mixed_site())
}

/// Returns the trait that the type of a field must implement to hold its claim.
///
/// Each trait in the user's crate costs rustc about a millisecond. So a type whose spelling fits is checked against a
/// trait of the runtime crate, whose message does not name the claim. That message appears only if the user's crate has
/// another type called `String`.
pub(crate) fn holds(column: &Column) -> TokenStream {
    if is_spelled_as_expected(column) {
        let kind = match &column.role {
            Role::Claim(claim) => held_kind(claim),
            _ => kind_type(Kind::Text),
        };
        quote!(__private::HoldsClaim<#kind>)
    } else {
        claim_trait_name(column).into_token_stream()
    }
}

/// Compares text. A type of the user's own that is called `String` is reported by `HoldsClaim`.
fn is_spelled_as_expected(column: &Column) -> bool {
    let spelled = column.ty.to_token_stream().to_string().replace(' ', "");
    match &column.role {
        Role::Key => spelled == "String",
        Role::Claim(claim) => {
            let plain = claim.kind.rust_type();
            let expected = if claim.nullable && claim.null == Null::Held {
                format!("Option<{plain}>")
            } else {
                plain.to_owned()
            };
            column.encoding == Encoding::Own && !claim.parse && spelled == expected
        }
        _ => false,
    }
}

/// Generates the trait whose message explains why the type of a field does not fit.
pub(crate) fn claim_trait(row: RowKind, column: &Column) -> Option<TokenStream> {
    if is_spelled_as_expected(column) {
        return None;
    }
    let name = claim_trait_name(column);
    let (bound, message, label, note) = match &column.role {
        Role::Key => {
            let kind = kind_type(Kind::Text);
            (
                quote!(__private::FromClaim<#kind>),
                format!("`{{Self}}` cannot hold the {}", row.clerk_id()),
                format!("the {} is text", row.clerk_id()),
                match row {
                    RowKind::User => "use `String`, or `clerk_auth::id::UserId`".to_owned(),
                    RowKind::Organization | RowKind::Membership => {
                        "use `String`, or `clerk_auth::id::OrganizationId`".to_owned()
                    }
                },
            )
        }
        Role::Claim(claim) if claim.with.is_none() => {
            let (bound, note) = claim_bound(column, claim);
            let label = format!(
                "`{}` is `{}`: {}",
                claim.claim,
                claim.source,
                describe(row, claim)
            );
            let message = format!("`{{Self}}` cannot hold the claim `{}`", escape(&claim.claim));
            (bound, message, escape(&label), escape(&note))
        }
        _ => return None,
    };
    let requirement = Requirement {
        name,
        bound,
        message,
        label,
        note,
    };
    Some(requirement.define(feature_of(&column.ty).and_then(Feature::note)))
}

pub(crate) fn default_trait_name(column: &Column) -> Ident {
    format_ident!("__Default_{}", column.ident, span = Span::mixed_site())
}

/// Generates the trait whose message explains that the type of a field has no value for a null claim. Types of the
/// prelude need none.
pub(crate) fn default_trait(column: &Column) -> Option<TokenStream> {
    let claim = column.claim().filter(|claim| claim.null == Null::Default)?;
    if column.is_prelude {
        return None;
    }
    let label = format!(
        "`{}` is `{}`, which may be null: needs `Default`",
        claim.claim, claim.source
    );
    let requirement = Requirement {
        name: default_trait_name(column),
        bound: quote!(::core::default::Default),
        message: format!(
            "`{{Self}}` has no default for the claim `{}`",
            escape(&claim.claim)
        ),
        label: escape(&label),
        note: "implement `Default`, or refuse null with `#[claim(required)]`".to_owned(),
    };
    Some(requirement.define(None))
}

/// Returns the expected signature of the function in `with`, where `T` is the field's type.
fn signature(kind: Kind, holds_null: bool) -> String {
    let value = match kind {
        Kind::Boolean => "bool",
        Kind::Integer => "i64",
        Kind::Json => "&serde_json::Value",
        Kind::Number => "f64",
        Kind::Object => "&serde_json::Map<String, serde_json::Value>",
        Kind::Text => "&str",
    };
    let value = if holds_null {
        format!("Option<{value}>")
    } else {
        value.to_owned()
    };
    format!("fn function(claim: {value}) -> Result<T, clerk_auth::claim::InvalidClaim>")
}

fn claim_bound(column: &Column, claim: &ClaimColumn) -> (TokenStream, String) {
    let kind = held_kind(claim);
    let holds_null = claim.nullable && claim.null == Null::Held;
    if column.encoding == Encoding::Json {
        let note = if holds_null {
            "use an `Option` of a type that implements `serde::Deserialize`, or give null a value with `#[claim(default)]`"
        } else {
            "use a type that implements `serde::Deserialize`"
        };
        return (quote!(__private::JsonClaim<#kind>), note.to_owned());
    }
    if claim.parse {
        let note = if holds_null {
            "use an `Option` of a type that implements `FromStr`, or give null a value with `#[claim(default)]`"
        } else {
            "use a type that implements `FromStr`"
        };
        return (quote!(__private::ParseClaim<#kind>), note.to_owned());
    }
    let ty = claim.kind.rust_type();
    let with = signature(claim.kind, holds_null);
    let note = match (holds_null, claim.kind) {
        (true, Kind::Json) => format!(
            "use `Option<{ty}>`, a type of your own with `#[column(json)]`, or take out what you need with `#[claim(with = path::to::function)]`: `{with}`"
        ),
        (true, _) if claim.is_link => {
            format!(
                "use `Option<{ty}>`, or an `Option` of a type that implements `FromStr`, with `#[claim(parse)]`"
            )
        }
        (true, _) => format!("use `Option<{ty}>`, or give null a value with `#[claim(default)]`"),
        (false, Kind::Object | Kind::Json) => format!(
            "use `{ty}`, a type of your own with `#[column(json)]`, or take out what you need with `#[claim(with = path::to::function)]`: `{with}`"
        ),
        (false, Kind::Integer) if claim.is_a_moment() => format!(
            "use `{ty}`, or `time::OffsetDateTime` or `chrono::DateTime<chrono::Utc>`, each behind the feature of its name"
        ),
        (false, _) => format!("use `{ty}`, or implement `FromClaim` for your own type"),
    };
    (quote!(__private::FromClaim<#kind>), note)
}

fn describe(row: RowKind, claim: &ClaimColumn) -> String {
    let kind = claim.kind.name();
    match (claim.nullable, claim.null) {
        (false, _) => kind.to_owned(),
        (true, Null::Held) => format!("{kind}, or null if the {} has none", row.noun()),
        (true, Null::Default) => format!("{kind}, where null becomes the default"),
        (true, Null::Refused) => format!("{kind}, where null is refused"),
    }
}
