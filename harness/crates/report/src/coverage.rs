//! How much of what the documents state a run has shown.

use std::collections::{BTreeMap, BTreeSet};

use harness_model::check::outcome::{CheckVerdict, Outcome};
use harness_model::scenario::model::StatementId;

use harness_model::requirement::{Level, Registry};

/// What a run found out about statements, gathered as it goes on.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// How many checks were to judge it.
    planned: BTreeMap<StatementId, usize>,
    verdicts: BTreeMap<StatementId, Vec<CheckVerdict>>,
    skips: BTreeMap<StatementId, BTreeSet<String>>,
}

/// What a run says about one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The statement.
    pub id: StatementId,
    /// How binding it is.
    pub level: Level,
    /// Whether it was shown.
    pub verdict: StatementVerdict,
    /// Why it is not verified, or only in part; none if it is as a whole.
    pub reason: Option<String>,
}

/// Whether a statement was shown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StatementVerdict {
    /// At least one check passed, none failed, and none of those planned was left unjudged.
    Verified,
    /// A check failed.
    Violated,
    /// Nothing can be said.
    Unverified,
}

impl Findings {
    /// These statements have a check in a sub-test that runs, once a check.
    pub fn planned<'a>(&mut self, statements: impl IntoIterator<Item = &'a StatementId>) {
        for id in statements {
            *self.planned.entry(id.clone()).or_default() += 1;
        }
    }

    /// A check was judged.
    pub fn judged(&mut self, outcome: &Outcome) {
        self.found(&outcome.statements, outcome.verdict);
    }

    /// A check on these statements was judged.
    pub fn found(&mut self, statements: &[StatementId], verdict: CheckVerdict) {
        for id in statements {
            self.verdicts.entry(id.clone()).or_default().push(verdict);
        }
    }

    /// These statements have a check in a sub-test that was skipped, for this reason.
    pub fn skipped<'a>(&mut self, statements: impl IntoIterator<Item = &'a StatementId>, reason: &str) {
        for id in statements {
            self.skips.entry(id.clone()).or_default().insert(reason.to_owned());
        }
    }
}

/// What the findings say about each statement of these suites (all suites if none is named) and about
/// each other one that they mention, in the registry's order. `ours` statements are left out unless the
/// target is the reference.
pub fn coverage(
    registry: &Registry,
    suites: &[String],
    findings: &Findings,
    is_reference: bool,
) -> Vec<Coverage> {
    registry
        .all()
        .iter()
        .filter(|requirement| requirement.level != Level::Ours || is_reference)
        .filter(|requirement| {
            let suite = registry.chapter(requirement.chapter()).and_then(|chapter| chapter.suite.as_deref());
            let asked =
                suites.is_empty() || suite.is_some_and(|suite| suites.iter().any(|named| named == suite));
            asked || findings.mention(&requirement.id)
        })
        .map(|requirement| {
            let (verdict, reason) = findings.about(&requirement.id);
            Coverage { id: requirement.id.clone(), level: requirement.level, verdict, reason }
        })
        .collect()
}

impl Findings {
    fn mention(&self, id: &str) -> bool {
        self.planned.contains_key(id) || self.verdicts.contains_key(id) || self.skips.contains_key(id)
    }

