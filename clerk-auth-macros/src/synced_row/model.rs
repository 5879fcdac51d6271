//! The meaning of the struct: a table, its columns, and the claim that feeds each.

use proc_macro2::{Span, TokenStream};
use syn::{Expr, Ident, Type};

use super::kind::RowKind;
use super::parse::Database;
use super::template::document::{Claim, Template};
use super::template::shortcode::Kind;

/// The struct, checked.
pub(super) struct Model {
    pub(super) kind: RowKind,
    pub(super) ident: Ident,
    pub(super) databases: Vec<Database>,
    pub(super) table: Table,
    /// The span at which the struct names its table.
    pub(super) table_at: Span,
    pub(super) version_column: String,
    pub(super) deletion: Deletion,
    pub(super) version: Version,
    /// The expression for the template's text.
    pub(super) template_text: TokenStream,
    pub(super) template: Template,
    /// The span at which the struct names its template; `None` for the default.
    pub(super) template_at: Option<Span>,
    /// The span at which the struct requests sqlx's check of the statements, and its one database.
    pub(super) check: Option<(Span, Database)>,
    /// How long a row may be served from memory, in milliseconds.
    pub(super) fresh_for: u64,
    /// The key by which existing rows are linked.
    pub(super) link: Option<Link>,
    /// The rows that a membership joins.
    pub(super) references: Option<References>,
    /// True if unused claims are intended.
    pub(super) allow_unused_claims: bool,
    /// The columns that could be understood, in the order of the fields.
    pub(super) columns: Vec<Column>,
}

/// A table name with or without a schema, unquoted.
pub(super) struct Table {
    pub(super) schema: Option<String>,
    pub(super) name: String,
}

impl Table {
    /// Returns `users` or `schema.users`.
    pub(super) fn path(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// The structs whose rows a membership joins, and the internal column with the Clerk ids of both.
pub(super) struct References {
    /// The name of the user's struct in generated code.
    pub(super) user: Type,
    /// The name of the organization's struct in generated code.
    pub(super) organization: Type,
    /// The structs of user and organization, as written in the attribute.
    pub(super) named: [Type; 2],
    pub(super) key: Column,
}

impl References {
    pub(super) fn of(&self, referenced: Referenced) -> &Type {
        match referenced {
            Referenced::User => &self.user,
            Referenced::Organization => &self.organization,
        }
    }
}

/// A row that a membership joins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Referenced {
    User,
    Organization,
}

/// The key by which a row without a Clerk user id is found, and linked to a user.
pub(super) struct Link {
    /// The index of its column.
    pub(super) column: usize,
    pub(super) claim: String,
    /// The template's value, for messages.
    pub(super) source: String,
    pub(super) kind: Kind,
    /// True if the field's type is spelled as an `Option`.
    pub(super) is_optional: bool,
}

/// The treatment of a deleted user's row.
pub(super) enum Deletion {
    /// The row stays, with the time of deletion in this column.
    Mark(String),
    /// The row is removed, and this table records the Clerk user id.
    Remove(Table),
}

/// The source of a token's version.
pub(super) enum Version {
    /// The claim that is `{{user.updated_at}}`.
    UpdatedAt(String),
    /// The token's `iat`.
    IssuedAt,
}

/// A field and its column.
pub(super) struct Column {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    /// True if the type needs no imports.
    pub(super) is_prelude: bool,
    /// The span of the field's type.
    pub(super) at: Span,
    /// The span of the struct's name.
    pub(super) struct_at: Span,
    pub(super) name: String,
    pub(super) sql_type: Option<String>,
    pub(super) encoding: Encoding,
    pub(super) role: Role,
    /// True for the key by which rows are linked.
    pub(super) is_link: bool,
}

/// The conversion between the Rust value and its SQL value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    /// The type's own encoding, through sqlx.
    Own,
    /// JSON, through serde.
    Json,
    /// Text, through `Display` and `FromStr`.
    Text,
}

/// The writer of a column.
pub(super) enum Role {
    /// The Clerk user id, by which the row is found.
    Key,
    /// Sync, from a claim.
    Claim(Box<ClaimColumn>),
    /// Sync, when it inserts a membership: the key of another row.
    Reference(Referenced),
    /// The database, at insertion.
    Generated,
    /// The application.
    App,
    /// Sync, whenever a claim has changed.
    UpdatedAt,
}

/// The conversion of a claim into a column.
pub(super) struct ClaimColumn {
    pub(super) claim: String,
    /// The template's value, for messages.
    pub(super) source: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    pub(super) null: Null,
    /// True to convert through `FromStr` instead of `FromClaim`.
    pub(super) parse: bool,
    /// True if the column is written only at insertion, and then belongs to the user.
    pub(super) insert_only: bool,
    /// A function that replaces the type's own conversion.
    pub(super) with: Option<Expr>,
    /// True if Clerk keeps the claim's value unique within an instance.
    pub(super) is_unique_value: bool,
    /// True if the value is the key of a row, which no other row can take over.
    pub(super) is_link: bool,
}

