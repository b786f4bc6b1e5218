//! One page of many runs: statements over time, what broke when, durations.

use maud::{Markup, html};

use crate::coverage::StatementVerdict;
use crate::headline::{self, count};
use crate::history::{StoredRun, TargetHistory, by_target};
use harness_model::text::counted;

use super::notation::{Glyph, duration, prose};
use super::page;

/// Runs of a target that are shown, the newest.
const MAX_RUNS: usize = 60;
const MAX_CHANGES: usize = 100;
const MAX_DURATIONS: usize = 15;
const HEIGHT: usize = 1000;

/// Renders the page of all targets.
pub fn render(runs: Vec<StoredRun>) -> String {
    let shown = |run: StoredRun| StoredRun { results: run.results.shown(), ..run };
    let targets = by_target(runs.into_iter().map(shown).collect());
    let body = html! {
        header {
            p .kind { "QuickZTNA conformance history" }
            h1 { (title(&targets)) }
            @for history in &targets { (latest(history)) }
        }
        main #content {
            @for (position, history) in targets.iter().enumerate() { (section(position, history)) }
        }
        footer { "Secrets are masked. This page is self-contained: it can be saved, sent and printed." }
    };
    page::page(&title(&targets), &body)
}

fn title(targets: &[TargetHistory]) -> String {
    let runs = targets.iter().map(|history| history.runs.len()).sum();
    let names: Vec<&str> = targets.iter().map(|history| history.target.as_str()).collect();
    format!("{} of {}", counted(runs, "run"), names.join(", "))
}

fn latest(history: &TargetHistory) -> Markup {
    html! {
        @if let Some(run) = history.runs.last() {
            p { "Latest, " (moment(run)) ": " strong .(class(run)) { (headline::sentence(&run.results)) } }
        }
    }
}

fn section(position: usize, history: &TargetHistory) -> Markup {
    html! {
        h2 #{ "target-" (position + 1) } { (history.target) small { (counted(history.runs.len(), "run")) } }
        (statements_over_time(history))
        (changes(history))
        (matrix(history))
        (durations(history))
        (runs(history))
    }
}

fn newest(history: &TargetHistory) -> &[StoredRun] {
    let skipped = history.runs.len().saturating_sub(MAX_RUNS);
    history.runs.get(skipped..).unwrap_or_default()
}

