//! Decodes `[agent]` and `[hooks]`.

use std::collections::BTreeMap;

use reqwest::Url;

use harness_model::source::document::{Entry, Table};

use super::Decoding;
use crate::targets::WITHOUT_TUN;
use crate::targets::profile::content::{Agent, Hooks};

impl Decoding<'_> {
    pub(super) fn agent(&mut self, file: &Table<'_, '_>) -> Option<Agent> {
        let table = self.table(file, "agent", &["command", "env", "without_tun"])?;
        table.require("command", self.report);
        let mut env = BTreeMap::new();
        if let Some(variables) = table.get("env").and_then(|entry| entry.table("env", self.report)) {
            for entry in &variables.entries {
                let value = entry.string(self.report).map(|value| value.text.to_owned());
                env.extend(value.map(|value| (entry.key.to_owned(), value)));
            }
        }
        // An empty string means no flag at all.
        let without_tun = table.string("without_tun", self.report).map(|text| text.text.to_owned());
        if without_tun.as_deref().is_some_and(|text| !text.is_empty()) {
            self.words(&table, "without_tun");
        }
        let command = self.words(&table, "command")?;
        Some(Agent { command, env, without_tun: without_tun.unwrap_or_else(|| WITHOUT_TUN.to_owned()) })
    }

    pub(super) fn hooks(&mut self, file: &Table<'_, '_>) -> Hooks {
        let Some(table) = self.table(file, "hooks", &["clock", "approve", "reset"]) else {
            return Hooks::default();
        };
        let mut hook = |key| {
            let text = self.text(&table, key)?;
            let is_url = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if text.starts_with('/') || is_url {
                return Some(text);
            }
            let span = table.get(key).map(Entry::span).unwrap_or_default();
            self.report.error_with_help(
                span,
                format!("invalid hook `{text}`: expected a URL or a path"),
                "use a path below base_url that begins with `/`, or a complete URL",
            );
            None
        };
        Hooks { clock: hook("clock"), approve: hook("approve"), reset: hook("reset") }
    }
}
