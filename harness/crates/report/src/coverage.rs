//! Which documented statements a run has verified.

use std::collections::{BTreeMap, BTreeSet};

use harness_model::check::outcome::{CheckVerdict, UnevaluatedCause};
use harness_model::plan::waiver::JudgedCheck;
use harness_model::scenario::model::StatementId;

use harness_model::requirement::{Level, Registry, Requirement};

/// The reason of a statement whose sub-tests were not selected.
pub const NOT_SELECTED: &str = "not selected";

/// The results of a run by statement, collected while it runs.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// The number of planned checks of each statement.
    planned: BTreeMap<StatementId, usize>,
    verdicts: BTreeMap<StatementId, Vec<CheckVerdict>>,
    skips: BTreeMap<StatementId, BTreeSet<String>>,
    /// Why checks do not apply to the target. They leave nothing open: the target has chosen another documented
    /// behaviour.
    inapplicable: BTreeMap<StatementId, BTreeSet<String>>,
}

/// The result of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    pub id: StatementId,
    pub level: Level,
    pub verdict: StatementVerdict,
    /// Why it is unverified or only partly verified; `None` if it is fully verified.
    pub reason: Option<String>,
    /// Why checks of it were not judged on this target, each reason once.
    pub unjudged: Vec<String>,
    /// Whether it does not apply, since the target has chosen another documented behaviour.
    pub is_inapplicable: bool,
}

/// Whether a run has verified a statement.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StatementVerdict {
    /// At least one check passed, and every planned check was judged without a failure.
    Verified,
    /// At least one check failed, waived or not.
    Violated,
    /// No check failed, but not every planned check was judged.
    Unverified,
}

impl Findings {
    /// Records a planned check of these statements.
    pub fn planned<'a>(&mut self, statements: impl IntoIterator<Item = &'a StatementId>) {
        for id in statements {
            *self.planned.entry(id.clone()).or_default() += 1;
        }
    }

    /// Records the verdict of a check.
    pub fn found(&mut self, check: &JudgedCheck<'_>) {
        if check.verdict == CheckVerdict::Skip {
            let is_inapplicable =
                check.unevaluated.is_some_and(|found| found.cause == UnevaluatedCause::Inapplicable);
            let reasons = if is_inapplicable { &mut self.inapplicable } else { &mut self.skips };
            let reason = check.unevaluated.map_or(check.message, |found| &found.reason);
            for id in check.statements {
                reasons.entry(id.clone()).or_default().insert(reason.to_owned());
            }
        }
        for id in check.statements {
            self.verdicts.entry(id.clone()).or_default().push(check.verdict);
        }
    }

    /// Records a check of these statements in a skipped sub-test.
    pub fn skipped<'a>(&mut self, statements: impl IntoIterator<Item = &'a StatementId>, reason: &str) {
        for id in statements {
            self.skips.entry(id.clone()).or_default().insert(reason.to_owned());
        }
    }
}

/// How much of the library a run selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Whole,
    /// Some sub-tests; statements of the others are not selected.
    Selection,
}

impl Scope {
    /// The scope of a selection that is narrowed by a flag, or of none.
    pub fn of(is_narrowed: bool) -> Self {
        if is_narrowed { Self::Selection } else { Self::Whole }
    }
}

/// Returns the result of each documented statement in registry order, whether it was selected or not, so that every
/// run is measured against the same documents. Choices of the reference are included only for the reference, and if
/// there are findings on them.
pub fn coverage(registry: &Registry, scope: Scope, findings: &Findings, is_reference: bool) -> Vec<Coverage> {
    let is_counted = |id: &str, level| match level {
        Level::Must | Level::Either => true,
        Level::Ours => is_reference && findings.covers(id),
    };
    registry
        .all()
        .iter()
        .filter(|requirement| is_counted(&requirement.id, requirement.level))
        .map(|requirement| findings.coverage_of(requirement, scope))
        .collect()
}

impl Findings {
    fn covers(&self, id: &str) -> bool {
        self.planned.contains_key(id) || self.verdicts.contains_key(id) || self.skips.contains_key(id)
    }

