//! Compares a live table with a struct's expectations: a pure function.

use super::Problem;
use super::live::{Generated, Live, LiveColumn, quote, quote_path};
use crate::user::ColumnDefinition;

/// The required form of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// Its name, with its schema if it has one.
    pub(super) path: &'a str,
    pub(super) create_table: &'a str,
    pub(super) columns: &'a [ColumnDefinition],
    /// The column of the key by which rows are linked.
    pub(super) link: Option<&'a str>,
}

/// Lists every fault of a table, in the order in which to fix them.
pub(super) fn problems(expected: Expected<'_>, live: &Live, can_alter_columns: bool) -> Vec<Problem> {
    let Expected {
        path,
        create_table,
        columns: expected,
        link,
    } = expected;
    let table = match live {
        Live::Table(table) => table,
        Live::Missing {
            before,
            note,
            creatable,
        } => {
            let missing = creatable.then(|| Problem {
                what: format!("there is no table `{path}`{note}"),
                mend: Some(create_table.to_owned()),
            });
            return before.iter().cloned().chain(missing).collect();
        }
    };
    if let Some(problem) = &table.unusable {
        return vec![problem.clone()];
    }
    let quoted = quote_path(path);
    let mut problems = Vec::new();
    // The key is the first column that the definition declares unique.
    let key = expected
        .iter()
        .find(|column| column.clauses.contains(&" UNIQUE") && Some(column.name) != link)
        .map(|column| column.name);
    // Rows that are not linked yet have no Clerk user id; afterwards the application may forbid null again.
    let may_be_null = |column: &ColumnDefinition| link.is_some() && Some(column.name) == key;
    for column in expected {
        match table.columns.iter().find(|it| it.name == column.name) {
            None => problems.push(missing(&quoted, column)),
            Some(found) => {
                problems.extend(of_type(&quoted, column, found, can_alter_columns));
                if !may_be_null(column) {
                    problems.extend(of_null(&quoted, column, found, can_alter_columns));
                }
                problems.extend(of_default(&quoted, column, found, can_alter_columns));
                problems.extend(of_generation(&quoted, column, found, can_alter_columns));
                problems.extend(of_sequence(column, found, &table.role));
                problems.extend(of_schema(found, &table.role));
            }
        }
    }
    let unknown = table
        .columns
        .iter()
        .filter(|found| expected.iter().all(|column| column.name != found.name));
    for found in unknown.clone() {
        problems.extend(forbidden_sequence(found, &table.role));
    }
    for found in unknown.filter(|found| found.not_null && !found.has_default) {
        problems.push(Problem {
            what: format!(
                "the column `{}`, which the struct does not know, has no default, so that no row can be inserted",
                found.name
            ),
            mend: can_alter_columns.then(|| format!("ALTER TABLE {quoted} ALTER COLUMN {} DROP NOT NULL", quote(&found.name))),
        });
    }
    let unique = [
        (key, "one person could get two rows"),
        (link, "one key could be that of two persons' rows"),
    ];
    for (key, danger) in unique {
        if let Some(key) = key
            && !table.unique.iter().any(|column| column == key)
        {
            problems.push(Problem {
                what: format!("no unique index over `{key}` alone, so that {danger}"),
                mend: Some(format!("CREATE UNIQUE INDEX ON {quoted} ({})", quote(key))).map(|sql| {
                    if can_alter_columns {
                        sql
                    } else {
                        // SQLite's indexes have names.
                        let name = format!("{}_{key}", path.replace('.', "_"));
                        sql.replacen("INDEX ON", &format!("INDEX {} ON", quote(&name)), 1)
                    }
                }),
            });
        }
    }
    if !table.forbidden.is_empty() {
        let forbidden = table.forbidden.join(", ");
        problems.push(Problem {
            what: format!("the application's database user may not {forbidden}"),
            mend: Some(format!("GRANT {forbidden} ON {quoted} TO {}", table.role)),
        });
    }
    problems.extend(table.obstacles.iter().cloned());
    problems
}

fn missing(table: &str, column: &ColumnDefinition) -> Problem {
    // The index is named separately: SQLite cannot add a unique column.
    let clauses: String = column
        .clauses
        .iter()
        .filter(|clause| **clause != " UNIQUE")
        .copied()
        .collect();
    let note = if clauses.contains("NOT NULL") && !clauses.contains("DEFAULT") {
        " (rows that are there already need a value: add it with a DEFAULT)"
    } else {
        ""
    };
    Problem {
        what: format!("there is no column `{}`{note}", column.name),
        mend: Some(format!(
            "ALTER TABLE {table} ADD COLUMN {} {}{clauses}",
            quote(column.name),
            column.sql_type
        )),
    }
}

