//! The row of a struct whose derive reported a mistake. Such a row satisfies every bound and does nothing, so that
//! rustc reports only the mistake. The crate does not compile, so this code never runs.

use std::time::Duration;

use sqlx::Database;
use sqlx::error::BoxDynError;

use super::{
    ClaimColumn, ColumnDefinition, Compared, KeyedBy, RowKind, StoredIn, SyncedRow, UpsertMany, VersionSource,
};
use crate::claim::{ClaimSource, SessionTokenBudget, TemplateClaim, UnreadableClaims};

/// A struct whose derive reported a mistake.
#[doc(hidden)]
pub trait Inert: Sized + Send + Sync + 'static {
    /// The kind of the row.
    const KIND: RowKind;
}

impl<R: Inert, K> KeyedBy<K> for R {}

#[diagnostic::do_not_recommend]
impl<R: Inert> SyncedRow for R {
    type Claims = ();

    const KIND: RowKind = R::KIND;
    const LOCAL_KEY: &'static str = "";
    const CLERK_ID: &'static str = "";
    const NAME: &'static str = "";
    const TABLE: &'static str = "";
    const SESSION_TOKEN_TEMPLATE: &'static str = "";
    const TEMPLATE: &'static [TemplateClaim] = &[];
    const SESSION_TOKEN_BUDGET: SessionTokenBudget = SessionTokenBudget::new(&[]);
    const VERSION: VersionSource = VersionSource::IssuedAt;
    const FRESH_FOR: Duration = Duration::ZERO;

    fn read_claims(_: ClaimSource<'_>) -> Result<(), UnreadableClaims> {
        Ok(())
    }

    fn compare<T>(&self, _: Compared<'_, Self>, read: fn(&[(&'static str, bool)]) -> T) -> T {
        read(&[])
    }

    fn try_clone(&self) -> Option<Self> {
        None
    }

    fn set_null(_: &mut (), _: usize) -> bool {
        false
    }
}

#[diagnostic::do_not_recommend]
impl<R: Inert, DB: Database> StoredIn<DB> for R {
    const SELECT: &'static str = "";
    const SELECT_MANY: &'static str = "";
    const WIDTH: usize = 0;
    const SELECT_IDS: &'static str = "";
    const UPSERT: &'static str = "";
    const INSERT: &'static str = "";
    const UPSERT_MANY: UpsertMany = UpsertMany::new("", "", 0);
    const RAISE_VERSION: &'static str = "";
    const RAISE_VERSION_MANY: &'static str = "";
    const TOMBSTONE: &'static str = "";
    const LISTED: &'static str = "";
    const COLUMNS: &'static [ColumnDefinition] = &[];
    const CLAIM_COLUMNS: &'static [ClaimColumn] = &[];

    fn bind(_: &(), _: i64, _: &mut DB::Arguments) -> Result<(), BoxDynError> {
        Ok(())
    }

    fn bind_claim(_: &(), _: usize, _: &mut DB::Arguments) -> Result<(), BoxDynError> {
        Ok(())
    }

    fn add_null(_: usize, _: &mut DB::Arguments) -> Result<(), BoxDynError> {
        Ok(())
    }

    fn can_read(_: usize, _: &DB::TypeInfo) -> bool {
        false
    }

    fn from_row(_: &DB::Row, _: usize) -> Result<Self, sqlx::Error> {
        Err(sqlx::Error::RowNotFound)
    }
}
