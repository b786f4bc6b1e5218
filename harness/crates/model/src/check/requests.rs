//! The requests that an observed machine made.

use form_urlencoded::parse;

use crate::scenario::model::Template;
use crate::scenario::template::{Scope, fill_template};

use super::evidence::ProcessResult;
use super::finding::Finding;

/// How rows come: not which ones.
const PRESENTATION: [&str; 4] = ["order", "select", "limit", "offset"];

/// Each wanted request was made, its query in any order, with or without parameters that change how rows come.
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
        filled.iter().filter(|request| !made.iter().any(|other| is_made(request, other))).collect();
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

fn is_made(wanted: &str, made: &str) -> bool {
    let (method, path, wanted) = parts(wanted);
    let (other_method, other_path, made) = parts(made);
    let is_wanted = |pair: &(String, String)| wanted.contains(pair);
    method == other_method
        && path == other_path
        && wanted.iter().all(|pair| made.contains(pair))
        && made.iter().all(|pair| is_wanted(pair) || PRESENTATION.contains(&pair.0.as_str()))
}

/// Method, path, and the query's pairs, decoded. `eq.` says the same as no operator.
fn parts(request: &str) -> (&str, &str, Vec<(String, String)>) {
    let (method, target) = request.split_once(' ').unwrap_or((request, ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = parse(query.as_bytes()).into_owned();
    let bare = |value: String| value.strip_prefix("eq.").map(str::to_owned).unwrap_or(value);
    (method, path, pairs.map(|(name, value)| (name, bare(value))).collect())
}

#[cfg(test)]
mod tests {
    use super::is_made;

    #[test]
    fn a_request_is_recognised_by_the_rows_that_it_asks_for() {
        let wanted = "GET /api/db/auth_keys?org_id=o&revoked=eq.false";
        for (made, expected) in [
            ("GET /api/db/auth_keys?revoked=eq.false&org_id=o", true),
            ("GET /api/db/auth_keys?org_id=eq.o&revoked=false", true),
            ("GET /api/db/auth_keys?org_id=o&revoked=eq.false&order=name.asc&select=id&limit=9", true),
            ("GET /api/db/auth_keys?org_id=o", false),
            ("GET /api/db/auth_keys?org_id=o&revoked=eq.false&name=eq.x", false),
            ("GET /api/db/api_keys?org_id=o&revoked=eq.false", false),
            ("POST /api/db/auth_keys?org_id=o&revoked=eq.false", false),
        ] {
            assert_eq!(is_made(wanted, made), expected, "{made}");
        }
    }
}
