//! Reads Clerk's users, organizations and memberships in pages.
//!
//! Clerk pages users by id. Lists of organizations and memberships only have offsets, which a deletion shifts. So each
//! page of these lists begins with the last object of the previous page. If that object is not found, the page begins
//! earlier.

use super::retry::RetryPolicy;
use crate::backend_api::{BackendApi, BackendApiError, MAX_PAGE_SIZE};
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::row::RowKind;
use crate::sync::model::observation::ClerkObject;

/// A position in one of Clerk's lists: the last object that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Position {
    pub(crate) id: String,
    /// The number of objects before this one when it was read.
    pub(crate) offset: u64,
    /// In milliseconds. The list is in this order, so that the position is found even if the object was deleted.
    pub(crate) created_at: Option<i64>,
}

impl Position {
    /// Creates a position in a list that is paged by id.
    pub(crate) fn at(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            offset: 0,
            created_at: None,
        }
    }
}

/// The objects after a position.
pub(crate) struct ListPage {
    pub(crate) objects: Vec<LenientValue>,
    /// The number of objects before the first one.
    offset: u64,
}

impl ListPage {
    /// Returns the objects up to the last one with an id, and its position. Without any id, returns all of them: the
    /// [client](crate::backend_api::BackendApi::users) ensures that such a page is the last one.
    pub(crate) fn up_to_last(&self) -> (&[LenientValue], Option<Position>) {
        let (objects, id) = up_to_last_id(&self.objects);
        let last = id.zip(objects.last()).map(|(id, object)| Position {
            id: id.to_owned(),
            offset: self.offset + u64::try_from(objects.len() - 1).unwrap_or(u64::MAX),
            created_at: created_at(object),
        });
        (objects, last)
    }
}

/// Returns the page after a position, or the first one.
pub(crate) async fn list_after(
    api: &BackendApi,
    kind: RowKind,
    after: Option<&Position>,
    page_size: usize,
    policy: RetryPolicy,
) -> Result<ListPage, BackendApiError> {
    if kind == RowKind::User {
        let after = after.map(|after| UserId::new(&*after.id));
        let objects = page_after(api, after.as_ref(), page_size, policy).await?;
        return Ok(ListPage { objects, offset: 0 });
    }
    let list = |offset, limit| {
        policy.retry_api(move || async move {
            match kind {
                RowKind::Membership => api.memberships(offset, limit).await,
                RowKind::User | RowKind::Organization => api.organizations(offset, limit).await,
            }
        })
    };
    let Some(after) = after else {
        let objects = list(0, page_size).await?;
        return Ok(ListPage { objects, offset: 0 });
    };
    let limit = (page_size + 1).clamp(2, MAX_PAGE_SIZE);
    let mut offset = after.offset;
    loop {
        let mut objects = list(offset, limit).await?;
        let seen = match seen(&objects, after) {
            None if offset > 0 => {
                offset = offset.saturating_sub(u64::try_from(limit - 1).unwrap_or(1));
                continue;
            }
            // The page begins so early that it contains no new object.
            Some(seen) if seen == limit => {
                offset += u64::try_from(limit - 1).unwrap_or(1);
                continue;
            }
            seen => seen.unwrap_or(0),
        };
        objects.drain(..seen);
        let offset = offset + u64::try_from(seen).unwrap_or(u64::MAX);
        return Ok(ListPage { objects, offset });
    }
}

/// Returns the number of objects that were read before; `None` if the page may begin too late.
fn seen(objects: &[LenientValue], after: &Position) -> Option<usize> {
    let mut ids = objects.iter().map(|object| ClerkObject::id(object.node()));
    if let Some(place) = ids.position(|id| id == Some(after.id.as_str())) {
        return Some(place + 1);
    }
    // The object was deleted; those that were created earlier have been read.
    let is_older = |object: &&LenientValue| {
        let times = created_at(object).zip(after.created_at);
        times.is_some_and(|(created_at, after)| created_at < after)
    };
    let older = objects.iter().take_while(is_older).count();
    (older > 0).then_some(older)
}

fn created_at(object: &LenientValue) -> Option<i64> {
    object.node().get("created_at").whole().ok()?.as_i64()
}

/// Returns the page after a user, or the first one.
pub(crate) async fn page_after(
    api: &BackendApi,
    after: Option<&UserId>,
    page_size: usize,
    policy: RetryPolicy,
) -> Result<Vec<LenientValue>, BackendApiError> {
    let page = policy.retry_api(|| api.users(after, page_size)).await?;
    let (_, last) = up_to_last_id(&page);
    // Prevents an infinite loop.
    if last.is_some() && last == after.map(UserId::as_str) {
        return Err(BackendApiError::Malformed("the page after the last one"));
    }
    Ok(page)
}

/// Returns the objects of a page up to the last one with an id, after which the next page begins. Without any id, returns
/// all of them.
pub(crate) fn up_to_last_id(page: &[LenientValue]) -> (&[LenientValue], Option<&str>) {
    let last = page.iter().enumerate().rev();
    match last
        .filter_map(|(place, object)| Some((place, ClerkObject::id(object.node())?)))
        .next()
    {
        Some((place, id)) => (&page[..=place], Some(id)),
        None => (page, None),
    }
}
