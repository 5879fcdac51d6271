//! Converts the model into Rust. This step cannot fail.
//!
//! Each requirement of a field is asserted once, under the field's type, by a call in `__check`. Every other use goes
//! through functions of the runtime crate that exist for every type. So one wrong type is one error.

mod access;
mod assertion;
mod column_trait;
mod comparison;
mod conversion;
mod definition;
pub(crate) mod inert;
mod sqlx_check;
mod statement_list;
mod unused_claims;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::Generics;

use self::access::{
    alias, claim_field, column_field, database_type, field_type, held_kind, kind_type, private,
};
use self::assertion::checks;
use self::comparison::comparison;
use self::conversion::{conversion, hold};
use self::definition::definitions;
use self::sqlx_check::statement_check;
use self::statement_list::{listed, statement_list};
use self::unused_claims::unused_claims;
use super::model::{Column, Model, Null, Role, Version};
use super::parse::Database;
use super::sql::{ClaimColumnStatements, Statements, TombstoneStatements, UpsertMany};
use super::template::expression::Expression;
use super::template::shortcode::Kind;

/// Everything that the derive generates for a struct without mistakes. `krate` is the path of the runtime crate.
pub(super) fn expand(krate: &TokenStream, model: &Model) -> TokenStream {
    let claims = format_ident!("__{}Claims", model.ident);
    let aliases = model.columns.iter().filter_map(alias);
    let checks = checks(model);
    let shared = if model.columns.iter().all(|column| column.is_prelude) {
        TokenStream::new()
    } else {
        shared([model.ident.to_token_stream(), claims.to_token_stream()])
    };
    let imports = imports(model);
    let condition = (!shared.is_empty()).then(|| quote!(where #shared));
    let user = synced_user(model, &claims, condition.as_ref());
    let stores = model
        .databases
        .iter()
        .map(|database| stored_in(model, *database, condition.as_ref()));
    let statement_check = statement_check(model);
    let extractor = extractor(&model.ident, &Generics::default(), &shared);
    let unused = (!model.allow_unused_claims).then(|| unused_claims(model));
    let conversions = model.columns.iter().filter_map(conversion);
    let fields = model.written().map(|column| {
        let (ident, ty) = (&column.ident, &column.ty);
        quote!(pub #ident: #ty)
    });
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use #krate::{self as __clerk_auth, __private, claim as __claim, __private::{#(#imports),*}};

            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            pub struct #claims { #(#fields),* }

            #(#aliases)*
            #checks
            #(#conversions)*
            #user
            #(#stores)*
            #statement_check
            #extractor
        };

        #unused
    }
}

/// The imported traits that supply functions which a type lacks. rustc searches all of them for each call.
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

/// Asserts that the struct and its claims are `Send + Sync`. A field that is not has been reported already.
pub(super) fn shared(types: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let private = private();
    let types = types.into_iter();
    quote!(#(for<'__a> #types: #private::SharedIn<'__a>,)*)
}

fn synced_user(model: &Model, claims: &Ident, condition: Option<&TokenStream>) -> TokenStream {
    let private = private();
    // rustc cannot resolve the attribute's path under `#![no_implicit_prelude]`. Without a condition there is nothing
    // to recommend.
    let not_recommended = condition.map(|_| quote!(#[diagnostic::do_not_recommend]));
    let ident = &model.ident;
    let name = ident.to_string();
    let table = model.table.path();
    let text = &model.template_text;
    let template = model.template.claims.iter().map(|claim| {
        let name = &claim.name;
        let expression = expression(&claim.expression);
        quote!(__claim::TemplateClaim { name: #name, expression: #expression })
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
        Version::UpdatedAt(claim) => quote!(__clerk_auth::user::VersionSource::UpdatedAt { claim: #claim }),
        Version::IssuedAt => quote!(__clerk_auth::user::VersionSource::IssuedAt),
    };
    let written: Vec<&Column> = model.written().collect();
    let idents: Vec<&Ident> = written.iter().map(|column| &column.ident).collect();
    let locals: Vec<Ident> = idents.iter().map(|ident| local(ident)).collect();
    let reads = written.iter().map(|column| read_claim(column));
    let fresh_for = model.fresh_for;
    let clears = written
        .iter()
        .filter_map(|column| Some((column, column.claim()?)))
        .enumerate()
        .filter(|(_, (_, claim))| claim.can_be_cleared())
        .map(|(index, (column, claim))| {
            let ident = &column.ident;
            let hold = hold(column, claim);
            quote! {
                #index => #private::clear(&mut __claims.#ident, #hold(::core::option::Option::None))
            }
        });
    let comparison = comparison(&written);
    quote! {
        #[automatically_derived]
        impl __clerk_auth::user::Derived for #ident {}

        #[automatically_derived]
        #not_recommended
        impl __clerk_auth::user::SyncedUser for #ident
        #condition
        {
            type Claims = #claims;

            const NAME: &'static str = #name;
            const TABLE: &'static str = #table;
            const SESSION_TOKEN_TEMPLATE: &'static str = #text;
            const TEMPLATE: &'static [__claim::TemplateClaim] = &[#(#template),*];
            const SESSION_TOKEN_BUDGET: __claim::SessionTokenBudget =
                __claim::SessionTokenBudget::new(&[#(#budget),*]);
            const VERSION: __clerk_auth::user::VersionSource = #version;
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

            fn copy(&self) -> ::core::option::Option<Self> {
                #private::Copied::<Self>::copy(self)
            }

            #[allow(unused_variables)]
            fn clear(__claims: &mut Self::Claims, __column: usize) -> bool {
                match __column {
                    #(#clears,)*
                    _ => false,
                }
            }
        }
    }
}

fn read_claim(column: &Column) -> TokenStream {
    let private = private();
    let ty = field_type(column);
    let Some(claim) = column.claim() else {
        let kind = kind_type(Kind::Text);
        return quote!(__reader.subject(#private::ClaimField::<#ty, #kind>::hold));
    };
    let name = &claim.claim;
    let kind = kind_type(claim.kind);
    let hold = hold(column, claim);
    if claim.null == Null::Default {
        return quote! {
            __reader.claim::<__claim::Nullable<#kind>, #ty>(#name, |__value| match __value {
                ::core::option::Option::Some(__value) => (#hold)(__value),
                ::core::option::Option::None => #private::DefaultField::<#ty>::value(),
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

/// A variable for a field, apart from the names that generated code itself uses: a field may be called `reader`.
fn local(field: &Ident) -> Ident {
    format_ident!("__{}", field, span = Span::mixed_site())
}

fn stored_in(model: &Model, database: Database, condition: Option<&TokenStream>) -> TokenStream {
    let private = private();
    let ident = &model.ident;
    let db = database_type(database);
    let statements = Statements::of(model, database);
    let list = statement_list(model, database, &statements);
    let list = listed(&list);
    let Statements {
        select,
        select_for_update,
        select_many,
        select_ids,
        upsert,
        insert,
        select_or_insert,
        upsert_many,
        raise_version,
        raise_version_many,
        tombstone,
        tombstones,
        claim_columns,
    } = statements;
    let tombstones = tombstones.map(|it| {
        let TombstoneStatements {
            table,
            create_table,
            select,
            select_many,
            delete,
        } = it;
        quote! {
            const TOMBSTONES: ::core::option::Option<__clerk_auth::user::Tombstones> =
                ::core::option::Option::Some(__clerk_auth::user::Tombstones {
                    table: #table,
                    create_table: #create_table,
                    select: #select,
                    select_many: #select_many,
                    delete: #delete,
                });
        }
    });
    let select_for_update =
        select_for_update.map(|sql| quote!(const SELECT_FOR_UPDATE: &'static str = #sql;));
    let select_or_insert = select_or_insert.map(|sql| {
        quote! {
            const SELECT_OR_INSERT: ::core::option::Option<&'static str> = ::core::option::Option::Some(#sql);
        }
    });
    let upsert_many = {
        let UpsertMany {
            before,
            after,
            parameters,
        } = upsert_many;
        quote!(__clerk_auth::user::UpsertMany::new(#before, #after, #parameters))
    };
    let claim_columns = claim_columns.iter().map(|it| {
        let ClaimColumnStatements {
            name,
            unique_in_clerk,
            holder,
            holder_ignoring_case,
            give_way,
        } = it;
        let give_way = match give_way {
            Some(sql) => quote!(::core::option::Option::Some(#sql)),
            None => quote!(::core::option::Option::None),
        };
        quote! {
            __clerk_auth::user::ClaimColumn {
                name: #name,
                unique_in_clerk: #unique_in_clerk,
                holder: #holder,
                holder_ignoring_case: #holder_ignoring_case,
                give_way: #give_way,
            }
        }
    });
    let claim_binds = model
        .written()
        .filter(|it| it.claim().is_some())
        .enumerate()
        .map(|(index, column)| {
            let ident = &column.ident;
            let field = column_field(column, &db);
            quote!(#index => #field::add(&__claims.#ident, __arguments))
        });
    // A struct without a key has been reported.
    let key = model
        .written()
        .enumerate()
        .find(|(_, column)| matches!(column.role, Role::Key));
    let bind = key.map(|(before, column)| {
        let ident = &column.ident;
        let field = column_field(column, &db);
        quote! {
            #private::bind::<Self, #db, _>(
                __claims, __version, __arguments, #before, &__claims.#ident, #field::add,
            )
        }
    });
    let columns = definitions(model, database);
    let columns_of = |is_meant: fn(&Column) -> bool| {
        let mut fields: Vec<(String, TokenStream, Vec<usize>)> = Vec::new();
        let columns = model.columns.iter().enumerate();
        for (index, column) in columns.filter(|(_, column)| is_meant(column)) {
            let field = column_field(column, &db);
            let spelled = field.to_string();
            match fields.iter_mut().find(|(known, ..)| *known == spelled) {
                Some((.., columns)) => columns.push(index),
                None => fields.push((spelled, field, vec![index])),
            }
        }
        fields.into_iter().map(|(_, field, columns)| (field, columns))
    };
    let reads =
        columns_of(|_| true).map(|(field, columns)| quote!(#(#columns)|* => #field::can_read(__found)));
    // The version column follows the struct's columns.
    let version = model.columns.len();
    let nulls = columns_of(|column| matches!(column.role, Role::Key | Role::Claim(_)))
        .map(|(field, columns)| quote!(#(#columns)|* => #field::add_null(__arguments)));
    let gets = model.columns.iter().enumerate().map(|(index, column)| {
        let field = column_field(column, &db);
        quote!(#field::get(__row, #index, &mut __failure))
    });
    let fields: Vec<&Ident> = model.columns.iter().map(|column| &column.ident).collect();
    let values: Vec<Ident> = fields.iter().map(|ident| local(ident)).collect();
    quote! {
        #[automatically_derived]
        impl __clerk_auth::user::StoredIn<#db> for #ident
        #condition
        {
            const SELECT: &'static str = #select;
            #select_for_update
            const SELECT_MANY: &'static str = #select_many;
            const SELECT_IDS: &'static str = #select_ids;
            const UPSERT: &'static str = #upsert;
            const INSERT: &'static str = #insert;
            #select_or_insert
            const UPSERT_MANY: __clerk_auth::user::UpsertMany = #upsert_many;
            const RAISE_VERSION: &'static str = #raise_version;
            const RAISE_VERSION_MANY: &'static str = #raise_version_many;
            const TOMBSTONE: &'static str = #tombstone;
            #tombstones
            const LISTED: &'static str = #list;
            const COLUMNS: &'static [__clerk_auth::user::ColumnDefinition] = &[#(#columns),*];
            const CLAIM_COLUMNS: &'static [__clerk_auth::user::ClaimColumn] = &[#(#claim_columns),*];

            fn bind(
                __claims: &Self::Claims,
                __version: i64,
                __arguments: &mut <#db as #private::sqlx::Database>::Arguments,
            ) -> ::core::result::Result<(), #private::sqlx::error::BoxDynError> {
                #bind
            }

            #[allow(unused_variables)]
            fn bind_claim(
                __claims: &Self::Claims,
                __column: usize,
                __arguments: &mut <#db as #private::sqlx::Database>::Arguments,
            ) -> ::core::result::Result<(), #private::sqlx::error::BoxDynError> {
                match __column {
                    #(#claim_binds,)*
                    _ => ::core::result::Result::Ok(()),
                }
            }

            #[allow(unused_variables)]
            fn add_null(
                __column: usize,
                __arguments: &mut <#db as #private::sqlx::Database>::Arguments,
            ) -> ::core::result::Result<(), #private::sqlx::error::BoxDynError> {
                match __column {
                    #(#nulls,)*
                    _ => ::core::result::Result::Ok(()),
                }
            }

            #[allow(unused_variables)]
            fn can_read(__column: usize, __found: &<#db as #private::sqlx::Database>::TypeInfo) -> bool {
                match __column {
                    #(#reads,)*
                    #version => #private::ColumnField::<i64, #db>::can_read(__found),
                    _ => true,
                }
            }

            fn from_row(
                __row: &<#db as #private::sqlx::Database>::Row,
            ) -> ::core::result::Result<Self, #private::sqlx::Error> {
                let mut __failure = ::core::option::Option::None;
                match (#(#gets,)*) {
                    (#(::core::option::Option::Some(#values),)*) => ::core::result::Result::Ok(Self { #(#fields: #values),* }),
                    _ => #private::unread(__failure),
                }
            }
        }
    }
}

/// The extractor of the row, for handlers without `#[authenticated]`.
pub(super) fn extractor(ident: &Ident, generics: &Generics, shared: &TokenStream) -> TokenStream {
    let private = private();
    let parameters = generics.params.iter();
    let (_, arguments, _) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl<#(#parameters,)* __State> #private::axum::extract::FromRequestParts<__State> for #ident #arguments
        where
            __State: ::core::marker::Send + ::core::marker::Sync,
            #private::Clerk: #private::axum::extract::FromRef<__State>,
            #private::UserSync<#ident #arguments>: #private::axum::extract::FromRef<__State>,
            #shared
        {
            type Rejection = #private::Rejection;

            fn from_request_parts(
                __parts: &mut #private::Parts,
                __state: &__State,
            ) -> impl ::core::future::Future<Output = ::core::result::Result<Self, Self::Rejection>>
            + ::core::marker::Send {
                #private::extract_user::<Self, __State>(__parts, __state)
            }
        }
    }
}
