//! How a key is found: by the hash of all that follows its prefix, and in no other way.

use serde_json::json;

use crate::deviation::{Asked, Memory, Told};

use crate::deviation::{Family, asking, telling};

const PREFIX: &str = "tskey-auth-";
/// The characters of a whole key.
const LENGTH: usize = PREFIX.len() + 64;

pub(super) const ALL: Family = &[
    (
        "prefix-optional",
        asking(|asked, _| instead(asked, |key| (key.len() == 64).then(|| format!("{PREFIX}{key}")))),
    ),
    ("key-case-ignored", asking(|asked, _| instead(asked, |key| Some(key.to_lowercase())))),
    (
        "key-by-its-beginning",
        asking(|asked, memory| {
            by_likeness(asked, memory, |known, given| given.len() > PREFIX.len() && known.starts_with(given))
        }),
    ),
    ("key-tail-ignored", asking(|asked, _| instead(asked, |key| key.get(..LENGTH).map(str::to_owned)))),
    (
        "key-last-character-ignored",
        asking(|asked, memory| {
            by_likeness(asked, memory, |known, given| {
                given.len() == LENGTH && known.get(..LENGTH - 1) == given.get(..LENGTH - 1)
            })
        }),
    ),
    (
        "invalid-key-is-not-found",
        telling(|_, told, _| {
            if told.refuses("INVALID_KEY") {
                told.status = 404;
            }
        }),
    ),
    (
        "registration-needs-session",
        asking(|asked, _| {
            let anonymous = asked.registers() && asked.token.is_none();
            anonymous.then(|| Told::refusal(401, "UNAUTHORIZED", "Authentication required"))
        }),
    ),
];

/// Another key than the one that was given.
fn instead(asked: &mut Asked, other: fn(&str) -> Option<String>) -> Option<Told> {
    if asked.registers()
        && let Some(key) = other(asked.text("auth_key"))
    {
        asked.set("auth_key", json!(key));
    }
    None
}

/// A known key that is like the given one.
fn by_likeness(asked: &mut Asked, memory: &Memory, is_like: fn(&str, &str) -> bool) -> Option<Told> {
    let given = asked.text("auth_key");
    let known = memory.keys.iter().find(|issued| asked.registers() && is_like(&issued.key, given));
    if let Some(key) = known.map(|issued| issued.key.clone()) {
        asked.set("auth_key", json!(key));
    }
    None
}
