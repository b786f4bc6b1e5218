//! The `markdown` report, for a pull request comment or a GitHub step summary.

use std::fmt::Write as _;

use crate::coverage::StatementVerdict;
use crate::headline;
use crate::json::pretty;
use crate::level;
use crate::results::{CheckResult, FailedStep, ReferenceStep, RequirementResult, Results, SubtestResult};
use harness_model::check::outcome::CheckVerdict;
use harness_model::event::SubtestVerdict;
use harness_model::requirement::Level;
use harness_model::text::{counted, plural};

/// GitHub's limit for a step summary, in bytes.
pub const SUMMARY_LIMIT: usize = 1024 * 1024;
/// GitHub's limit for a comment: counted in characters, applied to bytes, of which there are never fewer.
pub const COMMENT_LIMIT: usize = 65_536;

/// Ids named per line.
const MAX_NAMED: usize = 12;
/// Characters shown of a value or a response.
const MAX_VALUE_LEN: usize = 1500;

/// Renders the report in at most `limit` bytes. Failures that do not fit are counted in a note.
pub fn render(results: &Results, limit: usize) -> String {
    let results = &results.shown();
    let tail = ending(results);
    let mut text = beginning(results);
    let mut failures = failures(results).into_iter();
    let mut left_out = 0;
    let note = |left_out: usize| {
        format!(
            "\n*{} omitted to stay below GitHub's size limit; `results.json` has all of them.*\n",
            is_are(left_out)
        )
    };
    let room = limit.saturating_sub(tail.len() + note(usize::MAX).len());
    for failure in failures.by_ref() {
        if left_out > 0 || text.len() + failure.len() > room {
            left_out += 1;
        } else {
            text.push_str(&failure);
        }
    }
    if left_out > 0 {
        text.push_str(&note(left_out));
    }
    text.push_str(&tail);
    within(text, limit)
}

fn is_are(failures: usize) -> String {
    format!("{} {}", counted(failures, "failure"), plural(failures, "is", "are"))
}

/// Truncates the text if not even the frame fits.
fn within(text: String, limit: usize) -> String {
    const CUT: &str = "\n\n*truncated*\n";
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit.saturating_sub(CUT.len())).rev().find(|end| text.is_char_boundary(*end));
    let cut = format!("{}{CUT}", text.get(..end.unwrap_or_default()).unwrap_or_default());
    if cut.len() <= limit { cut } else { String::new() }
}

fn beginning(results: &Results) -> String {
    let mut text = format!("## {}\n\n", plain(&headline::sentence(results)));
    let _ = writeln!(
        text,
        "**{}**: {}. {}.",
        capitalised(&headline::verdict(results)),
        headline::counts(results),
        headline::statements(&results.totals)
    );
    let mut facts = vec![format!("{} {}", results.kit.name, results.kit.version), plain(&results.started_at)];
    facts.extend(results.target.base_url.as_deref().map(code));
    facts.extend(results.run_id.as_deref().map(|id| format!("run {}", code(id))));
    let _ = writeln!(text, "\n{}\n", facts.join(" · "));
    if let Some(levels) = level::sentence(&results.levels) {
        let _ = writeln!(text, "Levels: {}\n", plain(&levels));
    }
    for resemblance in &results.diagnosis {
        let _ = writeln!(text, "> **Diagnosis:** {}\n", plain(&resemblance.to_string()));
    }
    for trouble in headline::troubles(results) {
        let _ = writeln!(text, "- **{}**", plain(&trouble));
    }
    chapters(&mut text, results);
    text
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().to_string() + letters.as_str())
}

