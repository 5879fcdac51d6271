//! A table as it is against the table as a struct expects it: a function of values.

use super::Problem;
use super::live::{LiveColumn, LiveTable, quote, quote_path};
use crate::user::{ColumnDefinition, Tombstones};

/// What the statements need of a table of tombstones: one row for each user.
const TOMBSTONE_COLUMNS: &[ColumnDefinition] = &[ColumnDefinition {
    name: "clerk_id",
    sql_type: "TEXT",
    clauses: &[" NOT NULL", " UNIQUE"],
    inserted: true,
}];

/// Everything that is wrong with a table, in the order in which it is to be mended.
pub(super) fn problems(
    path: &str,
    create_table: &str,
    expected: &[ColumnDefinition],
    table: Option<&LiveTable>,
    can_alter_columns: bool,
) -> Vec<Problem> {
    let Some(table) = table else {
        return vec![Problem {
            what: format!("there is no table `{path}`"),
            mend: Some(create_table.to_owned()),
        }];
    };
    if !table.is_table {
        return vec![Problem {
            what: format!("`{path}` is not a table"),
            mend: None,
        }];
    }
    let quoted = quote_path(path);
    let mut problems = Vec::new();
    for column in expected {
        match table.columns.iter().find(|it| it.name == column.name) {
            None => problems.push(missing(&quoted, column)),
            Some(found) => {
                problems.extend(of_type(&quoted, column, found, can_alter_columns));
                problems.extend(of_null(&quoted, column, found, can_alter_columns));
                problems.extend(of_default(&quoted, column, found, can_alter_columns));
            }
        }
    }
    let unknown = table
        .columns
        .iter()
        .filter(|found| expected.iter().all(|column| column.name != found.name));
    for found in unknown.filter(|found| found.not_null && !found.has_default) {
        problems.push(Problem {
            what: format!(
                "the column `{}`, which the struct does not know, has no default, so that no row can be inserted",
                found.name
            ),
            mend: can_alter_columns.then(|| format!("ALTER TABLE {quoted} ALTER COLUMN {} DROP NOT NULL", quote(&found.name))),
        });
    }
    // The key is the first column that the definition says is unique.
    let key = expected
        .iter()
        .find(|column| column.clauses.contains(&" UNIQUE"))
        .map(|column| column.name);
    if let Some(key) = key
        && !table.unique.iter().any(|column| column == key)
    {
        problems.push(Problem {
            what: format!("no unique index over `{key}` alone, so that one person could get two rows"),
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
    if !table.forbidden.is_empty() {
        let forbidden = table.forbidden.join(", ");
        problems.push(Problem {
            what: format!("the application's database user may not {forbidden}"),
            mend: Some(format!("GRANT {forbidden} ON {quoted} TO CURRENT_USER")),
        });
    }
    problems
}

/// The same of the table that remembers deleted users. Its rows are never updated.
pub(super) fn tombstone_problems(
    tombstones: Tombstones,
    mut table: Option<LiveTable>,
    can_alter_columns: bool,
) -> Vec<Problem> {
    if let Some(table) = &mut table {
        table.forbidden.retain(|privilege| *privilege != "UPDATE");
    }
    let mut problems = problems(
        tombstones.table,
        tombstones.create_table,
        TOMBSTONE_COLUMNS,
        table.as_ref(),
        can_alter_columns,
    );
    for problem in &mut problems {
        problem.what = format!("of the tombstones in `{}`: {}", tombstones.table, problem.what);
    }
    problems
}

fn missing(table: &str, column: &ColumnDefinition) -> Problem {
    // The index is named on its own: SQLite adds no unique column.
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

/// A column that sync does not fill, and the database cannot.
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

fn holds_no_null(column: &ColumnDefinition) -> bool {
    let mut clauses = column.clauses.iter();
    clauses.any(|clause| clause.contains("NOT NULL") || clause.contains("PRIMARY KEY"))
}
