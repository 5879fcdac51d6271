//! Lists all statements of a struct, for the start-up check, sqlx's check and the tests of plans.

use crate::synced_row::link_sql::LinkStatements;
use crate::synced_row::model::Model;
use crate::synced_row::parse::Database;
use crate::synced_row::sql::{ClaimColumnStatements, Statements, TombstoneStatements};
use crate::synced_row::upsert_sql::UpsertMany;

/// A statement, named like the constant with its text.
pub(crate) struct ListedStatement {
    pub(crate) name: String,
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Parameter>,
}

/// The type of a statement's parameter.
#[derive(Clone, Copy)]
pub(crate) enum Parameter {
    Text,
    Texts,
    Integer,
    /// The parameter of a column, by its index among the struct's columns.
    Column(usize),
}

/// Lists every statement. The patterns name every field, so that a new statement does not compile until it is listed.
pub(crate) fn statement_list(
    model: &Model,
    database: Database,
    statements: &Statements,
) -> Vec<ListedStatement> {
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
    // The key of a membership has no field.
    let place = |ident: &syn::Ident| {
        let place = model.columns.iter().position(|column| column.ident == *ident);
        place.map_or(Parameter::Text, Parameter::Column)
    };
    let columns = model.written().map(|column| place(&column.ident));
    let row: Vec<Parameter> = columns.chain([Parameter::Integer]).collect();
    let key = model.link().map(|(_, column)| place(&column.ident));
    let one: Vec<Parameter> = row.iter().copied().chain(key).collect();
    let sender = model.announces(database).then_some(Parameter::Text);
    let upserted = one.iter().copied().chain(sender).collect();
    let listed = |name: &str, sql: &str, parameters: Vec<Parameter>| ListedStatement {
        name: name.to_owned(),
        sql: sql.to_owned(),
        parameters,
    };
    let mut list = vec![listed("SELECT", select, vec![Parameter::Text])];
    if let Some(sql) = select_for_update {
        list.push(listed("SELECT_FOR_UPDATE", sql, vec![Parameter::Text]));
    }
    list.extend([
        listed("SELECT_MANY", select_many, vec![Parameter::Texts]),
        listed(
            "SELECT_IDS",
            select_ids,
            vec![Parameter::Text, Parameter::Integer],
        ),
        listed("UPSERT", upsert, upserted),
        listed("INSERT", insert, one.clone()),
    ]);
    if let Some(sql) = select_or_insert {
        list.push(listed("SELECT_OR_INSERT", sql, one.clone()));
    }
    list.extend([
        listed("UPSERT_MANY", &of_two(upsert_many), [row.clone(), row].concat()),
        listed(
            "RAISE_VERSION",
            raise_version,
            vec![Parameter::Text, Parameter::Integer],
        ),
        listed("RAISE_VERSION_MANY", raise_version_many, vec![Parameter::Text]),
        listed("TOMBSTONE", tombstone, vec![Parameter::Text]),
    ]);
    if let Some(TombstoneStatements {
        table: _,
        create_table: _,
        select,
        select_many,
        delete,
    }) = tombstones
    {
        list.extend([
            listed("TOMBSTONES.select", select, vec![Parameter::Text]),
            listed("TOMBSTONES.select_many", select_many, vec![Parameter::Texts]),
            listed("TOMBSTONES.delete", delete, vec![Parameter::Text]),
        ]);
    }
    if let Some(LinkStatements {
        column: _,
        claim: _,
        update,
        holder,
    }) = link
    {
        list.extend([
            listed("LINK.update", update, one),
            listed("LINK.holder", holder, key.into_iter().collect()),
        ]);
    }
    let fed = model.written().filter(|column| column.claim().is_some());
    for (column, statements) in fed.zip(claim_columns) {
        let ClaimColumnStatements {
            name,
            claim: _,
            unique_in_clerk: _,
            holder,
            holder_ignoring_case,
            give_way,
        } = statements;
        let found = vec![place(&column.ident), Parameter::Text];
        let named = |field: &str| format!("CLAIM_COLUMNS.{name}.{field}");
        list.extend([
            listed(&named("holder"), holder, found.clone()),
            listed(&named("holder_ignoring_case"), holder_ignoring_case, found),
        ]);
        if let Some(sql) = give_way {
            let parameters = vec![Parameter::Text, Parameter::Integer];
            list.push(listed(&named("give_way"), sql, parameters));
        }
    }
    list
}

/// Returns the statement for two rows, which represent any number, like `UpsertMany::to_sql` of the runtime crate.
fn of_two(statement: &UpsertMany) -> String {
    let rows = [0, 1].map(|row| {
        let numbers = 1..=statement.parameters;
        let values: Vec<String> = numbers
            .map(|number| format!("${}", row * statement.parameters + number))
            .collect();
        format!("({})", values.join(", "))
    });
    format!("{}{}{}", statement.before, rows.join(", "), statement.after)
}

/// Writes the list in the runtime crate's format: per statement a name, a word for each parameter, and the SQL,
/// separated by NUL. The list is one literal, because an array of literals takes rustc twice as long.
pub(crate) fn listed(statements: &[ListedStatement]) -> String {
    let words = |parameter: &Parameter| match parameter {
        Parameter::Text => "text".to_owned(),
        Parameter::Texts => "texts".to_owned(),
        Parameter::Integer => "integer".to_owned(),
        Parameter::Column(place) => place.to_string(),
    };
    let parts = statements.iter().flat_map(|statement| {
        let parameters: Vec<String> = statement.parameters.iter().map(words).collect();
        [
            statement.name.clone(),
            parameters.join(" "),
            statement.sql.clone(),
        ]
    });
    parts.collect::<Vec<_>>().join("\0")
}
