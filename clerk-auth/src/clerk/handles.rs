//! Detects that a process has two handles of one instance, which do not share their denials.

use std::sync::{Mutex, PoisonError, Weak};

use super::Inner;

/// The handles that this process has built and that may still be alive.
static HANDLES: Mutex<Vec<Handle>> = Mutex::new(Vec::new());

struct Handle {
    /// The identity of an instance: the issuer, and the PEM key or the address of the keys.
    instance: [Box<str>; 2],
    inner: Weak<Inner>,
}

/// Records a handle. Returns whether another handle of the same instance is alive.
pub(super) fn remember(issuer: &str, keys: &str, inner: Weak<Inner>) -> bool {
    let instance = [issuer, keys].map(Box::from);
    let mut handles = HANDLES.lock().unwrap_or_else(PoisonError::into_inner);
    handles.retain(|handle| handle.inner.strong_count() > 0);
    let is_known = handles.iter().any(|handle| handle.instance == instance);
    handles.push(Handle { instance, inner });
    is_known
}