fn chapters(text: &mut String, results: &Results) {
    let mut chapters: Vec<&str> = Vec::new();
    for chapter in results.subtests.iter().map(|subtest| subtest.chapter.as_str()) {
        if !chapters.contains(&chapter) {
            chapters.push(chapter);
        }
    }
    if chapters.is_empty() {
        return;
    }
    text.push_str("\n| Chapter | passed | failed | waived | errors | skipped | statements verified |\n");
    text.push_str("|-|-:|-:|-:|-:|-:|-:|\n");
    for chapter in chapters {
        let title = results.chapters.iter().find(|known| known.id == chapter);
        let of = |verdict| {
            let subtests = results.subtests.iter().filter(|subtest| subtest.chapter == chapter);
            match subtests.filter(|subtest| subtest.verdict == verdict).count() {
                0 => String::new(),
                count => count.to_string(),
            }
        };
        let is_documented = |of: &&RequirementResult| of.chapter == chapter && of.level != Level::Ours;
        let statements = || results.requirements.iter().filter(is_documented);
        let verified =
            statements().filter(|statement| statement.verdict == StatementVerdict::Verified).count();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {verified} of {} |",
            plain(title.map_or(chapter, |known| &known.title)).replace('|', "\\|"),
            of(SubtestVerdict::Pass),
            of(SubtestVerdict::Fail),
            of(SubtestVerdict::Waived),
            of(SubtestVerdict::Error),
            of(SubtestVerdict::Skip),
            statements().count()
        );
    }
}

fn failures(results: &Results) -> Vec<String> {
    let bad = results
        .subtests
        .iter()
        .filter(|subtest| !matches!(subtest.verdict, SubtestVerdict::Pass | SubtestVerdict::Skip));
    bad.map(|subtest| failure(results, subtest)).collect()
}

fn failure(results: &Results, subtest: &SubtestResult) -> String {
    let sign = match subtest.verdict {
        SubtestVerdict::Fail => "❌",
        SubtestVerdict::Waived => "🟡",
        _ => "⚠️",
    };
    let mut text = format!(
        "\n<details><summary>{sign} <code>{}</code> {}</summary>\n\n",
        html(&subtest.id),
        html(&subtest.title)
    );
    if let (Some(reason), true) = (&subtest.reason, subtest.failures.is_empty()) {
        let _ = writeln!(text, "{}\n", plain(reason));
    }
    for step in &subtest.failures {
        let _ = writeln!(text, "**{}** ({})\n", plain(&step.name), code(&step.location.to_string()));
        let checks = step.checks.iter().filter_map(|index| subtest.checks.get(*index));
        for check in checks.filter(|check| !matches!(check.verdict, CheckVerdict::Pass | CheckVerdict::Skip))
        {
            judged(&mut text, results, check);
        }
        evidence(&mut text, step);
    }
    text.push_str("</details>\n");
    text
}

fn judged(text: &mut String, results: &Results, check: &CheckResult) {
    for id in &check.requirements {
        let statement = results.requirements.iter().find(|statement| statement.id == *id);
        let _ = writeln!(text, "> {} {}", code(id), prose(statement.map_or("", |statement| &statement.text)));
    }
    let _ = writeln!(text, "\n{}\n", prose(&check.message));
    if check.verdict == CheckVerdict::Error {
        return;
    }
    if check.actual.lines().any(|line| line.starts_with("@@")) {
        text.push_str(&fenced("diff", &check.actual));
    } else {
        let mut diff = String::new();
        check.expected.lines().for_each(|line| diff.push_str(&format!("- {line}\n")));
        check.actual.lines().for_each(|line| diff.push_str(&format!("+ {line}\n")));
        text.push_str(&fenced("diff", &diff));
    }
    if let Some(waiver) = &check.waiver {
        let _ = writeln!(text, "Waived: {}\n", plain(&waiver.to_string()));
    }
}

fn evidence(text: &mut String, step: &FailedStep) {
    let came = |exchange: Option<&crate::results::ExchangeResult>,
                process: Option<&crate::results::ProcessRun>| {
        let answer = exchange.map(|exchange| format!("{}\n{}", exchange.status, pretty(&exchange.body)));
        answer.or_else(|| {
            process.map(|process| {
                let exit = process.exit.map_or("no exit code".to_owned(), |code| format!("exit {code}"));
                format!("{exit}\n{}{}", process.stdout, process.stderr)
            })
        })
    };
    if let Some(answer) = came(step.exchanges.first(), step.process.as_ref()) {
        let _ = writeln!(text, "The target:\n\n{}", fenced("text", &answer));
    }
    match &step.reference {
        Some(ReferenceStep { missing: Some(reason), .. }) => {
            let _ = writeln!(text, "The reference: {}\n", plain(reason));
        }
        Some(reference) => {
            if let Some(answer) = came(reference.exchanges.first(), reference.process.as_ref()) {
                let _ = writeln!(text, "The reference:\n\n{}", fenced("text", &answer));
            }
        }
        None => {}
    }
    if let Some(repeat) = &step.repeat {
        text.push_str(&fenced("sh", repeat));
    }
}

