//! Who may do what, and who is believed to be whom.

use std::time::Duration;

use serde_json::json;

use crate::deviation::{Asked, Memory, Told};
use harness_model::scenario::model::Identity;

use crate::deviation::{Family, asking, both, telling};

pub(super) const ALL: Family = &[
    (
        "member-may-create-auth-keys",
        asking(|asked, memory| {
            as_admin_if(asked, memory, |asked, memory| {
                asked.creates_auth_key() && memory.is_by(asked, Identity::Member)
            })
        }),
    ),
    (
        "member-may-create-api-keys",
        asking(|asked, memory| {
            as_admin_if(asked, memory, |asked, memory| {
                asked.creates_api_key() && memory.is_by(asked, Identity::Member)
            })
        }),
    ),
    (
        "member-may-revoke-keys",
        asking(|asked, memory| {
            as_admin_if(asked, memory, |asked, memory| {
                asked.json["action"] == "revoke_auth_key" && memory.is_by(asked, Identity::Member)
            })
        }),
    ),
    (
        "owner-may-not-create-keys",
        asking(|asked, memory| {
            let owner = asked.creates_key() && memory.is_by(asked, Identity::Owner);
            owner.then(|| Told::refusal(403, "FORBIDDEN", "Admin required"))
        }),
    ),
    (
        "forbidden-in-other-words",
        telling(|_, told, _| {
            if told.refuses("FORBIDDEN") {
                told.json["error"]["message"] = json!("Not allowed");
            }
        }),
    ),
    (
        "outsider-may-create-keys",
        asking(|asked, memory| {
            as_admin_if(asked, memory, |asked, memory| {
                asked.creates_key() && memory.is_by(asked, Identity::Outsider)
            })
        }),
    ),
    (
        "member-may-list-keys",
        both(
            |asked, memory| {
                as_admin_if(asked, memory, |asked, memory| {
                    asked.lists("auth_keys") && memory.is_by(asked, Identity::Member)
                })
            },
            |asked, told, memory| role_is(asked, told, memory, Identity::Member, "admin"),
        ),
    ),
    (
        "owner-may-not-list-keys",
        telling(|asked, told, memory| role_is(asked, told, memory, Identity::Owner, "member")),
    ),
    (
        "keys-seen-from-elsewhere",
        asking(|asked, memory| {
            if asked.lists("auth_keys") && memory.is_by(asked, Identity::Outsider) {
                asked.token = memory.session(Identity::Admin).cloned();
                asked.query.retain(|(name, _)| name == "id");
            }
            None
        }),
    ),
    (
        "signature-unchecked",
        asking(|asked, memory| {
            let person = memory.person(asked.token.as_ref());
            if let Some(person) = person.filter(|_| memory.now == Duration::ZERO) {
                asked.token = memory.session(person).cloned();
            }
            None
        }),
    ),
    (
        "sessions-never-expire",
        asking(|asked, memory| {
            let person = memory.person(asked.token.as_ref());
            if let Some(person) = person.filter(|_| memory.now > Duration::ZERO) {
                asked.token = memory.session(person).cloned();
            }
            None
        }),
    ),
    (
        "nobody-may-create-keys",
        asking(|asked, memory| {
            as_admin_if(asked, memory, |asked, _| asked.creates_key() && asked.token.is_none())
        }),
    ),
];

/// Lets somebody pass for the admin.
fn as_admin_if(asked: &mut Asked, memory: &Memory, is_so: fn(&Asked, &Memory) -> bool) -> Option<Told> {
    if is_so(asked, memory) {
        asked.token = memory.session(Identity::Admin).cloned();
    }
    None
}

/// Tells somebody another role than they have.
fn role_is(asked: &Asked, told: &mut Told, memory: &Memory, person: Identity, role: &str) {
    if asked.path == "/api/user-orgs" && memory.is_by(asked, person) {
        told.each("role", |shown| *shown = json!(role));
    }
}
