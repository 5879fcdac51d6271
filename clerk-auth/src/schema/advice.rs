//! The statements that fix a column. Each succeeds on a table with rows, and keeps every value.
//!
//! If a column must not be null, existing rows get a neutral value. Their version is 0, so the next observation of a
//! user replaces the value.

use super::expected_column::ExpectedColumn;
use super::live::{Generated, LiveColumn, quote};

/// A table that the statements change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// Its name, quoted.
    pub(super) table: &'a str,
    /// The column of the Clerk user id, whose values are unique.
    pub(super) key: Option<&'a str>,
    /// True if the struct links existing rows.
    pub(super) is_linked: bool,
    /// True on PostgreSQL. SQLite cannot change an existing column.
    pub(super) can_alter: bool,
}

impl Target<'_> {
    /// Returns whether the column is null in a row that is not linked yet.
    pub(super) fn may_be_null(&self, column: &ExpectedColumn<'_>) -> bool {
        self.is_linked && self.key == Some(column.name)
    }

    /// Adds a column; `None` if the database cannot add such a column to a table with rows.
    pub(super) fn add(&self, column: &ExpectedColumn<'_>) -> Option<String> {
        let (table, name, sql_type) = (self.table, quote(column.name), &*column.sql_type);
        let add = |clauses: &str| format!("ALTER TABLE {table} ADD COLUMN {name} {sql_type}{clauses}");
        if self.may_be_null(column) {
            return Some(add(""));
        }
        let clauses = without_indexes(column);
        let default = default_of(&clauses);
        if !self.can_alter && default.is_some_and(|default| !is_constant(default)) {
            // SQLite, "ALTER TABLE ADD COLUMN".
            return None;
        }
        let is_key_of_table = column.clauses.iter().any(|clause| clause.contains("PRIMARY KEY"));
        if !self.can_alter && is_key_of_table {
            return None;
        }
        if !clauses.contains("NOT NULL") || default.is_some() || clauses.contains("IDENTITY") {
            return Some(add(&clauses));
        }
        if self.key == Some(column.name) && !self.can_alter {
            let unlinked = self.filler(column)?;
            return Some(format!(
                "{}; UPDATE {table} SET {name} = {unlinked} WHERE {name} = ''",
                add(" NOT NULL DEFAULT ''")
            ));
        }
        let filler = self.filler(column)?;
        Some(add(&format!(" NOT NULL DEFAULT {filler}")))
    }

    /// Changes the type; `None` if the values of one cannot become values of the other.
    pub(super) fn change_type(&self, column: &ExpectedColumn<'_>, found: &LiveColumn) -> Option<String> {
        let (table, name, sql_type) = (self.table, quote(column.name), &*column.sql_type);
        if !self.can_alter {
            return None;
        }
        let using = converted(&name, &found.sql_type, sql_type)?;
        // PostgreSQL does not convert the default with the values.
        let (before, after) = match (found.has_default, default_of(&without_indexes(column))) {
            (false, _) => (String::new(), String::new()),
            (true, None) => (format!("ALTER COLUMN {name} DROP DEFAULT, "), String::new()),
            (true, Some(default)) => (
                format!("ALTER COLUMN {name} DROP DEFAULT, "),
                format!(", ALTER COLUMN {name} SET DEFAULT {default}"),
            ),
        };
        Some(format!(
            "ALTER TABLE {table} {before}ALTER COLUMN {name} TYPE {sql_type} USING {using}{after}"
        ))
    }

    /// Forbids null, and replaces each null by a neutral value.
    pub(super) fn forbid_null(&self, column: &ExpectedColumn<'_>, found: &LiveColumn) -> Option<String> {
        let (table, name) = (self.table, quote(column.name));
        if !self.can_alter {
            return None;
        }
        let forbid = format!("ALTER COLUMN {name} SET NOT NULL");
        let clauses = without_indexes(column);
        let filler = default_of(&clauses)
            .map(ToOwned::to_owned)
            .or_else(|| self.filler(column));
        match filler {
            // Casts the values to their own type, because that takes one statement instead of a separate `UPDATE`.
            Some(filler) if !clauses.contains("IDENTITY") => Some(format!(
                "ALTER TABLE {table} ALTER COLUMN {name} TYPE {} USING coalesce({name}, {filler}), {forbid}",
                // An unreadable type is changed first.
                if found.is_readable {
                    &found.sql_type
                } else {
                    &*column.sql_type
                }
            )),
            _ => Some(format!("ALTER TABLE {table} {forbid}")),
        }
    }

    /// Allows null.
    pub(super) fn allow_null(&self, name: &str) -> Option<String> {
        let (table, name) = (self.table, quote(name));
        self.can_alter
            .then(|| format!("ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL"))
    }

    /// Makes the database fill a column of the struct.
    pub(super) fn fill(&self, column: &ExpectedColumn<'_>, found: &LiveColumn) -> Option<String> {
        let clauses = without_indexes(column);
        match default_of(&clauses) {
            Some(default) if self.can_alter => Some(format!(
                "ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {default}",
                self.table,
                quote(column.name)
            )),
            _ => self.number(&found.name, &found.sql_type),
        }
    }

    /// Makes the database fill a column that is not in the struct.
    pub(super) fn fill_unknown(&self, found: &LiveColumn) -> Option<String> {
        if found.is_primary_key {
            self.number(&found.name, &found.sql_type)
        } else {
            self.allow_null(&found.name)
        }
    }

    /// Makes the database fill a key, beginning after the existing numbers.
    fn number(&self, name: &str, sql_type: &str) -> Option<String> {
        let (table, quoted) = (self.table, quote(name));
        if !self.can_alter {
            return None;
        }
        let alter = format!("ALTER TABLE {table} ALTER COLUMN {quoted}");
        match Kind::from_sql_type(sql_type) {
            // A block is a single statement, so it works in a migration and as a prepared statement.
            Kind::Integer => Some(format!(
                "DO $clerk$ BEGIN EXECUTE (SELECT format({}, greatest(max({quoted}), 0) + 1) FROM {table}); END $clerk$",
                literal(&format!(
                    "{} ADD GENERATED ALWAYS AS IDENTITY (START WITH %s)",
                    alter.replace('%', "%%")
                ))
            )),
            Kind::Text => Some(format!("{alter} SET DEFAULT gen_random_uuid()::text")),
            Kind::Uuid => Some(format!("{alter} SET DEFAULT gen_random_uuid()")),
            _ => None,
        }
    }

    /// Turns a generated column into a plain one.
    pub(super) fn make_plain(&self, column: &ExpectedColumn<'_>, generated: Generated) -> Option<String> {
        let (table, name) = (self.table, quote(column.name));
        if !self.can_alter {
            return None;
        }
        let alter = format!("ALTER TABLE {table} ALTER COLUMN {name}");
        Some(match generated {
            Generated::Stored => format!("{alter} DROP EXPRESSION"),
            Generated::Identity => format!("{alter} DROP IDENTITY"),
            // PostgreSQL has no direct way for virtual columns.
            Generated::Virtual => {
                let copy = quote(&format!("{}_copy", column.name));
                format!(
                    "DO $clerk$ BEGIN ALTER TABLE {table} ADD COLUMN {copy} {}; UPDATE {table} SET {copy} = {name}; \
                     ALTER TABLE {table} DROP COLUMN {name}; ALTER TABLE {table} RENAME COLUMN {copy} TO {name}; END $clerk$",
                    column.sql_type
                )
            }
        })
    }

    /// Returns the neutral value of a column; `None` if its type is not known.
    fn filler(&self, column: &ExpectedColumn<'_>) -> Option<String> {
        if self.key == Some(column.name) {
            // Clerk's user ids begin with `user_`, so no user has this id.
            return Some(if self.can_alter {
                "'unlinked_' || gen_random_uuid()".to_owned()
            } else {
                "'unlinked_' || lower(hex(randomblob(16)))".to_owned()
            });
        }
        let value = match Kind::from_sql_type(&column.sql_type) {
            Kind::Text | Kind::Bytes => "''",
            Kind::Integer | Kind::Number => "0",
            Kind::Boolean => "FALSE",
            Kind::Json => "'{}'",
            Kind::TimeWithZone => "'1970-01-01 00:00:00+00:00'",
            Kind::TimeWithoutZone => "'1970-01-01 00:00:00'",
            Kind::Uuid => "'00000000-0000-0000-0000-000000000000'",
            Kind::Other => return None,
        };
        Some(value.to_owned())
    }
}

