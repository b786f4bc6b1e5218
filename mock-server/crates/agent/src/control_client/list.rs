//! A list of auth keys, of which the control plane returns a limited number at a time.

use std::collections::HashSet;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::message::AuthKey;

/// The usual limits of a page are multiples of this number: a page of such a length may be followed by another.
const PAGE_UNIT: usize = 50;

/// Upper bound of the number of pages that are requested.
const MAX_PAGES: usize = 1000;

/// Auth keys, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct AuthKeyList {
    keys: Vec<AuthKey>,
    ids: HashSet<String>,
    pages: usize,
    last: Page,
    /// When the last key of the last page was created.
    reached: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Page {
    /// Its length is no usual limit, so that no other follows.
    #[default]
    Short,
    /// Another may follow.
    Full,
    /// It was full, and yet brought nothing new.
    Repeated,
}

impl AuthKeyList {
    /// Returns the keys.
    pub(crate) fn keys(&self) -> &[AuthKey] {
        &self.keys
    }

    /// Returns whether there may be more keys, which the control plane does not return.
    pub(crate) fn may_be_incomplete(&self) -> bool {
        self.last != Page::Short
    }

    /// Adds a page.
    pub(crate) fn add(&mut self, page: Vec<AuthKey>) {
        let (length, known) = (page.len(), self.keys.len());
        self.reached = page.last().and_then(|key| key.created_at.clone());
        let Self { keys, ids, .. } = self;
        keys.extend(page.into_iter().filter(|key| ids.insert(key.id.clone())));
        keys.sort_by_cached_key(|key| (moment(key), key.created_at.clone()));
        self.pages += 1;
        self.last = match length > 0 && length.is_multiple_of(PAGE_UNIT) {
            false => Page::Short,
            // The first page may have had another order than those that follow.
            true if self.keys.len() == known && self.pages > 2 => Page::Repeated,
            true => Page::Full,
        };
    }

    /// Returns where the next page begins, inside `None` at the start; `None` if there is nothing more to request.
    pub(super) fn next_page(&self) -> Option<Option<&str>> {
        if self.last != Page::Full || self.pages > MAX_PAGES {
            return None;
        }
        // The order of the first page is not known, so that the second starts anew.
        Some(if self.pages == 1 { None } else { self.reached.as_deref() })
    }
}

fn moment(key: &AuthKey) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(key.created_at.as_deref()?, &Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> AuthKey {
        AuthKey {
            id: format!("k{number}"),
            name: String::new(),
            key_prefix: String::new(),
            reusable: false,
            ephemeral: false,
            used_count: 0,
            expires_at: None,
            revoked: false,
            created_at: Some(format!("2026-03-17T10:00:{:02}.{:03}Z", number / 1000, number % 1000)),
        }
    }

    /// Collects a list from a control plane that returns `limit` of `total` keys at a time, from `first` in the first page.
    fn collect(
        total: usize,
        limit: usize,
        first: usize,
        answers: impl Fn(&str, &[AuthKey]) -> Vec<AuthKey>,
    ) -> AuthKeyList {
        let all: Vec<AuthKey> = (0..total).map(key).collect();
        let mut list = AuthKeyList::default();
        list.add(all.iter().skip(first).take(limit).cloned().collect());
        while let Some(from) = list.next_page() {
            let from = from.unwrap_or_default().to_owned();
            list.add(answers(&from, &all));
        }
        list
    }

    #[test]
    fn all_pages_are_collected_in_the_order_of_creation() {
        for (total, limit) in
            [(0_usize, 1000_usize), (3, 1000), (50, 1000), (1000, 1000), (1001, 1000), (2345, 100), (151, 50)]
        {
            for first in [0, total.saturating_sub(limit)] {
                let list = collect(total, limit, first, |from, all| {
                    let later = all.iter().filter(|key| key.created_at.as_deref() >= Some(from));
                    later.take(limit).cloned().collect()
                });
                let ids: Vec<&str> = list.keys().iter().map(|key| key.id.as_str()).collect();
                let expected: Vec<String> = (0..total).map(|number| format!("k{number}")).collect();
                assert!(ids == expected, "{} of {total} keys, {limit} at a time", ids.len());
            }
        }
    }

    #[test]
    fn list_that_cannot_be_continued_is_marked() {
        // Ignores the query.
        let list = collect(1500, 1000, 0, |_, all| all.iter().take(1000).cloned().collect());
        assert_eq!((list.keys().len(), list.may_be_incomplete()), (1000, true));
        let list = collect(1500, 1000, 500, |_, all| all.iter().skip(500).cloned().collect());
        assert!(list.may_be_incomplete());
        assert!(!collect(3, 1000, 0, |_, _| Vec::new()).may_be_incomplete());
    }
}