/// Waivers, leftovers, undeclared capabilities and skipped sub-tests.
fn ending(results: &Results) -> String {
    let mut text = String::new();
    if !results.waivers.is_empty() {
        text.push_str("\n**Waivers**\n\n");
    }
    for waiver in &results.waivers {
        let _ = writeln!(text, "- {}: {}", waiver.state.in_words(), plain(&waiver.to_string()));
    }
    let claims = &results.capabilities.not_verified;
    let skips = headline::skips(results);
    let leftovers = headline::leftovers(results);
    if !leftovers.is_empty() {
        text.push_str("\n**Not cleaned up on the target**\n\n");
    }
    for (subtest, leftover) in leftovers.iter().take(50) {
        let place = subtest.map(|id| format!("{}: ", code(id))).unwrap_or_default();
        let _ = writeln!(text, "- {place}{}", plain(leftover));
    }
    let absent = headline::absent(results);
    if claims.is_empty() && skips.is_empty() && absent.is_empty() {
        return text;
    }
    text.push_str("\n<details><summary>Not verified by this run</summary>\n\n");
    for claim in claims {
        let needed: Vec<&str> = claim.subtests.iter().map(String::as_str).collect();
        let needed =
            if needed.is_empty() { String::new() } else { format!(" (needed by {})", named(&needed)) };
        let _ = writeln!(text, "- {} is not declared by the target{needed}", code(&claim.capability));
    }
    for absent in absent {
        let _ = writeln!(text, "- the target has no {}, which no document describes", plain(absent));
    }
    for (reason, ids) in skips.iter().take(50) {
        let _ = writeln!(text, "- skipped: {}: {}", named(ids), plain(reason));
    }
    text.push_str("\n</details>\n");
    text
}

fn named(ids: &[&str]) -> String {
    let shown: Vec<String> = ids.iter().take(MAX_NAMED).map(|id| code(id)).collect();
    match ids.len().saturating_sub(shown.len()) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Escapes a text in which backticks mark code, as in statements and messages.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) || text.len() > MAX_VALUE_LEN {
        return plain(text);
    }
    let shown = parts.iter().enumerate().map(|(position, part)| match position % 2 {
        1 if !part.trim().is_empty() => code(part),
        _ => spaced(part),
    });
    shown.collect()
}

/// Like [`plain`], but keeps a leading and a trailing space.
fn spaced(text: &str) -> String {
    let end = |has: bool| if has { " " } else { "" };
    let is_only_space = text.trim().is_empty();
    let (before, after) = (text.starts_with(char::is_whitespace), text.ends_with(char::is_whitespace));
    format!("{}{}{}", end(before), plain(text), end(after && !is_only_space))
}

/// Escapes the text so that it cannot become markup, a link or a mention.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for letter in line.chars().take(MAX_VALUE_LEN) {
        match letter {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '@' => plain.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                plain.push('\\');
                plain.push(letter);
            }
            _ => plain.push(letter),
        }
    }
    plain
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('@', "&#64;")
        .replace('\n', " ")
}

/// Fences the text with more backticks than it contains in a row.
fn code(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fence = "`".repeat(longest_run(&line) + 1);
    let pad = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{line}{pad}{fence}")
}

fn fenced(language: &str, text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_VALUE_LEN).collect();
    if shown.len() < text.len() {
        shown.push_str("\n…");
    }
    let fence = "`".repeat(longest_run(&shown).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n\n", shown.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
