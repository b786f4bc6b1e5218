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

/// Returns a verdict's sign, CSS class and word; verdicts must be distinguishable without colours.
fn glyph(verdict: SubtestVerdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        SubtestVerdict::Pass => ("✓", "pass", "passed"),
        SubtestVerdict::Fail => ("✕", "fail", "failed"),
        SubtestVerdict::Error => ("!", "error", "error"),
        SubtestVerdict::Skip => ("–", "skip", "skipped"),
        SubtestVerdict::Waived => ("≈", "waived", "waived"),
    }
}

fn check_glyph(verdict: CheckVerdict) -> (&'static str, &'static str, &'static str) {
    glyph(match verdict {
        CheckVerdict::Pass => SubtestVerdict::Pass,
        CheckVerdict::Fail => SubtestVerdict::Fail,
        CheckVerdict::Error => SubtestVerdict::Error,
        CheckVerdict::Skip => SubtestVerdict::Skip,
        CheckVerdict::Waived => SubtestVerdict::Waived,
    })
}

fn sign((sign, class, word): (&str, &str, &str)) -> Markup {
    html! { span .glyph .(class) { span aria-hidden="true" { (sign) } span .unseen { (word) } } }
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
