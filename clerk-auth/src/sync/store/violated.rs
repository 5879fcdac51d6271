//! Reads from the catalogue the key columns of a violated unique index, and whether the index belongs to the table.
//!
//! A trigger may write into other tables. A violation there does not concern the struct, whatever the index's name.

#[cfg(feature = "sqlite")]
use sqlx::AssertSqlSafe;

#[cfg(feature = "sqlite")]
use crate::schema::quote;
#[cfg(feature = "postgres")]
use crate::schema::quote_path;

/// Finds an index by its table and schema: the table itself, or one of its partitions at any depth. The key's columns
/// are those of `indkey`, and those in its expressions (`varattno`). A predicate and `INCLUDE` are not part of the key.
/// For an index without columns, returns a row with null.
#[cfg(feature = "postgres")]
const POSTGRES: &str = "\
WITH RECURSIVE own(relation) AS ( \
    SELECT to_regclass($1)::oid \
    UNION \
    SELECT i.inhrelid FROM pg_inherits i \
    JOIN own ON i.inhparent = own.relation \
    JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition \
) \
SELECT a.attname::text \
FROM pg_class t \
JOIN pg_namespace n ON n.oid = t.relnamespace \
JOIN pg_index i ON i.indrelid = t.oid \
JOIN pg_class x ON x.oid = i.indexrelid \
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND ( \
    a.attnum IN ( \
        SELECT k.attnum FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place) \
        WHERE k.place <= i.indnkeyatts \
    ) \
    OR a.attnum::text IN ( \
        SELECT m.found[1] FROM regexp_matches(i.indexprs::text, ':varattno ([0-9]+)', 'g') AS m(found) \
    ) \
) \
WHERE n.nspname = $2 AND t.relname = $3 AND x.relname = $4 AND t.oid IN (SELECT relation FROM own)";

/// Returns the key columns. `violated` is the schema, the table and the index in the error.
#[cfg(feature = "postgres")]
pub(crate) async fn postgres(
    connection: &mut sqlx::PgConnection,
    table: &str,
    violated: [&str; 3],
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let [schema, relation, index] = violated;
    let columns: Vec<Option<String>> = sqlx::query_scalar(POSTGRES)
        .bind(quote_path(table))
        .bind(schema)
        .bind(relation)
        .bind(index)
        .fetch_all(connection)
        .await?;
    Ok((!columns.is_empty()).then(|| columns.into_iter().flatten().collect()))
}

/// The prefix of SQLite's message about a unique index.
#[cfg(feature = "sqlite")]
const UNIQUE: &str = "UNIQUE constraint failed: ";

/// Returns the key columns. `message` is `UNIQUE constraint failed: users.email, users.tenant`, or `UNIQUE constraint
/// failed: index 'users_email'` for an index with an expression.
#[cfg(feature = "sqlite")]
pub(crate) async fn sqlite(
    connection: &mut sqlx::SqliteConnection,
    table: &str,
    message: &str,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let Some(violated) = message.strip_prefix(UNIQUE) else {
        return Ok(None);
    };
    let (schema, name) = table.split_once('.').unwrap_or(("main", table));
    let index = violated
        .strip_prefix("index '")
        .and_then(|rest| rest.strip_suffix('\''));
    let Some(index) = index else {
        return Ok(named_columns(violated, name));
    };
    // Safe: the text contains only a schema that the derive has checked.
    let definition = format!(
        "SELECT sql FROM {}.sqlite_schema WHERE type = 'index' AND name = ?1 AND tbl_name = ?2 COLLATE NOCASE",
        quote(schema)
    );
    let definition: Option<String> = sqlx::query_scalar(AssertSqlSafe(definition))
        .bind(index)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(definition) = definition else {
        return Ok(None);
    };
    let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_xinfo(?1, ?2)")
        .bind(name)
        .bind(schema)
        .fetch_all(connection)
        .await?;
    let key = key(&definition);
    let is_named = |column: &String| words(key).any(|word| word.eq_ignore_ascii_case(column));
    Ok(Some(columns.into_iter().filter(is_named).collect()))
}

/// Returns the columns of a list such as `users.email, users.tenant`; `None` if a column is of another table.
#[cfg(feature = "sqlite")]
fn named_columns(list: &str, table: &str) -> Option<Vec<String>> {
    list.split(", ")
        .map(|path| {
            let (of, column) = path.split_once('.')?;
            of.eq_ignore_ascii_case(table).then(|| column.to_owned())
        })
        .collect()
}

/// Returns the key of a `CREATE INDEX`: the text between the first parenthesis outside of quotes and its counterpart.
#[cfg(feature = "sqlite")]
fn key(definition: &str) -> &str {
    let (mut quote, mut depth, mut begin) = (None, 0_usize, 0);
    for (at, letter) in definition.char_indices() {
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (Some(_), _) => {}
            (None, '[') => quote = Some(']'),
            (None, '"' | '\'' | '`') => quote = Some(letter),
            (None, '(') => {
                depth += 1;
                if depth == 1 {
                    begin = at + 1;
                }
            }
            (None, ')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return &definition[begin..at];
                }
            }
            (None, _) => {}
        }
    }
    definition
}

#[cfg(feature = "sqlite")]
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn columns_of_another_table_are_not_the_tables_own() {
        for (list, expected) in [
            ("users.email", Some(vec!["email"])),
            ("Users.email", Some(vec!["email"])),
            ("users.email, users.tenant", Some(vec!["email", "tenant"])),
            ("audit.email", None),
            ("users.email, audit.email", None),
            ("users2.email", None),
            ("email", None),
            ("", None),
        ] {
            let expected: Option<Vec<String>> =
                expected.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(named_columns(list, "users"), expected, "{list}");
        }
    }

    #[test]
    fn key_of_an_index_is_without_its_names_and_its_predicate() {
        for (definition, expected) in [
            ("CREATE UNIQUE INDEX i ON users (lower(email))", "lower(email)"),
            (
                "CREATE UNIQUE INDEX i ON users(lower(email), b) WHERE name IS NULL",
                "lower(email), b",
            ),
            (
                r#"CREATE UNIQUE INDEX "i (name)" ON "users (x)" (lower("email"))"#,
                r#"lower("email")"#,
            ),
            (
                "CREATE UNIQUE INDEX [i (] ON `u (` (email || ')' || name) WHERE (x)",
                "email || ')' || name",
            ),
            ("nothing", "nothing"),
        ] {
            assert_eq!(key(definition), expected, "{definition}");
        }
    }
}