/// The kind of a type, by its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Json,
    TimeWithZone,
    TimeWithoutZone,
    Uuid,
    Bytes,
    Other,
}

impl Kind {
    fn from_sql_type(sql_type: &str) -> Self {
        let name = sql_type.to_ascii_lowercase();
        // `timestamp(3) without time zone`, `character varying(64)`
        let (before, after) = name.split_once('(').unwrap_or((&name, ""));
        let rest = after.split_once(')').map_or("", |(_, rest)| rest.trim());
        let has_zone = before.contains("with time zone") || rest == "with time zone";
        match before.trim() {
            "text" | "varchar" | "character varying" | "citext" | "character" | "char" | "bpchar"
            | "name" => Self::Text,
            "smallint" | "integer" | "int" | "bigint" | "int2" | "int4" | "int8" => Self::Integer,
            "real" | "double precision" | "float4" | "float8" | "numeric" | "decimal" => Self::Number,
            "boolean" | "bool" => Self::Boolean,
            "json" | "jsonb" => Self::Json,
            "timestamptz" => Self::TimeWithZone,
            name if name.starts_with("timestamp") && has_zone => Self::TimeWithZone,
            "timestamp" | "timestamp without time zone" => Self::TimeWithoutZone,
            "uuid" => Self::Uuid,
            "bytea" | "blob" => Self::Bytes,
            _ => Self::Other,
        }
    }
}

