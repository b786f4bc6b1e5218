//! Decodes steps: the verb and the keys that any step may have.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value as Json;

use crate::scenario::model::{
    Action, Condition, Initiator, Keep, Meeting, Row, Span, Step, Template, VariableUses, WireAction,
};
use crate::scenario::{template, vocabulary};
use crate::source::document::{Entry, Table};
use crate::source::spelling;

use super::matcher::Operand;
use super::{Decoder, DraftStep, VariableUse};

/// How long a page is read again until the checks of a `browse` step pass, unless the step says otherwise.
const PAGE_LIMIT: Duration = Duration::from_secs(4);

/// The kind of verb of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Http,
    Ztna,
    Shell,
    Wire,
    Login,
    Browse,
    Interrupt,
    Advance,
    Wait,
    Set,
}

impl Decoder<'_> {
    /// Decodes a step. A step with errors is still returned, so that the variables it assigns are known to later
    /// steps; its errors make the file unusable.
    pub(super) fn step(&mut self, table: &Table<'_, '_>) -> DraftStep {
        self.take_uses();
        let name = table.require("name", &mut self.report);
        let name = name.and_then(|entry| self.nonempty_template_of(entry));
        let name = name.unwrap_or(Template { text: String::new(), span: table.span.clone() });
        let Some((verb, entry)) = self.verb(table) else {
            let keep = table.get("keep").map(|entry| self.keep(entry, Verb::Http, true)).unwrap_or_default();
            return without_verb(name, keep, table.span.clone());
        };
        let own: &[vocabulary::Word] = match verb {
            Verb::Http => vocabulary::HTTP,
            Verb::Ztna => vocabulary::ZTNA,
            Verb::Shell => vocabulary::SHELL,
            Verb::Wire => vocabulary::WIRE,
            Verb::Login => vocabulary::LOGIN,
            Verb::Browse => vocabulary::BROWSE,
            Verb::Interrupt => vocabulary::INTERRUPT,
            Verb::Advance | Verb::Wait => vocabulary::PASSAGE,
            Verb::Set => &[],
        };
        let keys = vocabulary::keys(&[vocabulary::ANY_STEP, own]);
        self.check_keys(table, entry, &keys);
        let action = match verb {
            Verb::Http => self.http(table, entry).map(Action::Http),
            Verb::Ztna => self.ztna(table, entry).map(Action::Ztna),
            Verb::Shell => self.shell(table, entry).map(Action::Shell),
            Verb::Wire => self.wire(table, entry).map(Action::Wire),
            Verb::Login => self.login(table, entry).map(Action::Login),
            Verb::Browse => self.browse(table, entry).map(Action::Browse),
            Verb::Interrupt => self.interruption(table, entry).map(Action::Interrupt),
            Verb::Advance => self.passage(table, entry).map(Action::Advance),
            Verb::Wait => self.wait(table, entry).map(Action::Wait),
            Verb::Set => self.set(entry).map(Action::Set),
        };
        let action_uses = self.take_uses();
        let rows = table.get("rows").map(|entry| self.rows(entry)).unwrap_or_default();
        let row_uses = self.take_uses();
        let when = table.get("when").map(|entry| self.conditions(entry)).unwrap_or_default();
        let when_uses = self.take_uses();
        let race = table.get("race").and_then(|entry| self.race(entry, verb));
        let eventually =
            table.get("eventually").and_then(|entry| self.eventually(entry, action.as_ref(), race));
        let keep = table.get("keep").map(|entry| self.keep(entry, verb, race.is_some())).unwrap_or_default();
        self.take_uses();
        let checks = table.get("check").map(|entry| self.checks(entry, verb, race)).unwrap_or_default();
        let check_uses = self.take_uses();
        // A page may go on changing after it was quiet.
        let is_page = verb == Verb::Browse && !checks.is_empty();
        let eventually = eventually.or(is_page.then_some(PAGE_LIMIT));
        let step = Step {
            name,
            action: action.unwrap_or(Action::Set(Vec::new())),
            when,
            rows,
            race,
            eventually,
            keep,
            checks,
            uses: VariableUses {
                action: names(&action_uses),
                rows_and_conditions: names(row_uses.iter().chain(&when_uses)),
            },
            span: table.span.clone(),
        };
        let on = table.get("on").map(Entry::span);
        DraftStep { step, on, rows: row_uses, when: when_uses, action: action_uses, checks: check_uses }
    }

    /// Finds the verb of a step.
    fn verb<'t, 'a, 'i>(&mut self, table: &'t Table<'a, 'i>) -> Option<(Verb, &'t Entry<'a, 'i>)> {
        let verbs = vocabulary::keys(&[vocabulary::HTTP_VERBS, vocabulary::OTHER_VERBS]);
        let mut found = table.entries.iter().filter(|entry| verbs.contains(&entry.key));
        let Some(entry) = found.next() else {
            let known = vocabulary::keys(&[
                vocabulary::ANY_STEP,
                vocabulary::HTTP,
                vocabulary::ZTNA,
                vocabulary::WIRE,
            ]);
            let misspelt = table
                .entries
                .iter()
                .filter(|entry| !known.contains(&entry.key))
                .find_map(|entry| Some((entry, spelling::nearest(entry.key, verbs.iter().copied())?)));
            match misspelt {
                Some((entry, near)) => self.report.error_with_help(
                    entry.key_span.clone(),
                    format!("unknown verb `{}`", entry.key),
                    format!("did you mean `{near}`?"),
                ),
                None => self.report.error_with_help(
                    table.span.clone(),
                    "missing verb in a step",
                    format!("add one of {}", spelling::list(&verbs)),
                ),
            }
            return None;
        };
        for other in found {
            self.report.error_with_help(
                other.key_span.clone(),
                format!("a step takes only one verb, and there is already `{}`", entry.key),
                "move it to a separate step",
            );
        }
        let verb = match entry.key {
            "ztna" => Verb::Ztna,
            "shell" => Verb::Shell,
            "wire" => Verb::Wire,
            "login" => Verb::Login,
            "browse" => Verb::Browse,
            "interrupt" => Verb::Interrupt,
            "advance" => Verb::Advance,
            "wait" => Verb::Wait,
            "set" => Verb::Set,
            _ => Verb::Http,
        };
        Some((verb, entry))
    }

    fn check_keys(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>, keys: &[&str]) {
        let verbs = vocabulary::keys(&[vocabulary::HTTP_VERBS, vocabulary::OTHER_VERBS]);
        let groups = [
            (vocabulary::HTTP, "HTTP requests"),
            (vocabulary::ZTNA, "`ztna`"),
            (vocabulary::WIRE, "`wire`"),
            (vocabulary::PASSAGE, "`advance` and `wait`"),
        ];
        for entry in &table.entries {
            if keys.contains(&entry.key) || verbs.contains(&entry.key) {
                continue;
            }
            let owner = groups.iter().find(|(words, _)| words.iter().any(|(key, _)| *key == entry.key));
            let (message, help) = if let Some((_, owner)) = owner {
                (
                    format!("`{}` is not available for `{}`", entry.key, verb.key),
                    format!("it is only available for {owner}"),
                )
            } else {
                (format!("unknown key `{}` in a step", entry.key), spelling::help_for(entry.key, keys))
            };
            self.report.error_with_help(entry.key_span.clone(), message, help);
        }
    }

    fn set(&mut self, entry: &Entry<'_, '_>) -> Option<Vec<(String, Template)>> {
        let table = entry.table("a `set` table", &mut self.report)?;
        if table.entries.is_empty() {
            self.report.error(entry.span(), "`set` is empty: assign at least one variable");
        }
        for entry in &table.entries {
            self.variable_name(entry);
        }
        Some(self.templates(entry))
    }

    fn rows(&mut self, entry: &Entry<'_, '_>) -> Vec<Row> {
        let Some(items) = entry.array("tables", &mut self.report) else { return Vec::new() };
        if items.is_empty() {
            self.report.error(entry.span(), "`rows` is empty, so the step would never run");
        }
        let mut rows: Vec<Row> = Vec::new();
        for item in items {
            let Some(table) = item.get_ref().as_table() else {
                self.report.error(item.span(), "invalid row: expected a table such as `{ value = 1 }`");
                continue;
            };
            let table = Table::new("a row", item.span(), table);
            for entry in &table.entries {
                self.variable_name(entry);
            }
            let row: Row = table
                .entries
                .iter()
                .map(|entry| (entry.key.to_owned(), self.json(entry.value).unwrap_or(Json::Null)))
                .collect();
            let names = |row: &Row| {
                row.iter().map(|(name, _)| name.clone()).collect::<std::collections::BTreeSet<_>>()
            };
            match rows.first() {
                _ if row.is_empty() => {
                    self.report.error(item.span(), "empty row: set at least one variable");
                }
                Some(first) if names(first) != names(&row) => {
                    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
                    let message = format!(
                        "this row must set the same variables as the first row: {}",
                        spelling::list(&names)
                    );
                    self.report.error_with_help(item.span(), message, "use `${absent}` to omit a value");
                }
                _ => {}
            }
            rows.push(row);
        }
        rows
    }

    fn conditions(&mut self, entry: &Entry<'_, '_>) -> Vec<Condition> {
        let what = "a table of variables such as `{ form = 201 }`";
        let Some(table) = entry.table(what, &mut self.report) else { return Vec::new() };
        if table.entries.is_empty() {
            self.report.error(entry.span(), "`when` is empty: name at least one variable");
        }
        let mut conditions = Vec::new();
        for entry in &table.entries {
            self.uses.push(VariableUse { name: entry.key.to_owned(), span: entry.key_span.clone() });
            if let Some(matcher) = self.matcher(entry.key, entry.value, Operand::Json) {
                conditions.push(Condition { variable: entry.key.to_owned(), matcher });
            }
        }
        conditions
    }

    fn race(&mut self, entry: &Entry<'_, '_>, verb: Verb) -> Option<NonZeroU32> {
        if verb != Verb::Http {
            self.report.error_with_help(
                entry.key_span.clone(),
                "`race` is only available for HTTP requests",
                "processes cannot be started at the same moment",
            );
            return None;
        }
        let count: u32 = entry.integer("a number of requests", &mut self.report)?;
        if !(2..=1000).contains(&count) {
            self.report.error(entry.span(), format!("`race` must be 2 to 1000, found {count}"));
        }
        NonZeroU32::new(count)
    }

    fn eventually(
        &mut self,
        entry: &Entry<'_, '_>,
        action: Option<&Action>,
        race: Option<NonZeroU32>,
    ) -> Option<std::time::Duration> {
        let duration = self.duration(entry);
        let reads = match action {
            None => true,
            Some(Action::Http(request)) => request.method == "GET",
            Some(Action::Ztna(command)) => {
                let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
                matches!(words.as_slice(), ["status" | "nc", ..] | ["auth-keys", "list", ..])
            }
            Some(Action::Wire(command)) => {
                matches!(&command.action, WireAction::Meet(Meeting { initiator: Initiator::Peer, .. }))
            }
            // What was done is not done again: the page is read again.
            Some(Action::Browse(_)) => true,
            Some(_) => false,
        };
        if !reads {
            self.report.error_with_help(
                entry.key_span.clone(),
                "`eventually` is only available for steps that read",
                "use it with `get`, `ztna = \"status…\"`, `ztna = \"auth-keys list…\"`, `ztna = \"nc…\"`, `wire = \"ping…\"` or `browse`",
            );
        }
        if race.is_some() {
            self.report.error(entry.key_span.clone(), "`eventually` and `race` cannot be combined");
        }
        duration
    }

    /// Reports an invalid or reserved variable name.
    pub(super) fn variable_name(&mut self, entry: &Entry<'_, '_>) {
        let well_formed = entry.key.starts_with(|c: char| c.is_ascii_alphabetic())
            && entry.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !well_formed {
            let message = format!("invalid variable name `{}`", entry.key);
            self.report.error_with_help(
                entry.key_span.clone(),
                message,
                "start with a letter; use only letters, digits and `_`",
            );
        } else if template::BUILT_IN.contains(&entry.key) || entry.key == "n" {
            self.report.error(
                entry.key_span.clone(),
                format!("`${{{}}}` is built in and cannot be assigned", entry.key),
            );
        }
    }
}

fn names<'u>(uses: impl IntoIterator<Item = &'u VariableUse>) -> BTreeSet<String> {
    uses.into_iter().map(|used| used.name.clone()).collect()
}

/// A placeholder for a step without a valid verb.
fn without_verb(name: Template, keep: Vec<Keep>, span: Span) -> DraftStep {
    let action = Action::Set(Vec::new());
    let step = Step {
        name,
        action,
        when: Vec::new(),
        rows: Vec::new(),
        race: None,
        eventually: None,
        keep,
        checks: Vec::new(),
        uses: VariableUses::default(),
        span,
    };
    DraftStep { step, on: None, rows: Vec::new(), when: Vec::new(), action: Vec::new(), checks: Vec::new() }
}
