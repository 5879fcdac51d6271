//! Pages of Clerk's users.

use super::retry::RetryPolicy;
use crate::backend_api::{BackendApi, BackendApiError};
use crate::id::UserId;
use crate::lenient::LenientValue;
use crate::sync::model::observation::ClerkObject;

/// Returns the page after a user, or the first one.
pub(crate) async fn page_after(
    api: &BackendApi,
    after: Option<&UserId>,
    page_size: usize,
    policy: RetryPolicy,
) -> Result<Vec<LenientValue>, BackendApiError> {
    let page = policy.retry_api(|| api.users(after, page_size)).await?;
    let (_, last) = up_to_last_id(&page);
    // Otherwise the work would loop forever.
    if last.is_some() && last == after.map(UserId::as_str) {
        return Err(BackendApiError::Malformed("the page after the last one"));
    }
    Ok(page)
}

/// Returns the users of a page up to the last one with an id, after whom the next page begins. Without any id, returns
/// all of them: the [client](crate::backend_api::BackendApi::users) ensures that such a page is the last one.
pub(crate) fn up_to_last_id(page: &[LenientValue]) -> (&[LenientValue], Option<&str>) {
    let last = page.iter().enumerate().rev();
    match last
        .filter_map(|(place, user)| Some((place, ClerkObject::id(user.node())?)))
        .next()
    {
        Some((place, id)) => (&page[..=place], Some(id)),
        None => (page, None),
    }
}
