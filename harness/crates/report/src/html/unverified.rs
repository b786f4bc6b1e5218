//! Undeclared capabilities and skipped sub-tests.

use maud::{Markup, html};

use crate::claim::ClaimState;
use crate::headline;
use crate::results::Results;

/// Sub-tests named per line.
const MAX_NAMED: usize = 12;

pub(super) fn section(results: &Results) -> Markup {
    let skips = headline::skips(results);
    let claims = &results.capabilities;
    let not_selected = claims.declared.iter().filter(|claim| claim.state == ClaimState::NotSelected);
    let not_selected: Vec<&str> = not_selected.map(|claim| claim.capability.as_str()).collect();
    let absent = headline::absent(results);
    html! {
        @if !skips.is_empty() || !claims.not_verified.is_empty() || !not_selected.is_empty() || !absent.is_empty() {
            h2 #unverified { "Not verified by this run" }
            @if !claims.not_verified.is_empty() {
                h3 { "Capabilities that the target does not declare" }
                table { tbody {
                    @for unclaimed in &claims.not_verified {
                        tr {
                            td { code { (unclaimed.capability) } }
                            td .quiet {
                                @if unclaimed.subtests.is_empty() { "not needed by any selected sub-test" }
                                @else { "needed by " (named(&unclaimed.subtests)) }
                            }
                        }
                    }
                } }
            }
            @if !not_selected.is_empty() {
                p .quiet { "Declared, but not needed by any selected sub-test: " (not_selected.join(", ")) "." }
            }
            @if !absent.is_empty() {
                h3 { "What the target lacks, and no document describes" }
                ul { @for absent in absent { li { "no " (absent) ": what needs it is not judged" } } }
            }
            @if !skips.is_empty() {
                h3 { "Skipped sub-tests" }
                table { tbody {
                    @for (reason, ids) in skips {
                        tr { td { (reason) } td .quiet { (named(&ids)) } }
                    }
                } }
            }
        }
    }
}

fn named(ids: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = ids.iter().take(MAX_NAMED).map(AsRef::as_ref).collect();
    match ids.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
