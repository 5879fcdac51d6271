//! Replaces the part of axum's `#[debug_handler]` that a signature cannot: rustc names the value because of which a
//! future is not `Send`. A guarded route reports such a value itself; a route of axum advises `#[debug_handler]`.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::FnArg;
use syn::ext::IdentExt;

use crate::authenticated::model::{Model, Subject};
use crate::authenticated::parse::Handler;
use crate::authenticated::subject::mentions_impl;

/// Generates a hidden function that requires the handler's future to be `Send`, if the handler has `#[debug_handler]`.
///
/// A hidden function is valid in an `impl` and in a module. Only `Self` shows that the handler is in an `impl`; a
/// handler without that word is copied into the hidden function, as in axum.
pub(crate) fn future(handler: &Handler, model: &Model) -> TokenStream {
    let Handler {
        attributes,
        signature,
        body,
        ..
    } = handler;
    let is_callable = signature.asyncness.is_some()
        && signature.generics.params.is_empty()
        && !matches!(model.subject, Subject::Refused(_) | Subject::Receiver);
    let is_plain = |input: &FnArg| matches!(input, FnArg::Typed(typed) if typed.attrs.is_empty() && !mentions_impl(&typed.ty));
    if model.removed.is_empty() || !is_callable || !signature.inputs.iter().all(is_plain) {
        return TokenStream::new();
    }
    let handler = &signature.ident;
    let conditions = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let (copy, path, guards) = if mentions_self(signature.to_token_stream()) || mentions_self(body.clone()) {
        let guards = usize::from(matches!(model.subject, Subject::Nobody));
        (
            TokenStream::new(),
            quote_spanned!(handler.span()=> Self::),
            guards,
        )
    } else {
        (quote!(#signature #body), TokenStream::new(), 0)
    };
    // The parameter types are inferred, because rustc would report each mistake in repeated types again.
    let count = guards + signature.inputs.len();
    let arguments = std::iter::repeat_n(quote!(__clerk_auth::__private::any()), count);
    let call = quote_spanned!(handler.span()=> &#path #handler(#(#arguments),*));
    let name = format_ident!("__future_of_{}", handler.unraw());
    quote! {
        #(#conditions)*
        #[doc(hidden)]
        #[allow(warnings, clippy::all)]
        fn #name() {
            #copy

            let _: &dyn ::core::marker::Send = #call;
        }
    }
}

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
