//! How the sections of the page show sub-tests, statements, verdicts and durations.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::results::{RequirementResult, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;

pub(super) struct Known<'a> {
    pub(super) statements: BTreeMap<&'a str, &'a RequirementResult>,
    /// The positions of the sub-tests that judge a statement.
    pub(super) judges: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Known<'a> {
    pub(super) fn of(results: &'a Results) -> Self {
        let statements = results.requirements.iter().map(|statement| (statement.id.as_str(), statement));
        let mut judges: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, subtest) in results.subtests.iter().enumerate() {
            for id in subtest.checks.iter().flat_map(|check| &check.requirements) {
                let judging = judges.entry(id).or_default();
                if judging.last() != Some(&position) {
                    judging.push(position);
                }
            }
        }
        Self { statements: statements.collect(), judges }
    }

    /// Renders a statement's id as a link to its row.
    pub(super) fn link(&self, id: &str) -> Markup {
        html! {
            @if self.statements.contains_key(id) { a href={ "#" (id) } { (id) } } @else { (id) }
        }
    }
}

/// Returns the element id of a sub-test: by position, since a sub-test's own id may occur twice.
pub(super) fn anchor(position: usize) -> String {
    format!("subtest-{}", position + 1)
}

/// Returns the part of a sub-test's id after its chapter.
pub(super) fn short(subtest: &SubtestResult) -> &str {
    subtest
        .id
        .strip_prefix(subtest.chapter.as_str())
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(&subtest.id)
}

/// How a verdict is shown: verdicts must be distinguishable without colours.
#[derive(Clone, Copy)]
pub(super) struct Glyph {
    pub(super) sign: &'static str,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
}

impl Glyph {
    pub(super) const PASS: Self = Self::new("✓", "pass", "passed");
    pub(super) const FAIL: Self = Self::new("✕", "fail", "failed");
    pub(super) const ERROR: Self = Self::new("!", "error", "error");
    pub(super) const SKIP: Self = Self::new("–", "skip", "skipped");
    pub(super) const WAIVED: Self = Self::new("≈", "waived", "waived");

    pub(super) const fn new(sign: &'static str, class: &'static str, word: &'static str) -> Self {
        Self { sign, class, word }
    }

    pub(super) fn of_subtest(verdict: SubtestVerdict) -> Self {
        match verdict {
            SubtestVerdict::Pass => Self::PASS,
            SubtestVerdict::Fail => Self::FAIL,
            SubtestVerdict::Error => Self::ERROR,
            SubtestVerdict::Skip => Self::SKIP,
            SubtestVerdict::Waived => Self::WAIVED,
        }
    }

    pub(super) fn of_check(verdict: CheckVerdict) -> Self {
        match verdict {
            CheckVerdict::Pass => Self::PASS,
            CheckVerdict::Fail => Self::FAIL,
            CheckVerdict::Error => Self::ERROR,
            CheckVerdict::Skip => Self::SKIP,
            CheckVerdict::Waived => Self::WAIVED,
        }
    }

    pub(super) fn render(self) -> Markup {
        let Self { sign, class, word } = self;
        html! { span .glyph .(class) { span aria-hidden="true" { (sign) } span .unseen { (word) } } }
    }
}

/// Renders a text in which backticks mark code, as in statements and messages.
pub(super) fn prose(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (position, part) in parts.into_iter().enumerate() {
            @if position % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

pub(super) fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1000),
    }
}
