//! The verdict, the facts of the run, warnings and waivers.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::exit_code::Verdict;
use crate::headline::{self, count};
use crate::level;
use crate::results::Results;
use harness_model::text::counted;

use super::notation::duration;

/// The sub-tests' verdicts in the order shown: name, CSS class, word.
const SUBTESTS: [(&str, &str, &str); 5] = [
    ("pass", "pass", "passed"),
    ("fail", "fail", "failed"),
    ("waived", "waived", "waived"),
    ("error", "error", "with an error"),
    ("skip", "skip", "skipped"),
];

/// Up to this many leftovers are shown unfolded.
const MAX_OPEN: usize = 5;

pub(super) fn header(results: &Results) -> Markup {
    let class = match results.verdict {
        Verdict::Passed if results.extent.waivers > 0 => "waived",
        Verdict::Conformant | Verdict::Passed => "pass",
        Verdict::NonConformant | Verdict::StaleWaiver | Verdict::Worse => "fail",
        _ => "error",
    };
    let target = &results.target;
    let facts: [(&str, Option<String>); 8] = [
        ("Target", Some(headline::target(results))),
        ("Address", target.base_url.clone()),
        (
            "Deviation",
            target.deviating.as_ref().map(|deviating| format!("{}: {}", deviating.id, deviating.summary)),
        ),
        ("Kit", Some(format!("{} {}", results.kit.name, results.kit.version))),
        ("Started", Some(started(&results.started_at))),
        ("Duration", Some(duration(results.duration_ms))),
        ("Run", results.run_id.clone()),
        ("Levels", level::sentence(&results.levels)),
    ];
    html! {
        header {
            p .kind { "QuickZTNA conformance report" }
            h1 .(class) { (headline::sentence(results)) }
            ul .counts {
                @for (name, class, word) in SUBTESTS {
                    @let number = count(&results.totals.subtests, name);
                    @if number > 0 || name == "pass" || name == "fail" {
                        li { b .(class) { (number) } " " (word) }
                    }
                }
                li .quiet { "of " (counted(count(&results.totals.subtests, "total"), "sub-test")) }
            }
            (share(&results.totals.subtests))
            p .quiet { (headline::statements(&results.totals)) "." }
            p .quiet { "Checks: " (headline::checks(results)) "." }
            dl .facts {
                @for (name, value) in &facts {
                    @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
                }
                div { dt { "Exit code" } dd { (results.exit_code) ", " (headline::verdict(results)) } }
                @if results.retries > 0 {
                    div { dt { "Retried reads" } dd { (results.retries) ", after connection failures" } }
                }
            }
        }
    }
}

/// The diagnosis, gaps, stale waivers, regressions and leftovers.
pub(super) fn warnings(results: &Results) -> Markup {
    html! {
        @if !results.diagnosis.is_empty() {
            div .note.tell {
                @for resemblance in &results.diagnosis {
                    p {
                        "The target " @if resemblance.is_exact() { "behaves like" } @else { "resembles" }
                        " the reference with one defect: " strong { (resemblance.summary) } ". "
                        span .quiet {
                            (resemblance.agreeing) " of " (counted(resemblance.of, "check")) " agree with the deviation "
                            code { (resemblance.deviation) } "."
                            @for line in &resemblance.against { " Against it: " (line) "." }
                        }
                    }
                }
            }
        }
        @let troubles = headline::troubles(results);
        @if !troubles.is_empty() {
            div .note.bad {
                @for trouble in &troubles { p { (trouble) } }
            }
        }
        @let leftovers = headline::leftovers(results);
        @if !leftovers.is_empty() {
            div .note.warn {
                p { strong { "Not cleaned up on the target: " } (counted(leftovers.len(), "thing")) "." }
                details .more open[leftovers.len() <= MAX_OPEN] {
                    summary { span { "Leftovers" } }
                    @for (subtest, leftover) in &leftovers {
                        p { @if let Some(id) = subtest { code { (id) } " " } (leftover) }
                    }
                }
            }
        }
    }
}

pub(super) fn waivers(results: &Results) -> Markup {
    html! {
        @if !results.waivers.is_empty() {
            h2 #waivers { "Waivers" }
            table {
                thead { tr { th { "Covers" } th { "State" } th { "Reason and owner" } th { "Expires" } } }
                tbody {
                    @for waiver in &results.waivers {
                        tr {
                            td { code { (waiver.covers()) } }
                            td .(if waiver.state.is_stale() { "fail" } else { "quiet" }) { (waiver.state.in_words()) }
                            td { (waiver.reason) " " span .quiet { (waiver.owner) " · " (waiver.location) } }
                            td { (waiver.expires) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn footer(results: &Results) -> Markup {
    html! {
        footer {
            "Written by " (results.kit.name) " " (results.kit.version)
            ". Secrets are masked. This page is self-contained: it can be saved, sent and printed."
        }
    }
}

/// Formats an RFC 3339 time to the second.
fn started(at: &str) -> String {
    let second = at.split(['.', 'Z']).next().unwrap_or_default();
    format!("{} UTC", second.replace('T', " "))
}

/// Renders a bar with the share of each verdict.
fn share(counts: &BTreeMap<String, usize>) -> Markup {
    let total = count(counts, "total").max(1);
    let mut from = 0;
    let parts = SUBTESTS.map(|(name, class, word)| {
        let number = count(counts, name);
        from += number;
        (from - number, number, class, word)
    });
    html! {
        svg .share viewBox={ "0 0 " (total) " 1" } preserveAspectRatio="none" aria-hidden="true" {
            @for (at, number, class, word) in parts {
                @if number > 0 {
                    rect .(class) x=(at) y="0" width=(number) height="1" { title { (number) " " (word) } }
                }
            }
        }
    }
}
