//! `CREATE TABLE`, assembled at compile time: the names of the columns' types come from Rust types.
//!
//! Assembled only for a struct whose statement is used, and not for each derive: one takes the compiler milliseconds.

use std::marker::PhantomData;

use sqlx::Database;

use super::StoredIn;
use super::column::ColumnDefinition;

/// The largest statement, in bytes: that of two hundred columns.
const MOST: usize = 16_384;

/// The statement of a struct in a database.
pub(super) struct CreateTable<U, DB>(PhantomData<(U, DB)>);

impl<U: StoredIn<DB>, DB: Database> CreateTable<U, DB> {
    pub(super) const TEXT: &'static str = Self::STATEMENT.text();

    const STATEMENT: &'static Statement = &create_table(U::TABLE, U::COLUMNS);
}

struct Statement {
    bytes: [u8; MOST],
    length: usize,
}

impl Statement {
    const fn push(&mut self, text: &str) {
        assert!(
            self.length + text.len() <= MOST,
            "the table's definition is longer than 16 KB"
        );
        let (_, room) = self.bytes.split_at_mut(self.length);
        let (place, _) = room.split_at_mut(text.len());
        place.copy_from_slice(text.as_bytes());
        self.length += text.len();
    }

    const fn text(&self) -> &str {
        match str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => panic!("a concatenation of texts is text"),
        }
    }
}

/// The derive allows no quotes in a name, and a dot only between a schema and its table.
const fn create_table(table: &str, columns: &[ColumnDefinition]) -> Statement {
    let mut statement = Statement {
        bytes: [0; MOST],
        length: 0,
    };
    statement.push("CREATE TABLE \"");
    let mut rest = table;
    let mut at = 0;
    while at < rest.len() {
        if rest.as_bytes()[at] == b'.' {
            let (schema, table) = rest.split_at(at);
            statement.push(schema);
            statement.push("\".\"");
            rest = table.split_at(1).1;
            at = 0;
        } else {
            at += 1;
        }
    }
    statement.push(rest);
    statement.push("\" (\n");
    let mut number = 0;
    while number < columns.len() {
        let column = &columns[number];
        statement.push(if number == 0 { "    \"" } else { ",\n    \"" });
        statement.push(column.name);
        statement.push("\" ");
        statement.push(column.sql_type);
        let mut clause = 0;
        while clause < column.clauses.len() {
            statement.push(column.clauses[clause]);
            clause += 1;
        }
        number += 1;
    }
    statement.push("\n)");
    statement
}