/// The effect of null.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Null {
    /// Null is a value like any other, if the claim can be null at all.
    Held,
    /// Null becomes the type's default.
    Default,
    /// Null rejects the request.
    Refused,
}

impl Model {
    pub(super) fn key(&self) -> Option<&Column> {
        match &self.references {
            Some(references) => Some(&references.key),
            None => self
                .columns
                .iter()
                .find(|column| matches!(column.role, Role::Key)),
        }
    }

    /// Returns the columns that hold the keys of other rows.
    pub(super) fn reference_columns(&self) -> impl Iterator<Item = (&Column, Referenced)> {
        self.columns.iter().filter_map(|column| match column.role {
            Role::Reference(referenced) => Some((column, referenced)),
            _ => None,
        })
    }

    /// Returns the primary key, if the database generates it.
    pub(super) fn local_key(&self) -> Option<&Column> {
        self.columns
            .iter()
            .find(|column| matches!(column.role, Role::Generated) && column.name == "id")
    }

    /// Returns the link and its column.
    pub(super) fn link(&self) -> Option<(&Link, &Column)> {
        let link = self.link.as_ref()?;
        Some((link, self.columns.get(link.column)?))
    }

    /// Like [`link`](Self::link), but only if no claim feeds the column.
    pub(super) fn separate_link(&self) -> Option<(&Link, &Column)> {
        self.link().filter(|(_, column)| column.claim().is_none())
    }

    /// Returns the claims that neither feed a column, nor link or version the row. Skips claims of a session, which
    /// cannot feed a user's column, and rows of organizations, which share a template with other structs.
    pub(super) fn unused_claims(&self) -> impl Iterator<Item = &Claim> {
        let claims = self.template.claims.iter();
        claims.filter(|_| self.kind == RowKind::User).filter(|claim| {
            let feeds = |column: &Column| column.claim().is_some_and(|used| used.claim == claim.name);
            let versions = matches!(&self.version, Version::UpdatedAt(name) if *name == claim.name);
            // A claim of fixed values, or with a URL or a host in its name, is for another reader of the token.
            let is_of_another = claim.expression.is_literal() || claim.name.contains(['/', '.', ':']);
            let links = self.link.as_ref().is_some_and(|link| link.claim == claim.name);
            !versions
                && !links
                && !is_of_another
                && claim.expression.of_session().is_none()
                && !self.columns.iter().any(feeds)
        })
    }

    /// Returns whether each write is announced to other processes, because they cache rows.
    pub(super) fn announces(&self, database: Database) -> bool {
        database == Database::Postgres && self.fresh_for > 0
    }

    /// Returns the columns that need no field: the version, and the time of the user's deletion.
    pub(super) fn bookkeeping(&self) -> Vec<&str> {
        let key = self
            .references
            .iter()
            .map(|references| references.key.name.as_str());
        let deleted_at = match &self.deletion {
            Deletion::Mark(deleted_at) => Some(deleted_at.as_str()),
            Deletion::Remove(_) => None,
        };
        [self.version_column.as_str()]
            .into_iter()
            .chain(deleted_at)
            .chain(key)
            .collect()
    }

    /// Returns the columns that sync writes, in the order of the upsert's parameters.
    pub(super) fn written(&self) -> impl Iterator<Item = &Column> {
        let key = self.references.iter().map(|references| &references.key);
        key.chain(&self.columns)
            .filter(|column| matches!(column.role, Role::Key | Role::Claim(_)))
    }
}

impl ClaimColumn {
    /// Returns whether the claim is a time, in seconds since 1970.
    pub(super) fn is_a_moment(&self) -> bool {
        ["{{user.created_at}}", "{{user.updated_at}}"].contains(&self.source.as_str())
    }

    /// Returns whether Clerk keeps the column's value unique. A function or a default may give two users one value, and
    /// an `insert_only` column belongs to the application after the insert.
    pub(super) fn is_unique_in_clerk(&self) -> bool {
        self.is_unique_value && self.with.is_none() && self.null != Null::Default && !self.insert_only
    }

    /// Returns whether another user's row can take the value, and leave null here.
    pub(super) fn gives_way(&self) -> bool {
        self.can_be_cleared() && !self.is_link
    }

    /// Returns whether the column can hold null.
    pub(super) fn can_be_cleared(&self) -> bool {
        self.nullable && self.null == Null::Held
    }
}

impl Column {
    /// Returns whether statements have the column's value as a parameter.
    pub(super) fn is_bound(&self) -> bool {
        self.is_link || matches!(self.role, Role::Key | Role::Claim(_))
    }

    pub(super) fn claim(&self) -> Option<&ClaimColumn> {
        match &self.role {
            Role::Claim(claim) => Some(claim),
            _ => None,
        }
    }
}
