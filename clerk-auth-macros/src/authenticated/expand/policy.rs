//! Generates the handler's policy as a type. Generating it cannot fail.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ExprPath;
use syn::spanned::Spanned;

use crate::authenticated::model::{Model, Policy, Requirement, Text};

/// The bytes in each integer of the runtime crate's `Text`, and the number of its integers.
const BYTES_OF_A_PART: usize = 16;
const PARTS: usize = 8;

/// The longest tuple of requirements that the runtime crate accepts.
const MAX_TUPLE: usize = 8;

pub(crate) fn policy(model: &Model) -> TokenStream {
    let policy = match &model.policy {
        // A policy over a row admits no visitors.
        Policy::Nothing if model.row_policy.is_some() => quote!(__clerk_auth::policy::SignedIn),
        Policy::Nothing => quote!(__clerk_auth::policy::NoRequirement),
        Policy::AgentsAllowed => quote!(__clerk_auth::policy::AgentsAllowed),
        Policy::Type(ty) => quote!(#ty),
        Policy::Requirement {
            requirement,
            allows_agents,
        } => {
            let required = required(requirement);
            let allows_agents = allows_agents.then(|| quote!(, true));
            quote!(__clerk_auth::__private::Requires<#required #allows_agents>)
        }
    };
    match &model.row_policy {
        Some(row_policy) => quote!(__clerk_auth::extract::WithRowPolicy<#policy, #row_policy>),
        None => policy,
    }
}

fn required(requirement: &Requirement) -> TokenStream {
    match requirement {
        Requirement::Of(name, value) => {
            let (name, text) = (format_ident!("{name}"), text(value));
            quote!(__clerk_auth::__private::#name<#text>)
        }
        Requirement::Plain(name) => {
            let name = format_ident!("{name}");
            quote!(__clerk_auth::__private::#name)
        }
        Requirement::All(requirements) => list("All", requirements),
        Requirement::Any(requirements) => list("Any", requirements),
    }
}

/// Nests a list that is longer than a tuple: the rest becomes an inner list of the same kind.
fn list(name: &str, requirements: &[Requirement]) -> TokenStream {
    let ident = format_ident!("{name}");
    let (here, rest) = match requirements.split_at_checked(MAX_TUPLE - 1) {
        Some((here, rest)) if rest.len() > 1 => (here, Some(list(name, rest))),
        _ => (requirements, None),
    };
    let here = here.iter().map(required).chain(rest);
    quote!(__clerk_auth::__private::#ident<(#(#here,)*)>)
}

fn text(text: &Text) -> TokenStream {
    let parts: Vec<TokenStream> = match text {
        Text::Literal(text) => {
            let text = text.value();
            let parts = text.as_bytes().chunks(BYTES_OF_A_PART);
            parts
                .map(|bytes| {
                    let mut part = [0; BYTES_OF_A_PART];
                    part.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
                    let part = Literal::u128_unsuffixed(u128::from_be_bytes(part));
                    quote!(#part)
                })
                .collect()
        }
        Text::Constant(path) => (0..PARTS).map(|part| part_of_constant(path, part)).collect(),
    };
    quote!(__clerk_auth::__private::Text<#(#parts),*>)
}

/// Generates one integer of a constant's text, where rustc reports the constant at its path.
fn part_of_constant(path: &ExprPath, part: usize) -> TokenStream {
    let at = Span::call_site().located_at(path.span());
    let part = Literal::usize_unsuffixed(part);
    let value = quote_spanned!(at=> __clerk_auth::__private::text_part(#path, #part));
    // For an unknown name between angle brackets, rustc would suggest a generic parameter of the handler. Inside an
    // item it does not, but an item cannot contain `Self`.
    if path.path.get_ident().is_some() {
        quote!({
            const __PART: ::core::primitive::u128 = #value;
            __PART
        })
    } else {
        quote!({ #value })
    }
}
