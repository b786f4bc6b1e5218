//! Decodes `[terraform]`.

use harness_model::source::document::Table;

use super::Decoding;
use crate::targets::profile::content::Terraform;

impl Decoding<'_> {
    pub(super) fn terraform(&mut self, file: &Table<'_, '_>) -> Option<Terraform> {
        let table = self.table(file, "terraform", &["provider", "endpoint", "api_key"])?;
        let provider = self.required(&table, "provider");
        let defaults = Terraform::default();
        Some(Terraform {
            endpoint: self.text(&table, "endpoint").unwrap_or(defaults.endpoint),
            api_key: self.text(&table, "api_key").unwrap_or(defaults.api_key),
            provider: provider?.into(),
        })
    }
}
