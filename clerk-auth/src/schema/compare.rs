//! Compares a live table with a struct's expectations: a pure function.

use super::Problem;
use super::advice::{Target, is_same_type};
use super::expected_column::ExpectedColumn;
use super::live::{Live, LiveColumn, quote, quote_path};

/// The required form of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    /// Its name, with its schema if it has one.
    pub(super) path: &'a str,
    pub(super) create_table: &'a str,
    pub(super) columns: &'a [ExpectedColumn<'a>],
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
                message: format!("there is no table `{path}`{note}"),
                fix: Some(create_table.to_owned()),
            });
            return before.iter().cloned().chain(missing).collect();
        }
    };
    if let Some(problem) = &table.unusable {
        return vec![problem.clone()];
    }
    let quoted = quote_path(path);
    // The key is the first column that the definition declares unique.
    let key = expected
        .iter()
        .find(|column| column.clauses.contains(&" UNIQUE") && Some(column.name) != link)
        .map(|column| column.name);
    let target = Target {
        table: &quoted,
        key,
        // Rows that are not linked yet have no Clerk user id. Once all are linked, the application may forbid null.
        is_linked: link.is_some(),
        can_alter: can_alter_columns,
    };
    let mut problems = Vec::new();
    for column in expected {
        match table.columns.iter().find(|it| it.name == column.name) {
            None => problems.push(missing(&target, column)),
            Some(found) => {
                problems.extend(of_type(&target, column, found));
                if !target.may_be_null(column) {
                    problems.extend(of_null(&target, column, found));
                }
                problems.extend(of_default(&target, column, found));
                problems.extend(of_generation(&target, column, found));
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
            message: format!(
                "the column `{}`, which the struct lacks, has no default, so that no row can be inserted",
                found.name
            ),
            fix: target.fill_unknown(found),
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
                message: format!("no unique index over `{key}` alone, so that {danger}"),
                fix: Some(format!("CREATE UNIQUE INDEX ON {quoted} ({})", quote(key))).map(|sql| {
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
            message: format!("the application's database user may not {forbidden}"),
            fix: Some(format!("GRANT {forbidden} ON {quoted} TO {}", table.role)),
        });
    }
    problems.extend(table.obstacles.iter().cloned());
    problems
}

/// The note about rows without a Clerk user id.
const UNLINKED: &str = " (rows that are there already get the id of no user; to give them to their users by a key of yours, add \
     `link(…)` to the struct first)";

fn missing(target: &Target<'_>, column: &ExpectedColumn<'_>) -> Problem {
    let fix = target.add(column);
    let note = match &fix {
        None => " (the database cannot add it to a table with rows: create the table anew, and copy them)",
        Some(_) if target.key == Some(column.name) && !target.is_linked => UNLINKED,
        Some(_) => "",
    };
    Problem {
        message: format!("there is no column `{}`{note}", column.name),
        fix,
    }
}

fn of_type(target: &Target<'_>, column: &ExpectedColumn<'_>, found: &LiveColumn) -> Option<Problem> {
    if found.is_readable {
        return None;
    }
    if is_same_type(&found.sql_type, &column.sql_type) {
        // The struct's type for the column is not the field's type.
        return Some(Problem {
            message: format!(
                "the column `{}` is `{}`, as the struct's `CREATE TABLE` has it, and the field is of another type of the \
                 database: name that type with `#[column(sql_type = \"…\")]`, and create the type and the column with it; if it is \
                 a domain, mark the field's type with `#[sqlx(transparent)]`",
                column.name, found.sql_type
            ),
            fix: None,
        });
    }
    Some(Problem {
        message: format!(
            "the column `{}` is `{}`, from which the field cannot be read; it is expected to be `{}`",
            column.name, found.sql_type, column.sql_type
        ),
        fix: target.change_type(column, found),
    })
}

fn of_null(target: &Target<'_>, column: &ExpectedColumn<'_>, found: &LiveColumn) -> Option<Problem> {
    let (what, fix) = match (holds_no_null(column), found.not_null) {
        (true, false) => (
            "may be null, which the field cannot hold",
            target.forbid_null(column, found),
        ),
        (false, true) if column.inserted && !found.has_default => (
            "may not be null, which Clerk's value can be",
            target.allow_null(column.name),
        ),
        _ => return None,
    };
    let note = if target.key == Some(column.name) {
        UNLINKED
    } else {
        ""
    };
    Some(Problem {
        message: format!("the column `{}` {what}{note}", column.name),
        fix,
    })
}

/// Reports a column that neither sync nor the database fills.
fn of_default(target: &Target<'_>, column: &ExpectedColumn<'_>, found: &LiveColumn) -> Option<Problem> {
    if column.inserted || found.has_default || !(found.not_null || holds_no_null(column)) {
        return None;
    }
    Some(Problem {
        message: format!(
            "the column `{}` has no default, so that no row can be inserted",
            column.name
        ),
        fix: target.fill(column, found),
    })
}

/// Reports a column that sync writes although only the database may.
fn of_generation(target: &Target<'_>, column: &ExpectedColumn<'_>, found: &LiveColumn) -> Option<Problem> {
    let generated = found.generated.filter(|_| column.inserted)?;
    Some(Problem {
        message: format!(
            "the column `{}` is generated by the database, and sync writes it: make it a plain column, or mark the field \
             with `#[column(generated)]`",
            column.name
        ),
        fix: target.make_plain(column, generated),
    })
}

fn of_schema(found: &LiveColumn, role: &str) -> Option<Problem> {
    let schema = found.forbidden_schema.as_ref()?;
    Some(Problem {
        message: format!(
            "the application's database user may not use the schema {schema}, which has the type `{}` of the column `{}`",
            found.sql_type, found.name
        ),
        fix: Some(format!("GRANT USAGE ON SCHEMA {schema} TO {role}")),
    })
}

/// Reports a default with a sequence that the database user may not use.
fn of_sequence(column: &ExpectedColumn<'_>, found: &LiveColumn, role: &str) -> Option<Problem> {
    if column.inserted {
        return None;
    }
    forbidden_sequence(found, role)
}

fn forbidden_sequence(found: &LiveColumn, role: &str) -> Option<Problem> {
    let sequence = found.forbidden_sequence.as_ref()?;
    Some(Problem {
        message: format!(
            "the application's database user may not use the sequence `{sequence}`, which numbers the column `{}`",
            found.name
        ),
        fix: Some(format!("GRANT USAGE ON SEQUENCE {sequence} TO {role}")),
    })
}

fn holds_no_null(column: &ExpectedColumn<'_>) -> bool {
    let mut clauses = column.clauses.iter();
    clauses.any(|clause| clause.contains("NOT NULL") || clause.contains("PRIMARY KEY"))
}
