//! Decodes a whole scenario file.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

use crate::scenario::model::{
    Action, Authorisation, Capability, Identity, Machine, Scenario, Skip, Source, Step,
};
use crate::scenario::path::ScenarioPath;
use crate::scenario::{validate, vocabulary};
use crate::source::document::{Entry, SpannedText, Table};

use super::{Decoder, DraftStep};

/// Decodes a file and validates it. Returns `None` only if a required part is missing; other errors are in the
/// decoder's report.
pub(in crate::scenario) fn file(
    decoder: &mut Decoder<'_>,
    root: &Spanned<DeTable<'_>>,
    source: &Arc<Source>,
    path: &ScenarioPath,
) -> Option<Scenario> {
    let table = Table::new("a sub-test", 0..0, root.get_ref());
    table.only(&vocabulary::keys(&[vocabulary::FILE]), &mut decoder.report);
    let title = table.require("title", &mut decoder.report).and_then(|entry| decoder.title(entry));
    let machines = table.get("machines").map(|entry| decoder.machines(entry)).unwrap_or_default();
    let declared = table.get("needs").map(|entry| decoder.needs(entry)).unwrap_or_default();
    let skip = decoder.skip(&table);
    let steps = table.get("step").map(|entry| decoder.steps(entry)).unwrap_or_default();
    let cleanup = table.get("cleanup").map(|entry| decoder.steps(entry)).unwrap_or_default();
    if table.get("step").is_none() && table.get("skip").is_none() {
        decoder.report.error_with_help(
            0..0,
            "missing [[step]]: a sub-test needs at least one",
            "if it cannot run yet, add `skip = \"REASON\"` and the `statements` it will judge",
        );
    }
    validate::machines(&machines, &steps, &cleanup, &mut decoder.report);
    validate::variables(&steps, &cleanup, &mut decoder.report);
    validate::checks(&steps, &cleanup, skip.is_some(), &mut decoder.report);
    let needs = needs(declared, &machines, steps.iter().chain(&cleanup));
    let waits = waits(steps.iter().chain(&cleanup)).filter(|_| !needs.contains(&Capability::Clock));
    let variables = used_variables(steps.iter().chain(&cleanup));
    let steps: Vec<Step> = steps.into_iter().map(|draft| draft.step).collect();
    let skip = skip.map(|skip| with_checked_statements(skip, &steps));
    Some(Scenario {
        id: format!("{}/{}", path.chapter, path.stem),
        suite: path.suite.clone(),
        chapter: path.chapter.clone(),
        title: title?,
        needs,
        waits,
        skip,
        machines,
        steps,
        cleanup: cleanup.into_iter().map(|draft| draft.step).collect(),
        variables,
        source: Arc::clone(source),
        snapshots: path.snapshots.clone(),
    })
}

impl Decoder<'_> {
    fn title(&mut self, entry: &Entry<'_, '_>) -> Option<String> {
        let SpannedText { text: title, span } = entry.string(&mut self.report)?;
        if title.trim().is_empty() {
            self.report.error(span, "`title` is empty");
            return None;
        }
        Some(title.to_owned())
    }

    fn needs(&mut self, entry: &Entry<'_, '_>) -> BTreeSet<Capability> {
        let words = entry.strings(&mut self.report);
        words
            .into_iter()
            .filter_map(|word| self.choice(word, "capability", vocabulary::CAPABILITIES))
            .collect()
    }

    fn skip(&mut self, table: &Table<'_, '_>) -> Option<Skip> {
        let statements =
            table.get("statements").map(|entry| (self.statements(entry), entry.key_span.clone()));
        let Some(entry) = table.get("skip") else {
            if let Some((_, span)) = statements {
                self.report.error_with_help(
                    span,
                    "`statements` is only allowed with `skip`",
                    "name the statements in the checks instead (`verifies`)",
                );
            }
            return None;
        };
        let SpannedText { text: reason, span } = entry.string(&mut self.report)?;
        if reason.trim().is_empty() {
            self.report.error(span.clone(), "`skip` is empty: give the reason why the sub-test cannot run");
        }
        if statements.is_none() && table.get("step").is_none() {
            self.report.error_with_help(
                span,
                "missing key `statements` in a skipped sub-test",
                "list the statements it will judge: `statements = [\"CHAPTER/STn.k\", …]`",
            );
        }
        let statements = statements.map(|(statements, _)| statements).unwrap_or_default();
        Some(Skip { reason: reason.to_owned(), statements })
    }

    fn steps(&mut self, entry: &Entry<'_, '_>) -> Vec<DraftStep> {
        let Some(items) = entry.array("tables", &mut self.report) else { return Vec::new() };
        items
            .into_iter()
            .filter_map(|item| {
                let Some(table) = item.get_ref().as_table() else {
                    self.report.error(item.span(), "invalid step: expected a table");
                    return None;
                };
                Some(self.step(&Table::new("a step", item.span(), table)))
            })
            .collect()
    }
}

