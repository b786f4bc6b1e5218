//! Decodes `[quota]`.

use harness_model::source::document::{Entry, Table};

use super::Decoding;
use crate::targets::profile::content::Quota;

/// Every machine up to the limit is registered.
const MAX_LIMIT: u32 = 10;

impl Decoding<'_> {
    pub(super) fn quota(&mut self, file: &Table<'_, '_>) -> Option<Quota> {
        let table = self.table(file, "quota", &["org_id", "limit", "token"])?;
        let token = table.require("token", self.report);
        let token = token.and_then(|entry| self.token("quota.token", entry));
        let org_id = self.required(&table, "org_id");
        let limit: Option<i64> = table.require("limit", self.report).and_then(|entry| {
            entry.integer("the number of machines that the organisation may have", self.report)
        });
        let limit =
            limit.map(|limit| u32::try_from(limit).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)));
        if limit == Some(None) {
            self.report.error_with_help(
                table.get("limit").map(Entry::span).unwrap_or_default(),
                format!("`limit` must be 1 to {MAX_LIMIT}"),
                "name an organisation that may have a few machines only: as many are registered",
            );
        }
        Some(Quota { org_id: org_id?, limit: limit??, token: token? })
    }
}
