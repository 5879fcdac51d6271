//! The impl of `StoredIn` for one database.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::access::{column_field, database_type, filled, local};
use super::definition::{definitions, type_info};
use super::link::bind_link;
use super::statement_list::{listed, statement_list};
use crate::synced_row::link_sql::LinkStatements;
use crate::synced_row::model::{Column, Model, References, Role};
use crate::synced_row::parse::Database;
use crate::synced_row::references_sql;
use crate::synced_row::sql::{ClaimColumnStatements, Statements, TombstoneStatements};
use crate::synced_row::upsert_sql::UpsertMany;

pub(crate) fn stored_in(model: &Model, database: Database, condition: Option<&TokenStream>) -> TokenStream {
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
        link,
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
            const TOMBSTONES: ::core::option::Option<__clerk_auth::row::Tombstones> =
                ::core::option::Option::Some(__clerk_auth::row::Tombstones::new(
                    #table, #create_table, #select, #select_many, #delete,
                ));
        }
    });
    let link = link.map(|it| {
        let LinkStatements {
            column,
            claim,
            update,
            holder,
        } = it;
        let bind_link = bind_link(model, &db);
        quote! {
            const LINK: ::core::option::Option<__clerk_auth::row::Link> =
                ::core::option::Option::Some(__clerk_auth::row::Link::new(#column, #claim, #update, #holder));

            #bind_link
        }
    });
    let select_for_update =
        select_for_update.map(|sql| quote!(const SELECT_FOR_UPDATE: &'static str = #sql;));
    let [upsert, insert, list] = [upsert, insert, list].map(|sql| filled(model, &sql));
    let select_or_insert = select_or_insert.map(|sql| {
        let sql = filled(model, &sql);
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
        let after = filled(model, &after);
        quote!(__clerk_auth::row::UpsertMany::new(#before, #after, #parameters))
    };
    let claim_columns = claim_columns.iter().map(|it| {
        let ClaimColumnStatements {
            name,
            claim,
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
            __clerk_auth::row::ClaimColumn::new(
                #name, #claim, #unique_in_clerk, #holder, #holder_ignoring_case, #give_way,
            )
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
            __private::bind::<Self, #db, _>(
                __claims, __version, __arguments, #before, &__claims.#ident, #field::add,
            )
        }
    });
    let columns = definitions(model, database);
    let type_info = type_info(model, &db);
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
    // The version column follows the struct's columns, and the tombstone follows the version.
    let version = model.columns.len();
    let width = version + 2;
    let select_joined = model.references.as_ref().map(|references| {
        let References {
            user, organization, ..
        } = references;
        let select_references = filled(model, &references_sql::select(model, database));
        quote! {
            const SELECT_JOINED: ::core::option::Option<&'static str> =
                __clerk_auth::__joined!(#db, #user, #organization, #ident);
            const SELECT_REFERENCES: ::core::option::Option<&'static str> =
                ::core::option::Option::Some(#select_references);
        }
    });
    let nulls = columns_of(Column::is_bound)
        .map(|(field, columns)| quote!(#(#columns)|* => #field::add_null(__arguments)));
    let gets = model.columns.iter().enumerate().map(|(index, column)| {
        let field = column_field(column, &db);
        quote!(#field::get(__row, __first + #index, &mut __failure))
    });
    let fields: Vec<&Ident> = model.columns.iter().map(|column| &column.ident).collect();
    let values: Vec<Ident> = fields.iter().map(|ident| local(ident)).collect();
    quote! {
        #[automatically_derived]
        impl __clerk_auth::row::StoredIn<#db> for #ident
        #condition
        {
            const SELECT: &'static str = #select;
            #select_for_update
            const SELECT_MANY: &'static str = #select_many;
            #select_joined
            const WIDTH: usize = #width;
            const SELECT_IDS: &'static str = #select_ids;
            const UPSERT: &'static str = #upsert;
            const INSERT: &'static str = #insert;
            #select_or_insert
            const UPSERT_MANY: __clerk_auth::row::UpsertMany = #upsert_many;
            const RAISE_VERSION: &'static str = #raise_version;
            const RAISE_VERSION_MANY: &'static str = #raise_version_many;
            const TOMBSTONE: &'static str = #tombstone;
            #tombstones
            #link
            const LISTED: &'static str = #list;
            const COLUMNS: &'static [__clerk_auth::row::ColumnDefinition] = &[#(#columns),*];
            const CLAIM_COLUMNS: &'static [__clerk_auth::row::ClaimColumn] = &[#(#claim_columns),*];

            fn bind(
                __claims: &Self::Claims,
                __version: i64,
                __arguments: &mut <#db as __private::sqlx::Database>::Arguments,
            ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
                #bind
            }

            #[allow(unused_variables)]
            fn bind_claim(
                __claims: &Self::Claims,
                __column: usize,
                __arguments: &mut <#db as __private::sqlx::Database>::Arguments,
            ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
                match __column {
                    #(#claim_binds,)*
                    _ => ::core::result::Result::Ok(()),
                }
            }

            #[allow(unused_variables)]
            fn add_null(
                __column: usize,
                __arguments: &mut <#db as __private::sqlx::Database>::Arguments,
            ) -> ::core::result::Result<(), __private::sqlx::error::BoxDynError> {
                match __column {
                    #(#nulls,)*
                    _ => ::core::result::Result::Ok(()),
                }
            }

            #[allow(unused_variables)]
            fn can_read(__column: usize, __found: &<#db as __private::sqlx::Database>::TypeInfo) -> bool {
                match __column {
                    #(#reads,)*
                    #version => __private::ColumnField::<i64, #db>::can_read(__found),
                    _ => true,
                }
            }

            #type_info

            fn from_row(
                __row: &<#db as __private::sqlx::Database>::Row,
                __first: usize,
            ) -> ::core::result::Result<Self, __private::sqlx::Error> {
                let mut __failure = ::core::option::Option::None;
                match (#(#gets,)*) {
                    (#(::core::option::Option::Some(#values),)*) => ::core::result::Result::Ok(Self { #(#fields: #values),* }),
                    _ => __private::unread(__failure),
                }
            }
        }
    }
}
