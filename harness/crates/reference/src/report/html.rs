//! The self-test's report as a single HTML page.

use harness_report::html::page;
use maud::{Markup, html};

use super::{DeviationReport, SelfTestReport, StatementProof};

pub fn render(report: &SelfTestReport) -> String {
    let verdict = report.verdict();
    let caught = report.deviations.iter().filter(|deviation| deviation.missed.is_empty()).count();
    let content = html! {
        header {
            p.kind { "QuickZTNA conformance kit: the self-test" }
            h1 class=(if report.passed { "pass" } else { "fail" }) { (verdict) }
            p { (caught) " of " (report.deviations.len()) " deviations of the reference are caught." }
            p { "Statements: " (report.totals.in_words()) "." }
        }
        main #content {
            @for line in &report.plain {
                p.fail { "The unmodified reference: " (line) }
            }
            h2 { "Statements and the deviations that prove them" }
            @for (chapter, statements) in report.chapters() {
                h3 { (chapter) }
                table {
                    tr { th { "Statement" } th { "Proven by" } }
                    @for statement in statements {
                        tr { td { code { (statement.id) } } td { (proof(statement)) } }
                    }
                }
            }
            h2 { "Deviations and the checks that fail" }
            table {
                @for deviation in &report.deviations { (row(deviation)) }
            }
        }
    };
    page::page(&format!("Self-test: {verdict}"), &content)
}

fn proof(statement: &StatementProof) -> Markup {
    html! {
        @match (statement.by.as_slice(), &statement.unproven) {
            ([], Some(reason)) => span.quiet { (reason) },
            ([], None) => span.fail { "not proven by the selected deviations" },
            (by, _) => @for (position, id) in by.iter().enumerate() {
                @if position > 0 { ", " }
                a href={ "#" (id) } { (id) }
            },
        }
    }
}

fn row(deviation: &DeviationReport) -> Markup {
    let (class, word) = if deviation.missed.is_empty() { ("pass", "caught") } else { ("fail", "missed") };
    html! {
        tr id=(deviation.id) {
            td { code { (deviation.id) } br; span class=(class) { (word) } }
            td {
                (deviation.summary)
                @for reason in &deviation.missed { br; span.fail { (reason) } }
                @for (subtest, checks) in &deviation.failed {
                    details {
                        summary { code { (subtest) } ": " (checks.len()) " failed" }
                        @for (position, check) in checks.iter().enumerate() {
                            @if position > 0 { br; }
                            (check)
                        }
                    }
                }
            }
        }
    }
}
