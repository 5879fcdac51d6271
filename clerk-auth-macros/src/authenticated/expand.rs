//! From the model to Rust. Nothing here can fail.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Safety, Type};

use super::assertion::{Assertions, assertions, future};
use super::enclosing::Place;
use super::model::{Model, Policy, Requirement, Subject, policy_name};
use super::parse::Handler;

/// Input: `async fn me(user: User)`; output: `async fn me(Authenticated { subject: user, .. }: Authenticated<User, _>)`
/// with its policy and its assertion beside it. `errors` go into the body, for which an `impl` has room too.
pub(super) fn expand(
    handler: Handler,
    model: &Model,
    place: Option<&Place>,
    errors: TokenStream,
) -> TokenStream {
    let Handler {
        attributes,
        visibility,
        mut signature,
        body,
    } = handler;
    let name = policy_name(&signature.ident, place);
    // Reported: rustc would add that what is constant cannot let go of a user, and axum that it cannot call the function.
    if signature.asyncness.is_none() {
        signature.constness = None;
    }
    signature.abi = None;
    signature.safety = Safety::Default;
    if matches!(signature.inputs.first(), Some(FnArg::Receiver(_))) {
        // Reported; an impl has no room for the items that stand beside a handler.
        let body = begin_with(body, errors);
        return quote!(#(#attributes)* #visibility #signature #body);
    }
    let policy = match &model.policy {
        Policy::Nothing => quote!(::clerk_auth::policy::NoRequirement),
        Policy::AgentsAllowed => quote!(::clerk_auth::policy::AgentsAllowed),
        Policy::Type(ty) => quote!(#ty),
        Policy::Requirement { .. } => quote!(#name),
    };
    let conditions: Vec<&Attribute> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect();
    let definition = match &model.policy {
        Policy::Requirement {
            requirement,
            allows_agents,
        } => {
            let requirement = self::requirement(requirement);
            let allows_agents = allows_agents.then(|| {
                quote!(
                    const ALLOWS_AGENTS: bool = true;
                )
            });
            quote! {
                #(#conditions)*
                #[doc(hidden)]
                #[allow(non_camel_case_types)]
                #visibility struct #name;

                #(#conditions)*
                #[automatically_derived]
                impl ::clerk_auth::policy::Policy for #name {
                    const REQUIREMENT: ::clerk_auth::policy::Requirement = #requirement;
                    #allows_agents
                }
            }
        }
        Policy::Nothing | Policy::AgentsAllowed | Policy::Type(_) => TokenStream::new(),
    };
    guard(&mut signature, model, &policy);
    let (unused, body) = match model.subject {
        // What it does with a user would be reported of a type that nobody wrote.
        Subject::Refused(_) => (
            quote!(#[allow(unused_variables)]),
            quote!({ ::core::unimplemented!() }),
        ),
        _ => (TokenStream::new(), body),
    };
    let Assertions { inside, mut here } = assertions(model);
    if !here.is_empty() {
        // In a closure that nobody calls, so that it costs the handler nothing.
        here = quote! {
            let _ = || {
                #[allow(unused_imports)]
                use ::clerk_auth::__private::ask::*;

                #here
            };
        };
    }
    let future = future(&signature, model, &conditions);
    let removed = model.removed.iter();
    // rustc shows where a parameter for a type that it does not know would go: behind the name of the function. What it says
    // of the assertion is then what it says of the handler, and shown once.
    let check = Ident::new("__check", signature.ident.span());
    let body = begin_with(
        body,
        quote! {
            #errors

            const _: () = {
                #[allow(unused_imports)]
                use ::clerk_auth::__private::ask::*;
                #(
                    #[allow(unused_imports)]
                    use #removed as _;
                )*

                fn #check() {
                    #inside
                }
            };
            #here
        },
    );
    quote! {
        #(#attributes)*
        #unused
        #visibility #signature #body

        #definition

        #future
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
        Subject::Parameter(_) => {
            if let Some(FnArg::Typed(first)) = signature.inputs.first_mut() {
                let (pattern, ty) = (&first.pat, &first.ty);
                let wrapped = quote!(::clerk_auth::extract::Authenticated { subject: #pattern, .. });
                let guarded = guarded(&ty.to_token_stream(), policy);
                *first.pat = syn::Pat::Verbatim(wrapped);
                *first.ty = Type::Verbatim(guarded);
            }
        }
        Subject::Nobody => {
            let guard = syn::parse_quote!(_: ::clerk_auth::extract::Authenticated<(), #policy>);
            signature.inputs.insert(0, guard);
        }
        Subject::Refused(error) => {
            if let Some(FnArg::Typed(first)) = signature.inputs.first_mut() {
                *first.ty = Type::Verbatim(error.clone());
            }
        }
        Subject::Receiver => {}
    }
}

/// `Authenticated<User, Policy>`, in other words: for a name that it does not know between angle brackets, rustc would offer
/// to make it a parameter of the handler.
fn guarded(ty: &TokenStream, policy: &TokenStream) -> TokenStream {
    quote!(<(#ty, #policy) as ::clerk_auth::__private::Policed>::Guard)
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
        Requirement::AgentDenied => quote!(#path::AgentDenied),
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