/// A bar for each run: its statements by verdict.
fn statements_over_time(history: &TargetHistory) -> Markup {
    let shown = newest(history);
    html! {
        h3 { "Statements over time" }
        figure {
            svg viewBox={ "0 0 " (shown.len() * 10) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label="Documented statements by verdict, a bar for each run" {
                @for (at, run) in shown.iter().enumerate() { (bar(at, run)) }
            }
            figcaption {
                span {
                    "One bar per run, the oldest on the left"
                    @if history.runs.len() > shown.len() { " (the newest " (shown.len()) ")" }
                    ": verified, not verified and, on top, violated."
                }
            }
        }
    }
}

fn bar(at: usize, run: &StoredRun) -> Markup {
    let totals = &run.results.totals.requirements;
    let total = count(totals, "total").max(1);
    let mut from = HEIGHT;
    let parts =
        [("verified", "pass"), ("unverified", "skip"), ("violated", "fail")].map(|(verdict, class)| {
            let number = count(totals, verdict);
            let height = number * HEIGHT / total;
            from = from.saturating_sub(height);
            (from, height, class)
        });
    html! {
        g {
            title { (moment(run)) ": " (headline::statements(&run.results.totals)) }
            @for (y, height, class) in parts {
                @if height > 0 { rect .(class) x=(at * 10 + 1) y=(y) width="8" height=(height) {} }
            }
        }
    }
}

fn changes(history: &TargetHistory) -> Markup {
    let all = history.changes();
    let at = |run: usize| history.runs.get(run).map(moment).unwrap_or_default();
    html! {
        h3 { "What broke when" small { (counted(all.len(), "change")) } }
        @if all.is_empty() {
            p .quiet { "No statement was violated in any run." }
        } @else {
            table {
                thead { tr { th { "Run" } th { "Change" } th { "Statement" } } }
                tbody {
                    @for change in all.iter().take(MAX_CHANGES) {
                        @let glyph = if change.is_broken { Glyph::new("✕", "fail", "broke") } else { Glyph::new("✓", "pass", "mended") };
                        tr {
                            td { (at(change.run)) }
                            td .(glyph.class) {
                                (glyph.render()) " " (glyph.word)
                                br;
                                span .quiet {
                                    @match change.before {
                                        Some(before) => { "otherwise on " (at(before)) }
                                        None => { "never verified before" }
                                    }
                                }
                            }
                            td {
                                code { (change.statement.id) } " " (prose(&change.statement.text))
                                @if !change.subtests.is_empty() {
                                    br;
                                    span .quiet { "failed in " (change.subtests.join(", ")) }
                                }
                            }
                        }
                    }
                }
            }
            @if all.len() > MAX_CHANGES { p .quiet { "The newest " (MAX_CHANGES) " are shown." } }
        }
    }
}

/// A row for each statement that was ever violated, a column for each run.
fn matrix(history: &TargetHistory) -> Markup {
    let skipped = history.runs.len() - newest(history).len();
    let rows: Vec<_> = history
        .statements()
        .into_iter()
        .map(|statement| (statement, history.verdicts(&statement.id)))
        .filter(|(_, verdicts)| verdicts.contains(&Some(StatementVerdict::Violated)))
        .collect();
    html! {
        @if !rows.is_empty() {
            details .more open {
                summary { span { (counted(rows.len(), "statement")) " that a run found violated, run by run" } }
                table .over-time {
                    tbody {
                        @for (statement, verdicts) in rows {
                            tr {
                                th scope="row" { (statement.id) }
                                td {
                                    @for verdict in verdicts.into_iter().skip(skipped) { (cell(verdict)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(verdict: Option<StatementVerdict>) -> Markup {
    let glyph = match verdict {
        Some(StatementVerdict::Verified) => Glyph::new("✓", "pass", "verified"),
        Some(StatementVerdict::Violated) => Glyph::new("✕", "fail", "violated"),
        Some(StatementVerdict::Unverified) | None => Glyph::new("–", "skip", "not verified"),
    };
    html! { (glyph.render()) " " }
}

fn durations(history: &TargetHistory) -> Markup {
    let shown = newest(history);
    let longest = shown.iter().map(|run| run.results.duration_ms).max().unwrap_or_default();
    let slow = history.durations();
    html! {
        @if longest > 0 {
            h3 { "Durations" }
            figure {
                svg viewBox={ "0 0 " (shown.len() * 10) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-label={ "Durations of runs, up to " (duration(longest)) } {
                    @for (at, run) in shown.iter().enumerate() {
                        @let height = height(run.results.duration_ms, longest);
                        rect .(class(run)) x=(at * 10 + 1) y=(HEIGHT - height) width="8" height=(height) {
                            title { (moment(run)) ": " (duration(run.results.duration_ms)) }
                        }
                    }
                }
                figcaption { span { "One bar per run. Longest: " (duration(longest)) "." } }
            }
            table {
                thead { tr { th { "Sub-test" } th { "Last run" } th { "Median before" } th { "Slowest" } } }
                tbody {
                    @for one in slow.iter().take(MAX_DURATIONS) {
                        tr {
                            td { code { (one.subtest.id) } " " (one.subtest.title) }
                            td { (duration(one.last)) }
                            td { (duration(one.median)) }
                            td { (duration(one.in_runs.iter().flatten().copied().max().unwrap_or_default())) }
                        }
                    }
                }
            }
            p .quiet { "The sub-tests that took longer than before, the greatest difference first." }
        }
    }
}

fn runs(history: &TargetHistory) -> Markup {
    html! {
        details .more {
            summary { span { "All " (counted(history.runs.len(), "run")) } }
            table {
                thead { tr { th { "Started" } th { "Target" } th { "Verdict" } th { "Statements" } th { "Duration" } th { "File" } } }
                tbody {
                    @for run in history.runs.iter().rev() {
                        tr {
                            td { (moment(run)) }
                            td { (headline::target(&run.results)) }
                            td .(class(run)) { (headline::verdict(&run.results)) }
                            td { (headline::statements(&run.results.totals)) }
                            td { (duration(run.results.duration_ms)) }
                            td { code { (run.file) } }
                        }
                    }
                }
            }
        }
    }
}

fn class(run: &StoredRun) -> &'static str {
    use crate::exit_code::Verdict::{NonConformant, StaleWaiver, Worse};
    match run.results.verdict {
        verdict if verdict.is_pass() => "pass",
        NonConformant | StaleWaiver | Worse => "fail",
        _ => "error",
    }
}

fn height(of: u64, longest: u64) -> usize {
    let share = of.saturating_mul(1000) / longest.max(1);
    usize::try_from(share).unwrap_or(HEIGHT).clamp(6, HEIGHT)
}

/// Returns the start of a run to the minute.
fn moment(run: &StoredRun) -> String {
    run.results.started_at.chars().take(16).collect::<String>().replace('T', " ")
}