/// Returns whether two names mean the same type, if both are known.
pub(super) fn is_same_type(one: &str, other: &str) -> bool {
    printed(one) == printed(other)
}

/// Returns PostgreSQL's printed name of a type with several names.
fn printed(sql_type: &str) -> String {
    let name = sql_type.to_ascii_lowercase();
    match &*name {
        "timestamptz" => "timestamp with time zone".to_owned(),
        "int8" => "bigint".to_owned(),
        "int4" | "int" => "integer".to_owned(),
        "int2" => "smallint".to_owned(),
        "bool" => "boolean".to_owned(),
        "float4" => "real".to_owned(),
        "float8" => "double precision".to_owned(),
        _ => name,
    }
}

/// Returns the expression that converts a column's values without loss.
fn converted(name: &str, from: &str, to: &str) -> Option<String> {
    Some(match (Kind::from_sql_type(from), Kind::from_sql_type(to)) {
        // Without an explicit zone, the session's would apply. Tools that write such a column write UTC.
        (Kind::TimeWithoutZone, Kind::TimeWithZone) | (Kind::TimeWithZone, Kind::TimeWithoutZone) => {
            format!("{name} AT TIME ZONE 'UTC'")
        }
        // Unix seconds as a time, and back.
        (Kind::Integer, Kind::TimeWithZone) => format!("to_timestamp({name})"),
        (Kind::TimeWithZone, Kind::Integer) => format!("extract(epoch FROM {name})::{to}"),
        (Kind::Boolean, Kind::Integer) => format!("{name}::integer::{to}"),
        (Kind::Integer, Kind::Boolean) => format!("{name} <> 0"),
        (Kind::Bytes, Kind::Text) => format!("convert_from({name}, 'UTF8')"),
        (Kind::Text, Kind::Bytes) => format!("convert_to({name}, 'UTF8')"),
        (Kind::Text | Kind::Other, Kind::Json) => format!("to_jsonb({name})::{to}"),
        (_, Kind::Text) | (Kind::Text, _) => format!("{name}::text::{to}"),
        (Kind::Integer | Kind::Number, Kind::Integer | Kind::Number) | (Kind::Json, Kind::Json) => {
            format!("{name}::{to}")
        }
        (from, to_kind) if from == to_kind && from != Kind::Other => format!("{name}::{to}"),
        (_, Kind::Other) => format!("{name}::text::{to}"),
        _ => return None,
    })
}

/// Returns the clauses without `UNIQUE` and `PRIMARY KEY`: SQLite cannot add a unique column, and the table may already
/// have a primary key.
fn without_indexes(column: &ExpectedColumn<'_>) -> String {
    let clauses = column.clauses.iter().filter(|clause| **clause != " UNIQUE");
    let clauses: String = clauses.copied().collect();
    clauses.replace(" PRIMARY KEY", "").replace(" AUTOINCREMENT", "")
}

/// Returns the expression of a default.
fn default_of(clauses: &str) -> Option<&str> {
    let (_, default) = clauses.split_once(" DEFAULT ")?;
    Some(default.trim_end_matches(" NOT NULL"))
}

/// Returns whether a default is the same for all rows, as SQLite requires to add a column to a table with rows.
fn is_constant(default: &str) -> bool {
    !default.starts_with('(') && !default.starts_with("CURRENT_")
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_of_a_type_follows_from_its_name() {
        for (sql_type, kind) in [
            ("TEXT", Kind::Text),
            ("character varying(64)", Kind::Text),
            ("bigint", Kind::Integer),
            ("numeric(10,2)", Kind::Number),
            ("timestamp(3) without time zone", Kind::TimeWithoutZone),
            ("timestamp(6) with time zone", Kind::TimeWithZone),
            ("timestamp with time zone", Kind::TimeWithZone),
            ("TIMESTAMPTZ", Kind::TimeWithZone),
            ("timestamp without time zone", Kind::TimeWithoutZone),
            ("plan", Kind::Other),
            ("text[]", Kind::Other),
        ] {
            assert_eq!(Kind::from_sql_type(sql_type), kind, "{sql_type}");
        }
    }

    #[test]
    fn default_is_found_between_the_other_clauses() {
        for (clauses, default) in [
            (" NOT NULL DEFAULT 0", Some("0")),
            (" DEFAULT CURRENT_TIMESTAMP NOT NULL", Some("CURRENT_TIMESTAMP")),
            (" NOT NULL", None),
            ("", None),
        ] {
            assert_eq!(default_of(clauses), default, "{clauses}");
        }
    }
}