fn of_type(table: &str, column: &ColumnDefinition, found: &LiveColumn, can_alter: bool) -> Option<Problem> {
    if found.is_readable {
        return None;
    }
    let (name, sql_type) = (quote(column.name), column.sql_type);
    Some(Problem {
        what: format!(
            "the column `{}` is `{}`, from which the field cannot be read; it is expected to be `{sql_type}`",
            column.name, found.sql_type
        ),
        mend: can_alter.then(|| {
            format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {sql_type} USING {name}::{sql_type}")
        }),
    })
}

fn of_null(table: &str, column: &ColumnDefinition, found: &LiveColumn, can_alter: bool) -> Option<Problem> {
    let (what, change) = match (holds_no_null(column), found.not_null) {
        (true, false) => ("may be null, which the field cannot hold", "SET"),
        (false, true) if column.inserted && !found.has_default => {
            ("may not be null, which Clerk's value can be", "DROP")
        }
        _ => return None,
    };
    Some(Problem {
        what: format!("the column `{}` {what}", column.name),
        mend: can_alter.then(|| {
            format!(
                "ALTER TABLE {table} ALTER COLUMN {} {change} NOT NULL",
                quote(column.name)
            )
        }),
    })
}

/// Reports a column that neither sync nor the database fills.
fn of_default(
    table: &str,
    column: &ColumnDefinition,
    found: &LiveColumn,
    can_alter: bool,
) -> Option<Problem> {
    if column.inserted || found.has_default || !(found.not_null || holds_no_null(column)) {
        return None;
    }
    let made = column
        .clauses
        .iter()
        .map(|clause| clause.trim_end_matches(" PRIMARY KEY"))
        .find(|clause| clause.contains("DEFAULT") || clause.contains("IDENTITY"))
        .filter(|_| can_alter);
    let (note, change) = if made.is_some_and(|clause| clause.contains("IDENTITY")) {
        (
            " (where there are rows, add `(START WITH …)` with the next number)",
            "ADD",
        )
    } else {
        ("", "SET")
    };
    let name = &column.name;
    Some(Problem {
        what: format!("the column `{name}` has no default, so that no row can be inserted{note}"),
        mend: made.map(|clause| {
            format!(
                "ALTER TABLE {table} ALTER COLUMN {} {change}{clause}",
                quote(name)
            )
        }),
    })
}

/// Reports a column that sync writes although only the database may.
fn of_generation(
    table: &str,
    column: &ColumnDefinition,
    found: &LiveColumn,
    can_alter: bool,
) -> Option<Problem> {
    let generated = found.generated.filter(|_| column.inserted)?;
    let name = quote(column.name);
    let mend = match generated {
        Generated::Stored => format!("ALTER TABLE {table} ALTER COLUMN {name} DROP EXPRESSION"),
        Generated::Identity => format!("ALTER TABLE {table} ALTER COLUMN {name} DROP IDENTITY"),
        // PostgreSQL has no other way to turn such a column into a plain one.
        Generated::Virtual => format!(
            "ALTER TABLE {table} DROP COLUMN {name}, ADD COLUMN {name} {}",
            column.sql_type
        ),
    };
    Some(Problem {
        what: format!(
            "the column `{}` is generated by the database, and sync writes it: make it a plain column, or mark the field \
             with `#[column(generated)]`",
            column.name
        ),
        mend: can_alter.then_some(mend),
    })
}

fn of_schema(found: &LiveColumn, role: &str) -> Option<Problem> {
    let schema = found.forbidden_schema.as_ref()?;
    Some(Problem {
        what: format!(
            "the application's database user may not use the schema {schema}, which has the type `{}` of the column `{}`",
            found.sql_type, found.name
        ),
        mend: Some(format!("GRANT USAGE ON SCHEMA {schema} TO {role}")),
    })
}

/// Reports a default that uses a sequence which the database user may not use.
fn of_sequence(column: &ColumnDefinition, found: &LiveColumn, role: &str) -> Option<Problem> {
    if column.inserted {
        return None;
    }
    forbidden_sequence(found, role)
}

fn forbidden_sequence(found: &LiveColumn, role: &str) -> Option<Problem> {
    let sequence = found.forbidden_sequence.as_ref()?;
    Some(Problem {
        what: format!(
            "the application's database user may not use the sequence `{sequence}`, which numbers the column `{}`",
            found.name
        ),
        mend: Some(format!("GRANT USAGE ON SEQUENCE {sequence} TO {role}")),
    })
}

fn holds_no_null(column: &ColumnDefinition) -> bool {
    let mut clauses = column.clauses.iter();
    clauses.any(|clause| clause.contains("NOT NULL") || clause.contains("PRIMARY KEY"))
}
