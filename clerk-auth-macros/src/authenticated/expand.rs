//! Converts the model into Rust. This step cannot fail.

mod assertion;
mod debug_handler;
mod policy;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{FnArg, ReturnType, Safety, Signature, Type};

use self::assertion::{Assertions, assertions};
use self::debug_handler::future;
use self::policy::policy;
use super::model::{Model, Subject};
use super::parse::Handler;
use super::subject::word;

/// Generates the handler. Input: `async fn me(user: User)`; output:
/// `async fn me(Authenticated { subject: user, .. }: Authenticated<User, _>)`. The policy and the assertions are in the
/// signature. `errors` go into the body, because an `impl` cannot contain an item next to the handler.
pub(super) fn expand(handler: Handler, model: &Model, errors: TokenStream) -> TokenStream {
    let future = future(&handler, model);
    let Handler {
        attributes,
        visibility,
        mut signature,
        body,
    } = handler;
    // Already reported. Otherwise rustc would add that a constant function cannot drop a user, and axum would add that
    // it cannot call the function.
    if signature.asyncness.is_none() {
        signature.constness = None;
    }
    signature.abi = None;
    signature.safety = Safety::Default;
    if matches!(signature.inputs.first(), Some(FnArg::Receiver(_))) {
        // Already reported.
        let body = begin_with(body, errors);
        return quote!(#(#attributes)* #visibility #signature #body);
    }
    let policy = policy(model);
    // The generic parameters have been reported, and constants cannot name them.
    let Assertions {
        guard: asked,
        takes_member,
        extractors,
        returned,
        here,
    } = if signature.generics.params.is_empty() {
        assertions(model)
    } else {
        Assertions::default()
    };
    check_types(&mut signature, extractors, &returned);
    guard(&mut signature, model, &policy, &asked, &takes_member);
    let (unused, body) = match model.subject {
        // Otherwise rustc would report uses of the parameter against a type that is not in the source.
        Subject::Refused(_) => (
            quote!(#[allow(unused_variables)]),
            quote!({ ::core::unimplemented!() }),
        ),
        _ => (TokenStream::new(), body),
    };
    let here = (!here.is_empty()).then(|| closure(&here));
    let removed = model.removed.iter();
    let removed = quote!(#(
        #[allow(unused_imports)]
        use #removed as _;
    )*);
    let removed = (!removed.is_empty()).then(|| quote!(const _: () = { #removed };));
    let body = begin_with(body, quote!(#errors #removed #here));
    quote! {
        #(#attributes)*
        #unused
        #visibility #signature #body

        #future
    }
}

/// Inserts an item at the start of the body, after its inner attributes, because an `impl` cannot contain the item next
/// to a function.
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

/// Wraps statements in a closure that is never called, so that rustc checks them without running them.
fn closure(statements: &TokenStream) -> TokenStream {
    quote! {
        let _ = || {
            #[allow(unused_imports)]
            use __clerk_auth::__private::ask::*;

            #statements
        };
    }
}

/// Puts the assertions about each type next to the type, in the signature.
fn check_types(signature: &mut Signature, extractors: Vec<(usize, TokenStream)>, returned: &TokenStream) {
    for (index, asked) in extractors {
        if let Some(FnArg::Typed(parameter)) = signature.inputs.iter_mut().nth(index) {
            check_type(&mut parameter.ty, &asked);
        }
    }
    if let ReturnType::Type(_, ty) = &mut signature.output {
        check_type(ty, returned);
    }
}

fn check_type(ty: &mut Type, asked: &TokenStream) {
    if asked.is_empty() {
        return;
    }
    let checked = checked(word(ty), asked);
    // rustc underlines the type as it was written.
    let (begin, end) = ends(ty);
    let begin = quote_spanned!(begin=> <);
    let end = quote_spanned!(end=> It);
    let checked = quote!(#begin (#ty, #checked) as __clerk_auth::__private::CheckedType>::#end);
    *ty = Type::Verbatim(checked);
}

/// Puts the assertions into the length of an array type, where rustc does not suggest a generic parameter for an
/// unknown name. rustc quotes a constant by its span, here the word of the checked type.
fn checked(word: Span, asked: &TokenStream) -> TokenStream {
    let asked = closure(asked);
    constant(word, quote!(#asked 0))
}

fn constant(word: Span, value: TokenStream) -> TokenStream {
    let mut block = Group::new(Delimiter::Brace, value);
    block.set_span(Span::call_site().located_at(word));
    quote!([(); #block])
}

/// Returns the spans of a type's first and last token.
fn ends(ty: &Type) -> (Span, Span) {
    let mut tokens = ty.to_token_stream().into_iter();
    let first = tokens.next();
    let last = tokens.last().or_else(|| first.clone());
    let begin = first.map_or_else(Span::call_site, |token| match token {
        TokenTree::Group(group) => group.span_open(),
        token => token.span(),
    });
    let end = last.map_or_else(Span::call_site, |token| match token {
        TokenTree::Group(group) => group.span_close(),
        token => token.span(),
    });
    let here = Span::call_site();
    (here.located_at(begin), here.located_at(end))
}

/// Wraps the user's pattern, or puts a guard in front.
fn guard(
    signature: &mut Signature,
    model: &Model,
    policy: &TokenStream,
    asked: &TokenStream,
    takes_member: &TokenStream,
) {
    match &model.subject {
        Subject::Parameter(_) => {
            if let Some(FnArg::Typed(first)) = signature.inputs.first_mut() {
                let (pattern, ty) = (&first.pat, &first.ty);
                let wrapped = quote!(__clerk_auth::extract::Authenticated { subject: #pattern, .. });
                let guarded = guarded(&ty.to_token_stream(), policy, word(ty), asked, takes_member);
                *first.pat = syn::Pat::Verbatim(wrapped);
                *first.ty = Type::Verbatim(guarded);
            }
        }
        Subject::Nobody => {
            let guarded = guarded(&quote!(()), policy, Span::call_site(), asked, &TokenStream::new());
            let guard = syn::parse_quote!(_: #guarded);
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

/// Spells `Authenticated<User, Policy>` without angle brackets, between which rustc would suggest a generic parameter
/// of the handler for an unknown name.
fn guarded(
    ty: &TokenStream,
    policy: &TokenStream,
    word: Span,
    asked: &TokenStream,
    takes_member: &TokenStream,
) -> TokenStream {
    let asked = match (asked.is_empty(), takes_member.is_empty()) {
        (true, true) => TokenStream::new(),
        (false, true) => checked(word, asked),
        (_, false) => {
            let asked = checked(word, asked);
            let takes_member = constant(word, quote!((#takes_member) as usize));
            quote!(#asked, #takes_member)
        }
    };
    quote!(<(#ty, #policy, #asked) as __clerk_auth::__private::Policed>::Guard)
}