    fn coverage_of(&self, requirement: &Requirement, scope: Scope) -> Coverage {
        use StatementVerdict::{Unverified, Verified, Violated};
        let id = requirement.id.as_str();
        let verdicts = self.verdicts.get(id).map(Vec::as_slice).unwrap_or_default();
        let has = |verdict| verdicts.contains(&verdict);
        let planned = self.planned.get(id).copied().unwrap_or_default();
        let of = |reasons: &BTreeMap<StatementId, BTreeSet<String>>| -> Vec<String> {
            reasons.get(id).into_iter().flatten().cloned().collect()
        };
        let (skips, inapplicable) = (of(&self.skips), of(&self.inapplicable));
        let found = |verdict, reason: Option<String>, unjudged| Coverage {
            id: requirement.id.clone(),
            level: requirement.level,
            verdict,
            reason,
            unjudged,
            is_inapplicable: false,
        };
        let because = |verdict, reason: &str| found(verdict, Some(reason.to_owned()), Vec::new());
        if has(CheckVerdict::Fail) {
            because(Violated, "a check failed")
        } else if has(CheckVerdict::Waived) {
            // A waiver lets the run pass, but the statement is still violated.
            because(Violated, "a check failed (waived)")
        } else if has(CheckVerdict::Error) {
            because(Unverified, "a check could not be judged")
        } else if has(CheckVerdict::Pass) && verdicts.len() < planned {
            because(Unverified, &format!("only {} of {planned} checks were judged", verdicts.len()))
        } else if has(CheckVerdict::Pass) {
            let reason = (!skips.is_empty()).then(|| format!("partly: {}", skips.join("; ")));
            found(Verified, reason, skips)
        } else if !skips.is_empty() {
            found(Unverified, Some(format!("no check ran: {}", skips.join("; "))), skips)
        } else if !inapplicable.is_empty() {
            let reason = format!("not judged: {}", inapplicable.join("; "));
            Coverage { is_inapplicable: true, ..found(Unverified, Some(reason), inapplicable) }
        } else if planned > 0 {
            because(Unverified, "no planned check ran")
        } else {
            let reason = match scope {
                Scope::Whole => "no check covers it",
                Scope::Selection => NOT_SELECTED,
            };
            found(Unverified, Some(reason.to_owned()), vec![reason.to_owned()])
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use harness_model::check::outcome::Unevaluated;

    const REGISTRY: &str = r#"
        [chapters]
        a = { suite = "s", title = "A", document = "a.txt" }
        b = { suite = "t", title = "B", document = "b.txt" }
        [[requirement]]
        id = "a/F.1"
        text = "x"
        via = ["http"]
        level = "must"
        [[requirement]]
        id = "b/F.1"
        text = "x"
        via = ["http"]
        level = "must"
        [[requirement]]
        id = "ours/a.1"
        text = "x"
        via = ["http"]
        level = "ours"
    "#;

    fn check(statements: &[StatementId], verdict: CheckVerdict) -> JudgedCheck<'_> {
        JudgedCheck { line: 1, statements, verdict, message: "left out", unevaluated: None }
    }

    #[test]
    fn statement_is_verified_only_if_every_check_passed() {
        use CheckVerdict::{Error, Fail, Pass, Skip, Waived};
        let registry = Registry::load(REGISTRY, Path::new("r.toml")).unwrap();
        let id = "a/F.1".to_owned();
        for (verdicts, planned, skip, verdict, reason) in [
            (vec![Pass], true, None, StatementVerdict::Verified, None),
            (vec![Pass, Skip], true, None, StatementVerdict::Verified, Some("partly: left out")),
            (vec![Skip], true, None, StatementVerdict::Unverified, Some("no check ran: left out")),
            (vec![Pass], true, Some("needs x"), StatementVerdict::Verified, Some("partly: needs x")),
            (vec![Pass, Fail], true, None, StatementVerdict::Violated, Some("a check failed")),
            (vec![Error, Fail], true, None, StatementVerdict::Violated, Some("a check failed")),
            (vec![Waived, Fail], true, None, StatementVerdict::Violated, Some("a check failed")),
            (vec![Pass, Waived], true, None, StatementVerdict::Violated, Some("a check failed (waived)")),
            (
                vec![Pass, Error],
                true,
                None,
                StatementVerdict::Unverified,
                Some("a check could not be judged"),
            ),
            (vec![], true, None, StatementVerdict::Unverified, Some("no planned check ran")),
            (vec![], false, Some("needs x"), StatementVerdict::Unverified, Some("no check ran: needs x")),
            (vec![], false, None, StatementVerdict::Unverified, Some("no check covers it")),
        ] {
            let mut findings = Findings::default();
            if planned {
                findings.planned([&id]);
            }
            if let Some(reason) = skip {
                findings.skipped([&id], reason);
            }
            for verdict in &verdicts {
                findings.found(&check(std::slice::from_ref(&id), *verdict));
            }
            let all = coverage(&registry, Scope::Whole, &findings, false);
            assert_eq!(
                (all[0].verdict, all[0].reason.as_deref()),
                (verdict, reason),
                "{verdicts:?} {skip:?}"
            );
        }
    }

    #[test]
    fn checks_that_do_not_apply_leave_nothing_open() {
        let registry = Registry::load(REGISTRY, Path::new("r.toml")).unwrap();
        let id = "a/F.1".to_owned();
        let other_form = Unevaluated {
            cause: UnevaluatedCause::Inapplicable,
            reason: "applies only if `form` is 201, but it is 400".to_owned(),
        };
        let statements = std::slice::from_ref(&id);
        let inapplicable =
            JudgedCheck { unevaluated: Some(&other_form), ..check(statements, CheckVerdict::Skip) };
        let mut findings = Findings::default();
        findings.planned([&id, &id]);
        findings.found(&inapplicable);
        for (verdict, is_inapplicable) in
            [(StatementVerdict::Unverified, true), (StatementVerdict::Verified, false)]
        {
            let all = coverage(&registry, Scope::Whole, &findings, false);
            assert_eq!((all[0].verdict, all[0].is_inapplicable), (verdict, is_inapplicable));
            assert_eq!(all[0].unjudged.is_empty(), !is_inapplicable);
            findings.found(&check(std::slice::from_ref(&id), CheckVerdict::Pass));
        }
    }

    #[test]
    fn unjudged_planned_check_leaves_statement_unverified() {
        let registry = Registry::load(REGISTRY, Path::new("r.toml")).unwrap();
        let id = "a/F.1".to_owned();
        let mut findings = Findings::default();
        findings.planned([&id, &id]);
        for (verdict, reason) in [
            (StatementVerdict::Unverified, Some("only 1 of 2 checks were judged")),
            (StatementVerdict::Verified, None),
        ] {
            findings.found(&check(std::slice::from_ref(&id), CheckVerdict::Pass));
            let all = coverage(&registry, Scope::Whole, &findings, false);
            assert_eq!((all[0].verdict, all[0].reason.as_deref()), (verdict, reason));
        }
    }

    #[test]
    fn every_documented_statement_is_listed_and_choices_only_if_judged() {
        let registry = Registry::load(REGISTRY, Path::new("r.toml")).unwrap();
        let listed = |findings: &Findings, is_reference| -> Vec<(String, Option<String>)> {
            let all = coverage(&registry, Scope::Selection, findings, is_reference);
            all.into_iter().map(|found| (found.id, found.reason)).collect()
        };
        let unselected = |id: &str| (id.to_owned(), Some(NOT_SELECTED.to_owned()));
        let mut findings = Findings::default();
        assert_eq!(listed(&findings, true), [unselected("a/F.1"), unselected("b/F.1")]);
        findings.found(&check(&["b/F.1".to_owned()], CheckVerdict::Pass));
        findings.found(&check(&["ours/a.1".to_owned()], CheckVerdict::Pass));
        let documented = [unselected("a/F.1"), ("b/F.1".to_owned(), None)];
        assert_eq!(listed(&findings, false), documented);
        assert_eq!(listed(&findings, true), [&documented[..], &[("ours/a.1".to_owned(), None)]].concat());
    }
}
