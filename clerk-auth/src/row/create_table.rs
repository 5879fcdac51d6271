//! Builds `CREATE TABLE`. The SQL types come from Rust types, if necessary through sqlx at run time.

use std::borrow::Cow;

use sqlx::{Database, TypeInfo};

use super::StoredIn;

/// Returns the statement for a struct in a database. The derive rejects quotes in names, and dots other than between
/// schema and table.
pub(super) fn create_table<U: StoredIn<DB>, DB: Database>() -> String {
    let path: Vec<String> = U::TABLE.split('.').map(|part| format!("\"{part}\"")).collect();
    let columns: Vec<String> = U::COLUMNS
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let (sql_type, clauses) = (sql_type::<U, DB>(place), column.clauses.concat());
            format!("    \"{}\" {sql_type}{clauses}", column.name)
        })
        .collect();
    format!("CREATE TABLE {} (\n{}\n)", path.join("."), columns.join(",\n"))
}

/// Returns the type of a column, by its index among [`StoredIn::COLUMNS`].
pub(crate) fn sql_type<U: StoredIn<DB>, DB: Database>(column: usize) -> Cow<'static, str> {
    let named = U::type_info(column).and_then(|found| spelled(found.name()));
    named.unwrap_or(Cow::Borrowed(U::COLUMNS[column].sql_type))
}

/// Converts a name from sqlx to this library's spelling. Returns `None` for a type without a name.
fn spelled(name: &str) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match name {
        "BOOL" => "BOOLEAN",
        "INT2" => "SMALLINT",
        "INT4" => "INTEGER",
        "INT8" => "BIGINT",
        "FLOAT4" => "REAL",
        "FLOAT8" => "DOUBLE PRECISION",
        // PostgreSQL has no such type in capital letters, and without quotes the name means another type.
        "\"CHAR\"" => "\"char\"",
        "\"CHAR\"[]" => "\"char\"[]",
        // A type without a known name, only a number.
        "" | "?" | "UNKNOWN" | "NULL" => return None,
        name => return Some(Cow::Owned(name.to_owned())),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_sqlx_is_spelled_as_in_the_other_definitions() {
        for (name, expected) in [
            ("INT8", Some("BIGINT")),
            ("\"CHAR\"", Some("\"char\"")),
            ("TIMESTAMPTZ", Some("TIMESTAMPTZ")),
            ("tiers.tier", Some("tiers.tier")),
            ("\"Mood\"", Some("\"Mood\"")),
            ("?", None),
        ] {
            assert_eq!(spelled(name).as_deref(), expected, "{name}");
        }
    }
}
