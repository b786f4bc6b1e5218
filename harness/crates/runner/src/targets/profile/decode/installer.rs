//! Decodes `[installer]`.

use harness_model::source::document::{Entry, Table};
use reqwest::Url;

use super::Decoding;
use crate::targets::profile::content::Installer;

/// What a shell leaves as it is, besides letters and digits: both values become words of command lines.
const PLAIN: &str = "-._~:/%@[]";

impl Decoding<'_> {
    pub(super) fn installer(&mut self, file: &Table<'_, '_>) -> Option<Installer> {
        let table = self.table(file, "installer", &["url", "image"])?;
        let is_url = |text: &str| {
            Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        Some(Installer {
            url: self.plain_word(&table, "url", "use url = \"https://HOST/install.sh\"", is_url),
            image: self
                .plain_word(&table, "image", "use image = \"REPOSITORY:TAG\"", |text| !text.starts_with('-')),
        })
    }

    fn plain_word(
        &mut self,
        table: &Table<'_, '_>,
        key: &'static str,
        help: &str,
        is_valid: impl Fn(&str) -> bool,
    ) -> Option<String> {
        let text = self.text(table, key)?;
        let is_plain = text.chars().all(|one| one.is_ascii_alphanumeric() || PLAIN.contains(one));
        if is_plain && is_valid(&text) {
            return Some(text);
        }
        let span = table.get(key).map(Entry::span).unwrap_or_default();
        self.report.error_with_help(span, format!("invalid `{key}`: `{text}`"), help);
        None
    }
}
