//! Checks that row-level security lets sync read and write every row.
//!
//! A hidden row cannot be found, but still conflicts: sync inserts it again and fails. So a policy has to hold for all
//! rows. Only a policy whose expression does not depend on the row is certain to do so.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::Problem;
use super::live::{quote, quote_path};

/// A policy that applies to the database user.
struct Policy {
    name: String,
    /// `r`, `a`, `w`, `d`, or `*` for all of them.
    command: String,
    is_permissive: bool,
    reads: Option<String>,
    writes: Option<String>,
}

/// The value of an expression for the connections of the pool.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Verdict {
    True,
    False,
    DependsOnTheRow,
    Fails(String),
}

/// Lists the privileges for which row-level security hides rows from the database user, whose quoted name is `role`.
///
/// The caller must have checked that row-level security is active for that user. Row-level security is inactive for
/// superusers and roles with `BYPASSRLS`, and for the owner unless it is forced.
pub(super) async fn hidden_rows(
    connection: &mut PgConnection,
    oid: i64,
    table: &str,
    privileges: &[&str],
    role: &str,
) -> Result<Vec<Problem>, sqlx::Error> {
    type Row = (String, String, bool, Option<String>, Option<String>);
    let policies: Vec<Row> = sqlx::query_as(
        "SELECT polname::text AS name, polcmd::text AS command, polpermissive AS is_permissive, \
         pg_get_expr(polqual, polrelid) AS reads, pg_get_expr(polwithcheck, polrelid) AS writes \
         FROM pg_policy WHERE polrelid = $1::bigint::oid AND EXISTS (SELECT FROM unnest(polroles) AS r \
         WHERE r = 0 OR pg_has_role(r, 'USAGE')) ORDER BY polname",
    )
    .bind(oid)
    .fetch_all(&mut *connection)
    .await?;
    let policies: Vec<Policy> = policies.into_iter().map(Policy::new).collect();
    let mut forbidden = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    let mut is_restricted = false;
    for privilege in privileges {
        let applying = policies
            .iter()
            .filter(|policy| policy.command == "*" || policy.command == command(privilege));
        let mut is_permitted = false;
        let mut hindrances = Vec::new();
        for policy in applying {
            let verdict = policy.verdict(connection, privilege).await?;
            match (verdict, policy.is_permissive) {
                (Verdict::True, true) => is_permitted = true,
                (Verdict::True, false) => {}
                (verdict, true) => hindrances.push(policy.reason(&verdict)),
                (verdict, false) => {
                    is_restricted = true;
                    forbidden.push(*privilege);
                    reasons.push(policy.reason(&verdict));
                }
            }
        }
        if !is_permitted {
            forbidden.push(*privilege);
            reasons.extend(hindrances);
        }
    }
    forbidden.dedup();
    reasons.sort();
    reasons.dedup();
    if forbidden.is_empty() {
        return Ok(Vec::new());
    }
    let why = if reasons.is_empty() {
        "no policy applies to it".to_owned()
    } else {
        reasons.join(", ")
    };
    let quoted = quote_path(table);
    Ok(vec![Problem {
        message: format!(
            "row-level security does not let the database user {role} {} every row of `{table}`: {why}",
            forbidden.join(", ")
        ),
        // A restrictive policy overrides every permissive one.
        fix: Some(if is_restricted {
            format!("ALTER ROLE {role} BYPASSRLS")
        } else {
            let policy = quote(&format!("clerk_auth_{}", role.replace('"', "")));
            format!("CREATE POLICY {policy} ON {quoted} TO {role} USING (true) WITH CHECK (true)")
        }),
    }])
}

/// Returns the letter of a command in `pg_policy`.
fn command(privilege: &str) -> &'static str {
    match privilege {
        "SELECT" => "r",
        "INSERT" => "a",
        "UPDATE" => "w",
        _ => "d",
    }
}

impl Policy {
    fn new(
        (name, command, is_permissive, reads, writes): (String, String, bool, Option<String>, Option<String>),
    ) -> Self {
        Self {
            name,
            command,
            is_permissive,
            reads,
            writes,
        }
    }

    /// Evaluates the policy for all rows. An update reads the old row and checks the new one.
    async fn verdict(&self, connection: &mut PgConnection, privilege: &str) -> Result<Verdict, sqlx::Error> {
        let writes = self.writes.as_ref().or(self.reads.as_ref());
        let expressions = match privilege {
            "INSERT" => [writes, None],
            "UPDATE" => [self.reads.as_ref(), writes],
            _ => [self.reads.as_ref(), None],
        };
        for expression in expressions.into_iter().flatten() {
            let verdict = evaluate(connection, expression).await?;
            if verdict != Verdict::True {
                return Ok(verdict);
            }
        }
        Ok(Verdict::True)
    }

    fn reason(&self, verdict: &Verdict) -> String {
        let name = &self.name;
        match verdict {
            Verdict::True => format!("the policy `{name}` holds"),
            Verdict::False => format!("the policy `{name}` is false for the pool's connections"),
            Verdict::DependsOnTheRow => format!("the policy `{name}` depends on the row"),
            Verdict::Fails(error) => format!("the policy `{name}` fails: {error}"),
        }
    }
}

/// Evaluates an expression without a row.
async fn evaluate(connection: &mut PgConnection, expression: &str) -> Result<Verdict, sqlx::Error> {
    if expression == "true" {
        return Ok(Verdict::True);
    }
    // A transaction or savepoint of its own, because an error would abort the surrounding transaction.
    let mut transaction = connection.begin().await?;
    // The expression comes from the catalogue: the table's owner wrote it, and every statement evaluates it as well.
    let sql = AssertSqlSafe(format!("SELECT coalesce(({expression}), false)"));
    let evaluated = sqlx::query_scalar::<_, bool>(sql)
        .persistent(false)
        .fetch_one(&mut *transaction)
        .await;
    transaction.rollback().await?;
    Ok(match evaluated {
        Ok(true) => Verdict::True,
        Ok(false) => Verdict::False,
        Err(sqlx::Error::Database(error)) => match error.code().as_deref() {
            // `undefined_column` and `undefined_table`: the expression refers to the row.
            Some("42703" | "42P01") => Verdict::DependsOnTheRow,
            _ => Verdict::Fails(error.to_string()),
        },
        Err(error) => return Err(error),
    })
}
