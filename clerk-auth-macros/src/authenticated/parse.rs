//! What the user wrote: a handler's signature, with its body left as tokens.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Token, Visibility};

use crate::diag::{Diagnostics, with_help};

/// A function whose body nobody here reads: a mistake in it is rustc's to report, once.
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

/// Reads the item; `None` if it is no function, which has been reported.
pub(super) fn parse(item: TokenStream, diagnostics: &mut Diagnostics) -> Option<Handler> {
    match syn::parse2::<Handler>(item.clone()) {
        Ok(handler) if handler.body.to_string() == ";" => {
            diagnostics.error(
                &handler.signature.ident,
                with_help(
                    format!(
                        "`{}` has no body, and a handler is what runs",
                        handler.signature.ident
                    ),
                    "put `#[authenticated]` on a free `async fn`",
                ),
            );
            None
        }
        Ok(handler) => Some(handler),
        Err(error) => {
            match syn::parse2::<OtherItem>(item) {
                Ok(OtherItem { keyword, what }) => diagnostics.error_at(
                    keyword,
                    with_help(
                        format!("`#[authenticated]` guards a handler, and {what} is none"),
                        "put it on an `async fn`, once for each handler",
                    ),
                ),
                Err(_) => diagnostics.push(error),
            }
            None
        }
    }
}

/// An item that is no function, known by its keyword.
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
        } else {
            return Err(input.error("expected an item"));
        };
        input.parse::<TokenStream>()?;
        Ok(Self { keyword, what })
    }
}
