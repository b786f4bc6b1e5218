//! Moves undocumented fields of a target's responses to where the kit reads them, as the profile's `[pointers]` say.

use reqwest::Url;
use serde_json::{Map, Value};

use harness_model::check::evidence::Exchange;
use harness_model::check::header::Header;

use harness_model::target::RefusalPointers;

pub use super::profile::{MachinePointers, Pointers, UserOrgPointers};

const LOGIN: &str = "/api/auth/login";
const REGISTER: &str = "/api/register-machine";
const USER_ORGS: &str = "/api/user-orgs";
const TABLES: &str = "/api/db/";
/// The header that marks a changed response.
const MARK_HEADER: &str = "x-harness-pointers";
const MACHINES: &str = "/api/db/machines";

impl Pointers {
    /// Whether the profile points to nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Moves what the profile points to. Checks, reports and evidence all see the changed response, which is marked by an
    /// additional header.
    ///
    /// `path` is the one that scenarios use for the request.
    pub fn apply(&self, path: &str, exchange: &mut Exchange) {
        if self.is_empty() || !(200..300).contains(&exchange.status) {
            return;
        }
        let Some(original) = exchange.json() else { return };
        let mut json = original.clone();
        self.apply_to(&exchange.method, path, &mut json);
        if json != *original {
            exchange.set_json(&json);
            exchange.headers.push(Header::new(MARK_HEADER, "changed by the profile's [pointers]"));
        }
    }

    fn apply_to(&self, method: &str, path: &str, response: &mut Value) {
        let is = |wanted: &str, wanted_path: &str| method == wanted && path == wanted_path;
        if is("POST", LOGIN) {
            copy(response, self.access_token.as_deref(), &["data", "access_token"]);
        } else if is("POST", REGISTER) {
            copy(response, self.machine_token.as_deref(), &["data", "machine_token"]);
        } else if is("GET", USER_ORGS) {
            copy(response, self.user_orgs.rows.as_deref().or(self.rows.as_deref()), &["data"]);
            rename_in_rows(response, &self.user_orgs.columns());
        } else if method == "GET" && path.starts_with(TABLES) {
            copy(response, self.rows.as_deref(), &["data"]);
            if path == MACHINES {
                rename_in_rows(response, &self.machine.columns());
            }
        }
    }

    /// Renames the columns in the query of a request for machines: filters, `select` and `order`.
    ///
    /// `path` is the one that scenarios use for the request.
    pub fn rename_columns(&self, path: &str, url: &mut Url) {
        let columns = self.machine.columns();
        if path != MACHINES || columns.iter().all(|column| column.pointer.is_none()) || url.query().is_none()
        {
            return;
        }
        let renamed = |name: &str| {
            let column = columns.iter().find(|column| column.name == name);
            column.and_then(Column::own_name).unwrap_or_else(|| name.to_owned())
        };
        let renamed_list = |list: &str| {
            let terms = list.split(',').map(|term| match term.split_once('.') {
                Some((name, order)) => format!("{}.{order}", renamed(name)),
                None => renamed(term),
            });
            terms.collect::<Vec<_>>().join(",")
        };
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(key, value)| match &*key {
                "select" | "order" => (key.to_string(), renamed_list(&value)),
                // Only a column of its own can be a filter, not a field inside one.
                _ => match columns.iter().find(|column| column.name == key && column.is_whole()) {
                    Some(column) => (column.own_name().unwrap_or_default(), value.to_string()),
                    None => (key.to_string(), value.to_string()),
                },
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }

    /// Returns where refusals have their code and message.
    pub fn refusal(&self) -> RefusalPointers {
        RefusalPointers { code: self.error_code.clone(), message: self.error_message.clone() }
    }
}

/// A column as scenarios call it, and where a row has it.
struct Column<'p> {
    name: &'static str,
    pointer: Option<&'p str>,
}

