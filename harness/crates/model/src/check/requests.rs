//! Judges the requests of an observed machine.

use form_urlencoded::parse;

use crate::scenario::model::Template;
use crate::scenario::template::{Scope, fill_template};

use super::evidence::ProcessResult;
use super::finding::Finding;

/// Checks that each expected request was made; the order of query parameters does not matter.
pub(super) fn judge(expected: &[Template], process: &ProcessResult, scope: Scope<'_>) -> Finding {
    let label = "requests";
    let Some(made) = &process.requests else {
        return Finding::unknown(label, "requests were not recorded".to_owned());
    };
    let mut filled = Vec::new();
    for template in expected {
        match fill_template(template, scope) {
            Ok(request) => filled.extend(request),
            Err(error) => {
                let mut finding =
                    Finding::new(false, label, template.text.clone(), "not compared".to_owned());
                finding.message = error.to_string();
                return finding;
            }
        }
    }
    let missing: Vec<&String> = filled
        .iter()
        .filter(|request| !made.iter().any(|other| normalised(other) == normalised(request)))
        .collect();
    let actual = if made.is_empty() { "none".to_owned() } else { made.join("\n") };
    let mut finding = Finding::new(missing.is_empty(), label, filled.join("\n"), actual);
    finding.message = match missing.as_slice() {
        [] => filled.join(", "),
        missing => {
            let missing: Vec<String> = missing.iter().map(|request| format!("`{request}`")).collect();
            format!("requests: expected {}, not among the {} recorded", missing.join(" and "), made.len())
        }
    };
    finding
}

/// Returns method, path, and the decoded and sorted query parameters.
fn normalised(request: &str) -> (&str, &str, Vec<(String, String)>) {
    let (method, target) = request.split_once(' ').unwrap_or((request, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<(String, String)> = parse(query.as_bytes()).into_owned().collect();
    pairs.sort();
    (method, path, pairs)
}
