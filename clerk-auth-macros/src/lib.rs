//! The macros of clerk-auth. Use them through the `clerk-auth` crate, where they are documented.

// The documentation is at the re-exports, because links and examples work there.
#![allow(missing_docs)]

mod argument;
mod diag;
mod krate;
mod prelude;
mod replace;
mod suggest;

mod authenticated;
mod synced_row;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

use self::synced_row::RowKind;

#[proc_macro_attribute]
pub fn authenticated(arguments: TokenStream, item: TokenStream) -> TokenStream {
    authenticated::expand(arguments.into(), item.into()).into()
}

#[proc_macro_derive(
    SyncedUser,
    attributes(synced_user, synced_organization, synced_membership, claim, column)
)]
pub fn synced_user(item: TokenStream) -> TokenStream {
    let file = proc_macro::Span::call_site().local_file();
    prelude::known_attributes(synced_row::expand(RowKind::User, item.into()), file).into()
}

#[proc_macro_derive(
    SyncedMembership,
    attributes(synced_user, synced_organization, synced_membership, claim, column)
)]
pub fn synced_membership(item: TokenStream) -> TokenStream {
    let file = proc_macro::Span::call_site().local_file();
    prelude::known_attributes(synced_row::expand(RowKind::Membership, item.into()), file).into()
}

#[proc_macro_derive(
    SyncedOrganization,
    attributes(synced_user, synced_organization, synced_membership, claim, column)
)]
pub fn synced_organization(item: TokenStream) -> TokenStream {
    let file = proc_macro::Span::call_site().local_file();
    prelude::known_attributes(synced_row::expand(RowKind::Organization, item.into()), file).into()
}
