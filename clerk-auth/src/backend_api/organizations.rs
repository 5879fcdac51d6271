//! The Backend API's requests for organizations and memberships.
//!
//! The facts are those of Clerk's OpenAPI document, `bapi/2026-05-12.yml` in `clerk/openapi-specs`:
//!
//! - `GET /organizations` and `GET /organization_memberships`, which lists the memberships of the whole instance, have no
//!   cursor. They are paged by `offset` and `limit`, of at most 500, and return `data` and `total_count`. Both accept
//!   `order_by=+created_at`.
//! - `organization_id` restricts the first to at most 100 ids. An unknown id is ignored.
//! - No request returns a single membership. `user_id` restricts `GET /organizations/{id}/memberships` to at most 100
//!   users, and `GET /users/{id}/organization_memberships` returns all memberships of a user.
//! - An instance without organizations answers 403 with the code `organization_not_enabled_in_instance`.

use reqwest::{Method, StatusCode};

use super::transport::Refused;
use super::{BackendApi, BackendApiError, MAX_IDS, MAX_PAGE_SIZE, PAGE_TIMEOUT, TIMEOUT};
use crate::id::{OrganizationId, UserId, is_id};
use crate::lenient::LenientValue;

/// The code of a request about organizations to an instance without them.
const DISABLED: &str = "organization_not_enabled_in_instance";

const ORGANIZATIONS: &[&str] = &["v1", "organizations"];

const MEMBERSHIPS: &[&str] = &["v1", "organization_memberships"];

impl BackendApi {
    /// Returns a page of all organizations in the order of their creation, after the first `offset`. `limit` is the
    /// largest number of organizations, clamped to the range from one to [`MAX_PAGE_SIZE`].
    ///
    /// A deletion moves all later organizations to smaller offsets, so a walk by offsets alone can miss some. An
    /// [import](crate::OrganizationSync::import) repeats the last organization of a page at the start of the next.
    ///
    /// ```
    /// use clerk_auth::backend_api::{BackendApi, BackendApiError, MAX_PAGE_SIZE};
    ///
    /// async fn oldest(api: &BackendApi) -> Result<Option<String>, BackendApiError> {
    ///     let page = api.organizations(0, 1).await?;
    ///     Ok(page.first().and_then(|organization| organization["name"].as_str()).map(str::to_owned))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BackendApiError::OrganizationsDisabled`] if the instance has no organizations; otherwise the errors of any
    /// request. [`BackendApiError::Malformed`] for a full page without any `id`, because such a list never ends.
    pub async fn organizations(
        &self,
        offset: u64,
        limit: usize,
    ) -> Result<Vec<LenientValue>, BackendApiError> {
        self.page(ORGANIZATIONS, offset, limit).await
    }

    /// Returns a page of all memberships of the instance, in the order of their creation, like
    /// [`organizations`](Self::organizations). Each membership contains its organization.
    ///
    /// ```
    /// use clerk_auth::backend_api::{BackendApi, BackendApiError};
    ///
    /// async fn first_role(api: &BackendApi) -> Result<Option<String>, BackendApiError> {
    ///     let page = api.memberships(0, 1).await?;
    ///     Ok(page.first().and_then(|membership| membership["role"].as_str()).map(str::to_owned))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`organizations`](Self::organizations).
    pub async fn memberships(&self, offset: u64, limit: usize) -> Result<Vec<LenientValue>, BackendApiError> {
        self.page(MEMBERSHIPS, offset, limit).await
    }

    /// Returns the number of organizations, for a progress bar.
    ///
    /// ```
    /// # use clerk_auth::backend_api::{BackendApi, BackendApiError};
    /// # async fn f(api: &BackendApi) -> Result<(), BackendApiError> {
    /// println!("{} organizations", api.organization_count().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`organizations`](Self::organizations).
    pub async fn organization_count(&self) -> Result<u64, BackendApiError> {
        self.count(ORGANIZATIONS).await
    }

    /// Returns the number of memberships, for a progress bar.
    ///
    /// ```
    /// # use clerk_auth::backend_api::{BackendApi, BackendApiError};
    /// # async fn f(api: &BackendApi) -> Result<(), BackendApiError> {
    /// println!("{} memberships", api.membership_count().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`organizations`](Self::organizations).
    pub async fn membership_count(&self) -> Result<u64, BackendApiError> {
        self.count(MEMBERSHIPS).await
    }

    /// Returns the organization as Clerk describes it, or `None` if it no longer exists.
    ///
    /// ```
    /// use clerk_auth::backend_api::{BackendApi, BackendApiError};
    /// use clerk_auth::id::OrganizationId;
    ///
    /// async fn exists(api: &BackendApi, id: &OrganizationId) -> Result<bool, BackendApiError> {
    ///     Ok(api.organization(id).await?.is_some())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BackendApiError`] if the request fails.
    pub async fn organization(&self, id: &OrganizationId) -> Result<Option<LenientValue>, BackendApiError> {
        let path = ["v1", "organizations", id.as_str()];
        let request = self.0.request(Method::GET, &path)?.timeout(TIMEOUT);
        match self.0.answer(request).await? {
            Ok(organization) if organization["id"] == id.as_str() => Ok(Some(organization)),
            Ok(_) => Err(BackendApiError::Malformed("the requested organization")),
            Err(refused) => no_longer_exists(refused).map(|()| None),
        }
    }

