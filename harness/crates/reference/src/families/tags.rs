//! Tags: of keys, of machines, and what machines may claim.

use serde_json::{Value, json};

use crate::deviation::{Asked, Memory, Told};

use crate::deviation::{Family, asking, both, telling};

pub(super) const ALL: Family = &[
    ("tag-prefix-kept", telling(|asked, told, memory| shown(asked, told, memory, |tags| tags.clone()))),
    (
        "tags-unrestricted",
        both(
            |asked, _| {
                let is_list =
                    asked.json["allowed_tags"].as_array().is_some_and(|tags| tags.iter().all(is_tag));
                if asked.creates_auth_key() && is_list {
                    asked.take("allowed_tags");
                }
                None
            },
            |asked, told, memory| shown(asked, told, memory, stripped),
        ),
    ),
    (
        "tags-dropped-silently",
        asking(|asked, memory| {
            let allowed =
                memory.key(asked.text("auth_key")).map(|issued| stripped(&issued.told["allowed_tags"]));
            if let Some(Value::Array(allowed)) = allowed
                && let Value::Array(mut claimed) = stripped(&asked.json["tags"])
            {
                claimed.retain(|tag| allowed.contains(tag));
                asked.set("tags", Value::Array(claimed));
            }
            None
        }),
    ),
    (
        "tag-refusal-uses-the-key-up",
        both(
            |asked, memory| {
                let spent = asked.registers() && memory.own.contains_key(asked.text("auth_key"));
                spent.then(|| Told::refusal(401, "KEY_USED", "Auth key already used"))
            },
            |asked, told, memory| {
                let single =
                    memory.key(asked.text("auth_key")).is_some_and(|key| key.told["reusable"] == false);
                if told.refuses("TAG_NOT_ALLOWED") && single {
                    memory.own.insert(asked.text("auth_key").to_owned(), json!(true));
                }
            },
        ),
    ),
    (
        "key-tags-not-applied",
        asking(|asked, _| {
            if asked.creates_auth_key() {
                asked.take("tags");
            }
            None
        }),
    ),
    (
        "set-tags-replaces",
        both(
            |asked, memory| {
                let holder =
                    memory.registrations.iter().find(|known| Some(&known.token) == asked.token.as_ref());
                if let Some(name) = holder.map(|holder| holder.name.clone())
                    && asked.path == "/api/machine-tags"
                {
                    memory.own.insert(name, stripped(&asked.json["tags"]));
                }
                None
            },
            |_, told, memory| {
                for row in told.rows() {
                    let set = memory.own.get(row["name"].as_str().unwrap_or_default()).cloned();
                    if let (Some(set), Some(tags)) = (set, row.get_mut("tags")) {
                        *tags = set;
                    }
                }
            },
        ),
    ),
];

/// Shows the allowed tags of keys in a form made of what was asked for.
fn shown(asked: &Asked, told: &mut Told, memory: &Memory, form: fn(&Value) -> Value) {
    if asked.creates_auth_key() && told.is_success() {
        told.set("allowed_tags", form(&asked.json["allowed_tags"]));
    }
    for row in told.rows() {
        let issued = memory.key_by_id(&row["id"]);
        if let (Some(issued), Some(tags)) = (issued, row.get_mut("allowed_tags")) {
            *tags = form(&issued.asked["allowed_tags"]);
        }
    }
}

/// The tags without `tag:`.
fn stripped(tags: &Value) -> Value {
    match tags.as_array() {
        Some(tags) => {
            tags.iter().filter_map(Value::as_str).map(|tag| tag.trim_start_matches("tag:")).collect()
        }
        None => Value::Null,
    }
}

fn is_tag(tag: &Value) -> bool {
    tag.as_str().is_some_and(|tag| !tag.trim_start_matches("tag:").is_empty() && !tag.contains(' '))
}
