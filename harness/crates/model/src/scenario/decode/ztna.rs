//! Decodes `ztna` and `shell` steps, which run commands on a machine.

use std::time::Duration;

use crate::scenario::model::{Command, ShellLine, Template};
use crate::source::document::{Entry, Table};

use super::Decoder;

const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer, because a shell command may install the agent.
const SHELL_TIMEOUT: Duration = Duration::from_secs(30);

/// What `ztna up` prints once it is running in the foreground.
const UP_READY: &str = "Press Ctrl+C";

impl Decoder<'_> {
    pub(super) fn ztna(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<Command> {
        let words = self.words(verb);
        let machine = table.require("on", &mut self.report).and_then(|entry| entry.string(&mut self.report));
        let env = table.get("env").map(|entry| self.templates(entry)).unwrap_or_default();
        let timeout = table.get("timeout").map_or(Some(COMMAND_TIMEOUT), |entry| self.duration(entry));
        let until = table.get("until").map(|entry| self.template_of(entry));
        let words = words?;
        let is_up = words.first().is_some_and(|word| word.text == "up");
        let until = match until {
            Some(until) => until.map(|until| until.text).filter(|text| !text.is_empty()),
            None => is_up.then(|| UP_READY.to_owned()),
        };
        Some(Command { machine: machine?.text.to_owned(), words, env, until, timeout: timeout? })
    }

    pub(super) fn shell(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<ShellLine> {
        let line = self.nonempty_template_of(verb);
        let machine = table.require("on", &mut self.report).and_then(|entry| entry.string(&mut self.report));
        let env = table.get("env").map(|entry| self.templates(entry)).unwrap_or_default();
        let timeout = table.get("timeout").map_or(Some(SHELL_TIMEOUT), |entry| self.duration(entry));
        Some(ShellLine { machine: machine?.text.to_owned(), line: line?, env, timeout: timeout? })
    }

    fn words(&mut self, verb: &Entry<'_, '_>) -> Option<Vec<Template>> {
        let line = self.nonempty_template_of(verb)?;
        match shell_words::split(&line.text) {
            Ok(words) => {
                Some(words.into_iter().map(|text| Template { text, span: line.span.clone() }).collect())
            }
            Err(error) => {
                self.report.error(line.span, format!("invalid command line: {error}"));
                None
            }
        }
    }
}
