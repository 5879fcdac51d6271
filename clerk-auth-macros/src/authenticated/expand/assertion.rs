//! Generates the assertions about a handler that rustc checks with the user's own types. Generating them cannot fail.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::authenticated::model::{Extractor, Model, Policy, Subject};
use crate::authenticated::subject::{
    arguments, first_argument, is_extractor, is_user_by_name, last_segment, mentions_lifetime, mentions_self,
    word,
};

/// The statements that compile if a handler is correct.
#[derive(Default)]
pub(crate) struct Assertions {
    /// About the guard: the policy, the user and the state.
    pub(crate) guard: TokenStream,
    /// A constant expression that is true if a later parameter is a row of the active organization. Empty if none can
    /// be.
    pub(crate) takes_member: TokenStream,
    /// About each parameter that is not the user.
    pub(crate) extractors: Vec<(usize, TokenStream)>,
    /// About the return type.
    pub(crate) returned: TokenStream,
    /// About types that constants in a signature cannot name.
    pub(crate) here: TokenStream,
}

/// Asserts that the policy is a policy, the user is a user, and each parameter is an extractor. Also asserts that the
/// return type is a response, and that the state provides the parts that the extractors take.
pub(crate) fn assertions(model: &Model) -> Assertions {
    let mut assertions = Assertions::default();
    let state = model.state.as_ref().filter(|state| !is_local(state));
    if let Policy::Type(ty) = &model.policy {
        let is_policy = quote!(let _ = <#ty as __clerk_auth::policy::Policy>::REQUIREMENT;);
        unless_local(ty, &mut assertions.guard, &mut assertions.here).extend(is_policy);
    }
    if let Subject::Parameter(_) = model.subject {
        assertions.takes_member = takes_member(model);
    }
    assertions.guard.extend(required_roles(model));
    match &model.subject {
        Subject::Parameter(ty) => {
            if let Some(policy) = &model.row_policy {
                let asked = row_policy(policy, ty);
                unless_local(ty, &mut assertions.guard, &mut assertions.here).extend(asked);
            }
            let asked = user(ty, model.requires_a_user, state);
            unless_local(ty, &mut assertions.guard, &mut assertions.here).extend(asked);
        }
        Subject::Nobody => {
            if let Some(state) = state {
                assertions.guard.extend(quote! {
                    let _ = <#state as __clerk_auth::extract::Provides<__clerk_auth::__private::Clerk>>::provide;
                });
            }
        }
        Subject::Refused(_) | Subject::Receiver => return assertions,
    }
    for extractor in &model.extractors {
        // A user type has been reported by its name.
        if is_user_by_name(&extractor.ty) {
            continue;
        }
        let asked = parameter(extractor, &model.subject, state);
        if is_local(&extractor.ty) {
            assertions.here.extend(asked);
        } else {
            assertions.extractors.push((extractor.index, asked));
        }
    }
    if let Some(ty) = &model.returned {
        unless_local(ty, &mut assertions.returned, &mut assertions.here).extend(returned(ty));
    }
    assertions
}

/// Returns whether only the handler's body can name a type, because of `Self` or a named lifetime.
fn is_local(ty: &Type) -> bool {
    mentions_self(ty) || mentions_lifetime(ty)
}

/// Selects the place of the statements about a type.
fn unless_local<'a>(
    ty: &Type,
    signature: &'a mut TokenStream,
    body: &'a mut TokenStream,
) -> &'a mut TokenStream {
    if is_local(ty) { body } else { signature }
}