impl Column<'_> {
    /// Returns the name of the target's column that it is in.
    fn own_name(&self) -> Option<String> {
        let first = self.pointer?.split('/').nth(1)?;
        Some(first.replace("~1", "/").replace("~0", "~"))
    }

    /// Whether the target has it as a column, not as a field inside one.
    fn is_whole(&self) -> bool {
        self.pointer.is_some_and(|pointer| pointer.matches('/').count() == 1)
    }
}

impl MachinePointers {
    fn columns(&self) -> [Column<'_>; 6] {
        [
            Column { name: "id", pointer: self.id.as_deref() },
            Column { name: "name", pointer: self.name.as_deref() },
            Column { name: "status", pointer: self.status.as_deref() },
            Column { name: "tailnet_ip", pointer: self.tailnet_ip.as_deref() },
            Column { name: "tags", pointer: self.tags.as_deref() },
            Column { name: "public_key", pointer: self.public_key.as_deref() },
        ]
    }
}

impl UserOrgPointers {
    fn columns(&self) -> [Column<'_>; 2] {
        [
            Column { name: "org_id", pointer: self.org_id.as_deref() },
            Column { name: "role", pointer: self.role.as_deref() },
        ]
    }
}

fn rename_in_rows(response: &mut Value, columns: &[Column<'_>]) {
    let rows = match response {
        Value::Array(rows) => Some(rows),
        response => response.get_mut("data").and_then(Value::as_array_mut),
    };
    for row in rows.into_iter().flatten() {
        // All are looked up in the original row, as one field may be where another belongs.
        let original = row.clone();
        for column in columns {
            let found = column.pointer.and_then(|pointer| original.pointer(pointer));
            if let Some(found) = found {
                put(row, &[column.name], found.clone());
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
            user_orgs: UserOrgPointers {
                rows: text("/memberships"),
                org_id: text("/org/id"),
                role: text("/as"),
            },
            ..Default::default()
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
            (
                "GET",
                "/api/user-orgs",
                json!({ "memberships": [{ "org": { "id": "o" }, "as": "admin" }] }),
                "/data/0",
                json!({ "org": { "id": "o" }, "as": "admin", "org_id": "o", "role": "admin" }),
            ),
            ("POST", "/api/db/api_keys", rows.clone(), "", rows),
            ("POST", "/api/auth/login", json!("jwt"), "", json!("jwt")),
        ];
        for (method, path, mut response, place, wanted) in cases {
            pointers.apply_to(method, path, &mut response);
            assert_eq!(response.pointer(place), Some(&wanted), "{method} {path}: {response}");
        }
    }

    #[test]
    fn queries_for_machines_use_the_targets_columns() {
        let text = |text: &str| Some(text.to_owned());
        let machine = MachinePointers {
            name: text("/hostname"),
            tailnet_ip: text("/addresses/0"),
            ..MachinePointers::default()
        };
        let pointers = Pointers { machine, ..Pointers::default() };
        let cases = [
            ("?org_id=o&name=eq.x", "?org_id=o&hostname=eq.x"),
            (
                "?name=like.x-*&select=name,tailnet_ip,status",
                "?hostname=like.x-*&select=hostname,addresses,status",
            ),
            (
                "?order=name.desc,id&tailnet_ip=eq.100.64.0.1",
                "?order=hostname.desc,id&tailnet_ip=eq.100.64.0.1",
            ),
            ("", ""),
        ];
        let decoded = |url: &Url| url.query_pairs().into_owned().collect::<Vec<_>>();
        for (asked, sent) in cases {
            let mut url = Url::parse(&format!("http://x/api/db/machines{asked}")).unwrap();
            pointers.rename_columns("/api/db/machines", &mut url);
            let wanted = Url::parse(&format!("http://x/api/db/machines{sent}")).unwrap();
            assert_eq!(decoded(&url), decoded(&wanted), "{asked}");
        }
        let mut other = Url::parse("http://x/api/db/auth_keys?name=eq.x").unwrap();
        pointers.rename_columns("/api/db/auth_keys", &mut other);
        assert_eq!(other.query(), Some("name=eq.x"));
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
