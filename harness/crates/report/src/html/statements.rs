//! The documents' statements and their verdicts.

use maud::{Markup, html};

use crate::coverage::StatementVerdict;
use crate::results::{RequirementResult, Results};
use harness_model::requirement::Level;
use harness_model::text::counted;

use super::matrix::title;
use super::notation::{Glyph, Known, anchor, prose, short};

/// Sub-tests named per statement.
const MAX_JUDGES: usize = 8;

pub(super) fn section(results: &Results, known: &Known<'_>) -> Markup {
    html! {
        @if !results.requirements.is_empty() {
            h2 #statements { "Statements" }
            @for (chapter, statements) in chapters(results) {
                section .statements data-group {
                    h3 { (title(results, chapter)) small { (tally(&statements)) } }
                    table {
                        thead { tr { th { "Statement" } th { "Verdict" } th { "Text" } } }
                        tbody { @for statement in statements { (row(results, known, statement)) } }
                    }
                }
            }
        }
    }
}

fn tally(statements: &[&RequirementResult]) -> String {
    let verified = statements.iter().filter(|of| of.verdict == StatementVerdict::Verified).count();
    if statements.iter().all(|of| of.level == Level::Ours) {
        return format!("{verified} of {} of the reference hold", counted(statements.len(), "choice"));
    }
    format!("{verified} of {} verified", counted(statements.len(), "documented statement"))
}

fn row(results: &Results, known: &Known<'_>, statement: &RequirementResult) -> Markup {
    let glyph = match (statement.verdict, &statement.reason) {
        (StatementVerdict::Verified, None) => Glyph::new("✓", "pass", "verified"),
        (StatementVerdict::Verified, Some(_)) => Glyph::new("✓", "pass", "partly verified"),
        (StatementVerdict::Violated, _) => Glyph::new("✕", "fail", "violated"),
        (StatementVerdict::Unverified, _) => Glyph::new("–", "skip", "not verified"),
    };
    let judges = known.judges.get(statement.id.as_str()).map(Vec::as_slice).unwrap_or_default();
    let level = match statement.level {
        Level::Must => "must",
        Level::Either => "either",
        Level::Ours => "ours",
    };
    html! {
        tr #(statement.id) data-find=(glyph.class) {
            td { (statement.id) }
            td .(glyph.class) { (glyph.render()) " " (glyph.word) }
            td {
                (prose(&statement.text))
                span .level { (level) }
                @if let Some(reason) = &statement.reason { span .by { (reason) } }
                @if let Some(waiver) = &statement.waiver { span .by { "Waived by " code { (waiver.covers()) } ": " (waiver.reason) } }
                @if !judges.is_empty() {
                    span .by {
                        "Judged by "
                        @for (at, position) in judges.iter().take(MAX_JUDGES).enumerate() {
                            @if at > 0 { ", " }
                            @if let Some(subtest) = results.subtests.get(*position) {
                                a href={ "#" (anchor(*position)) } {
                                    @if subtest.chapter == statement.chapter { (short(subtest)) } @else { (subtest.id) }
                                }
                            }
                        }
                        @if judges.len() > MAX_JUDGES { " and " (judges.len() - MAX_JUDGES) " more" }
                    }
                }
            }
        }
    }
}

fn chapters(results: &Results) -> Vec<(&str, Vec<&RequirementResult>)> {
    let mut chapters: Vec<(&str, Vec<&RequirementResult>)> = Vec::new();
    for statement in &results.requirements {
        match chapters.iter_mut().find(|(chapter, _)| *chapter == statement.chapter) {
            Some((_, statements)) => statements.push(statement),
            None => chapters.push((&statement.chapter, vec![statement])),
        }
    }
    chapters
}
