//! From the model to Rust. Nothing here can fail.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Type};

use super::model::{Model, Policy, Requirement, policy_name};
use super::parse::Handler;

/// Input: `async fn me(user: User)`; output: `async fn me(Authenticated { subject: user, .. }: Authenticated<User, _>)`
/// with its policy and its assertion beside it.
pub(super) fn expand(handler: Handler, model: &Model) -> TokenStream {
    let Handler {
        attributes,
        visibility,
        mut signature,
        body,
    } = handler;
    let name = policy_name(&signature.ident);
    if matches!(signature.inputs.first(), Some(FnArg::Receiver(_))) {
        // Reported; an impl has no room for the items that stand beside a handler.
        return quote!(#(#attributes)* #visibility #signature #body);
    }
    let policy = match &model.policy {
        Policy::SignedIn => quote!(::clerk_auth::policy::SignedIn),
        Policy::Type(ty) => quote!(#ty),
        Policy::Requirement(_) => quote!(#name),
    };
    let conditions: Vec<&Attribute> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect();
    let definition = match &model.policy {
        Policy::Requirement(requirement) => {
            let requirement = self::requirement(requirement);
            quote! {
                #(#conditions)*
                #[doc(hidden)]
                #[allow(non_camel_case_types)]
                #visibility struct #name;

                #(#conditions)*
                #[automatically_derived]
                impl ::clerk_auth::policy::Policy for #name {
                    const REQUIREMENT: ::clerk_auth::policy::Requirement = #requirement;
                }
            }
        }
        Policy::SignedIn | Policy::Type(_) => TokenStream::new(),
    };
    guard(&mut signature, model, &policy);
    let assertion = assertion(model);
    let body = begin_with(
        body,
        quote! {
            const _: () = {
                #[allow(unused_imports)]
                use ::clerk_auth::__private::NotASubject as _;

                #[allow(dead_code)]
                fn __check() {
                    #assertion
                }
            };
        },
    );
    quote! {
        #(#attributes)*
        #visibility #signature #body

        #definition
    }
}

/// The body with an item at its start, behind its inner attributes. An `impl` has room for it there, and not beside a
/// function.
fn begin_with(body: TokenStream, item: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = body.into_iter().collect();
    if let Some(TokenTree::Group(block)) = tokens.first_mut() {
        let mut statements: Vec<TokenTree> = block.stream().into_iter().collect();
        let attributes = statements
            .chunks_exact(3)
            .take_while(|tokens| {
                matches!(tokens, [TokenTree::Punct(hash), TokenTree::Punct(bang), TokenTree::Group(_)]
                    if hash.as_char() == '#' && bang.as_char() == '!')
            })
            .count();
        let rest = statements.split_off(3 * attributes);
        let stream = statements.into_iter().chain(item).chain(rest).collect();
        let mut begun = Group::new(block.delimiter(), stream);
        begun.set_span(block.span());
        *block = begun;
    }
    tokens.into_iter().collect()
}

/// Wraps the user's pattern, whatever it is, or puts a guard in front.
fn guard(signature: &mut syn::Signature, model: &Model, policy: &TokenStream) {
    match &model.subject {
        Some(_) => {
            if let Some(FnArg::Typed(first)) = signature.inputs.first_mut() {
                let (pattern, ty) = (&first.pat, &first.ty);
                let wrapped = quote!(::clerk_auth::extract::Authenticated { subject: #pattern, .. });
                let guarded = quote!(::clerk_auth::extract::Authenticated<#ty, #policy>);
                *first.pat = syn::Pat::Verbatim(wrapped);
                *first.ty = Type::Verbatim(guarded);
            }
        }
        None => {
            let guard = syn::parse_quote!(_: ::clerk_auth::extract::Authenticated<(), #policy>);
            signature.inputs.insert(0, guard);
        }
    }
}

/// Asks rustc, under the user's types, whether the policy is one, the user is one, and the state has what it takes.
fn assertion(model: &Model) -> TokenStream {
    let subject = match &model.subject {
        Some(ty) => quote!(<#ty as ::clerk_auth::extract::Subject>::check();),
        None => TokenStream::new(),
    };
    let from_state = model.state.as_ref().map(|state| match &model.subject {
        Some(ty) => {
            let it = quote_spanned!(ty.span()=> _);
            quote! {
                <#it as ::clerk_auth::extract::SubjectFrom<#state>>::check(
                    ::clerk_auth::__private::SubjectField::<#ty>::subject(),
                );
            }
        }
        None => {
            let it = quote_spanned!(state.span()=> ());
            quote!(<#it as ::clerk_auth::extract::SubjectFrom<#state>>::check(::core::marker::PhantomData);)
        }
    });
    let policy = match &model.policy {
        Policy::Type(ty) => quote!(let _ = <#ty as ::clerk_auth::policy::Policy>::REQUIREMENT;),
        Policy::SignedIn | Policy::Requirement(_) => TokenStream::new(),
    };
    quote!(#policy #subject #from_state)
}

fn requirement(requirement: &Requirement) -> TokenStream {
    let path = quote!(::clerk_auth::policy::Requirement);
    let list = |requirements: &[Requirement]| -> Vec<TokenStream> {
        requirements.iter().map(self::requirement).collect()
    };
    match requirement {
        Requirement::Of(variant, value) => {
            let variant = quote::format_ident!("{variant}");
            quote!(#path::#variant(#value))
        }
        Requirement::Reverification(level) => {
            let level = quote::format_ident!("{level}");
            quote!(#path::Reverification(::clerk_auth::policy::Reverification::#level))
        }
        Requirement::ImpersonationDenied => quote!(#path::ImpersonationDenied),
        Requirement::All(requirements) => {
            let requirements = list(requirements);
            quote!(#path::All(&[#(#requirements),*]))
        }
        Requirement::Any(requirements) => {
            let requirements = list(requirements);
            quote!(#path::Any(&[#(#requirements),*]))
        }
    }
}
