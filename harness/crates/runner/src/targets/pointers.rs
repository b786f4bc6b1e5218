//! Moves undocumented fields of a target's responses to where the kit reads them, as the profile's `[pointers]` say.

use serde_json::{Map, Value};

use harness_model::check::evidence::Exchange;

pub use super::profile::{MachinePointers, Pointers};

const LOGIN: &str = "/api/auth/login";
const REGISTER: &str = "/api/register-machine";
const USER_ORGS: &str = "/api/user-orgs";
const TABLES: &str = "/api/db/";
/// The header that marks a changed response.
const MARK_HEADER: &str = "x-harness-pointers";
const MACHINES: &str = "/api/db/machines";

impl Pointers {
    /// Moves what the profile points to. Checks, reports and evidence all see the changed response, which is marked by an
    /// additional header.
    ///
    /// `path` is the one that scenarios use for the request.
    pub fn apply(&self, path: &str, exchange: &mut Exchange) {
        if *self == Self::default() || !(200..300).contains(&exchange.status) {
            return;
        }
        let Some(original) = exchange.json() else { return };
        let mut json = original.clone();
        self.apply_to(&exchange.method, path, &mut json);
        if json != *original {
            exchange.set_json(&json);
            exchange.headers.push((MARK_HEADER.to_owned(), "changed by the profile's [pointers]".to_owned()));
        }
    }

    fn apply_to(&self, method: &str, path: &str, response: &mut Value) {
        let is = |wanted: &str, wanted_path: &str| method == wanted && path == wanted_path;
        if is("POST", LOGIN) {
            copy(response, self.access_token.as_deref(), &["data", "access_token"]);
        } else if is("POST", REGISTER) {
            copy(response, self.machine_token.as_deref(), &["data", "machine_token"]);
        } else if is("GET", USER_ORGS) || method == "GET" && path.starts_with(TABLES) {
            copy(response, self.rows.as_deref(), &["data"]);
            if path == MACHINES {
                let rows = match response {
                    Value::Array(rows) => Some(rows),
                    response => response.get_mut("data").and_then(Value::as_array_mut),
                };
                rows.into_iter().flatten().for_each(|row| self.machine.apply_to(row));
            }
        }
    }
}

impl MachinePointers {
    fn apply_to(&self, row: &mut Value) {
        let columns = [
            (&self.id, "id"),
            (&self.name, "name"),
            (&self.status, "status"),
            (&self.tailnet_ip, "tailnet_ip"),
            (&self.tags, "tags"),
            (&self.public_key, "public_key"),
        ];
        // All are looked up in the original row, as one field may be where another belongs.
        let original = row.clone();
        for (from, column) in columns {
            let found = from.as_deref().and_then(|from| original.pointer(from));
            if let Some(found) = found {
                put(row, &[column], found.clone());
            }
        }
    }
}

fn copy(response: &mut Value, from: Option<&str>, to: &[&str]) {
    if let Some(found) = from.and_then(|from| response.pointer(from)).cloned() {
        put(response, to, found);
    }
}

/// Sets the value at a path, replacing anything on the way that is not an object.
fn put(whole: &mut Value, to: &[&str], value: Value) {
    let Some((first, rest)) = to.split_first() else {
        *whole = value;
        return;
    };
    if !whole.is_object() {
        *whole = Value::Object(Map::new());
    }
    if let Some(object) = whole.as_object_mut() {
        put(object.entry(*first).or_insert(Value::Null), rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_move_to_where_the_kit_reads_them() {
        let text = |text: &str| Some(text.to_owned());
        let pointers = Pointers {
            access_token: text("/jwt"),
            machine_token: text("/machine/credential"),
            rows: text("/items"),
            machine: MachinePointers { id: text("/name"), name: text("/label"), ..Default::default() },
        };
        let rows = json!({ "items": [{ "name": "m1", "label": "Linux-C" }] });
        let there = json!([{ "name": "Linux-C", "label": "Linux-C", "id": "m1" }]);
        let cases = [
            ("POST", "/api/auth/login", json!({ "jwt": "x" }), "/data/access_token", json!("x")),
            (
                "POST",
                "/api/register-machine",
                json!({ "data": { "id": 1 }, "machine": { "credential": "c" } }),
                "/data",
                json!({ "id": 1, "machine_token": "c" }),
            ),
            ("GET", "/api/db/machines", rows.clone(), "/data", there),
            ("GET", "/api/db/auth_keys", rows.clone(), "/data", rows["items"].clone()),
            ("GET", "/api/db/machines", json!([{ "name": "m1" }]), "/0/id", json!("m1")),
            ("POST", "/api/db/api_keys", rows.clone(), "", rows),
            ("POST", "/api/auth/login", json!("jwt"), "", json!("jwt")),
        ];
        for (method, path, mut response, place, wanted) in cases {
            pointers.apply_to(method, path, &mut response);
            assert_eq!(response.pointer(place), Some(&wanted), "{method} {path}: {response}");
        }
    }

    #[test]
    fn changed_responses_are_marked() {
        let pointers = Pointers { rows: Some("/items".to_owned()), ..Default::default() };
        for (body, changed) in [(r#"{"items":[]}"#, true), (r#"{"data":[]}"#, false)] {
            let mut exchange = Exchange {
                method: "GET".to_owned(),
                status: 200,
                body: body.to_owned(),
                ..Exchange::default()
            };
            pointers.apply("/api/db/auth_keys", &mut exchange);
            assert_eq!((exchange.headers.len() == 1, exchange.body != body), (changed, changed));
            assert_eq!(serde_json::from_str(&exchange.body).ok().as_ref(), exchange.json());
        }
    }
}
