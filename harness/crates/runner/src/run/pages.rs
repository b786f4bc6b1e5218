//! The rows of a table of which a target returns a limited number at a time.

use std::collections::HashSet;

use serde_json::Value;

use crate::run::id::Id;

/// The usual limits of a page are multiples of this number: a page of such a length may be followed by another.
const PAGE_UNIT: usize = 100;

/// Upper bound of the number of pages that are requested.
const MAX_PAGES: usize = 200;

/// Rows so far, in the order of their pages.
#[derive(Debug, Default)]
pub(super) struct Pages {
    rows: Vec<Value>,
    ids: HashSet<Id>,
    pages: usize,
    last: Page,
    /// When the last row of the last page was created.
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

impl Pages {
    pub(super) fn rows(&self) -> &[Value] {
        &self.rows
    }

    /// Returns whether the target may have more rows.
    pub(super) fn may_be_incomplete(&self) -> bool {
        self.last != Page::Short
    }

    pub(super) fn add(&mut self, page: Vec<Value>) {
        let (length, known) = (page.len(), self.rows.len());
        let created = |row: &Value| row.get("created_at").and_then(Value::as_str).map(str::to_owned);
        self.reached = page.last().and_then(created);
        let Self { rows, ids, .. } = self;
        rows.extend(page.into_iter().filter(|row| Id::in_row(row).is_none_or(|id| ids.insert(id))));
        self.pages += 1;
        self.last = match length > 0 && length.is_multiple_of(PAGE_UNIT) {
            false => Page::Short,
            // The first page may have had another order than those that follow.
            true if rows.len() == known && self.pages > 2 => Page::Repeated,
            true => Page::Full,
        };
    }

    /// Returns the filter of the next page; `None` if there is nothing more to request.
    pub(super) fn next_filter(&self) -> Option<String> {
        if self.last != Page::Full || self.pages > MAX_PAGES {
            return None;
        }
        const ORDER: &str = "&order=created_at.asc";
        Some(match (self.pages, &self.reached) {
            // The order of the first page is not known, so that the second starts anew.
            (1, _) | (_, None) => ORDER.to_owned(),
            (_, Some(reached)) => format!("{ORDER}&created_at=gte.{}", encoded(reached)),
        })
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(number: usize) -> Value {
        json!({ "id": format!("k{number}"), "created_at": format!("2026-03-17T10:00:00.{number:06}Z") })
    }

    /// Collects the rows of a target that has `total` and returns the latest `limit` without, and the earliest with an
    /// order.
    fn collect(total: usize, limit: usize, pages: bool) -> Pages {
        let all: Vec<Value> = (0..total).map(row).collect();
        let mut collected = Pages::default();
        collected.add(all.iter().skip(total.saturating_sub(limit)).cloned().collect());
        while let Some(filter) = collected.next_filter() {
            let from =
                filter.split_once("gte.").map(|(_, from)| from.replace("%3A", ":")).unwrap_or_default();
            let from = all.iter().position(|row| row["created_at"].as_str() >= Some(&from)).unwrap_or(0);
            let from = if pages { from } else { total.saturating_sub(limit) };
            collected.add(all.iter().skip(from).take(limit).cloned().collect());
        }
        collected
    }

    #[test]
    fn every_page_of_a_table_is_requested() {
        for (total, limit) in
            [(0, 1000), (7, 1000), (100, 1000), (1000, 1000), (1001, 1000), (2500, 1000), (333, 100)]
        {
            let collected = collect(total, limit, true);
            let ids: HashSet<&str> = collected.rows().iter().filter_map(|row| row["id"].as_str()).collect();
            assert_eq!(
                (collected.rows().len(), ids.len()),
                (total, total),
                "{total} rows, {limit} at a time"
            );
        }
    }

    #[test]
    fn target_that_ignores_the_order_may_have_more_rows() {
        let collected = collect(1500, 1000, false);
        assert_eq!((collected.rows().len(), collected.may_be_incomplete()), (1000, true));
        assert!(!collect(7, 1000, false).may_be_incomplete());
    }

    #[test]
    fn rows_with_numbers_for_ids_are_told_apart() {
        let page = || (0..100).map(|number| json!({ "id": number })).collect();
        let mut collected = Pages::default();
        (0..3).for_each(|_| collected.add(page()));
        assert_eq!((collected.rows().len(), collected.next_filter()), (100, None));
    }
}
