//! PostgreSQL's catalogue: the server and its tables.

use std::ops::ControlFlow;

use sqlx::{PgConnection, Postgres};

use super::Problem;
use super::live::{Catalogue, Generated, Live, LiveColumn, LiveTable, Needs, quote, quote_path};
use super::row_security::hidden_rows;

impl Catalogue for Postgres {
    const CAN_ALTER_COLUMNS: bool = true;

    async fn server(
        connection: &mut PgConnection,
        _: &str,
    ) -> Result<ControlFlow<Problem, Vec<Problem>>, sqlx::Error> {
        super::server::problems(connection).await
    }

    async fn has_type(connection: &mut Self::Connection, sql_type: &str) -> Result<bool, sqlx::Error> {
        let found = sqlx::query_scalar("SELECT to_regtype($1) IS NOT NULL")
            .bind(sql_type)
            .persistent(false)
            .fetch_one(connection)
            .await;
        match found {
            // `insufficient_privilege`: the comparison of the column reports the schema.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => Ok(true),
            found => found,
        }
    }

    async fn live_table(
        connection: &mut PgConnection,
        table: &str,
        needs: Needs,
    ) -> Result<Live, sqlx::Error> {
        let (schema_oid, name) = match table.split_once('.') {
            Some((schema, table)) => match find(connection, schema, table).await? {
                Ok(oid) => (Some(oid), None),
                Err(missing) => return Ok(missing),
            },
            None => (None, Some(quote_path(table))),
        };
        type Row = (
            i64,
            String,
            String,
            Option<String>,
            Vec<String>,
            Vec<String>,
            Vec<String>,
            Vec<String>,
            bool,
        );
        let found: Option<Row> = sqlx::query_as(
            "SELECT c.oid::bigint, relkind::text AS kind, quote_ident(current_user) AS role, \
             (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid AND c.relispartition) AS parent, \
             ARRAY(SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = c.oid ORDER BY 1) AS children, \
             ARRAY(SELECT quote_ident(rulename) FROM pg_rewrite WHERE ev_class = c.oid AND ev_type IN ('2', '3') \
             AND ev_enabled <> 'D' ORDER BY 1) AS rules, \
             ARRAY(SELECT p FROM unnest($2::text[]) p WHERE NOT CASE p WHEN 'DELETE' THEN \
             has_table_privilege(c.oid, p) ELSE has_any_column_privilege(c.oid, p) END) AS forbidden, \
             ARRAY(SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
             AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid \
             AND i.indimmediate AND i.indnkeyatts = 1 AND i.indpred IS NULL) AS unique_columns, \
             row_security_active(c.oid) \
             FROM pg_class c WHERE c.oid = coalesce($1::bigint::oid, to_regclass($3)::oid)",
        )
        .bind(schema_oid)
        .bind(needs.privileges)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
        let Some((oid, kind, role, parent, children, rules, forbidden, unique, has_row_security)) = found
        else {
            return match schema_oid {
                Some(_) => Ok(Live::missing()),
                None => elsewhere(connection, table).await,
            };
        };
        let relation = Relation {
            kind,
            role,
            parent,
            children,
            rules,
            forbidden,
        };
        let unusable = relation.unusable(table, needs);
        let forbidden = needs
            .privileges
            .iter()
            .copied()
            .filter(|privilege| relation.forbidden.iter().any(|it| it == privilege))
            .collect();
        let mut obstacles = relation.obstacles(table);
        if unusable.is_none() && has_row_security {
            let hidden = hidden_rows(connection, oid, table, needs.privileges, &relation.role).await?;
            obstacles.extend(hidden);
        }
        Ok(Live::Table(LiveTable {
            unusable,
            columns: columns(connection, oid).await?,
            unique,
            forbidden,
            obstacles,
            role: relation.role,
        }))
    }
}

/// A relation, from `pg_class` and the catalogues that refer to it.
struct Relation {
    kind: String,
    role: String,
    parent: Option<String>,
    children: Vec<String>,
    rules: Vec<String>,
    forbidden: Vec<String>,
}

