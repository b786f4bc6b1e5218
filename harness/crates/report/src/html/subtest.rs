//! The sub-tests, each folded into one line.

use maud::{Markup, html};

use crate::results::{CheckResult, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;
use harness_model::text::counted;

use super::failure;
use super::matrix::{chapters, title};
use super::notation::{Glyph, Known, anchor, duration, prose};

/// Failed sub-tests shown unfolded.
const MAX_OPEN: usize = 5;

/// Renders the sub-tests that did not pass, the first ones unfolded.
pub(super) fn failed(results: &Results, known: &Known<'_>) -> Markup {
    let failed: Vec<_> = results.subtests.iter().enumerate().filter(|(_, subtest)| is_bad(subtest)).collect();
    html! {
        @if !failed.is_empty() {
            section data-group {
                h2 #failed { "Not passed" }
                @for (shown, (position, subtest)) in failed.into_iter().enumerate() {
                    (details(results, known, position, subtest, shown < MAX_OPEN))
                }
            }
        }
    }
}

/// Renders the sub-tests that passed or were skipped.
pub(super) fn others(results: &Results, known: &Known<'_>) -> Markup {
    let mut chapters = chapters(results);
    for chapter in &mut chapters {
        chapter.subtests.retain(|(_, subtest)| !is_bad(subtest));
    }
    chapters.retain(|chapter| !chapter.subtests.is_empty());
    html! {
        @if !chapters.is_empty() {
            h2 #others { "Passed or skipped" }
            @for chapter in chapters {
                section data-group {
                    h3 { (title(results, chapter.id)) }
                    @for (position, subtest) in chapter.subtests { (details(results, known, position, subtest, false)) }
                }
            }
        }
    }
}

fn is_bad(subtest: &SubtestResult) -> bool {
    !matches!(subtest.verdict, SubtestVerdict::Pass | SubtestVerdict::Skip)
}

fn details(
    results: &Results,
    known: &Known<'_>,
    position: usize,
    subtest: &SubtestResult,
    is_open: bool,
) -> Markup {
    let glyph = Glyph::of_subtest(subtest.verdict);
    let find = format!("{} {} {} {} {}", subtest.id, subtest.title, subtest.suite, glyph.class, glyph.word);
    html! {
        details .subtest #(anchor(position)) open[is_open] data-find=(find) {
            summary {
                (glyph.render())
                span .id { (subtest.id) }
                span .title { (prose(&subtest.title)) }
                @if subtest.verdict != SubtestVerdict::Skip { span .time { (duration(subtest.duration_ms)) } }
            }
            div .inside {
                @if let (Some(reason), true) = (&subtest.reason, subtest.failures.is_empty()) {
                    p .narrow { (prose(reason)) }
                }
                @if let Some(runs) = &subtest.repetitions {
                    p .quiet {
                        "Of " (counted(runs.ended(), "run")) ", " (runs.pass) " passed, " (runs.fail) " failed, "
                        (runs.waived) " were waived, " (runs.error) " ended in an error. The worst is shown."
                    }
                }
                @for leftover in &subtest.leftovers { p .waived { "Not cleaned up: " (leftover) } }
                @for step in &subtest.failures { (failure::section(results, known, subtest, step)) }
                @for log in &subtest.logs {
                    details { summary { "Log of " (log.host) } pre { (log.text) } }
                }
                (checks(known, subtest))
            }
        }
    }
}

fn checks(known: &Known<'_>, subtest: &SubtestResult) -> Markup {
    let (whole, bad): (Vec<_>, Vec<_>) = subtest
        .checks
        .iter()
        .partition(|check| matches!(check.verdict, CheckVerdict::Pass | CheckVerdict::Skip));
    let explained = !subtest.failures.is_empty();
    html! {
        @if !explained && !bad.is_empty() { ul .checks { @for check in bad { (line(known, check, "")) } } }
        @if !whole.is_empty() {
            @if explained {
                h4 { (counted(whole.len(), "other check")) }
            }
            ul .checks {
                @for (position, check) in whole.iter().enumerate() {
                    @let before = position.checked_sub(1).and_then(|before| whole.get(before));
                    (line(known, check, before.map_or("", |before| &before.step)))
                }
            }
        }
    }
}

fn line(known: &Known<'_>, check: &CheckResult, step_before: &str) -> Markup {
    html! {
        li {
            (Glyph::of_check(check.verdict).render())
            div {
                @if check.step != step_before { span .step { (check.step) ": " } }
                @for (position, id) in check.requirements.iter().enumerate() {
                    @if position > 0 { ", " }
                    (known.link(id))
                }
                @if check.verdict != CheckVerdict::Pass { " " (prose(&check.message)) }
                @for note in &check.notes { span .by { "Note: " (note) } }
                @if let Some(waiver) = &check.waiver { span .by { "Waived by " code { (waiver.covers()) } ": " (waiver.reason) } }
            }
        }
    }
}
