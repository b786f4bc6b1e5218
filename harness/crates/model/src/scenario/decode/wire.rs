//! Decodes `wire` steps, which use the kit's WireGuard peers.

use crate::scenario::model::{Initiator, Meeting, Template, WireAction, WireCommand};
use crate::scenario::vocabulary;
use crate::source::document::{Entry, Table};

use super::Decoder;

const COMMANDS_HELP: &str = "write `join`, `ping MACHINE` or `await MACHINE`";
const JOIN_KEYS: &[&str] = &["auth_key"];
const MEETING_KEYS: &[&str] = &["own_key", "their_key", "source"];

impl Decoder<'_> {
    pub(super) fn wire(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<WireCommand> {
        let line = self.nonempty_template_of(verb)?;
        let machine = table.require("on", &mut self.report).and_then(|entry| entry.string(&mut self.report));
        let timeout = table.get("timeout").and_then(|entry| self.duration(entry));
        let action = match line.text.split_once(' ').map(|(word, rest)| (word, rest.trim())) {
            None if line.text == "join" => self.join(table)?,
            Some(("ping", with)) if !with.is_empty() => self.meeting(table, with, Initiator::Peer, &line)?,
            Some(("await", with)) if !with.is_empty() => {
                self.meeting(table, with, Initiator::Agent, &line)?
            }
            _ => {
                let message = format!("unknown `wire` command `{}`", line.text);
                self.report.error_with_help(line.span, message, COMMANDS_HELP);
                return None;
            }
        };
        Some(WireCommand { machine: machine?.text.to_owned(), action, timeout })
    }

    fn join(&mut self, table: &Table<'_, '_>) -> Option<WireAction> {
        self.reject_keys(table, MEETING_KEYS, "join");
        let auth_key = table.require("auth_key", &mut self.report)?;
        Some(WireAction::Join { auth_key: self.nonempty_template_of(auth_key)? })
    }

    fn meeting(
        &mut self,
        table: &Table<'_, '_>,
        with: &str,
        initiator: Initiator,
        line: &Template,
    ) -> Option<WireAction> {
        self.reject_keys(table, JOIN_KEYS, "ping");
        let own_key = table.string("own_key", &mut self.report);
        let with_old_key = own_key.and_then(|word| self.choice(word, "`own_key`", &[("old", true)]));
        Some(WireAction::Meet(Meeting {
            with: Template { text: with.to_owned(), span: line.span.clone() },
            initiator,
            with_old_key: with_old_key.unwrap_or_default(),
            their_key: table.get("their_key").and_then(|entry| self.nonempty_template_of(entry)),
            source: table.get("source").and_then(|entry| self.nonempty_template_of(entry)),
        }))
    }

    fn reject_keys(&mut self, table: &Table<'_, '_>, keys: &[&str], command: &str) {
        let meaning =
            |key: &str| vocabulary::WIRE.iter().find(|(word, _)| *word == key).map_or("", |(_, text)| *text);
        for key in keys {
            if let Some(entry) = table.get(key) {
                let message = format!("`{key}` is not available for `wire = \"{command}…\"`");
                self.report.error_with_help(entry.key_span.clone(), message, meaning(key));
            }
        }
    }
}
