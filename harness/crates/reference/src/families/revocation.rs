//! What a revoked auth key is still good for, and what its machines are.

use serde_json::json;

use super::restore::{delete, does_nothing, pretended_registration};
use crate::deviation::{Deviation, Family, NONE, asking, both, telling};

pub(super) const ALL: Family = &[
    ("revocation-ignored", asking(|asked, _| does_nothing(asked, "revoke_auth_key"))),
    (
        "revocation-only-listed",
        both(
            |asked, memory| {
                let done = does_nothing(asked, "revoke_auth_key")?;
                memory.own.insert(asked.text("key_id").to_owned(), json!(true));
                Some(done)
            },
            |_, told, memory| {
                for row in told.rows() {
                    let id = row["id"].as_str().unwrap_or_default();
                    if memory.own.contains_key(id) && row.get("revoked").is_some() {
                        row["revoked"] = json!(true);
                    }
                }
            },
        ),
    ),
    (
        "revocation-cuts-off-machines",
        Deviation {
            after: |asked, told, memory| {
                let revokes = asked.json["action"] == "revoke_auth_key" && told.is_success();
                let Some(issued) = memory.key_by_id(&asked.json["key_id"]).filter(|_| revokes) else {
                    return Vec::new();
                };
                let theirs = memory.enrolled_with(&issued.key);
                theirs.flat_map(|machine| delete(memory, &asked.json["org_id"], machine)).collect()
            },
            ..NONE
        },
    ),
    (
        "revoked-key-has-its-own-code",
        telling(|asked, told, memory| {
            let is_revoked = memory.key(asked.text("auth_key")).is_some_and(|issued| issued.revoked);
            if is_revoked && told.refuses("INVALID_KEY") {
                told.json["error"]["code"] = json!("KEY_REVOKED");
            }
        }),
    ),
    (
        "revocation-spares-enrolled-machines",
        telling(|asked, told, memory| {
            let key = asked.text("auth_key");
            let is_revoked = memory.key(key).is_some_and(|issued| issued.revoked);
            let knows = memory.enrolled_with(key).any(|machine| asked.json["name"] == *machine.name);
            if is_revoked && knows && told.refuses("INVALID_KEY") {
                *told = pretended_registration(asked);
            }
        }),
    ),
];
