//! The user's source: a handler's signature, with its body left as tokens.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Token, Visibility};

use crate::diag::{Diagnostics, with_help};

/// A function whose body is not parsed, so that rustc reports a mistake in the body only once.
pub(super) struct Handler {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) signature: Signature,
    pub(super) body: TokenStream,
}

impl Parse for Handler {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

/// Parses the item. If the item is not a function, reports it and returns the remaining tokens.
pub(super) fn parse(item: TokenStream, diagnostics: &mut Diagnostics) -> Result<Handler, TokenStream> {
    match syn::parse2::<Handler>(item.clone()) {
        Ok(mut handler) if handler.body.to_string() == ";" => {
            diagnostics.error(
                &handler.signature.ident,
                with_help(
                    format!(
                        "`{}` has no body, and a handler needs one",
                        handler.signature.ident
                    ),
                    "put `#[authenticated]` on a free `async fn`",
                ),
            );
            // Otherwise rustc would report the missing body again.
            handler.body = quote!({ ::core::unimplemented!() });
            let Handler {
                attributes,
                visibility,
                signature,
                body,
            } = handler;
            Err(quote!(#(#attributes)* #[allow(unused_variables)] #visibility #signature #body))
        }
        Ok(handler) => Ok(handler),
        Err(error) => {
            match syn::parse2::<OtherItem>(item.clone()) {
                Ok(OtherItem { keyword, what }) => diagnostics.error_at(
                    keyword,
                    with_help(
                        format!("`#[authenticated]` expects a handler, found {what}"),
                        "put the attribute on each handler, an `async fn`",
                    ),
                ),
                Err(_) => diagnostics.leave_to_rustc(error.span(), error),
            }
            Err(item)
        }
    }
}

/// An item that is not a function, recognized by its keyword.
struct OtherItem {
    keyword: proc_macro2::Span,
    what: &'static str,
}

impl Parse for OtherItem {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        let keyword = input.span();
        let what = if input.peek(Token![struct]) {
            "a struct"
        } else if input.peek(Token![enum]) {
            "an enum"
        } else if input.peek(Token![mod]) {
            "a module"
        } else if input.peek(Token![impl]) {
            "an impl"
        } else if input.peek(Token![trait]) {
            "a trait"
        } else if input.peek(Token![use]) {
            "an import"
        } else if input.peek(Token![static]) || input.peek(Token![const]) && !input.peek2(Token![fn]) {
            "a constant"
        } else if input.peek(Token![type]) {
            "a type alias"
        } else if input.peek(Token![extern]) && input.peek2(syn::LitStr) && input.peek3(syn::token::Brace) {
            "an extern block"
        } else if input.peek(syn::Ident) && input.peek2(Token![!]) {
            "a macro"
        } else {
            return Err(input.error("expected an item"));
        };
        input.parse::<TokenStream>()?;
        Ok(Self { keyword, what })
    }
}
