use std::num::NonZeroU32;

use crate::requirement::Level;
use crate::scenario::model::{Check, Expectation, Quantity, StatementId};
use crate::scenario::vocabulary;
use crate::source::document::{Entry, SpannedText, Table};

use super::Decoder;
use super::step::Verb;

impl Decoder<'_> {
    pub(super) fn checks(
        &mut self,
        entry: &Entry<'_, '_>,
        verb: Verb,
        race: Option<NonZeroU32>,
    ) -> Vec<Check> {
        if matches!(verb, Verb::Advance | Verb::Set) {
            self.report
                .error(entry.key_span.clone(), "`check` is not allowed here: the step has no response");
            return Vec::new();
        }
        let Some(items) = entry.array("tables", &mut self.report) else { return Vec::new() };
        let mut checks = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => {
                    checks.extend(self.check(&Table::new("a check", item.span(), table), verb, race));
                }
                None => self.report.error(
                    item.span(),
                    "invalid check: expected a table such as `{ verifies = \"…\", status = 200 }`",
                ),
            }
        }
        checks
    }

    /// Decodes statement ids and reports unknown ones.
    pub(super) fn statements(&mut self, entry: &Entry<'_, '_>) -> Vec<StatementId> {
        let ids = entry.strings(&mut self.report);
        if ids.is_empty() && entry.value.get_ref().is_array() {
            self.report.error(entry.span(), format!("`{}` is empty: name at least one statement", entry.key));
        }
        let registry = self.registry;
        for SpannedText { text: id, span } in ids.iter().filter(|id| registry.get(id.text).is_none()) {
            let help = match registry.did_you_mean(id) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "run `harness list` for all statements".to_owned(),
            };
            self.report.error_with_help(span.clone(), format!("unknown statement `{id}`"), help);
        }
        ids.into_iter().map(|id| id.text.to_owned()).collect()
    }

    fn check(&mut self, table: &Table<'_, '_>, verb: Verb, race: Option<NonZeroU32>) -> Option<Check> {
        let verifies = match table.get("verifies") {
            Some(entry) => self.statements(entry),
            None => {
                let help = "name the statement it judges, such as `verifies = \"used-count/ST4.2\"`";
                self.report.error_with_help(table.span.clone(), "missing key `verifies` in a check", help);
                Vec::new()
            }
        };
        self.check_levels(table, &verifies);
        let quantity = self.quantity(table, race);
        let used_before = self.uses.len();
        let common = self.expectations(table, verb, vocabulary::CHECK);
        let alternatives = match table.get("any") {
            Some(entry) => self.alternatives(entry, &common, verb),
            None => {
                if !has_expectation(table, vocabulary::CHECK) {
                    let help = "add an expectation, such as `status = 201` or `stdout = \"…\"`";
                    self.report.error_with_help(
                        table.span.clone(),
                        "this check has no expectation, so it can never fail",
                        help,
                    );
                }
                vec![common]
            }
        };
        let used = self.uses.get(used_before..).unwrap_or_default();
        let variables = used.iter().map(|used| used.name.clone()).collect();
        Some(Check { verifies, quantity, alternatives, variables, span: table.span.clone() })
    }

    fn alternatives(
        &mut self,
        entry: &Entry<'_, '_>,
        common: &[Expectation],
        verb: Verb,
    ) -> Vec<Vec<Expectation>> {
        let Some(items) = entry.array("tables", &mut self.report) else { return Vec::new() };
        if items.len() < 2 {
            self.report.error_with_help(
                entry.span(),
                "`any` needs at least two alternatives",
                "move the expectations of a single alternative into the check itself",
            );
        }
        let mut alternatives = Vec::new();
        for item in items {
            let Some(table) = item.get_ref().as_table() else {
                self.report.error(
                    item.span(),
                    "invalid alternative: expected a table such as `{ status = 401, error = \"…\" }`",
                );
                continue;
            };
            let table = Table::new("an alternative", item.span(), table);
            if !has_expectation(&table, &[]) {
                self.report
                    .error(item.span(), "this alternative has no expectation, so the check can never fail");
            }
            let mut group = common.to_vec();
            group.extend(self.expectations(&table, verb, &[]));
            alternatives.push(group);
        }
        alternatives
    }

    fn check_levels(&mut self, table: &Table<'_, '_>, verifies: &[StatementId]) {
        let registry = self.registry;
        let levels: Vec<Level> =
            verifies.iter().filter_map(|id| registry.get(id)).map(|known| known.level).collect();
        if let Some(any) = table.get("any")
            && !levels.is_empty()
            && levels.iter().all(|level| *level == Level::Must)
        {
            self.report.warning(
                any.key_span.clone(),
                "`any` accepts several answers for a statement of level `must`",
                "if the documents allow several answers, the statement's level is `either`",
            );
        }
        if levels.contains(&Level::Ours) && levels.iter().any(|level| *level != Level::Ours) {
            self.report.warning(
                table.span.clone(),
                "this check verifies documented statements together with a choice of the reference",
                "split it into two checks, so that other targets are judged only by the documents",
            );
        }
    }

    fn quantity(&mut self, table: &Table<'_, '_>, race: Option<NonZeroU32>) -> Quantity {
        type Counting = fn(u32) -> Quantity;
        let counts: [(&str, Counting); 3] =
            [("exactly", Quantity::Exactly), ("at_least", Quantity::AtLeast), ("at_most", Quantity::AtMost)];
        let mut given = counts.into_iter().filter_map(|(key, of)| Some((table.get(key)?, of)));
        let Some((entry, of)) = given.next() else { return Quantity::Each };
        if let Some((other, _)) = given.next() {
            let message = format!("`{}` and `{}` cannot be combined", entry.key, other.key);
            self.report.error_with_help(other.key_span.clone(), message, "split the check in two");
        }
        let Some(count) = entry.integer::<u32>("a number of responses", &mut self.report) else {
            return Quantity::Each;
        };
        let quantity = of(count);
        match race {
            None => {
                let message = format!("`{}` is only available in a race", entry.key);
                self.report.error_with_help(entry.key_span.clone(), message, "add `race = N` to the step");
            }
            Some(race) if count > race.get() => {
                self.report
                    .error(entry.span(), format!("a race of {race} requests cannot have {count} responses"));
            }
            Some(race) if quantity == Quantity::AtLeast(0) || quantity == Quantity::AtMost(race.get()) => {
                self.report.error(entry.span(), format!("`{} = {count}` can never fail", entry.key));
            }
            Some(_) => {}
        }
        quantity
    }
}

/// Returns whether a check has any key besides `others`, even a misspelt one.
fn has_expectation(table: &Table<'_, '_>, others: &[vocabulary::Word]) -> bool {
    let others = vocabulary::keys(&[others]);
    table.entries.iter().any(|entry| !others.contains(&entry.key))
}
