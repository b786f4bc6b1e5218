//! A failed step: the documents, the target and the reference side by side.

use maud::{Markup, html};

use crate::headline;
use crate::results::{CheckResult, FailedStep, ReferenceStep, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::text::counted;

use super::answer::{Answer, request};
use super::diff;
use super::notation::{Glyph, Known, prose};

/// Messages longer than this are set in a smaller size.
const LONG_MESSAGE: usize = 160;

pub(super) fn section(
    results: &Results,
    known: &Known<'_>,
    subtest: &SubtestResult,
    step: &FailedStep,
) -> Markup {
    let checks = step.checks.iter().filter_map(|index| subtest.checks.get(*index));
    let bad: Vec<&CheckResult> =
        checks.filter(|check| !matches!(check.verdict, CheckVerdict::Pass | CheckVerdict::Skip)).collect();
    html! {
        div .failure {
            h4 { (step.name) }
            p .at { (step.location) }
            @for check in &bad { (judged(known, check)) }
            (three_ways(results, step, &bad))
            @if let Some(picture) = step.page.as_ref().and_then(|page| page.picture.as_ref()) {
                img .picture alt="The page as the browser showed it, without secrets" src=(format!("data:image/png;base64,{picture}"));
            }
            @if let Some(repeat) = &step.repeat {
                div .repeat { pre { (repeat) } button type="button" data-copy { "Copy" } }
            }
        }
    }
}

/// Renders the statement, the message, and the expected and actual values.
fn judged(known: &Known<'_>, check: &CheckResult) -> Markup {
    html! {
        div .check {
            @for id in &check.requirements {
                blockquote {
                    @if let Some(statement) = known.statements.get(id.as_str()) { (prose(&statement.text)) }
                    cite { (known.link(id)) }
                }
            }
            p .wrong .long[check.message.len() > LONG_MESSAGE] { (Glyph::of_check(check.verdict).render()) " " (prose(&check.message)) }
            @if matches!(check.verdict, CheckVerdict::Fail | CheckVerdict::Waived) {
                (diff::values(&check.expected, &check.actual))
            }
            @for note in &check.notes { p .quiet { "Note: " (note) } }
            @if let Some(waiver) = &check.waiver { p .waived { "Waived by " code { (waiver.covers()) } ": " (waiver.reason) "." } }
        }
    }
}

fn three_ways(results: &Results, step: &FailedStep, bad: &[&CheckResult]) -> Markup {
    let target = Answer::of(&step.exchanges, step.process.as_ref(), step.wire.as_ref(), step.page.as_ref());
    let reference = step.reference.as_ref().map(|reference| {
        let ReferenceStep { exchanges, process, wire, page, .. } = reference;
        (reference, Answer::of(exchanges, process.as_ref(), wire.as_ref(), page.as_ref()))
    });
    let Some(target) = target else {
        return html! { @if let Some((reference, _)) = &reference { (missing(reference)) } };
    };
    let other = reference.as_ref().and_then(|(_, answer)| answer.as_ref());
    html! {
        @for exchange in step.exchanges.iter().take(1) { (request(exchange)) }
        div .sides .three[reference.is_some()] {
            @if reference.is_some() {
                div .side {
                    h5 { "The documents" }
                    div .body { @for check in bad { p { (prose(wanted(check))) } } }
                }
            }
            div .side {
                h5 { (headline::target(results)) }
                div .body {
                    (target.render(other, "come"))
                    @if step.more_exchanges > 0 {
                        p .quiet { "… and " (counted(step.more_exchanges, "more concurrent response")) }
                    }
                }
            }
            @if let Some((reference, answer)) = &reference {
                div .side {
                    h5 { "The reference" @if reference.holds { ", which passes every check of this step" } }
                    div .body {
                        @match answer {
                            Some(answer) => { (answer.render(Some(&target), "gone")) }
                            None => { (missing(reference)) }
                        }
                    }
                }
            }
        }
    }
}

fn wanted(check: &CheckResult) -> &str {
    // The full difference is shown above; the first line is enough here.
    check.expected.lines().next().unwrap_or(&check.message)
}

fn missing(reference: &ReferenceStep) -> Markup {
    html! {
        p .quiet {
            (reference.missing.as_deref().unwrap_or("The step has no output there."))
        }
    }
}
