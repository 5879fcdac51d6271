//! The users of a fake instance: some stored, any number generated on request.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

type MakeUser = Box<dyn Fn(usize) -> Value + Send + Sync>;

/// The users in the order of creation: first the generated ones, then the stored ones.
#[derive(Default)]
pub(crate) struct Directory {
    kept: BTreeMap<String, Value>,
    served: usize,
    make: Option<MakeUser>,
    removed: BTreeSet<String>,
    /// The texts that are served in place of users' objects.
    texts: BTreeMap<String, Vec<u8>>,
}

/// Returns the id of the user at an index; ids are in the order of their indexes.
pub(crate) fn served_id(place: usize) -> String {
    format!("user_served{place:010}")
}

/// Returns the index of such an id.
fn place_of(id: &str) -> Option<usize> {
    id.strip_prefix("user_served")?.parse().ok()
}

impl Directory {
    pub(crate) fn put(&mut self, user: Value) {
        let id = user["id"].as_str().expect("a user object has an id").to_owned();
        self.removed.remove(&id);
        self.texts.remove(&id);
        self.kept.insert(id, user);
    }

    pub(crate) fn set_text(&mut self, id: &str, text: Vec<u8>) {
        assert!(self.get(id).is_some(), "there is no user `{id}`");
        self.texts.insert(id.to_owned(), text);
    }

    /// Returns the user as the Backend API writes one.
    pub(crate) fn text_of(&self, user: &Value) -> Vec<u8> {
        let text = user["id"].as_str().and_then(|id| self.texts.get(id));
        text.cloned().unwrap_or_else(|| user.to_string().into_bytes())
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.kept.remove(id);
        self.texts.remove(id);
        self.removed.insert(id.to_owned());
    }

    /// Returns whether a user with this id ever existed.
    #[cfg(feature = "dev")]
    pub(crate) fn was_removed(&self, id: &str) -> bool {
        self.removed.contains(id)
    }

    /// Returns the id of the stored user with this id, user name or e-mail address.
    #[cfg(feature = "dev")]
    pub(crate) fn find(&self, identifier: &str) -> Option<String> {
        let has_address = |user: &Value| {
            let addresses = user["email_addresses"].as_array();
            addresses.is_some_and(|addresses| {
                addresses.iter().any(|address| {
                    let address = address["email_address"].as_str();
                    address.is_some_and(|address| address.eq_ignore_ascii_case(identifier))
                })
            })
        };
        let mut users = self.kept.iter();
        let found =
            users.find(|(id, user)| *id == identifier || user["username"] == identifier || has_address(user));
        found.map(|(id, _)| id.clone())
    }

    /// Returns the stored users.
    #[cfg(feature = "dev")]
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Value> {
        self.kept.values()
    }

    /// Forgets the stored and the deleted users.
    #[cfg(feature = "dev")]
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.texts.clear();
        self.removed.clear();
    }

    pub(crate) fn serve(&mut self, count: usize, make: MakeUser) {
        self.served = count;
        self.make = Some(make);
    }

    pub(crate) fn get(&self, id: &str) -> Option<Value> {
        match self.kept.get(id) {
            Some(user) => Some(user.clone()),
            None => place_of(id).and_then(|place| self.made(place)),
        }
    }

    /// Returns whether another user that was stored has this `external_id`.
    pub(crate) fn has_other_with_external_id(&self, user_id: &str, external_id: &Value) -> bool {
        let mut others = self.kept.iter().filter(|(id, _)| *id != user_id);
        others.any(|(_, user)| user["external_id"] == *external_id)
    }

    /// Returns a page of users. Returns `None` if the user before the page does not exist.
    pub(crate) fn page(&self, after: Option<&str>, limit: usize) -> Option<Vec<Value>> {
        let (first, after) = match after.map(|after| (place_of(after), self.kept.get(after))) {
            None => (0, None),
            Some((Some(place), _)) if place < self.served => (place + 1, None),
            Some((_, Some(kept))) => (self.served, Some(created(kept))),
            Some((_, None)) => return None,
        };
        let mut page: Vec<Value> = (first..self.served)
            .filter_map(|place| self.get(&served_id(place)))
            .take(limit)
            .collect();
        let kept = self.kept.iter().filter(|(id, _)| !self.is_served(id));
        let mut kept: Vec<&Value> = kept
            .map(|(_, user)| user)
            .filter(|user| after.is_none_or(|after| created(user) > after))
            .collect();
        kept.sort_by_key(|user| created(user));
        page.extend(kept.into_iter().take(limit - page.len()).cloned());
        Some(page)
    }

    pub(crate) fn count(&self) -> usize {
        let is_gone = |id: &&String| self.is_served(id) && !self.kept.contains_key(*id);
        let gone = self.removed.iter().filter(is_gone).count();
        let kept = self.kept.keys().filter(|id| !self.is_served(id)).count();
        self.served - gone + kept
    }

    fn is_served(&self, id: &str) -> bool {
        place_of(id).is_some_and(|place| place < self.served)
    }

    fn made(&self, place: usize) -> Option<Value> {
        let id = served_id(place);
        if place >= self.served || self.removed.contains(&id) {
            return None;
        }
        let mut user = (self.make.as_ref()?)(place);
        user["id"] = id.into();
        user["created_at"] = (place * 1_000).into();
        Some(user)
    }
}

/// Returns the sort key of a user: the time of creation, then the id as a tiebreaker.
fn created(user: &Value) -> (Option<i64>, Option<&str>) {
    (user["created_at"].as_i64(), user["id"].as_str())
}
