//! The unreadable places in a JSON value.

use std::collections::BTreeMap;

/// Keyed by the name of a member, or the index of an element.
pub(super) type Members = BTreeMap<Box<str>, Unreadable>;

/// The unreadable parts of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unreadable {
    /// The value itself.
    Whole,
    /// Something inside the value; never empty.
    Within(Members),
}

impl Unreadable {
    /// Wraps the unreadable members; `None` if everything was read.
    pub(super) fn within(members: Members) -> Option<Self> {
        (!members.is_empty()).then_some(Self::Within(members))
    }

    /// Adds a JSON Pointer for each place. `path` is the value's own pointer.
    pub(super) fn collect_paths(&self, path: &mut String, paths: &mut Vec<String>) {
        match self {
            Self::Whole => paths.push(path.clone()),
            Self::Within(members) => {
                for (name, unreadable) in members {
                    let length = path.len();
                    path.push('/');
                    path.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    unreadable.collect_paths(path, paths);
                    path.truncate(length);
                }
            }
        }
    }
}