fn user(ty: &Type, is_required: bool, state: Option<&Type>) -> TokenStream {
    let it = quote_spanned!(word(ty)=> _);
    let subject = quote!(<<(#ty,) as __clerk_auth::__private::Asked>::Field>::subject());
    let mut checks = quote!(<#ty as __clerk_auth::extract::Subject>::check(););
    if is_required {
        checks.extend(quote!(<#it as __clerk_auth::extract::SignedInUser>::check(#subject);));
    }
    if let Some(state) = state {
        checks.extend(quote! {
            <#it as __clerk_auth::extract::SubjectFrom<#state>>::check(
                __clerk_auth::__private::StateField::<#state>::each(#subject),
            );
            <#it as __clerk_auth::__private::FromState<#state>>::check(
                __clerk_auth::__private::StateField::<#state>::whole(#subject),
            );
        });
    }
    checks
}

/// Asserts that the user has a row, and that the policy decides over such a row.
fn row_policy(policy: &Type, user: &Type) -> TokenStream {
    let (of_user, of_policy) = (quote_spanned!(word(user)=> _), quote_spanned!(word(policy)=> _));
    let field = quote!(__clerk_auth::__private::RowField::<#user>);
    quote! {
        <#of_user as __clerk_auth::extract::RowOf>::check(#field::subject());
        <#of_policy as __clerk_auth::__private::DecidesOver<_>>::check(#field::policy::<#policy>());
    }
}

/// Checks, for each later parameter that may be a row, whether it is that of the organization or the membership.
fn takes_member(model: &Model) -> TokenStream {
    let later = model.extractors.iter().map(|extractor| &extractor.ty);
    let asked: Vec<TokenStream> = later
        .filter(|ty| !is_extractor(ty) && !is_user_by_name(ty) && !is_local(ty))
        .map(|ty| {
            quote! {
                || __clerk_auth::__private::Later::<#ty>::IS_ORGANIZATION
                || __clerk_auth::__private::Later::<#ty>::IS_MEMBERSHIP
            }
        })
        .collect();
    if asked.is_empty() {
        return TokenStream::new();
    }
    quote!({
        #[allow(unused_imports)]
        use __clerk_auth::__private::ask::*;

        false #(#asked)*
    })
}

/// Asserts that the membership of the handler, if it takes one, can hold the required roles.
fn required_roles(model: &Model) -> TokenStream {
    let Policy::Requirement { requirement, .. } = &model.policy else {
        return TokenStream::new();
    };
    let mut roles = Vec::new();
    requirement.roles(&mut roles);
    roles.retain(|role| role.has_a_global_name());
    let first = match &model.subject {
        Subject::Parameter(ty) => Some(&**ty),
        _ => None,
    };
    let later = model.extractors.iter().map(|extractor| &extractor.ty);
    let rows = first.into_iter().chain(later);
    let rows: Vec<&Type> = rows.filter(|ty| !is_extractor(ty) && !is_local(ty)).collect();
    if rows.is_empty() {
        return TokenStream::new();
    }
    roles
        .into_iter()
        .map(|role| {
            // At the span of the role, under which rustc reports the assertion.
            quote_spanned! {role.span()=>
                const _: () = {
                    #[allow(unused_imports)]
                    use __clerk_auth::__private::ask::*;

                    #(__clerk_auth::__private::assert_role(__clerk_auth::__private::Roles::<#rows>::ROLES, #role);)*
                };
            }
        })
        .collect()
}

/// axum's extractors that read their content with serde.
const READ_BY_SERDE: [&str; 4] = ["Form", "Json", "Path", "Query"];

/// Asserts that a parameter is an extractor. Without a known state, asserts nothing about a parameter that may depend
/// on it.
fn parameter(
    Extractor { ty, is_last, .. }: &Extractor,
    subject: &Subject,
    state: Option<&Type>,
) -> TokenStream {
    let it = quote_spanned!(word(ty)=> _);
    let mut checks = TokenStream::new();
    let is_named_extractor = is_extractor(ty);
    if !is_named_extractor {
        let rule = match subject {
            Subject::Nobody => quote!(UserComesFirst),
            _ => quote!(OneUser),
        };
        checks.extend(quote!(<#it as __clerk_auth::__private::#rule>::check(
            __clerk_auth::__private::LaterParameter::<#ty>::NEW.ask_user(),
        );));
    }
    if !is_last {
        checks.extend(quote!(<#it as __clerk_auth::__private::BeforeTheBody>::check(__it.reads_body());));
    }
    let is_read =
        |ty| last_segment(ty).is_some_and(|last| READ_BY_SERDE.iter().any(|known| last.ident == known));
    match (first_argument(ty).filter(|_| is_read(ty)), state) {
        (Some(data), state) => {
            let data_it = quote_spanned!(word(data)=> _);
            checks.extend(
                quote!(<#data_it as __clerk_auth::__private::Readable>::check(__it.unread::<#data>());),
            );
            if let Some(state) = state {
                checks.extend(
                    quote!(<#it as __clerk_auth::__private::AxumExtractor<#state>>::check(
                    __it.foreign_extractor(__clerk_auth::__private::Data::<#data>::NEW.ask_read()),
                );),
                );
            }
        }
        (None, Some(state)) => checks.extend(quote! {
            <#it as __clerk_auth::__private::Extractor<#state>>::check(__it.not_extracted());
            <#it as __clerk_auth::__private::PartOfState<#state>>::check(__it.not_provided());
        }),
        (None, None) => {}
    }
    let mut organization = TokenStream::new();
    if !is_named_extractor {
        organization = quote!(.ask_organization().ask_handle());
        checks.extend(quote!(<#it as __clerk_auth::__private::TakenByValue<_>>::check(__it.wrapped());));
    }
    if checks.is_empty() {
        return checks;
    }
    let state = state.map_or_else(
        || quote!(__clerk_auth::__private::AnyState),
        |state| quote!(#state),
    );
    let asked = if is_named_extractor {
        quote!(__clerk_auth::__private::Parameter::<#ty, #state>::NEW)
    } else {
        quote!(__clerk_auth::__private::LaterParameter::<#ty>::NEW.ask_parameter::<#state>())
    };
    quote! {
        let __it = #asked.ask_parts().ask_body().ask_state() #organization;
        #checks
    }
}

fn returned(ty: &Type) -> TokenStream {
    let is = |ty: &Type, name: &str| last_segment(ty).is_some_and(|last| last.ident == name);
    let mut parts = arguments(ty).take(if is(ty, "Result") { 2 } else { 0 });
    let value = parts.next().unwrap_or(ty);
    let error = parts.next().unwrap_or(ty);
    let value = match value {
        Type::Tuple(tuple) => tuple.elems.last().unwrap_or(value),
        _ => value,
    };
    let (value_it, error_it) = (quote_spanned!(word(value)=> _), quote_spanned!(word(error)=> _));
    let opaque = match first_argument(value).filter(|_| is(value, "Json")) {
        Some(data) => {
            let data_it = quote_spanned!(word(data)=> _);
            quote! {
                <#data_it as __clerk_auth::__private::Writable>::check(__value.unwritten::<#data>());
                <#value_it as __clerk_auth::__private::AxumResponse>::check(
                    __value.foreign_response(__clerk_auth::__private::Data::<#data>::NEW.ask_written()),
                );
            }
        }
        None => quote!(<#value_it as __clerk_auth::__private::ResponseOrJson>::check(__value.opaque());),
    };
    quote! {
        let __returned = __clerk_auth::__private::Returned::<#ty>::NEW.ask_response();
        let __value = __returned.ask_value().ask_response().ask_content();
        <#value_it as __clerk_auth::__private::Response>::check(__value.data());
        #opaque
        <#error_it as __clerk_auth::__private::ErrorResponse>::check(__returned.ask_error().ask_response().unanswered());
    }
}