/// Returns the declared capabilities together with those implied by the machines and steps.
fn needs<'a>(
    mut needs: BTreeSet<Capability>,
    machines: &[Machine],
    steps: impl Iterator<Item = &'a DraftStep>,
) -> BTreeSet<Capability> {
    if machines.iter().any(|machine| machine.up || machine.login.is_some()) {
        needs.insert(Capability::Agent);
    }
    needs.extend(machines.iter().filter_map(|machine| need_of(machine.login?)));
    for draft in steps {
        match &draft.step.action {
            Action::Http(request) => {
                if let Authorisation::Identity(identity) = request.authorisation {
                    needs.extend(need_of(identity));
                }
                if request.from.is_some() {
                    needs.insert(Capability::Addresses);
                }
            }
            Action::Login(login) => {
                needs.insert(Capability::Agent);
                needs.extend(need_of(login.identity));
            }
            Action::Ztna(command) => {
                needs.insert(Capability::Agent);
                needs.extend((!command.is_named).then_some(Capability::HostName));
                let claims = command.words.iter().any(|word| word.text == "--tags");
                let is_up = command.words.first().is_some_and(|word| word.text == "up");
                needs.extend((is_up && claims).then_some(Capability::ClaimTags));
            }
            Action::Browse(browse) => {
                needs.insert(Capability::Dashboard);
                needs.extend(browse.identity.and_then(need_of));
            }
            Action::Interrupt(_) => {
                needs.insert(Capability::Agent);
            }
            // Terraform's lines install nothing.
            Action::Shell(_) if needs.contains(&Capability::Terraform) => {
                needs.insert(Capability::Agent);
            }
            Action::Shell(_) => {
                needs.extend([Capability::Agent, Capability::Installer]);
            }
            Action::Wire(_) => {
                needs.insert(Capability::Wire);
            }
            Action::Advance(passage) | Action::Wait(passage) => {
                if matches!(draft.step.action, Action::Advance(_)) {
                    needs.insert(Capability::Clock);
                }
                if !passage.keeping.is_empty() {
                    needs.insert(Capability::Heartbeat);
                }
            }
            Action::Set(_) => {}
        }
        let mut uses = draft.uses();
        if uses.clone().any(|used| used.name == "address" || used.name == "address_block") {
            needs.insert(Capability::Cidr);
        }
        if uses.clone().any(|used| used.name == "network") {
            needs.insert(Capability::Addresses);
        }
        if uses.clone().any(|used| used.name == "other_org" || used.name == "token.outsider") {
            needs.insert(Capability::Organisations);
        }
        if uses.any(|used| used.name == "quota_org" || used.name == "quota_limit") {
            needs.insert(Capability::Quota);
        }
    }
    needs
}

/// Returns the capability that a target has if it has such a user.
fn need_of(identity: Identity) -> Option<Capability> {
    match identity {
        Identity::Outsider => Some(Capability::Organisations),
        Identity::Limited => Some(Capability::Quota),
        Identity::Admin | Identity::Owner | Identity::Member => None,
    }
}

/// Returns how long the steps wait in all, if they do.
fn waits<'a>(steps: impl Iterator<Item = &'a DraftStep>) -> Option<Duration> {
    let of = |draft: &DraftStep| match &draft.step.action {
        Action::Wait(passage) => {
            let times = u32::try_from(draft.step.rows.len().max(1)).unwrap_or(u32::MAX);
            passage.duration.saturating_mul(times)
        }
        _ => Duration::ZERO,
    };
    let total = steps.map(of).fold(Duration::ZERO, Duration::saturating_add);
    (!total.is_zero()).then_some(total)
}

fn used_variables<'a>(steps: impl Iterator<Item = &'a DraftStep>) -> BTreeSet<String> {
    steps.flat_map(DraftStep::uses).map(|used| used.name.clone()).collect()
}

/// Adds the statements of its checks to those that a skipped sub-test leaves unverified.
fn with_checked_statements(mut skip: Skip, steps: &[Step]) -> Skip {
    for id in steps.iter().flat_map(|step| &step.checks).flat_map(|check| &check.verifies) {
        if !skip.statements.contains(id) {
            skip.statements.push(id.clone());
        }
    }
    skip
}
