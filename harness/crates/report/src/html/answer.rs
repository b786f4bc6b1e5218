//! The result of a step: a response, a process's output, or a WireGuard peer's packets.

use std::collections::BTreeSet;

use maud::{Markup, html};

use crate::json::pretty;
use crate::results::{ExchangeResult, PageRun, ProcessRun, WireRun};
use harness_model::text::{counted, truncated};

use super::notation::duration;

/// Lines shown of a text; results.json has more.
const MAX_LINES: usize = 400;
/// Characters shown of a line.
const MAX_LINE_LEN: usize = 2000;
/// Responses shown of a race.
const MAX_RESPONSES: usize = 3;

/// The result as blocks of lines, each under a title.
pub(super) struct Answer {
    blocks: Vec<Block>,
}

struct Block {
    title: String,
    headers: Vec<String>,
    lines: Vec<String>,
}

impl Answer {
    /// Returns `None` if the step has nothing to show.
    pub(super) fn of(
        exchanges: &[ExchangeResult],
        process: Option<&ProcessRun>,
        wire: Option<&WireRun>,
        page: Option<&PageRun>,
    ) -> Option<Self> {
        let mut blocks: Vec<Block> = exchanges.iter().take(MAX_RESPONSES).map(answered).collect();
        blocks.extend(process.map(ran));
        blocks.extend(wire.map(|wire| Block {
            title: format!("{} after {}", wire.command, duration(wire.duration_ms)),
            headers: Vec::new(),
            lines: wire.seen.iter().map(|line| shown_line(line)).collect(),
        }));
        blocks.extend(page.map(|page| Block {
            title: format!("{} after {}", page.command, duration(page.duration_ms)),
            headers: Vec::new(),
            lines: page.seen.iter().map(|line| shown_line(line)).collect(),
        }));
        (!blocks.is_empty()).then_some(Self { blocks })
    }

    /// Renders the blocks; lines without a counterpart in `other` get the CSS class `class`.
    pub(super) fn render(&self, other: Option<&Self>, class: &str) -> Markup {
        let known: Option<BTreeSet<String>> = other.map(|other| {
            let lines = other.blocks.iter().flat_map(|block| block.lines.iter().chain([&block.title]));
            lines.map(|line| shape(line)).collect()
        });
        let is_new = |line: &str| known.as_ref().is_some_and(|known| !known.contains(&shape(line)));
        html! {
            @for block in &self.blocks {
                p .status { (block.title) }
                @if !block.headers.is_empty() {
                    pre .headers { @for header in &block.headers { (header) "\n" } }
                }
                pre { span .lines {
                    @for line in &block.lines {
                        span class=[is_new(line).then_some(class)] { (line) }
                    }
                } }
            }
        }
    }
}

pub(super) fn request(exchange: &ExchangeResult) -> Markup {
    html! {
        details .more {
            summary { span { "The request: " (exchange.method) " " (path(&exchange.url)) } }
            div .side { div .body {
                p .status { (exchange.method) " " (exchange.url) }
                pre .headers {
                    @for header in &exchange.request_headers { (shown_line(&header.to_string())) "\n" }
                }
                @if let Some(body) = &exchange.request_body {
                    pre { @for line in lines(body) { (line) "\n" } }
                }
            } }
        }
    }
}

fn answered(exchange: &ExchangeResult) -> Block {
    let told = ["content-type", "location", "retry-after", "www-authenticate"];
    let headers = exchange.headers.iter().filter(|header| told.contains(&header.name.as_str()));
    Block {
        title: format!("{} after {}", exchange.status, duration(exchange.duration_ms)),
        headers: headers.map(|header| shown_line(&header.to_string())).collect(),
        lines: lines(&exchange.body),
    }
}

fn ran(process: &ProcessRun) -> Block {
    let end = match (process.running, process.exit) {
        (true, _) => "still running".to_owned(),
        (false, Some(code)) => format!("exit {code}"),
        (false, None) => "ended without an exit code".to_owned(),
    };
    let mut shown = vec![format!("$ {}", process.command)];
    shown.extend(lines(&process.stdout));
    shown.extend(lines(&process.stderr).into_iter().map(|line| format!("! {line}")));
    shown.extend(process.requests.iter().map(|request| format!("> {request}")));
    Block {
        title: format!("{end} after {}", duration(process.duration_ms)),
        headers: Vec::new(),
        lines: shown,
    }
}

fn lines(body: &str) -> Vec<String> {
    let whole = pretty(body);
    let mut lines: Vec<String> = whole.lines().take(MAX_LINES).map(shown_line).collect();
    let more = whole.lines().skip(MAX_LINES).count();
    if more > 0 {
        lines.push(format!("… {} more", counted(more, "line")));
    }
    lines
}

fn shown_line(line: &str) -> String {
    truncated(line, MAX_LINE_LEN).into_owned()
}

fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/")
}

/// Reduces a line to what is comparable between two runs: without ids, keys, times (long words with digits) and
/// durations.
fn shape(line: &str) -> String {
    let line = line.split(" after ").next().unwrap_or_default();
    let is_word = |letter: char| letter.is_alphanumeric() || "-_.:+$".contains(letter);
    let mut shape = String::with_capacity(line.len());
    let mut word = String::new();
    for letter in line.trim_end_matches(',').chars().chain([' ']) {
        if is_word(letter) {
            word.push(letter);
            continue;
        }
        let varies = word.len() >= 8 && word.chars().any(|letter| letter.is_ascii_digit());
        shape.push_str(if varies { "·" } else { &word });
        shape.push(letter);
        word.clear();
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_ignores_ids_times_and_durations() {
        let alike = [
            (
                r#"  "id": "9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e","#,
                r#"  "id": "00000000-2f43-4c39-9a61-0a4f4b1c2d3e""#,
            ),
            (r#""created_at": "2026-03-17T10:00:00Z""#, r#""created_at": "2027-01-02T11:30:00.123Z""#),
            ("201 after 3 ms", "201 after 120 ms"),
        ];
        for (one, other) in alike {
            assert_eq!(shape(one), shape(other));
        }
        for (one, other) in [("\"used_count\": 0", "\"used_count\": 1"), ("201 after 3 ms", "200 after 3 ms")]
        {
            assert_ne!(shape(one), shape(other));
        }
    }

    #[test]
    fn long_lines_and_bodies_are_truncated() {
        assert_eq!(shown_line(&"ä".repeat(MAX_LINE_LEN + 5)).chars().count(), MAX_LINE_LEN);
        let shown = lines(&"x\n".repeat(MAX_LINES + 3));
        assert_eq!(shown.last().map(String::as_str), Some("… 3 lines more"));
    }
}
