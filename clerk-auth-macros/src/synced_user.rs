//! `#[derive(SyncedUser)]`: parse, template, model, check, expand.

use proc_macro2::TokenStream;

pub(crate) fn expand(_item: TokenStream) -> TokenStream {
    TokenStream::new()
}
