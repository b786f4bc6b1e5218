//! Decodes `[agent]` and `[hooks]`.

use std::collections::BTreeMap;

use reqwest::Url;

use harness_model::source::document::{Entry, Table};
use harness_model::text::pattern;

use super::Decoding;
use crate::targets::WITHOUT_TUN;
use crate::targets::profile::content::{Agent, Hooks, Words};

const MACHINE_ADMIN: &str = "machine_admin";
const CLAIM_TAGS: &str = "claim_tags";
const SERVE: &str = "serve";
const CONNECT: &str = "connect";
/// Names of documented commands that someone may look for in `[agent.words]`.
const DOCUMENTED_COMMANDS: [&str; 6] = ["set_tags", "create_key", "list_keys", "revoke_key", "up", "login"];

impl Decoding<'_> {
    pub(super) fn agent(&mut self, file: &Table<'_, '_>) -> Option<Agent> {
        let table =
            self.table(file, "agent", &["command", "env", "without_tun", "code", "sees_host_name", "words"])?;
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
        let code = self.code(&table);
        let words = self.agent_words(&table);
        let command = self.words(&table, "command")?;
        let without_tun = without_tun.unwrap_or_else(|| WITHOUT_TUN.to_owned());
        let sees_host_name =
            table.get("sees_host_name").and_then(|entry| entry.boolean(self.report)).unwrap_or(true);
        Some(Agent { command, env, without_tun, code, sees_host_name, words })
    }

    fn code(&mut self, agent: &Table<'_, '_>) -> Option<String> {
        let text = self.text(agent, "code")?;
        if let Err(error) = pattern::capture_groups(&text) {
            let span = agent.get("code").map(Entry::span).unwrap_or_default();
            let help = "write the form of the code that `login` prints, such as '[0-9]{6}'";
            self.report.error_with_help(span, error.to_string(), help);
            return None;
        }
        Some(text)
    }

    fn agent_words(&mut self, agent: &Table<'_, '_>) -> Words {
        let Some(table) = agent.get("words").and_then(|entry| entry.table("words", self.report)) else {
            return Words::default();
        };
        for entry in table.entries.iter().filter(|entry| DOCUMENTED_COMMANDS.contains(&entry.key)) {
            self.report.error_with_help(
                entry.key_span.clone(),
                format!("`{}` is a documented command, whose words cannot be replaced", entry.key),
                "remove it: the agent is judged by the documented words",
            );
        }
        let own = [MACHINE_ADMIN, CLAIM_TAGS, SERVE, CONNECT];
        let known: Vec<&str> = own.into_iter().chain(DOCUMENTED_COMMANDS).collect();
        table.only(&known, self.report);
        let example = "[\"machine-admin\", \"--action\", \"{action}\", \"{machine}\"]";
        let machine_admin = self.form(&table, MACHINE_ADMIN, &["{action}", "{machine}"], example);
        let claim_tags = self.form(&table, CLAIM_TAGS, &["{tags}"], "[\"--tags\", \"{tags}\"]");
        let example = "[\"--serve\", \"{port}={service}\"]";
        let serve = self.form(&table, SERVE, &["{port}", "{service}"], example);
        let example = "[\"nc\", \"{machine}\", \"{port}\", \"--timeout\", \"{time}\"]";
        let connect = self.form(&table, CONNECT, &["{machine}", "{port}"], example);
        Words { machine_admin, claim_tags, serve, connect }
    }

    /// Returns words that have all these places.
    fn form(
        &mut self,
        words: &Table<'_, '_>,
        key: &str,
        places: &[&str],
        example: &str,
    ) -> Option<Vec<String>> {
        let entry = words.get(key)?;
        let form: Vec<String> =
            entry.strings(self.report).into_iter().map(|word| word.text.to_owned()).collect();
        for place in places.iter().filter(|place| !form.iter().any(|word| word.contains(**place))) {
            self.report.error_with_help(
                entry.span(),
                format!("`{key}` has no {place}"),
                format!("write it like {example}"),
            );
        }
        Some(form)
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
