//! The `html` report: a self-contained page that is readable without its script.

mod answer;
mod diff;
mod durations;
mod failure;
mod matrix;
mod overview;
pub mod page;
mod statements;
mod subtest;
mod unverified;

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::headline;
use crate::results::{RequirementResult, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;

pub fn render(results: &Results) -> String {
    let known = Known::of(results);
    let body = html! {
        (overview::header(results))
        main #content {
            (overview::warnings(results))
            (matrix::section(results))
            (find_box())
            (subtest::failed(results, &known))
            (overview::waivers(results))
            (unverified::section(results))
            (statements::section(results, &known))
            (durations::section(results))
            (subtest::others(results, &known))
        }
        (overview::footer(results))
    };
    page::page(&headline::sentence(results), &body)
}

/// Cross-references between sections.
struct Known<'a> {
    statements: BTreeMap<&'a str, &'a RequirementResult>,
    /// The positions of the sub-tests that judge a statement.
    judges: BTreeMap<&'a str, Vec<usize>>,
}

impl<'a> Known<'a> {
    fn of(results: &'a Results) -> Self {
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
    fn link(&self, id: &str) -> Markup {
        html! {
            @if self.statements.contains_key(id) { a href={ "#" (id) } { (id) } } @else { (id) }
        }
    }
}

fn find_box() -> Markup {
    html! {
        div .find role="search" {
            input #find type="search" placeholder="Find a sub-test, a statement, a verdict" aria-label="Find" autocomplete="off";
            output #found aria-live="polite" {}
            span .keys {
                kbd { "/" } " find   " kbd { "j" } " " kbd { "k" } " next, previous   "
                kbd { "Enter" } " open   " kbd { "Esc" } " close"
            }
        }
    }
}

/// Returns the element id of a sub-test: by position, since a sub-test's own id may occur twice.
fn anchor(position: usize) -> String {
    format!("subtest-{}", position + 1)
}

/// Returns the part of a sub-test's id after its chapter.
fn short(subtest: &SubtestResult) -> &str {
    subtest
        .id
        .strip_prefix(subtest.chapter.as_str())
        .and_then(|rest| rest.strip_prefix('/'))
        .unwrap_or(&subtest.id)
}

/// How a verdict is shown: verdicts must be distinguishable without colours.
#[derive(Clone, Copy)]
struct Glyph {
    sign: &'static str,
    /// The CSS class.
    class: &'static str,
    word: &'static str,
}

impl Glyph {
    const PASS: Self = Self::new("✓", "pass", "passed");
    const FAIL: Self = Self::new("✕", "fail", "failed");
    const ERROR: Self = Self::new("!", "error", "error");
    const SKIP: Self = Self::new("–", "skip", "skipped");
    const WAIVED: Self = Self::new("≈", "waived", "waived");

    const fn new(sign: &'static str, class: &'static str, word: &'static str) -> Self {
        Self { sign, class, word }
    }

    fn of_subtest(verdict: SubtestVerdict) -> Self {
        match verdict {
            SubtestVerdict::Pass => Self::PASS,
            SubtestVerdict::Fail => Self::FAIL,
            SubtestVerdict::Error => Self::ERROR,
            SubtestVerdict::Skip => Self::SKIP,
            SubtestVerdict::Waived => Self::WAIVED,
        }
    }

    fn of_check(verdict: CheckVerdict) -> Self {
        match verdict {
            CheckVerdict::Pass => Self::PASS,
            CheckVerdict::Fail => Self::FAIL,
            CheckVerdict::Error => Self::ERROR,
            CheckVerdict::Skip => Self::SKIP,
            CheckVerdict::Waived => Self::WAIVED,
        }
    }

    fn render(self) -> Markup {
        let Self { sign, class, word } = self;
        html! { span .glyph .(class) { span aria-hidden="true" { (sign) } span .unseen { (word) } } }
    }
}

/// Renders a text in which backticks mark code, as in statements and messages.
fn prose(text: &str) -> Markup {
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

fn duration(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1000),
    }
}
