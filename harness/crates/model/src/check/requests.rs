//! The requests that an observed machine made.

use form_urlencoded::parse;

use crate::scenario::model::Template;
use crate::scenario::template::{Scope, fill_template};

use super::evidence::ProcessResult;
use super::finding::Finding;

/// Each wanted request was made, its query in any order.
pub(super) fn judge(wanted: &[Template], process: &ProcessResult, scope: Scope<'_>) -> Finding {
    let place = "the machine's requests";
    let Some(made) = &process.requests else {
        return Finding::unknown(place, "the machine's requests were not recorded".to_owned());
    };
    let mut filled = Vec::new();
    for template in wanted {
        match fill_template(template, scope) {
            Ok(request) => filled.extend(request),
            Err(error) => {
                let mut finding =
                    Finding::new(false, place, template.text.clone(), "not compared".to_owned());
                finding.message = error.to_string();
                return finding;
            }
        }
    }
    let missing: Vec<&String> =
        filled.iter().filter(|request| !made.iter().any(|other| parts(other) == parts(request))).collect();
    let actual = if made.is_empty() { "none".to_owned() } else { made.join("\n") };
    let mut finding = Finding::new(missing.is_empty(), place, filled.join("\n"), actual);
    finding.message = match missing.as_slice() {
        [] => filled.join(", "),
        missing => {
            let missing: Vec<String> = missing.iter().map(|request| format!("`{request}`")).collect();
            format!("of {} requests none was {}", made.len(), missing.join(" or "))
        }
    };
    finding
}

/// Method, path, and the query's pairs, decoded and sorted.
fn parts(request: &str) -> (&str, &str, Vec<(String, String)>) {
    let (method, target) = request.split_once(' ').unwrap_or((request, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut pairs: Vec<(String, String)> = parse(query.as_bytes()).into_owned().collect();
    pairs.sort();
    (method, path, pairs)
}