    fn about(&self, id: &str) -> (StatementVerdict, Option<String>) {
        let verdicts = self.verdicts.get(id).map(Vec::as_slice).unwrap_or_default();
        let has = |verdict| verdicts.contains(&verdict);
        if has(CheckVerdict::Fail) {
            return (StatementVerdict::Violated, Some("a check failed".to_owned()));
        }
        if has(CheckVerdict::Waived) {
            // A waiver lets a run pass; it does not make the statement true.
            return (StatementVerdict::Violated, Some("a check failed, which is waived".to_owned()));
        }
        if has(CheckVerdict::Error) {
            return (StatementVerdict::Unverified, Some("its check could not be judged".to_owned()));
        }
        let planned = self.planned.get(id).copied().unwrap_or_default();
        if has(CheckVerdict::Pass) && verdicts.len() < planned {
            let reason = format!("only {} of its {planned} checks were judged", verdicts.len());
            return (StatementVerdict::Unverified, Some(reason));
        }
        let skips = self.skips.get(id).map(|reasons| {
            let reasons: Vec<&str> = reasons.iter().map(String::as_str).collect();
            reasons.join("; ")
        });
        if has(CheckVerdict::Pass) {
            return (StatementVerdict::Verified, skips.map(|skips| format!("in part: {skips}")));
        }
        let reason = if let Some(skips) = skips {
            format!("no check ran: {skips}")
        } else if planned > 0 {
            "no check ran, although one was planned".to_owned()
        } else {
            "no check of this run names it".to_owned()
        };
        (StatementVerdict::Unverified, Some(reason))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

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

    fn outcome(id: &str, verdict: CheckVerdict) -> Outcome {
        Outcome {
            statements: vec![id.to_owned()],
            verdict,
            expected: String::new(),
            actual: String::new(),
            message: String::new(),
            span: 0..0,
            notes: Vec::new(),
            seen: Vec::new(),
        }
    }

    #[test]
    fn a_statement_is_verified_only_by_passes_alone() {
        use CheckVerdict::{Error, Fail, Pass, Skip, Waived};
        let registry = Registry::load(REGISTRY, Path::new("r.toml")).unwrap();
        let id = "a/F.1".to_owned();
        for (verdicts, planned, skip, verdict, reason) in [
            (vec![Pass], true, None, StatementVerdict::Verified, None),
            (vec![Pass, Skip], true, None, StatementVerdict::Verified, None),
            (vec![Pass], true, Some("needs x"), StatementVerdict::Verified, Some("in part: needs x")),
            (vec![Pass, Fail], true, None, StatementVerdict::Violated, Some("a check failed")),
            (vec![Error, Fail], true, None, StatementVerdict::Violated, Some("a check failed")),
            (vec![Waived, Fail], true, None, StatementVerdict::Violated, Some("a check failed")),
            (
                vec![Pass, Waived],
                true,
                None,
                StatementVerdict::Violated,
                Some("a check failed, which is waived"),
            ),
            (
                vec![Pass, Error],
                true,
                None,
                StatementVerdict::Unverified,
                Some("its check could not be judged"),
            ),
            (
                vec![],
                true,
                None,
                StatementVerdict::Unverified,
                Some("no check ran, although one was planned"),
            ),
            (vec![], false, Some("needs x"), StatementVerdict::Unverified, Some("no check ran: needs x")),
            (vec![], false, None, StatementVerdict::Unverified, Some("no check of this run names it")),
        ] {
            let mut findings = Findings::default();
            if planned {
                findings.planned([&id]);
            }
            if let Some(reason) = skip {
                findings.skipped([&id], reason);
            }
            for verdict in &verdicts {
                findings.judged(&outcome(&id, *verdict));
            }
            let all = coverage(&registry, &["s".to_owned()], &findings, false);
            assert_eq!(all.len(), 1, "{verdicts:?}");
            assert_eq!(
                (all[0].verdict, all[0].reason.as_deref()),
                (verdict, reason),
                "{verdicts:?} {skip:?}"
            );
        }
    }

    #[test]
    fn a_check_that_never_came_keeps_a_statement_from_being_verified() {
        let registry = Registry::load(REGISTRY, Path::new("r.toml")).unwrap();
        let id = "a/F.1".to_owned();
        let mut findings = Findings::default();
        findings.planned([&id, &id]);
        for (verdict, reason) in [
            (StatementVerdict::Unverified, Some("only 1 of its 2 checks were judged")),
            (StatementVerdict::Verified, None),
        ] {
            findings.judged(&outcome(&id, CheckVerdict::Pass));
            let all = coverage(&registry, &["s".to_owned()], &findings, false);
            assert_eq!((all[0].verdict, all[0].reason.as_deref()), (verdict, reason));
        }
    }

    #[test]
    fn suites_bound_what_is_listed_but_what_was_judged_is_always_listed() {
        let registry = Registry::load(REGISTRY, Path::new("r.toml")).unwrap();
        let ids = |suites: &[&str], findings: &Findings, is_reference| -> Vec<String> {
            let suites: Vec<String> = suites.iter().map(|suite| (*suite).to_owned()).collect();
            coverage(&registry, &suites, findings, is_reference).into_iter().map(|c| c.id).collect()
        };
        let mut findings = Findings::default();
        assert_eq!(ids(&["s"], &findings, true), ["a/F.1"]);
        assert_eq!(ids(&[], &findings, false), ["a/F.1", "b/F.1"]);
        findings.judged(&outcome("b/F.1", CheckVerdict::Pass));
        findings.judged(&outcome("ours/a.1", CheckVerdict::Pass));
        assert_eq!(ids(&["s"], &findings, true), ["a/F.1", "b/F.1", "ours/a.1"]);
        assert_eq!(ids(&["s"], &findings, false), ["a/F.1", "b/F.1"]);
    }
}
