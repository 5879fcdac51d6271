//! Converts the model into Rust. This step cannot fail.
//!
//! A call in `__check` asserts each requirement of a field once, under the field's type. All other uses go through
//! functions of the runtime crate that exist for every type, so that one wrong type is one error.

mod access;
mod assertion;
mod claim_trait;
mod column_trait;
mod comparison;
mod conversion;
mod definition;
mod extractor;
pub(crate) mod inert;
mod link;
mod requirement;
mod sqlx_check;
mod statement_list;
mod stored_in;
mod unused_claims;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Generics;

use self::access::{alias, claim_field, field_type, held_kind, joined, kind_type, local};
use self::assertion::checks;
use self::comparison::comparison;
use self::conversion::{conversion, hold};
use self::extractor::{extractor, shared};
use self::link::{key_field, key_type, read_key};
use self::sqlx_check::statement_check;
use self::stored_in::stored_in;
use self::unused_claims::unused_claims;
use super::kind::RowKind;
use super::model::{Column, Model, Null, References, Version};
use super::sql_parts::key_name;
use super::template::expression::Expression;
use super::template::shortcode::Kind;

/// Generates all code for a struct without mistakes. `import` imports the runtime crate.
pub(super) fn expand(import: &TokenStream, model: &Model) -> TokenStream {
    let claims = format_ident!("__{}Claims", model.ident);
    let aliases = model.columns.iter().filter_map(alias);
    let joined = joined(model);
    let checks = checks(model);
    let shared = if model.columns.iter().all(|column| column.is_prelude) {
        TokenStream::new()
    } else {
        shared([model.ident.to_token_stream(), claims.to_token_stream()])
    };
    let imports = imports(model);
    let condition = (!shared.is_empty()).then(|| quote!(where #shared));
    let row = synced_row(model, &claims, condition.as_ref());
    let stores = model
        .databases
        .iter()
        .map(|database| stored_in(model, *database, condition.as_ref()));
    let statement_check = statement_check(model);
    let extractor = extractor(model.kind, &model.ident, &Generics::default(), &shared);
    let unused = (!model.allow_unused_claims).then(|| unused_claims(model));
    let conversions = model.columns.iter().filter_map(conversion);
    let fields = model.written().map(|column| {
        let (ident, ty) = (&column.ident, &column.ty);
        quote!(pub #ident: #ty)
    });
    let key = key_type(model).map(|ty| {
        let key = key_field();
        quote!(pub #key: #ty)
    });
    let fields = fields.chain(key);
    quote! {
        const _: () = {
            #import
            #[allow(unused_imports)]
            use __clerk_auth::{__private, claim as __claim, __private::{#(#imports),*}};

            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            pub struct #claims { #(#fields),* }

            #(#aliases)*
            #joined
            #checks
            #(#conversions)*
            #row
            #(#stores)*
            #statement_check
            #extractor
        };

        #unused
    }
}

/// Imports the fallback traits for functions that a type may lack. rustc searches all imported traits for each call.
fn imports(model: &Model) -> Vec<TokenStream> {
    let mut imports = vec![
        quote!(JsonNotNull as _),
        quote!(KindClauses as _),
        quote!(NotCopied as _),
        quote!(Same as __Same),
        quote!(UnheldClaim as _),
        quote!(UnstoredColumn as _),
    ];
    if model.columns.iter().any(|column| !column.is_prelude) {
        imports.extend([quote!(Unshared as _), quote!(UnstoredColumns as _)]);
    }
    if model
        .columns
        .iter()
        .filter_map(Column::claim)
        .any(|claim| claim.null == Null::Default)
    {
        imports.push(quote!(NoDefault as _));
    }
    imports
}

fn synced_row(model: &Model, claims: &Ident, condition: Option<&TokenStream>) -> TokenStream {
    // rustc cannot resolve the attribute's path under `#![no_implicit_prelude]`. Without a condition the attribute has
    // no effect.
    let not_recommended = condition.map(|_| quote!(#[diagnostic::do_not_recommend]));
    let ident = &model.ident;
    let name = ident.to_string();
    let table = model.table.path();
    let text = &model.template_text;
    let template = model.template.claims.iter().map(|claim| {
        let name = &claim.name;
        let expression = expression(&claim.expression);
        quote!(__claim::TemplateClaim::new(#name, #expression))
    });
    let budget = model.template.claims.iter().map(|claim| {
        let name = &claim.name;
        let bytes = match claim.most_bytes() {
            Some(bytes) => quote!(::core::option::Option::Some(#bytes)),
            None => quote!(::core::option::Option::None),
        };
        quote!(__claim::ClaimBudget::new(#name, #bytes))
    });
    let version = match &model.version {
        Version::UpdatedAt(claim) => quote!(__clerk_auth::row::VersionSource::UpdatedAt { claim: #claim }),
        Version::IssuedAt => quote!(__clerk_auth::row::VersionSource::IssuedAt),
    };
    let written: Vec<&Column> = model.written().collect();
    let read_key = read_key(model);
    let key = read_key.as_ref().map(|_| key_field());
    let idents = written.iter().map(|column| column.ident.clone());
    let idents: Vec<Ident> = idents.chain(key).collect();
    let locals: Vec<Ident> = idents.iter().map(local).collect();
    let reads = written.iter().map(|column| read_claim(column)).chain(read_key);
    let fresh_for = model.fresh_for;
    let clears = written
        .iter()
        .filter_map(|column| Some((column, column.claim()?)))
        .enumerate()
        .filter(|(_, (_, claim))| claim.gives_way())
        .map(|(index, (column, claim))| {
            let ident = &column.ident;
            let hold = hold(column, claim);
            quote! {
                #index => __private::set_null(&mut __claims.#ident, #hold(::core::option::Option::None))
            }
        });
    let comparison = comparison(&written);
    let derived = derived(model.kind);
    let reference = reference(model);
    let keyed = keyed(model);
    quote! {
        #[automatically_derived]
        impl __clerk_auth::row::#derived for #ident {}

        #keyed

        #[automatically_derived]
        #not_recommended
        impl __clerk_auth::row::SyncedRow for #ident
        #condition
        {
            type Claims = #claims;

            #reference
            const NAME: &'static str = #name;
            const TABLE: &'static str = #table;
            const SESSION_TOKEN_TEMPLATE: &'static str = #text;
            const TEMPLATE: &'static [__claim::TemplateClaim] = &[#(#template),*];
            const SESSION_TOKEN_BUDGET: __claim::SessionTokenBudget =
                __claim::SessionTokenBudget::new(&[#(#budget),*]);
            const VERSION: __clerk_auth::row::VersionSource = #version;
            const FRESH_FOR: ::core::time::Duration = ::core::time::Duration::from_millis(#fresh_for);

            fn read_claims(
                __source: __claim::ClaimSource<'_>,
            ) -> ::core::result::Result<Self::Claims, __claim::UnreadableClaims> {
                let mut __reader = __claim::ClaimReader::new(__source);
                #(let #locals = #reads;)*
                let __claims = match (#(#locals,)*) {
                    (#(::core::option::Option::Some(#locals),)*) => {
                        ::core::option::Option::Some(#claims { #(#idents: #locals),* })
                    }
                    _ => ::core::option::Option::None,
                };
                __reader.finish(__claims)
            }

            #comparison

            fn try_clone(&self) -> ::core::option::Option<Self> {
                __private::Copied::<Self>::try_clone(self)
            }

            #[allow(unused_variables)]
            fn set_null(__claims: &mut Self::Claims, __column: usize) -> bool {
                match __column {
                    #(#clears,)*
                    _ => false,
                }
            }
        }
    }
}

/// Returns the trait that every struct with the derive implements, whatever its fields.
fn derived(kind: RowKind) -> Ident {
    match kind {
        RowKind::User => format_ident!("Derived"),
        RowKind::Organization => format_ident!("DerivedOrganization"),
        RowKind::Membership => format_ident!("DerivedMembership"),
    }
}

fn kind(kind: RowKind) -> Ident {
    match kind {
        RowKind::User => format_ident!("User"),
        RowKind::Organization => format_ident!("Organization"),
        RowKind::Membership => format_ident!("Membership"),
    }
}

/// Generates the kind of the row, and the column by which other tables reference it.
fn reference(model: &Model) -> TokenStream {
    let clerk_id = key_name(model);
    let referenced = model.local_key().or_else(|| model.key());
    let name = referenced.map_or(clerk_id, |column| &column.name);
    let kind = kind(model.kind);
    quote! {
        const KIND: __clerk_auth::row::RowKind = __clerk_auth::row::RowKind::#kind;
        const LOCAL_KEY: &'static str = #name;
        const CLERK_ID: &'static str = #clerk_id;
    }
}

/// Generates the type of that column or, for a membership, the rows that it joins.
fn keyed(model: &Model) -> Option<TokenStream> {
    let ident = &model.ident;
    if let Some(References {
        user, organization, ..
    }) = &model.references
    {
        let table = model.table.path();
        let roles = roles(model);
        // At the span of the table's name, under which rustc reports the assertion.
        let tables = quote_spanned! {model.table_at=>
            const _: () = __clerk_auth::__private::assert_own_table(#table, &[
                <#user as __clerk_auth::row::SyncedRow>::TABLE,
                <#organization as __clerk_auth::row::SyncedRow>::TABLE,
            ]);
        };
        return Some(quote! {
            #[automatically_derived]
            impl __clerk_auth::row::SyncedMembership for #ident {
                type User = #user;
                type Organization = #organization;
                #roles
            }

            #tables
        });
    }
    let ty = field_type(model.local_key().or_else(|| model.key())?);
    Some(quote! {
        #[automatically_derived]
        impl __clerk_auth::row::KeyedBy<#ty> for #ident {}
    })
}

/// Generates the roles that a membership can hold, if the role feeds a column.
fn roles(model: &Model) -> Option<TokenStream> {
    let is_role = |column: &&Column| {
        column.claim().is_some_and(|claim| {
            claim.source.trim() == "{{org.role}}" && claim.with.is_none() && !claim.parse
        })
    };
    let ty = field_type(model.columns.iter().find(is_role)?);
    Some(quote! {
        const ROLES: ::core::option::Option<&'static [&'static str]> = {
            #[allow(unused_imports)]
            use __private::ask::*;

            __private::RoleField::<#ty>::VALUES
        };
    })
}

fn read_claim(column: &Column) -> TokenStream {
    let ty = field_type(column);
    let Some(claim) = column.claim() else {
        let kind = kind_type(Kind::Text);
        return quote!(__reader.subject(__private::ClaimField::<#ty, #kind>::hold));
    };
    let name = &claim.claim;
    let kind = kind_type(claim.kind);
    let hold = hold(column, claim);
    if claim.null == Null::Default {
        return quote! {
            __reader.claim::<__claim::Nullable<#kind>, #ty>(#name, |__value| match __value {
                ::core::option::Option::Some(__value) => (#hold)(__value),
                ::core::option::Option::None => __private::DefaultField::<#ty>::value(),
            })
        };
    }
    if claim.with.is_some() {
        let held = held_kind(claim);
        return quote!(__reader.claim::<#held, #ty>(#name, #hold));
    }
    let field = claim_field(column, claim);
    quote!(#field::read(&mut __reader, #name))
}

fn expression(expression: &Expression) -> TokenStream {
    let path = quote!(__claim::Expression);
    let literal = |literal: TokenStream| quote!(#path::Literal(__claim::Literal::#literal));
    let all = |parts: &[Expression]| -> Vec<TokenStream> { parts.iter().map(self::expression).collect() };
    match expression {
        Expression::Null => literal(quote!(Null)),
        Expression::Boolean(value) => literal(quote!(Boolean(#value))),
        Expression::Integer(value) => literal(quote!(Integer(#value))),
        Expression::Number(value) => literal(quote!(Number(#value))),
        Expression::Text(text) => literal(quote!(Text(#text))),
        Expression::Shortcode(shortcode, _) => quote!(#path::Shortcode(#shortcode)),
        Expression::Chain(operands) => {
            let operands = all(operands);
            quote!(#path::Chain(&[#(#operands),*]))
        }
        Expression::Interpolation(parts) => {
            let parts = all(parts);
            quote!(#path::Interpolation(&[#(#parts),*]))
        }
        Expression::Array(elements) => {
            let elements = all(elements);
            quote!(#path::Array(&[#(#elements),*]))
        }
        Expression::Object(members) => {
            let members = members.iter().map(|(name, member)| {
                let member = self::expression(member);
                quote!((#name, #member))
            });
            quote!(#path::Object(&[#(#members),*]))
        }
    }
}
