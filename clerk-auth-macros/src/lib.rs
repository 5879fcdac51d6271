//! The macros of clerk-auth. Use them through the `clerk-auth` crate, which documents them.

mod argument;
mod diag;
mod suggest;

mod authenticated;
mod synced_user;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Guards a handler: see `clerk_auth::authenticated`.
#[proc_macro_attribute]
pub fn authenticated(arguments: TokenStream, item: TokenStream) -> TokenStream {
    authenticated::expand(arguments.into(), item.into()).into()
}

/// Makes a struct a row kept equal to Clerk's claims: see `clerk_auth::SyncedUser`.
#[proc_macro_derive(SyncedUser, attributes(synced_user, claim, column))]
pub fn synced_user(item: TokenStream) -> TokenStream {
    synced_user::expand(item.into()).into()
}
