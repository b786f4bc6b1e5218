//! Rows of lists: of tables, of cards, and of lists of descriptions.

use serde_json::Value;

use crate::check::evidence::{PageNode, PageResult};
use crate::check::matcher;
use crate::scenario::model::Matcher;

use super::content::{joined, said};
use super::date::shows_date_within;

/// The label that stands for the whole text of a row.
const WHOLE: &str = "text";
/// The label that stands for any date in a row.
const ANY_DATE: &str = "date";
/// The label of the name by which a row is found, also where nothing says that it is one.
const NAME: &str = "Name";
/// What separates alternatives of a label.
pub(crate) const ALTERNATIVES: &str = " | ";

const CELLS: [&str; 4] = ["cell", "gridcell", "rowheader", "columnheader"];
const CARDS: [&str; 4] = ["listitem", "article", "treeitem", "group"];
const TABLES: [&str; 3] = ["table", "grid", "treegrid"];
/// Characters of a label before a colon.
const MAX_LABEL_LEN: usize = 40;

/// A row with its texts, and what stands under which label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    texts: Vec<String>,
    fields: Vec<(String, String)>,
}

/// The row that matches best, and what does not match.
pub(super) struct Closest {
    pub(super) text: String,
    pub(super) wrong: Vec<String>,
}

/// Returns the page's rows.
pub(super) fn rows(page: &PageResult) -> Vec<Row> {
    let nodes = &page.nodes;
    let mut rows = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        let inside = subtree(nodes, at);
        let is = |role: &str| node.role == role;
        if is("row") {
            rows.extend(table_row(nodes, at, inside));
        } else if CARDS.contains(&node.role.as_str()) && !holds_rows(inside) {
            rows.push(card(inside));
        } else if is("heading") {
            rows.push(card(section(nodes, at)));
        }
    }
    rows.retain(|row| !row.texts.is_empty());
    rows
}

impl Closest {
    pub(super) fn of(rows: &[Row], wanted: &[(String, Matcher)], page: &PageResult) -> Option<Self> {
        let judged = rows.iter().map(|row| Self { text: row.text(), wrong: row.wrong(wanted, page) });
        judged.min_by_key(|closest| closest.wrong.len())
    }
}

impl Row {
    fn text(&self) -> String {
        self.texts.join(" ")
    }

    /// Returns what does not match.
    fn wrong(&self, wanted: &[(String, Matcher)], page: &PageResult) -> Vec<String> {
        let wrong = |(label, matcher): &(String, Matcher)| {
            let found = self.values(label, page);
            let is_met = |value: &String| meets(matcher, value, page);
            if found.iter().any(is_met) {
                return None;
            }
            let instead = match found.as_slice() {
                [] => format!("nothing under it; labels here: {}", self.labels()),
                found => found.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
            };
            Some(format!("{label}: expected {}, got {instead}", matcher::describe(matcher)))
        };
        wanted.iter().filter_map(wrong).collect()
    }

    /// Returns what stands under a label.
    fn values(&self, label: &str, page: &PageResult) -> Vec<String> {
        match label {
            WHOLE => return vec![self.text()],
            ANY_DATE => return self.texts.iter().cloned().chain([self.text()]).collect(),
            _ => {}
        }
        let names: Vec<String> =
            label.split(ALTERNATIVES).map(|name| plain(translated(name, page))).collect();
        let under = self.fields.iter().filter(|(label, _)| names.contains(&plain(label)));
        let mut values: Vec<String> = under.map(|(_, value)| value.clone()).collect();
        if values.is_empty() && label == NAME {
            values.clone_from(&self.texts);
        }
        values
    }

    fn labels(&self) -> String {
        let labels: Vec<String> = self.fields.iter().map(|(label, _)| format!("`{label}`")).collect();
        if labels.is_empty() { "none".to_owned() } else { labels.join(", ") }
    }
}

