//! What a page says: its text, and the document for JSON pointers.

use form_urlencoded::parse;
use serde_json::{Map, Value, json as value};

use crate::check::evidence::{PageNode, PageRequest, PageResult};

/// Lines of a page's tree that a failure shows.
const MAX_LINES: usize = 200;

/// Returns the page's text, with single blanks between its parts.
pub fn text(page: &PageResult) -> String {
    joined(page.nodes.iter().filter_map(said))
}

/// Returns the page as JSON: `/done`, `/path`, `/title`, `/text`, `/at`, `/requests`, `/storage`, `/stored` (the same as one text)
/// and `/console`.
pub fn json(page: &PageResult) -> Value {
    value!({
        "done": page.problem.is_none(),
        "path": page.path,
        "title": page.title,
        "text": text(page),
        "at": page.at,
        "requests": page.requests.iter().map(request).collect::<Vec<_>>(),
        "storage": page.storage,
        "stored": page.storage.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n"),
        "console": page.console,
    })
}

/// Returns what a failure shows of the page: its tree, its requests and what it printed on the console.
pub fn outline(page: &PageResult) -> Vec<String> {
    let mut lines = vec![format!("{} “{}”", page.path, page.title)];
    let shown = page.nodes.iter().filter(|node| node.role != "RootWebArea").take(MAX_LINES);
    lines.extend(shown.map(line));
    if page.nodes.len() > MAX_LINES {
        lines.push(format!("… {} more", page.nodes.len() - MAX_LINES));
    }
    lines.extend(page.requests.iter().map(|request| {
        let status = request.status.map_or("no response".to_owned(), |status| status.to_string());
        format!("> {} {}: {status}", request.method, request.url)
    }));
    lines.extend(page.console.iter().map(|line| format!("! {line}")));
    lines
}

/// Returns what a node says as text, if it is a text, a picture with a name, or a field with a value.
pub(super) fn said(node: &PageNode) -> Option<&str> {
    match node.role.as_str() {
        "StaticText" => Some(&node.name),
        "image" | "img" => Some(&node.name),
        "textbox" | "searchbox" | "spinbutton" => node.value.as_deref(),
        _ => None,
    }
}

/// Joins texts with single blanks.
pub(super) fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

fn line(node: &PageNode) -> String {
    let indent = "  ".repeat(node.depth.saturating_sub(1).min(20));
    let name = if node.name.is_empty() { String::new() } else { format!(" “{}”", node.name) };
    let value = node.value.as_ref().map(|value| format!(" = “{value}”")).unwrap_or_default();
    let states =
        if node.states.is_empty() { String::new() } else { format!(" ({})", node.states.join(", ")) };
    format!("{indent}{}{name}{value}{states}", node.role)
}

fn request(request: &PageRequest) -> Value {
    let (path, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let query: Map<String, Value> =
        parse(query.as_bytes()).map(|(name, found)| (name.into_owned(), found.into())).collect();
    let body = request.body.as_deref();
    let body = body.map(|body| serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())));
    value!({
        "method": request.method,
        "path": path,
        "query": query,
        "text": request.body,
        "body": body,
        "status": request.status,
    })
}
