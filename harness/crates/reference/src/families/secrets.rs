//! Keys: their form, and that nobody sees them twice.

use serde_json::{Value, json};

use crate::deviation::{Asked, Memory, Told};

use crate::deviation::{Family, both, telling};

const AUTH_PREFIX: &str = "tskey-auth-";
const API_PREFIX: &str = "qztna_";

pub(super) const ALL: Family = &[
    // Not in hex, which a search for hex digits would find anyway.
    (
        "hash-listed",
        telling(|_, told, memory| {
            let known = |row: &Value| memory.key_by_id(&row["id"]).is_some();
            told.rows()
                .filter(|row| known(row))
                .for_each(|row| row["key_hash"] = json!("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
        }),
    ),
    (
        "key-listed",
        telling(|_, told, memory| {
            for row in told.rows() {
                let issued = memory.key_by_id(&row["id"]);
                if let (Some(issued), Some(prefix)) = (issued, row.get_mut("key_prefix")) {
                    *prefix = json!(issued.key);
                }
            }
        }),
    ),
    (
        "key-answered-when-selected",
        both(
            |asked, memory| {
                let named = |(name, value): &(String, String)| name == "select" && value.contains("key");
                let wanted =
                    asked.query.iter().any(named) && asked.query.iter().all(|(_, value)| value != "*");
                let rows = memory.keys.iter().map(|issued| json!({ "key": issued.key }));
                wanted.then(|| Told::data(200, rows.collect()))
            },
            |_, _, _| (),
        ),
    ),
    (
        "keys-constant",
        telling(|asked, told, memory| {
            let same_kind =
                |known: &&crate::deviation::IssuedKey| known.asked["action"] == asked.json["action"];
            if let Some(first) = memory.keys.iter().find(same_kind).filter(|_| created(asked, told)) {
                told.set("key", json!(first.key));
            }
        }),
    ),
    (
        "keys-short",
        both(|asked, memory| back(asked, memory, short), |asked, told, _| shown(asked, told, short)),
    ),
    (
        "keys-not-in-hex",
        both(|asked, memory| back(asked, memory, not_hex), |asked, told, _| shown(asked, told, not_hex)),
    ),
    (
        "keys-with-another-prefix",
        both(|asked, memory| back(asked, memory, renamed), |asked, told, _| shown(asked, told, renamed)),
    ),
    (
        "key-prefix-without-dots",
        telling(|asked, told, _| {
            if created(asked, told) {
                let prefix = told.json["data"]["key_prefix"].as_str().unwrap_or_default();
                let prefix = json!(prefix.trim_end_matches('.'));
                told.set("key_prefix", prefix);
            }
        }),
    ),
];

fn created(asked: &Asked, told: &Told) -> bool {
    asked.creates_key() && told.is_success()
}

/// Shows new keys in another form.
fn shown(asked: &Asked, told: &mut Told, form: fn(&str) -> String) {
    if created(asked, told) {
        let key = form(told.json["data"]["key"].as_str().unwrap_or_default());
        told.set("key", json!(key));
    }
}

/// Understands keys of that form.
fn back(asked: &mut Asked, memory: &Memory, form: fn(&str) -> String) -> Option<Told> {
    let known = |shown: &str| memory.keys.iter().find(|issued| form(&issued.key) == shown);
    if let Some(issued) = known(asked.text("auth_key")) {
        asked.set("auth_key", json!(issued.key));
    }
    if let Some(issued) = asked.token.as_deref().and_then(known) {
        asked.token = Some(issued.key.clone());
    }
    None
}

fn short(key: &str) -> String {
    key.get(..key.len().saturating_sub(32)).unwrap_or(key).to_owned()
}

fn not_hex(key: &str) -> String {
    let (prefix, rest) = split(key);
    let letters = rest.chars().map(|letter| match letter {
        'a'..='f' => char::from(b'u' + (letter as u8 - b'a')),
        other => other,
    });
    prefix.chars().chain(letters).collect()
}

fn renamed(key: &str) -> String {
    let (prefix, rest) = split(key);
    if prefix == AUTH_PREFIX { format!("authkey-{rest}") } else { format!("ztna_{rest}") }
}

fn split(key: &str) -> (&str, &str) {
    let prefix = if key.starts_with(AUTH_PREFIX) { AUTH_PREFIX } else { API_PREFIX };
    (prefix, key.strip_prefix(prefix).unwrap_or(key))
}