impl Relation {
    /// Returns the reason why the statements cannot use the relation at all.
    fn unusable(&self, table: &str, needs: Needs) -> Option<Problem> {
        let (kind, reason) = match &*self.kind {
            "p" if needs.system_columns => (
                "a partitioned table",
                "for which PostgreSQL does not return `xmax`; sync recognizes inserted rows by it. Use a table without \
                 partitions",
            ),
            "r" | "p" => return self.partition(table),
            "f" => (
                "a foreign table, in which PostgreSQL has no upsert",
                "connect to the database that stores it",
            ),
            "v" => (
                "a view, for which PostgreSQL does not return `xmax`; sync recognizes inserted rows by it",
                "name the table with `table = \"…\"`",
            ),
            "m" => (
                "a materialized view, which cannot be written",
                "name the table with `table = \"…\"`",
            ),
            "i" | "I" => ("an index", "name the table with `table = \"…\"`"),
            "S" => ("a sequence", "name the table with `table = \"…\"`"),
            "c" => ("a composite type", "name the table with `table = \"…\"`"),
            _ => ("not a table", "name the table with `table = \"…\"`"),
        };
        let separator = if kind.contains(',') { "; " } else { ", " };
        Some(Problem {
            message: format!("`{table}` is {kind}{separator}{reason}"),
            fix: None,
        })
    }

    /// Reports a partition, which accepts only some users.
    fn partition(&self, table: &str) -> Option<Problem> {
        let parent = self.parent.as_ref()?;
        Some(Problem {
            message: format!(
                "`{table}` is a partition of `{parent}`, so that it accepts only the rows of some users"
            ),
            fix: Some(format!(
                "ALTER TABLE {parent} DETACH PARTITION {}",
                quote_path(table)
            )),
        })
    }

    fn obstacles(&self, table: &str) -> Vec<Problem> {
        let quoted = quote_path(table);
        // The children of a partitioned table are its partitions.
        let children = self.children.iter().filter(|_| self.kind == "r");
        let children = children.map(|child| Problem {
            message: format!(
                "`{table}` is inherited by `{child}`, whose rows sync finds too and no unique index of `{table}` covers"
            ),
            fix: Some(format!("ALTER TABLE {child} NO INHERIT {quoted}")),
        });
        let rules = self.rules.iter().filter(|_| self.kind != "v");
        let rules = rules.map(|rule| Problem {
            message: format!("the rule `{rule}` on `{table}` keeps PostgreSQL from running an upsert"),
            fix: Some(format!("DROP RULE {rule} ON {quoted}")),
        });
        children.chain(rules).collect()
    }
}

/// Returns the object id of a table in a schema, or the reason why the statements cannot find the table.
async fn find(
    connection: &mut PgConnection,
    schema: &str,
    table: &str,
) -> Result<Result<i64, Live>, sqlx::Error> {
    let found: Option<(bool, String, Option<i64>)> = sqlx::query_as(
        "SELECT has_schema_privilege(n.oid, 'USAGE'), quote_ident(current_user), \
         (SELECT c.oid::bigint FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = $2) \
         FROM pg_namespace n WHERE n.nspname = $1",
    )
    .bind(schema)
    .bind(table)
    .fetch_optional(&mut *connection)
    .await?;
    Ok(match found {
        None => Err(Live::Missing {
            before: vec![Problem {
                message: format!("there is no schema `{schema}`"),
                fix: Some(format!("CREATE SCHEMA {}", quote(schema))),
            }],
            note: String::new(),
            creatable: true,
        }),
        Some((false, role, _)) => Err(forbidden_schema(schema, &role)),
        Some((true, _, Some(oid))) => Ok(oid),
        Some((true, _, None)) => Err(Live::missing()),
    })
}

fn forbidden_schema(schema: &str, role: &str) -> Live {
    Live::Missing {
        before: vec![Problem {
            message: format!("the application's database user may not use the schema `{schema}`"),
            fix: Some(format!("GRANT USAGE ON SCHEMA {} TO {role}", quote(schema))),
        }],
        note: String::new(),
        creatable: false,
    }
}