    /// Returns those of these organizations that exist at Clerk, in any order. Each request lists a hundred.
    ///
    /// # Errors
    ///
    /// Those of [`organizations`](Self::organizations).
    pub(crate) async fn organizations_by_id(
        &self,
        ids: &[OrganizationId],
    ) -> Result<Vec<LenientValue>, BackendApiError> {
        let mut organizations = Vec::new();
        for ids in ids.chunks(MAX_IDS) {
            let limit = ids.len().to_string();
            let ids = ids.iter().map(|id| ("organization_id", id.as_str()));
            let query: Vec<_> = ids.chain([("limit", &*limit)]).collect();
            organizations.extend(elements(self.list_of(ORGANIZATIONS, &query).await?)?);
        }
        Ok(organizations)
    }

    /// Returns the memberships of at most a hundred users in an organization; none if the organization no longer
    /// exists.
    pub(crate) async fn memberships_of_organization(
        &self,
        organization_id: &OrganizationId,
        user_ids: &[&str],
    ) -> Result<Vec<LenientValue>, BackendApiError> {
        let path = ["v1", "organizations", organization_id.as_str(), "memberships"];
        let limit = user_ids.len().to_string();
        let ids = user_ids.iter().map(|user_id| ("user_id", *user_id));
        let query: Vec<_> = ids.chain([("limit", &*limit)]).collect();
        self.list_of_one(&path, &query).await
    }

    /// Returns all memberships of a user; none if the user no longer exists.
    pub(crate) async fn memberships_of_user(
        &self,
        user_id: &UserId,
    ) -> Result<Vec<LenientValue>, BackendApiError> {
        let path = ["v1", "users", user_id.as_str(), "organization_memberships"];
        let limit = MAX_PAGE_SIZE.to_string();
        let mut memberships = Vec::new();
        loop {
            let offset = memberships.len().to_string();
            let query = [("limit", &*limit), ("offset", &*offset)];
            let page = self.list_of_one(&path, &query).await?;
            let is_last = page.len() < MAX_PAGE_SIZE;
            memberships.extend(page);
            if is_last {
                return Ok(memberships);
            }
        }
    }

    async fn page(
        &self,
        path: &[&str],
        offset: u64,
        limit: usize,
    ) -> Result<Vec<LenientValue>, BackendApiError> {
        let limit = limit.clamp(1, MAX_PAGE_SIZE);
        let (offset, most) = (offset.to_string(), limit.to_string());
        let query = [
            ("order_by", "+created_at"),
            ("limit", &*most),
            ("offset", &*offset),
        ];
        let page = elements(self.list_of(path, &query).await?)?;
        let has_id = |element: &LenientValue| element["id"].as_str().is_some_and(is_id);
        if page.len() >= limit && !page.iter().any(has_id) {
            return Err(BackendApiError::Malformed("a list of objects with ids"));
        }
        Ok(page)
    }

    async fn count(&self, path: &[&str]) -> Result<u64, BackendApiError> {
        let list = self.list_of(path, &[("limit", "1")]).await?;
        list["total_count"]
            .as_u64()
            .ok_or(BackendApiError::Malformed("a list with a `total_count`"))
    }

    /// Returns a list of the whole instance. The list exists unless the instance has no organizations.
    async fn list_of(&self, path: &[&str], query: &[(&str, &str)]) -> Result<LenientValue, BackendApiError> {
        let request = self
            .0
            .request(Method::GET, path)?
            .query(query)
            .timeout(PAGE_TIMEOUT);
        let answer = self.0.answer(request).await?;
        answer.map_err(|Refused { status, code }| match status {
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => BackendApiError::OrganizationsDisabled {
                status: status.as_u16(),
                code,
            },
            status => Refused { status, code }.into(),
        })
    }

    /// Returns a list of one organization or user; an empty one if there is no such organization or user.
    async fn list_of_one(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<LenientValue>, BackendApiError> {
        let request = self
            .0
            .request(Method::GET, path)?
            .query(query)
            .timeout(PAGE_TIMEOUT);
        match self.0.answer(request).await? {
            Ok(list) => elements(list),
            Err(refused) => no_longer_exists(refused).map(|()| Vec::new()),
        }
    }
}

/// Returns an error unless Clerk reports that the object does not exist. Another 404, for example from a proxy, does
/// not concern the object.
fn no_longer_exists(refused: Refused) -> Result<(), BackendApiError> {
    let Refused { status, code } = refused;
    match (status, &*code) {
        (StatusCode::NOT_FOUND, "resource_not_found") => Ok(()),
        (status, DISABLED) => Err(BackendApiError::OrganizationsDisabled {
            status: status.as_u16(),
            code,
        }),
        _ => Err(Refused { status, code }.into()),
    }
}

fn elements(mut list: LenientValue) -> Result<Vec<LenientValue>, BackendApiError> {
    list.take("data")
        .into_elements()
        .ok_or(BackendApiError::Malformed("an object with a list in `data`"))
}
