//! Warns of claims that no field uses.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use crate::synced_row::model::Model;

/// Generates the warning of unused claims. On stable Rust a macro cannot warn, so the code uses a deprecated item; the
/// lint can be silenced like any other. rustc prefixes the note with the item's path, so the item has a descriptive
/// name and is in an anonymous constant next to the struct.
pub(crate) fn unused_claims(model: &Model) -> Option<TokenStream> {
    let at = model.template_at?;
    let claims: Vec<(Ident, String)> = model
        .unused_claims()
        .enumerate()
        .map(|(index, claim)| {
            let bytes = claim
                .most_bytes()
                .map_or("any number of".to_owned(), |bytes| format!("up to {bytes}"));
            let note = format!(
                "no field of `{}` uses the claim `{}`, which takes {bytes} bytes of every session token; remove it \
                 from the template, or write `allow(unused_claims)` into `#[{}(…)]`",
                model.ident,
                claim.name,
                model.kind.attribute()
            );
            let name = syn::parse_str::<Ident>(&claim.name).unwrap_or_else(|_| format_ident!("claim_{index}"));
            (Ident::new(&name.to_string(), at), note)
        })
        .collect();
    let names: Vec<&Ident> = claims.iter().map(|(name, _)| name).collect();
    let notes = claims.iter().map(|(_, note)| note);
    // rustc does not warn about code that a derive has generated.
    let token = Ident::new("__token", at);
    let uses = names.iter().map(|name| quote_spanned!(at=> #token.#name));
    (!claims.is_empty()).then(|| {
        quote! {
            const _: () = {
                #[allow(non_snake_case)]
                struct SessionToken {
                    #(#[deprecated(note = #notes)] #names: (),)*
                }
                #[allow(dead_code)]
                fn __unused(#token: &SessionToken) {
                    #(let () = #uses;)*
                }
            };
        }
    })
}
