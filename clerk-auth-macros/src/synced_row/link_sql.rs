//! The statements that link an existing row to a user.
//!
//! With `link`, every statement that inserts a single row takes the key as one more parameter, and inserts nothing
//! while another row has the key. So a user never gets a second row: the row with the key is linked, or the user is
//! refused.

use super::model::{Deletion, Model, Role};
use super::parse::Database;
use super::sql_parts::{
    bookkeeping, column, columns, deleted, has_row, has_tombstone, key, key_name, not_deleted, parameter,
    qualified, quote,
};

/// The additional statements for a struct with `link`.
pub(super) struct LinkStatements {
    /// The column's name.
    pub(super) column: String,
    /// The claim with the key.
    pub(super) claim: String,
    pub(super) update: String,
    pub(super) holder: String,
}

/// Returns the statements; `None` for a struct without `link`.
pub(super) fn link(model: &Model, database: Database) -> Option<LinkStatements> {
    let (described, linked) = model.link()?;
    let table = qualified(&model.table);
    let link = column(model, &linked.name);
    let mut parameters = model.written().zip(1..);
    let clerk_id = parameters
        .find(|(column, _)| matches!(column.role, Role::Key))
        .map(|(_, number)| parameter(database, number))?;
    let count = model.written().count();
    let set = model.written().zip(1..).filter_map(|(it, number)| {
        let (name, value) = (quote(&it.name), parameter(database, number));
        Some(match it.claim() {
            Some(claim) if claim.is_link => return None,
            // Only the application writes an `insert_only` column of an existing row.
            Some(claim) if claim.insert_only => {
                format!("{name} = COALESCE({}, {value})", column(model, &it.name))
            }
            _ => format!("{name} = {value}"),
        })
    });
    let version = format!(
        "{} = {}",
        quote(&model.version_column),
        parameter(database, count + 1)
    );
    let moments = model
        .columns
        .iter()
        .filter(|it| matches!(it.role, Role::UpdatedAt))
        .map(|it| format!("{} = CURRENT_TIMESTAMP", quote(&it.name)));
    let set: Vec<String> = set.chain([version]).chain(moments).collect();
    let own_key = quote(key_name(model));
    let without_tombstone = match &model.deletion {
        Deletion::Mark(_) => not_deleted(model),
        Deletion::Remove(tombstones) => format!("NOT {}", has_tombstone(tombstones, &clerk_id)),
    };
    Some(LinkStatements {
        column: linked.name.clone(),
        claim: described.claim.clone(),
        update: format!(
            "UPDATE {table} SET {set} WHERE {link} = {value} AND {key} IS NULL AND {without_tombstone} \
             AND NOT EXISTS (SELECT 1 FROM {table} AS \"clerk_own\" WHERE \"clerk_own\".{own_key} = {clerk_id}) \
             RETURNING {columns}{bookkeeping}, {inserted} AS \"clerk_inserted\"",
            set = set.join(", "),
            value = parameter(database, count + 2),
            key = key(model),
            columns = columns(model),
            bookkeeping = bookkeeping(model),
            inserted = match database {
                Database::Postgres => "false",
                Database::Sqlite => "0",
            },
        ),
        holder: format!(
            "SELECT {key}, {deleted} AS \"clerk_deleted\" FROM {table} WHERE {link} = {first} LIMIT 1",
            key = key(model),
            deleted = deleted(model),
            first = parameter(database, 1),
        ),
    })
}

/// Returns the condition under which the insertion may proceed: no row has the key, or the user's own row exists (then
/// the conflict clause applies). `number` is that of the parameter with the key.
pub(super) fn without_link(
    model: &Model,
    database: Database,
    number: usize,
    clerk_id: &str,
) -> Option<String> {
    let (_, linked) = model.link()?;
    let value = parameter(database, number);
    Some(format!(
        "(NOT {other} OR {own})",
        other = has_row(&model.table, &linked.name, &value),
        own = has_row(&model.table, key_name(model), clerk_id),
    ))
}