fn meets(matcher: &Matcher, value: &str, page: &PageResult) -> bool {
    match matcher {
        Matcher::Within(window) => shows_date_within(window, value, &page.at),
        matcher => matcher::judge(matcher, Some(&Value::String(value.to_owned()))).is_ok(),
    }
}

/// Returns the target's word for one of the documents.
fn translated<'p>(word: &'p str, page: &'p PageResult) -> &'p str {
    page.words.get(word).map_or(word, String::as_str)
}

/// Reduces a label to its letters and digits.
fn plain(label: &str) -> String {
    label.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns a node with everything in it.
fn subtree(nodes: &[PageNode], at: usize) -> &[PageNode] {
    let Some((first, rest)) = nodes.get(at..).and_then(<[PageNode]>::split_first) else { return &[] };
    let length = rest.iter().take_while(|node| node.depth > first.depth).count();
    nodes.get(at..=at + length).unwrap_or_default()
}

/// Returns a heading with everything up to the next one.
fn section(nodes: &[PageNode], at: usize) -> &[PageNode] {
    let heading = subtree(nodes, at).len();
    let rest = nodes.get(at + heading..).unwrap_or_default();
    let length = rest.iter().take_while(|node| node.role != "heading").count();
    nodes.get(at..at + heading + length).unwrap_or_default()
}

fn holds_rows(inside: &[PageNode]) -> bool {
    let count = |role: &str| inside.iter().skip(1).filter(|node| node.role == role).count();
    count("row") > 0 || count("article") > 1
}

fn table_row(nodes: &[PageNode], at: usize, inside: &[PageNode]) -> Option<Row> {
    if inside.iter().any(|node| node.role == "columnheader") {
        return None;
    }
    let before = nodes.get(..at).unwrap_or_default();
    let depth = nodes.get(at).map_or(0, |node| node.depth);
    let table = before.iter().rposition(|node| node.depth < depth && TABLES.contains(&node.role.as_str()))?;
    let headings = subtree(nodes, table);
    let heading_row = headings
        .iter()
        .enumerate()
        .filter(|(_, node)| node.role == "row")
        .map(|(at, _)| subtree(headings, at))
        .find(|row| row.iter().any(|node| node.role == "columnheader"));
    let headings = heading_row.map(cells).unwrap_or_default();
    let mut row = card(inside);
    let under = headings.into_iter().zip(cells(inside));
    row.fields.splice(0..0, under.filter(|(label, _)| !label.is_empty()));
    Some(row)
}

/// Returns the texts of a row's cells.
fn cells(row: &[PageNode]) -> Vec<String> {
    let is_cell = |node: &PageNode| CELLS.contains(&node.role.as_str());
    let cells = row.iter().enumerate().filter(|(_, node)| is_cell(node));
    cells
        .map(|(at, node)| {
            let text = joined(subtree(row, at).iter().filter_map(said));
            if text.is_empty() { node.name.clone() } else { text }
        })
        .collect()
}

/// Reads a card, whose labels stand before a colon, or are terms of a list of descriptions.
fn card(inside: &[PageNode]) -> Row {
    let texts: Vec<String> = inside
        .iter()
        .filter_map(said)
        .map(|text| joined([text].into_iter()))
        .filter(|text| !text.is_empty())
        .collect();
    let mut fields = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let Some((label, value)) = text.split_once(':') else { continue };
        if label.is_empty() || label.chars().count() > MAX_LABEL_LEN {
            continue;
        }
        let value =
            if value.trim().is_empty() { texts.get(at + 1).map_or("", String::as_str) } else { value };
        fields.push((label.trim().to_owned(), value.trim().to_owned()));
    }
    let of_role = |role: &'static str| {
        inside.iter().enumerate().filter(move |(_, node)| node.role == role).map(|(at, node)| {
            let text = joined(subtree(inside, at).iter().filter_map(said));
            if text.is_empty() { node.name.clone() } else { text }
        })
    };
    fields.extend(of_role("term").zip(of_role("definition")));
    Row { texts, fields }
}
