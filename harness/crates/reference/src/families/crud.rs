//! Lists of keys: columns, filters, types.

use serde_json::{Value, json};

use crate::deviation::Told;

use crate::deviation::{Family, asking, telling};

pub(super) const ALL: Family = &[
    (
        "select-ignored",
        asking(|asked, _| {
            asked.query.retain(|(name, _)| name != "select");
            None
        }),
    ),
    (
        "filters-ignored",
        asking(|asked, _| {
            asked.query.retain(|(name, _)| !["id", "name"].contains(&name.as_str()));
            None
        }),
    ),
    (
        "org-filter-ignored",
        asking(|asked, _| {
            if asked.path.starts_with("/api/db/") {
                asked.query.retain(|(name, _)| name != "org_id");
            }
            None
        }),
    ),
    (
        "bare-value-refused",
        asking(|asked, _| {
            let bare = |(name, value): &(String, String)| name == "org_id" && !value.starts_with("eq.");
            let refused = asked.path.starts_with("/api/db/") && asked.query.iter().any(bare);
            refused.then(|| Told::refusal(400, "INVALID_FILTER", "org_id needs an operator"))
        }),
    ),
    (
        "lists-empty",
        telling(|asked, told, _| {
            if asked.path.starts_with("/api/db/") {
                told.retain(|_| false);
            }
        }),
    ),
    (
        "lists-show-one-row",
        telling(|asked, told, _| {
            if asked.path.starts_with("/api/db/")
                && let Some(rows) = told.json.get_mut("data").and_then(Value::as_array_mut)
            {
                rows.truncate(1);
            }
        }),
    ),
    (
        "booleans-as-numbers",
        telling(|_, told, _| {
            for row in told.rows().filter_map(Value::as_object_mut) {
                for value in row.values_mut() {
                    if let Value::Bool(flag) = value {
                        *value = json!(u8::from(*flag));
                    }
                }
            }
        }),
    ),
];
