//! A comparison as text and as Markdown.

use std::fmt::Write as _;

use crate::terminal::{Paint, wrap};

use super::{Change, ChangeKind, Comparison};

/// Renders the comparison for a terminal of `width` columns.
pub fn text(comparison: &Comparison, paint: Paint, width: usize) -> String {
    let mut text = String::new();
    for (kind, changes) in by_kind(comparison) {
        let title = format!("{} ({})", kind.in_words(), changes.len());
        let title = if changes.iter().any(|change| change.regression) { paint.red(&title) } else { title };
        let _ = writeln!(text, "{}", paint.bold(&title));
        for change in changes {
            let _ = writeln!(text, "  {}  {} → {}", paint.bold(&what(change)), change.was, change.is);
            for line in change.message.iter().flat_map(|message| wrap(message, width.saturating_sub(6))) {
                let _ = writeln!(text, "      {line}");
            }
            if let Some(location) = &change.location {
                let _ = writeln!(text, "      {}", paint.faint(&location.to_string()));
            }
        }
        let _ = writeln!(text);
    }
    for remark in &comparison.remarks {
        let _ = writeln!(text, "note: {remark}");
    }
    let summary = summary(comparison);
    let painted = if comparison.regressions > 0 { paint.red(&summary) } else { paint.green(&summary) };
    let _ = writeln!(text, "{painted}");
    text
}

/// Renders the comparison for a pull request.
pub fn markdown(comparison: &Comparison) -> String {
    let mut text = format!("**{}**\n", summary(comparison));
    if !comparison.changes.is_empty() {
        text.push_str("\n| change | sub-test, statements | was | is | |\n|-|-|-|-|-|\n");
    }
    for change in &comparison.changes {
        let mark = if change.regression { "**" } else { "" };
        let message = change.message.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "| {mark}{}{mark} | {} | {} | {} | {} |",
            change.kind.in_words(),
            cell(&what(change)),
            change.was,
            change.is,
            cell(message)
        );
    }
    for remark in &comparison.remarks {
        let _ = writeln!(text, "\n> {remark}");
    }
    text
}

/// Escapes characters that would end the table cell or start markup.
fn cell(text: &str) -> String {
    let line = text.lines().collect::<Vec<_>>().join(" ");
    let mut cell = String::with_capacity(line.len());
    for letter in line.chars() {
        if matches!(letter, '|' | '<' | '>' | '`' | '*' | '_' | '[' | ']' | '\\') {
            cell.push('\\');
        }
        cell.push(letter);
    }
    cell
}

fn what(change: &Change) -> String {
    match change.requirements.as_slice() {
        [] => change.subtest.clone(),
        statements => format!("{} {}", change.subtest, statements.join(", ")),
    }
}

fn summary(comparison: &Comparison) -> String {
    match (comparison.regressions, comparison.changes.len()) {
        (0, 0) => "no changes".to_owned(),
        (0, _) => "no regressions".to_owned(),
        (1, _) => "1 regression".to_owned(),
        (regressions, _) => format!("{regressions} regressions"),
    }
}

fn by_kind(comparison: &Comparison) -> Vec<(ChangeKind, Vec<&Change>)> {
    let mut kinds: Vec<(ChangeKind, Vec<&Change>)> = Vec::new();
    for change in &comparison.changes {
        match kinds.last_mut() {
            Some((kind, changes)) if *kind == change.kind => changes.push(change),
            _ => kinds.push((change.kind, vec![change])),
        }
    }
    kinds
}
