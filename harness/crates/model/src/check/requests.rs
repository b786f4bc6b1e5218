//! Judges the requests of an observed machine.

use form_urlencoded::parse;

use crate::scenario::model::Template;
use crate::scenario::template::{Scope, fill_path};

use super::evidence::ProcessResult;
use super::finding::{Finding, Message};

/// Query parameters that change how rows are presented, not which ones.
const PRESENTATION: [&str; 4] = ["order", "select", "limit", "offset"];

/// Checks that each expected request was made. The order of query parameters does not matter, and those that only
/// change the presentation of rows may be added.
pub(super) fn judge(expected: &[Template], process: &ProcessResult, scope: Scope<'_>) -> Finding {
    match &process.requests {
        Some(made) => judge_made(expected, made, scope),
        None => Finding::unknown("requests", "requests were not recorded".to_owned()),
    }
}

/// The same for requests from anywhere.
pub(super) fn judge_made(expected: &[Template], made: &[String], scope: Scope<'_>) -> Finding {
    let label = "requests";
    let mut filled = Vec::new();
    for template in expected {
        match fill_path(template, scope) {
            Ok(request) => filled.extend(request),
            Err(error) => {
                let mut finding =
                    Finding::new(false, label, template.text.clone(), "not compared".to_owned());
                finding.message = Message::Said(error.to_string());
                return finding;
            }
        }
    }
    let missing: Vec<&String> =
        filled.iter().filter(|request| !made.iter().any(|other| is_same(request, other))).collect();
    let actual = if made.is_empty() { "none".to_owned() } else { made.join("\n") };
    let mut finding = Finding::new(missing.is_empty(), label, filled.join("\n"), actual);
    finding.message = Message::Said(match missing.as_slice() {
        [] => filled.join(", "),
        missing => {
            let missing: Vec<String> = missing.iter().map(|request| format!("`{request}`")).collect();
            format!("requests: expected {}, not among the {} recorded", missing.join(" and "), made.len())
        }
    });
    finding
}

fn is_same(expected: &str, made: &str) -> bool {
    let (method, path, expected) = normalised(expected);
    let (made_method, made_path, made) = normalised(made);
    method == made_method
        && path == made_path
        && expected.iter().all(|pair| made.contains(pair))
        && made.iter().all(|pair| expected.contains(pair) || PRESENTATION.contains(&pair.0.as_str()))
}

/// Returns method, path, and the decoded query parameters, `eq.` omitted.
fn normalised(request: &str) -> (&str, &str, Vec<(String, String)>) {
    let (method, target) = request.split_once(' ').unwrap_or((request, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let bare = |value: String| value.strip_prefix("eq.").map(str::to_owned).unwrap_or(value);
    let pairs = parse(query.as_bytes()).into_owned().map(|(name, value)| (name, bare(value)));
    (method, path, pairs.collect())
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn requests_are_compared_by_the_rows_they_select() {
        let expected = "GET /api/db/auth_keys?org_id=o&revoked=eq.false";
        for (made, same) in [
            ("GET /api/db/auth_keys?revoked=eq.false&org_id=o", true),
            ("GET /api/db/auth_keys?org_id=eq.o&revoked=false", true),
            ("GET /api/db/auth_keys?org_id=o&revoked=eq.false&order=name.asc&select=id&limit=9", true),
            ("GET /api/db/auth_keys?org_id=o", false),
            ("GET /api/db/auth_keys?org_id=o&revoked=eq.false&name=eq.x", false),
            ("GET /api/db/api_keys?org_id=o&revoked=eq.false", false),
            ("POST /api/db/auth_keys?org_id=o&revoked=eq.false", false),
        ] {
            assert_eq!(is_same(expected, made), same, "{made}");
        }
    }
}
