//! Lists of `/api/db`: columns, filters, types.

use serde_json::{Value, json};

use crate::deviation::{Family, ProxyRequest, ProxyResponse, on_request, on_response};

pub(super) const ALL: Family = &[
    (
        "select-adds-the-id",
        on_request(|request, _| {
            for (_, columns) in request.query.iter_mut().filter(|(name, _)| name == "select") {
                columns.push_str(",id");
            }
            None
        }),
    ),
    (
        "allowed-tags-listed-with-prefix",
        on_response(|_, response, _| {
            response.each("allowed_tags", |tags| {
                for tag in tags.as_array_mut().into_iter().flatten() {
                    *tag = json!(format!("tag:{}", tag.as_str().unwrap_or_default()));
                }
            });
        }),
    ),
    (
        "allowed-cidrs-not-listed",
        on_response(|_, response, _| response.each("allowed_cidrs", |cidrs| *cidrs = Value::Null)),
    ),
    (
        "scopes-not-listed",
        on_response(|_, response, _| response.each("scopes", |scopes| *scopes = Value::Null)),
    ),
    (
        "record-expires-years-later",
        on_response(|_, response, state| {
            for row in response.rows().filter(|row| state.key_by_id(&row["id"]).is_some()) {
                let years = row["expires_at"].as_str().and_then(|text| text.get(..4)?.parse::<u32>().ok());
                if let (Some(year), Some(rest)) =
                    (years, row["expires_at"].as_str().and_then(|text| text.get(4..)))
                {
                    row["expires_at"] = json!(format!("{}{rest}", year + 5));
                }
            }
        }),
    ),
    (
        "select-ignored",
        on_request(|request, _| {
            request.query.retain(|(name, _)| name != "select");
            None
        }),
    ),
    (
        "filters-ignored",
        on_request(|request, _| {
            request.query.retain(|(name, _)| !["id", "name"].contains(&name.as_str()));
            None
        }),
    ),
    (
        "org-filter-ignored",
        on_request(|request, _| {
            if request.path.starts_with("/api/db/") {
                request.query.retain(|(name, _)| name != "org_id");
            }
            None
        }),
    ),
    (
        "bare-value-refused",
        on_request(|request, _| {
            let bare = |(name, value): &(String, String)| name == "org_id" && !value.starts_with("eq.");
            let refused = request.path.starts_with("/api/db/") && request.query.iter().any(bare);
            refused.then(|| ProxyResponse::refusal(400, "INVALID_FILTER", "org_id needs an operator"))
        }),
    ),
    (
        "lists-empty",
        on_response(|request, response, _| {
            if request.path.starts_with("/api/db/") {
                response.retain(|_| false);
            }
        }),
    ),
    (
        "lists-show-one-row",
        on_response(|request, response, _| {
            if request.path.starts_with("/api/db/")
                && let Some(rows) = response.json.get_mut("data").and_then(Value::as_array_mut)
            {
                rows.truncate(1);
            }
        }),
    ),
    (
        "booleans-as-numbers",
        on_response(|_, response, _| {
            for row in response.rows().filter_map(Value::as_object_mut) {
                for value in row.values_mut() {
                    if let Value::Bool(flag) = value {
                        *value = json!(u8::from(*flag));
                    }
                }
            }
        }),
    ),
    (
        "names-compared-by-their-beginning",
        on_request(|request, _| compare_names(request, |name| format!("like.{name}*"))),
    ),
    (
        "names-compared-without-case",
        on_request(|request, _| compare_names(request, |name| format!("ilike.{name}"))),
    ),
    (
        "select-only-first",
        on_request(|request, _| {
            for (_, columns) in request.query.iter_mut().filter(|(name, _)| name == "select") {
                let first = columns.split(',').next().unwrap_or_default();
                *columns = first.to_owned();
            }
            None
        }),
    ),
    (
        "select-refused",
        on_request(|request, _| {
            let several = request.query.iter().any(|(name, value)| name == "select" && value.contains(','));
            several.then(|| ProxyResponse::refusal(400, "INVALID_FILTER", "Unknown column select"))
        }),
    ),
    (
        "revoked-filter-inverted",
        on_request(|request, _| {
            for (_, value) in request.query.iter_mut().filter(|(name, _)| name == "revoked") {
                *value = if value == "eq.false" { "eq.true" } else { "eq.false" }.to_owned();
            }
            None
        }),
    ),
    (
        "lists-show-ten-rows",
        on_response(|request, response, _| {
            if request.path.starts_with("/api/db/")
                && let Some(rows) = response.json.get_mut("data").and_then(Value::as_array_mut)
            {
                rows.truncate(10);
            }
        }),
    ),
    (
        "ids-compared-by-their-beginning",
        on_request(|request, _| {
            for (_, value) in request.query.iter_mut().filter(|(column, _)| column == "id") {
                if let Some(id) = value.strip_prefix("eq.") {
                    *value = format!("like.{id}*");
                }
            }
            None
        }),
    ),
];

/// Filters on names with another operator than the one that was sent.
fn compare_names(request: &mut ProxyRequest, other: fn(&str) -> String) -> Option<ProxyResponse> {
    for (_, value) in request.query.iter_mut().filter(|(column, _)| column == "name") {
        if let Some(name) = value.strip_prefix("eq.") {
            *value = other(name);
        }
    }
    None
}
