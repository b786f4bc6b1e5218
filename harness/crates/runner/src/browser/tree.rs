//! The accessible tree of a page, from Chromium's answer.

use std::collections::HashMap;

use harness_model::check::evidence::PageNode;
use serde_json::Value;

/// Roles of nodes that say nothing by themselves.
const SILENT: [&str; 6] = ["none", "generic", "InlineTextBox", "ListMarker", "LineBreak", "presentation"];
/// Properties that are states if they are true.
const STATES: [&str; 7] = ["checked", "pressed", "selected", "disabled", "readonly", "required", "focused"];
/// A page deeper than this is cut.
const MAX_DEPTH: usize = 200;

/// A node of the tree, and the number by which the browser knows its element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    pub node: PageNode,
    pub(super) backend: i64,
}

/// Returns the nodes that say something, in the order of the document.
pub(super) fn read(answer: &Value) -> Vec<Element> {
    let nodes = answer.get("nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let by_id: HashMap<&str, &Value> =
        nodes.iter().filter_map(|node| Some((node.get("nodeId")?.as_str()?, node))).collect();
    let mut elements = Vec::new();
    // Depth first, without recursion: the page decides how deep it is.
    let mut waiting: Vec<(&Value, usize)> = nodes.first().map(|root| (root, 0)).into_iter().collect();
    while let Some((node, depth)) = waiting.pop() {
        let role = node.pointer("/role/value").and_then(Value::as_str).unwrap_or_default();
        let is_ignored = node.get("ignored").and_then(Value::as_bool).unwrap_or_default();
        let shown = !is_ignored && !SILENT.contains(&role);
        if shown {
            elements.push(element(node, role, depth));
        }
        if role == "StaticText" || depth >= MAX_DEPTH {
            continue;
        }
        let below = depth + usize::from(shown);
        let children = node.get("childIds").and_then(Value::as_array).into_iter().flatten();
        let children: Vec<&Value> = children.filter_map(|id| by_id.get(id.as_str()?).copied()).collect();
        waiting.extend(children.into_iter().rev().map(|child| (child, below)));
    }
    elements
}

fn element(node: &Value, role: &str, depth: usize) -> Element {
    let text = |pointer: &str| match node.pointer(pointer) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Null) | None => None,
        Some(other) => Some(other.to_string()),
    };
    let properties = node.get("properties").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let states = properties.iter().filter_map(|property| {
        let name = property.get("name")?.as_str()?;
        let value = property.pointer("/value/value")?;
        let is_true = value == true || value == "true";
        match name {
            "expanded" => Some(if is_true { "expanded" } else { "collapsed" }),
            "checked" | "pressed" if value == "mixed" => Some("mixed"),
            name if is_true => STATES.iter().find(|state| **state == name).copied(),
            _ => None,
        }
    });
    Element {
        node: PageNode {
            depth,
            role: role.to_owned(),
            name: text("/name/value").unwrap_or_default(),
            value: text("/value/value"),
            states: states.filter(|state| *state != "focused").map(str::to_owned).collect(),
        },
        backend: node.get("backendDOMNodeId").and_then(Value::as_i64).unwrap_or_default(),
    }
}
