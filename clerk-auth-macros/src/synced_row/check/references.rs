//! Checks the rows that a membership joins: their structs, and the fields with their keys.

use proc_macro2::Span;
use quote::format_ident;
use syn::spanned::Spanned;
use syn::{Ident, Type, parse_quote};

use crate::diag::{Diagnostics, with_help};
use crate::synced_row::model::{Column, Encoding, Referenced, References, Role};
use crate::synced_row::parse::Container;

/// The column with the Clerk ids of user and organization, by which sync finds a membership.
const KEY: &str = "clerk_key";

/// Returns the structs, and reports missing ones unless `is_silent`, that is, a reported argument may have named a
/// struct.
pub(super) fn references(
    ident: &Ident,
    container: &Container,
    columns: &[Column],
    is_silent: bool,
    diagnostics: &mut Diagnostics,
) -> Option<References> {
    let words = [
        (&container.user, "user", "User", "SyncedUser"),
        (
            &container.organization,
            "organization",
            "Organization",
            "SyncedOrganization",
        ),
    ];
    for (slot, word, example, derive) in words {
        if container.present && !slot.is_set() && !is_silent {
            diagnostics.error(
                ident,
                with_help(
                    format!("`{ident}` does not name the struct of its {word}"),
                    format!("add `{word} = {example}` with the struct that derives `{derive}`"),
                ),
            );
        }
    }
    for (referenced, word) in [
        (Referenced::User, "user"),
        (Referenced::Organization, "organization"),
    ] {
        let of = |column: &&Column| matches!(column.role, Role::Reference(it) if it == referenced);
        let mut found = columns.iter().filter(of);
        if found.next().is_none() {
            diagnostics.error(
                ident,
                with_help(
                    format!("no field of `{ident}` holds the key of its {word}"),
                    format!("add `{word}_id` with the type of the key of that row, or mark a field with `#[column({word})]`"),
                ),
            );
        }
        for second in found {
            diagnostics.error(
                &second.ident,
                with_help(
                    format!("two fields hold the key of the {word}"),
                    "keep one of them",
                ),
            );
        }
    }
    let named = [
        container.user.get()?.clone(),
        container.organization.get()?.clone(),
    ];
    Some(References {
        user: alias("__User", &named[0]),
        organization: alias("__Organization", &named[1]),
        named,
        key: key(ident.span()),
    })
}

/// Creates an alias for a struct, with the span of the struct's name.
fn alias(name: &str, named: &Type) -> Type {
    let name = Ident::new(name, Span::mixed_site().located_at(named.span()));
    parse_quote!(#name)
}

fn key(at: Span) -> Column {
    Column {
        ident: format_ident!("__clerk_key", span = Span::mixed_site()),
        ty: parse_quote!(::std::string::String),
        is_prelude: true,
        at,
        struct_at: at,
        name: KEY.to_owned(),
        sql_type: None,
        encoding: Encoding::Own,
        role: Role::Key,
        is_link: false,
    }
}