/// Searches for the table outside the schemas of the search path. PostgreSQL skips schemas that the role may not use.
async fn elsewhere(connection: &mut PgConnection, table: &str) -> Result<Live, sqlx::Error> {
    let found: Option<(String, bool, bool, String)> = sqlx::query_as(
        "SELECT nspname::text, has_schema_privilege(n.oid, 'USAGE'), nspname = ANY (SELECT btrim(name, ' \"') \
         FROM unnest(string_to_array(replace(current_setting('search_path'), '$user', current_user), ',')) name) \
         AS searched, quote_ident(current_user) \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'f', 'v') AND n.oid <> pg_my_temp_schema() \
         ORDER BY searched DESC, nspname LIMIT 1",
    )
    .bind(table)
    .fetch_optional(&mut *connection)
    .await?;
    Ok(match found {
        Some((schema, false, true, role)) => forbidden_schema(&schema, &role),
        Some((schema, ..)) => Live::Missing {
            before: Vec::new(),
            note: format!(
                " in the schemas of `search_path`; if `{schema}.{table}` is meant, name it with `table = \
                 \"{schema}.{table}\"`, or add the schema to `search_path`"
            ),
            creatable: true,
        },
        None => Live::missing(),
    })
}

/// Name, type, `NOT NULL`, has a default, way of generation, forbidden sequence, forbidden schema, is part of the
/// primary key.
type ColumnRow = (
    String,
    String,
    bool,
    bool,
    String,
    Option<String>,
    Option<String>,
    bool,
);

async fn columns(connection: &mut PgConnection, oid: i64) -> Result<Vec<LiveColumn>, sqlx::Error> {
    let columns: Vec<ColumnRow> = sqlx::query_as(
        // PostgreSQL may check the privilege before it compares the kind, hence `CASE`.
        //
        // A trigger before the insertion may fill any column. The sequence of an identity needs no privilege. The
        // sequence of a default is one of its dependencies, or a string in it.
        "SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, atthasdef OR attidentity <> '' \
         OR EXISTS (SELECT FROM pg_type WHERE oid = atttypid AND typdefault IS NOT NULL) \
         OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = attrelid AND NOT tgisinternal AND tgenabled <> 'D' \
         AND tgtype & 7 = 7), \
         attgenerated::text || attidentity::text, \
         (SELECT s.seq::regclass::text FROM pg_attrdef d, LATERAL ( \
         SELECT CASE WHEN c.relkind = 'S' THEN c.oid END AS seq FROM pg_depend p JOIN pg_class c ON c.oid = p.refobjid \
         WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid AND p.refclassid = 'pg_class'::regclass \
         UNION ALL SELECT CASE WHEN c.relkind = 'S' THEN c.oid END FROM pg_class c WHERE c.oid = \
         to_regclass((regexp_match(pg_get_expr(d.adbin, d.adrelid), $$nextval\\(\\(?'([^']+)'::text$$))[1]) \
         ) s WHERE d.adrelid = attrelid AND d.adnum = attnum AND attgenerated = '' \
         AND NOT has_sequence_privilege(s.seq, 'USAGE, UPDATE') LIMIT 1), \
         (SELECT quote_ident(n.nspname) FROM pg_type c JOIN pg_type t ON t.oid = coalesce(nullif(c.typelem, 0), c.oid) \
         JOIN pg_namespace n ON n.oid = t.typnamespace WHERE c.oid = atttypid AND t.typtype IN ('e', 'c') \
         AND NOT has_schema_privilege(n.oid, 'USAGE')), \
         EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indisprimary AND attnum = ANY (indkey)) \
         FROM pg_attribute WHERE attrelid = $1::bigint::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    .bind(oid)
    .fetch_all(&mut *connection)
    .await?;
    let columns = columns.into_iter();
    let columns = columns.map(
        |(
            name,
            sql_type,
            not_null,
            has_default,
            generated,
            forbidden_sequence,
            forbidden_schema,
            is_primary_key,
        )| {
            LiveColumn {
                name,
                sql_type,
                not_null,
                is_primary_key,
                has_default,
                is_readable: true,
                generated: match &*generated {
                    "s" => Some(Generated::Stored),
                    "v" => Some(Generated::Virtual),
                    "a" => Some(Generated::Identity),
                    _ => None,
                },
                forbidden_schema,
                forbidden_sequence,
            }
        },
    );
    Ok(columns.collect())
}
