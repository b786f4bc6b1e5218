//! Decodes the steps that run commands on a machine: `ztna`, `shell`, `login` and `interrupt`.

use std::time::Duration;

use crate::scenario::model::{Command, Interruption, Login, ShellLine, Template};
use crate::scenario::vocabulary;
use crate::source::document::{Entry, Table};

use super::Decoder;

const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer, because a shell command may install the agent.
const SHELL_TIMEOUT: Duration = Duration::from_secs(30);

const LOGIN_TIMEOUT: Duration = Duration::from_secs(15);

/// What `ztna up` prints once it is running in the foreground.
const UP_READY: &str = "Press Ctrl+C";

impl Decoder<'_> {
    pub(super) fn ztna(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<Command> {
        let words = self.words(verb);
        let machine = table.require("on", &mut self.report).and_then(|entry| entry.string(&mut self.report));
        let env = table.get("env").map(|entry| self.templates(entry)).unwrap_or_default();
        let timeout = table.get("timeout").map_or(Some(COMMAND_TIMEOUT), |entry| self.duration(entry));
        let offline = table.flag("offline", &mut self.report);
        let until = table.get("until").map(|entry| self.template_of(entry));
        let words = words?;
        let is_up = words.first().is_some_and(|word| word.text == "up");
        let is_named = table.get("host_name").is_none_or(|entry| self.is_named(entry, &words, is_up));
        let until = match until {
            Some(until) => until.map(|until| until.text).filter(|text| !text.is_empty()),
            None => is_up.then(|| UP_READY.to_owned()),
        };
        Some(Command {
            machine: machine?.text.to_owned(),
            words,
            env,
            until,
            is_named,
            offline,
            timeout: timeout?,
        })
    }

    /// Whether `up` is given a name by the kit.
    fn is_named(&mut self, entry: &Entry<'_, '_>, words: &[Template], is_up: bool) -> bool {
        let is_given = words.iter().any(|word| word.text.starts_with("--hostname"));
        if entry.boolean(&mut self.report) == Some(true) || !is_up || is_given {
            self.report.error_with_help(
                entry.key_span.clone(),
                "`host_name = false` is only available for `up` without `--hostname`",
                "leave it out: `up` gets the machine's name where it has none",
            );
        }
        false
    }

    pub(super) fn shell(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<ShellLine> {
        let line = self.nonempty_template_of(verb);
        let machine = table.require("on", &mut self.report).and_then(|entry| entry.string(&mut self.report));
        let env = table.get("env").map(|entry| self.templates(entry)).unwrap_or_default();
        let timeout = table.get("timeout").map_or(Some(SHELL_TIMEOUT), |entry| self.duration(entry));
        Some(ShellLine { machine: machine?.text.to_owned(), line: line?, env, timeout: timeout? })
    }

    pub(super) fn login(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<Login> {
        let word = verb.string(&mut self.report);
        let user = word.and_then(|word| self.choice(word, "user", vocabulary::IDENTITIES));
        if user == Some(None) {
            self.report.error(verb.span(), "`login` needs a user who can log in");
        }
        let machine = table.require("on", &mut self.report).and_then(|entry| entry.string(&mut self.report));
        let timeout = table.get("timeout").map_or(Some(LOGIN_TIMEOUT), |entry| self.duration(entry));
        Some(Login { machine: machine?.text.to_owned(), identity: user??, timeout: timeout? })
    }

    pub(super) fn interruption(
        &mut self,
        table: &Table<'_, '_>,
        verb: &Entry<'_, '_>,
    ) -> Option<Interruption> {
        let word = verb.string(&mut self.report);
        let known = word.and_then(|word| self.choice(word, "command to interrupt", &[("up", ())]));
        let machine = table.require("on", &mut self.report).and_then(|entry| entry.string(&mut self.report));
        let timeout = table.get("timeout").map_or(Some(COMMAND_TIMEOUT), |entry| self.duration(entry));
        known?;
        Some(Interruption { machine: machine?.text.to_owned(), timeout: timeout? })
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
