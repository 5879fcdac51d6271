//! The import and the verification of organizations and memberships.

use std::sync::Arc;

use super::run::Import;
use super::verify::{Drift, verify};
use crate::backend_api::BackendApi;
use crate::id::{MembershipKey, OrganizationId};
use crate::row::{SyncedMembership, SyncedOrganization};
use crate::sync::membership::MembershipSync;
use crate::sync::offline::error::ImportError;
use crate::sync::organization::OrganizationSync;

impl<O: SyncedOrganization> OrganizationSync<O> {
    /// Updates the rows of all of Clerk's organizations, including those that no token has named; see
    /// [`UserSync::import`](crate::UserSync::import).
    ///
    /// ```
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::sync::ImportError;
    /// use clerk_auth::{OrganizationSync, SyncedOrganization};
    ///
    /// async fn import<O: SyncedOrganization>(
    ///     organizations: &OrganizationSync<O>,
    ///     api: &BackendApi,
    /// ) -> Result<(), ImportError> {
    ///     let counts = organizations.import(api).delete_missing().run().await?;
    ///     println!("{counts}");
    ///     Ok(())
    /// }
    /// ```
    pub fn import(&self, api: &BackendApi) -> Import<O, OrganizationId> {
        Import::new(&self.engine, Arc::clone(&self.followed), api)
    }

    /// Compares all of Clerk's organizations with the rows, in both directions, without writing; see
    /// [`UserSync::verify`](crate::UserSync::verify).
    ///
    /// ```
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::sync::ImportError;
    /// use clerk_auth::{OrganizationSync, SyncedOrganization};
    ///
    /// async fn verify<O: SyncedOrganization>(
    ///     organizations: &OrganizationSync<O>,
    ///     api: &BackendApi,
    /// ) -> Result<bool, ImportError> {
    ///     Ok(organizations.verify(api).await?.is_empty())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ImportError`] if `api` has the secret key of another instance, or if Clerk or the database fails for a minute.
    pub async fn verify(&self, api: &BackendApi) -> Result<Drift<OrganizationId>, ImportError> {
        verify(&self.engine, api).await
    }
}

impl<M: SyncedMembership> MembershipSync<M> {
    /// Updates the rows of all of Clerk's memberships, including those of members who make no request; see
    /// [`UserSync::import`](crate::UserSync::import). Import users and organizations first, because a membership
    /// references their rows.
    ///
    /// ```
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::sync::ImportError;
    /// use clerk_auth::{MembershipSync, OrganizationSync, SyncedMembership, UserSync};
    ///
    /// async fn import<M: SyncedMembership>(
    ///     users: &UserSync<M::User>,
    ///     organizations: &OrganizationSync<M::Organization>,
    ///     memberships: &MembershipSync<M>,
    ///     api: &BackendApi,
    /// ) -> Result<(), ImportError> {
    ///     println!("users: {}", users.import(api).run().await?);
    ///     println!("organizations: {}", organizations.import(api).run().await?);
    ///     println!("memberships: {}", memberships.import(api).run().await?);
    ///     Ok(())
    /// }
    /// ```
    pub fn import(&self, api: &BackendApi) -> Import<M, MembershipKey> {
        Import::new(&self.engine, self.followed(), api)
    }

    /// Compares all of Clerk's memberships with the rows, in both directions, without writing; see
    /// [`UserSync::verify`](crate::UserSync::verify).
    ///
    /// ```
    /// use clerk_auth::backend_api::BackendApi;
    /// use clerk_auth::sync::ImportError;
    /// use clerk_auth::{MembershipSync, SyncedMembership};
    ///
    /// async fn verify<M: SyncedMembership>(
    ///     memberships: &MembershipSync<M>,
    ///     api: &BackendApi,
    /// ) -> Result<bool, ImportError> {
    ///     Ok(memberships.verify(api).await?.is_empty())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`UserSync::verify`](crate::UserSync::verify).
    pub async fn verify(&self, api: &BackendApi) -> Result<Drift<MembershipKey>, ImportError> {
        verify(&self.engine, api).await
    }
}
