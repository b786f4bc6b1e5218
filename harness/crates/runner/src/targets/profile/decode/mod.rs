//! Decodes a profile from TOML and collects every mistake: one file for each section.

mod agent;
mod dashboard;
mod installer;
mod limit;
mod pointer;
mod quota;
mod terraform;
mod tls;
mod token;
mod undocumented;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;

use harness_model::scenario::model::{Capability, Identity, Span};
use harness_model::source::document::{Diagnostics, Entry, SpannedText, Table, parse};

use super::capability;
use super::content::Content;

const KEYS: [&str; 21] = [
    "name",
    "version",
    "base_url",
    "org_id",
    "other_org_id",
    "address",
    "reference",
    "capabilities",
    "tokens",
    "tls",
    "limits",
    "timeouts",
    "quota",
    "agent",
    "installer",
    "terraform",
    "dashboard",
    "hooks",
    "undocumented",
    "paths",
    "pointers",
];

pub(super) struct Decoded {
    pub(super) content: Content,
    pub(super) base_url: Url,
    pub(super) capabilities: BTreeSet<Capability>,
    pub(super) locations: BTreeMap<String, Span>,
}

/// Decodes the text. Returns `None` if it is not TOML or has no valid base URL; mistakes are in the report.
pub(super) fn decode(text: &str, report: &mut Diagnostics) -> Option<Decoded> {
    let root = parse(text, report)?;
    let file = Table::new("a target profile", 0..0, root.get_ref());
    file.only(&KEYS, report);
    let mut decoding = Decoding { report, locations: BTreeMap::new() };
    for entry in &file.entries {
        decoding.locations.insert(entry.key.to_owned(), entry.key_span.clone());
    }
    let name = decoding.required(&file, "name");
    let base_url = decoding.base_url(&file);
    let org_id = decoding.required(&file, "org_id");
    let mut tokens = decoding.tokens(&file);
    let quota = decoding.quota(&file);
    tokens.extend(quota.as_ref().map(|quota| (Identity::Limited, quota.token.clone())));
    let content = Content {
        name: name.unwrap_or_default(),
        version: decoding.text(&file, "version"),
        base_url: base_url.as_ref().map(Url::to_string).unwrap_or_default(),
        org_id: org_id.unwrap_or_default(),
        other_org_id: decoding.text(&file, "other_org_id"),
        address: decoding.address(&file),
        reference: file.flag("reference", decoding.report),
        capabilities: decoding.capability_names(&file),
        tokens,
        quota,
        tls: decoding.tls(&file),
        limits: decoding.limits(&file),
        timeouts: decoding.timeouts(&file),
        agent: decoding.agent(&file),
        installer: decoding.installer(&file),
        terraform: decoding.terraform(&file),
        dashboard: decoding.dashboard(&file),
        hooks: decoding.hooks(&file),
        undocumented: decoding.undocumented(&file),
        paths: decoding.paths(&file),
        pointers: decoding.pointers(&file),
    };
    let Decoding { report, locations } = decoding;
    let capabilities = capability::decide(&file, &content, base_url.as_ref(), report);
    capability::warn(&content, &capabilities, &locations, report);
    Some(Decoded { content, base_url: base_url?, capabilities, locations })
}

struct Decoding<'r> {
    report: &'r mut Diagnostics,
    locations: BTreeMap<String, Span>,
}

impl Decoding<'_> {
    /// Returns a table, and records the location of its keys.
    fn table<'a, 'i>(
        &mut self,
        parent: &Table<'a, 'i>,
        key: &'static str,
        known: &[&str],
    ) -> Option<Table<'a, 'i>> {
        let table = parent.get(key)?.table(key, self.report)?;
        if !known.is_empty() {
            table.only(known, self.report);
        }
        for entry in &table.entries {
            self.locations.insert(format!("{key}.{}", entry.key), entry.key_span.clone());
        }
        Some(table)
    }

    fn text(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        let entry = table.get(key)?;
        let SpannedText { text, span } = entry.string(self.report)?;
        if text.trim().is_empty() {
            self.report.error_with_help(span, format!("`{key}` is empty"), "remove it, or set a value");
            return None;
        }
        Some(text.to_owned())
    }

    fn required(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        table.require(key, self.report)?;
        self.text(table, key)
    }

    fn base_url(&mut self, file: &Table<'_, '_>) -> Option<Url> {
        let written = self.required(file, "base_url")?;
        let span = file.get("base_url").map(Entry::span).unwrap_or_default();
        let problem = match Url::parse(&written) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
                "it must begin with http:// or https://".to_owned()
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                "it must not contain `?` or `#`, as paths are appended to it".to_owned()
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "it must not contain a user or password; use [tokens]".to_owned()
            }
            Ok(url) if url.path().trim_end_matches('/').ends_with("/api") => {
                "every path begins with /api, so /api/api/… would be requested".to_owned()
            }
            Ok(url) => return Some(url),
            Err(error) => error.to_string(),
        };
        self.report.error_with_help(
            span,
            format!("invalid base_url `{written}`: {problem}"),
            "use base_url = \"https://HOST\", with the path before /api if there is one",
        );
        None
    }

    fn address(&mut self, file: &Table<'_, '_>) -> Option<String> {
        let text = self.text(file, "address")?;
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Some(text);
        }
        let span = file.get("address").map(Entry::span).unwrap_or_default();
        self.report.error_with_help(
            span,
            format!("invalid address `{text}`: expected an IP address"),
            "use the address from which the target sees the kit, such as \"203.0.113.9\"",
        );
        None
    }

    fn capability_names(&mut self, file: &Table<'_, '_>) -> Option<Vec<String>> {
        let names = file.get("capabilities")?.strings(self.report);
        Some(names.into_iter().map(|name| name.text.to_owned()).collect())
    }

    /// Returns a command line, after checking that it can be split into words.
    fn words(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        let text = self.text(table, key)?;
        let span = table.get(key).map(Entry::span).unwrap_or_default();
        match shell_words::split(&text) {
            Ok(_) => Some(text),
            Err(cause) => {
                self.report.error_with_help(
                    span,
                    format!("invalid command line in `{key}`: {cause}"),
                    "quote it as in a shell; for a pipe use sh -c '…'",
                );
                None
            }
        }
    }
}
