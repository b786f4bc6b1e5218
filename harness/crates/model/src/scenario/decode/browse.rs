//! Decodes `browse` steps: what a user does in the dashboard.

use std::time::Duration;

use crate::scenario::model::{Act, Browse, Template};
use crate::scenario::vocabulary;
use crate::source::document::{Entry, Table};
use crate::source::spelling;

use super::Decoder;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// The acts that have parts, with those parts.
const PARTS: [(&str, &str); 3] = [("fill", "with"), ("select", "option"), ("click", "row")];

impl Decoder<'_> {
    pub(super) fn browse(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<Browse> {
        let timeout = table.get("timeout").map_or(Some(DEFAULT_TIMEOUT), |entry| self.duration(entry));
        let identity = table.string("as", &mut self.report);
        let identity = identity.and_then(|word| self.choice(word, "user", vocabulary::IDENTITIES)).flatten();
        let items =
            verb.array("a list of acts such as `{ click = \"Create API Key\" }`", &mut self.report)?;
        let mut acts = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => acts.extend(self.act(&Table::new("an act", item.span(), table))),
                None => self.report.error_with_help(
                    item.span(),
                    "invalid act: expected a table",
                    "write `{ open = \"/PATH\" }`, `{ click = \"NAME\" }` or the like",
                ),
            }
        }
        if table.get("check").is_none() && table.get("keep").is_none() {
            self.report.error_with_help(
                verb.key_span.clone(),
                "missing key `check` in a `browse` step: what cannot be done on the page would not count",
                "add a check such as `done = true`, or keep `/done`",
            );
        }
        Some(Browse { identity, acts, timeout: timeout? })
    }

    fn act(&mut self, table: &Table<'_, '_>) -> Option<Act> {
        let verbs = vocabulary::keys(&[vocabulary::ACTS]);
        table.only(&vocabulary::keys(&[vocabulary::ACTS, vocabulary::ACT_PARTS]), &mut self.report);
        let mut found = table.entries.iter().filter(|entry| verbs.contains(&entry.key));
        let Some(entry) = found.next() else {
            self.report.error_with_help(
                table.span.clone(),
                "missing verb in an act",
                format!("add one of {}", spelling::list(&verbs)),
            );
            return None;
        };
        for other in found {
            self.report.error_with_help(
                other.key_span.clone(),
                format!("an act takes only one verb, and there is already `{}`", entry.key),
                "write it as an act of its own, after this one",
            );
        }
        for (owner, part) in PARTS.iter().filter(|(owner, _)| *owner != entry.key) {
            if let Some(entry) = table.get(part) {
                let message = format!("`{part}` is only available for `{owner}`");
                self.report.error(entry.key_span.clone(), message);
            }
        }
        let is_optional = table.flag("optional", &mut self.report);
        if is_optional && !matches!(entry.key, "click" | "fill" | "select") {
            let message = "`optional` is only available for `click`, `fill` and `select`";
            self.report.error(entry.key_span.clone(), message);
        }
        let act = self.act_of(table, entry)?;
        Some(if is_optional { Act::Optional(Box::new(act)) } else { act })
    }

    fn act_of(&mut self, table: &Table<'_, '_>, entry: &Entry<'_, '_>) -> Option<Act> {
        let part = |decoder: &mut Self, key: &'static str| {
            let entry = table.require(key, &mut decoder.report)?;
            decoder.template_of(entry)
        };
        Some(match entry.key {
            "open" => Act::Open(self.page_path(entry)?),
            "go" => Act::Go(self.ways(entry)?),
            "click" => {
                let name = self.nonempty_template_of(entry)?;
                let row = table.get("row").and_then(|entry| self.nonempty_template_of(entry));
                Act::Click { name, row }
            }
            "fill" => Act::Fill { label: self.nonempty_template_of(entry)?, value: part(self, "with")? },
            "select" => Act::Fill { label: self.nonempty_template_of(entry)?, value: part(self, "option")? },
            "check" | "uncheck" => {
                Act::Tick { label: self.nonempty_template_of(entry)?, on: entry.key == "check" }
            }
            "confirm" => Act::Confirm(self.nonempty_template_of(entry)?),
            "reload" => self.bare(entry, Act::Reload)?,
            _ => self.bare(entry, Act::Back)?,
        })
    }

    fn page_path(&mut self, entry: &Entry<'_, '_>) -> Option<Template> {
        let path = self.nonempty_template_of(entry)?;
        if !path.text.starts_with('/') {
            let message = format!("invalid path `{}`: it must begin with `/`", path.text);
            self.report.error_with_help(path.span.clone(), message, format!("write `\"/{}\"`", path.text));
        }
        Some(path)
    }

    /// Decodes `Settings > Auth Keys | Settings > API Keys > Auth Keys`.
    fn ways(&mut self, entry: &Entry<'_, '_>) -> Option<Vec<Vec<Template>>> {
        let whole = self.nonempty_template_of(entry)?;
        let named = |name: &str| Template { text: name.trim().to_owned(), span: whole.span.clone() };
        let ways: Vec<Vec<Template>> =
            whole.text.split(" | ").map(|way| way.split(" > ").map(named).collect()).collect();
        if ways.iter().flatten().any(|name| name.text.is_empty()) {
            let help = "write names with ` > ` between them, such as `Settings > Auth Keys`";
            self.report.error_with_help(entry.span(), "empty name in `go`", help);
        }
        Some(ways)
    }

    fn bare(&mut self, entry: &Entry<'_, '_>, act: Act) -> Option<Act> {
        if !entry.boolean(&mut self.report)? {
            self.report.error(entry.span(), format!("`{}` must be `true`", entry.key));
        }
        Some(act)
    }
}
