//! Reads `GET /api/user-orgs`, which names the caller's organisations and roles (`generate/ST5.5`) in any shape.

use serde_json::{Map, Value};

/// The roles that the documents name.
const ROLES: [&str; 3] = ["owner", "admin", "member"];

/// The organisations of a session, as far as the response says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Organisations(Value);

impl Organisations {
    pub(super) fn new(response: Value) -> Self {
        Self(response)
    }

    /// Whether the organisation is listed.
    pub(super) fn lists(&self, org: &str) -> bool {
        mentions(&self.0, org)
    }

    /// Returns the role in the organisation, if it is one that the documents name.
    pub(super) fn role(&self, org: &str) -> Option<&'static str> {
        role_in(&self.0, org)
    }

    /// Returns the ids that are recognisable as such.
    pub(super) fn ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        collect_ids(&self.0, &mut ids);
        ids
    }
}

fn mentions(value: &Value, org: &str) -> bool {
    match value {
        Value::String(text) => text == org,
        Value::Array(items) => items.iter().any(|item| mentions(item, org)),
        Value::Object(fields) => fields.iter().any(|(name, field)| name == org || mentions(field, org)),
        _ => false,
    }
}

/// Looks in the smallest object that names both the organisation and a role.
fn role_in(value: &Value, org: &str) -> Option<&'static str> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| role_in(item, org)),
        Value::Object(fields) => {
            let within = fields.values().find_map(|field| role_in(field, org));
            let keyed = || known_role(fields.get(org)?);
            let beside = || if mentions(value, org) { role_field(fields) } else { None };
            within.or_else(keyed).or_else(beside)
        }
        _ => None,
    }
}

fn role_field(fields: &Map<String, Value>) -> Option<&'static str> {
    let mut roles = fields.iter().filter(|(name, _)| name.to_ascii_lowercase().contains("role"));
    roles.find_map(|(_, role)| known_role(role))
}

fn known_role(value: &Value) -> Option<&'static str> {
    let text = match value {
        Value::Array(items) => items.first().filter(|_| items.len() == 1)?.as_str()?,
        other => other.as_str()?,
    };
    ROLES.into_iter().find(|role| role.eq_ignore_ascii_case(text))
}

fn collect_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        Value::Object(fields) => {
            let id = ["org_id", "id"].into_iter().find_map(|name| fields.get(name)?.as_str());
            match id {
                Some(id) => ids.push(id.to_owned()),
                None => fields.values().for_each(|field| collect_ids(field, ids)),
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_are_found_in_any_shape() {
        let rows = json!([{ "org_id": "o1", "role": "member" }, { "org_id": "o2", "role": "Admin" }]);
        let cases = [
            (json!({ "success": true, "data": rows }), Some("admin")),
            (rows, Some("admin")),
            (
                json!({ "items": [{ "organisation": { "id": "o2", "name": "x" }, "user_role": "owner" }] }),
                Some("owner"),
            ),
            (json!({ "o1": "owner", "o2": "member" }), Some("member")),
            (json!([{ "id": "o2", "roles": ["owner"] }]), Some("owner")),
            (json!([{ "id": "o2", "roles": ["owner", "billing"] }]), None),
            (json!([{ "id": "o2", "role": "superuser" }]), None),
            (json!([{ "id": "o1", "role": "admin" }]), None),
        ];
        for (response, role) in cases {
            let organisations = Organisations::new(response.clone());
            assert_eq!(organisations.role("o2"), role, "{response}");
            assert_eq!(organisations.lists("o2"), response.to_string().contains("\"o2\""), "{response}");
        }
    }

    #[test]
    fn ids_are_listed_for_messages() {
        let organisations =
            Organisations::new(json!({ "data": [{ "org_id": "o1", "id": "m" }, { "id": "o2" }] }));
        assert_eq!(organisations.ids(), ["o1", "o2"]);
    }
}
