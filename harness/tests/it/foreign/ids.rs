//! A target whose ids are no strings.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::foreign::proxy::{Asked, Bend, Turn};
use crate::foreign::target::Foreign;
use crate::run::Run;

const FILTER: [&str; 2] = ["--filter", "used-count/ST4-http"];

/// The ids of the reference, each with a number that is its position.
#[derive(Default)]
struct Numbers(Mutex<Vec<String>>);

impl Numbers {
    fn of(&self, id: &str) -> u64 {
        let mut known = self.0.lock().unwrap();
        let position = known.iter().position(|other| other == id).unwrap_or_else(|| {
            known.push(id.to_owned());
            known.len() - 1
        });
        41_000 + position as u64
    }

    fn original(&self, number: u64) -> Option<String> {
        self.0.lock().unwrap().get(usize::try_from(number.checked_sub(41_000)?).ok()?).cloned()
    }

    fn replace(&self, json: &mut Value, shown: fn(u64) -> Value) {
        match json {
            Value::Array(all) => all.iter_mut().for_each(|one| self.replace(one, shown)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str().filter(|_| name == "id").map(|id| self.of(id)) {
                        Some(number) => *value = shown(number),
                        None => self.replace(value, shown),
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes back what it has given out, and nothing else.
    fn restore(&self, asked: &mut Asked) -> Turn {
        if !is_changed(asked) {
            return Turn::Pass;
        }
        for field in ["key_id", "machine_id"] {
            if let Some(id) = asked.json.get(field).cloned() {
                let Some(original) = id.as_u64().and_then(|id| self.original(id)) else {
                    let error = json!({ "code": "WRONG_TYPE", "message": format!("{field} is a number") });
                    return Turn::Answer(400, json!({ "success": false, "error": error }));
                };
                asked.json[field] = json!(original);
            }
        }
        if let Some((before, number)) = asked.target.split_once("&id=eq.")
            && let Some(original) = number.parse().ok().and_then(|number| self.original(number))
        {
            asked.target = format!("{before}&id=eq.{original}");
        }
        Turn::Pass
    }
}

/// The agent and the rest of the API keep the reference's ids.
fn is_changed(asked: &Asked) -> bool {
    let paths = ["/api/key-management", "/api/machine-admin", "/api/db/auth_keys", "/api/db/machines"];
    paths.contains(&asked.path())
}

fn showing(shown: fn(u64) -> Value) -> Foreign {
    let numbers = std::sync::Arc::new(Numbers::default());
    let of_requests = std::sync::Arc::clone(&numbers);
    Foreign::start(Bend {
        request: Box::new(move |asked| of_requests.restore(asked)),
        response: Box::new(move |asked, json| {
            if is_changed(asked) {
                numbers.replace(json, shown);
            }
        }),
        ..Bend::default()
    })
}

/// Everything that the run could not remove.
fn leftovers(run: &Run) -> Vec<String> {
    let subtests = run.results["subtests"].as_array().unwrap().iter();
    let lists = subtests.map(|subtest| &subtest["leftovers"]).chain([&run.results["leftovers"]]);
    lists.filter_map(Value::as_array).flatten().map(|line| line.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_has_a_number_for_its_id_is_removed() {
    let target = showing(Value::from);
    let run = target.judge("", &FILTER);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(leftovers(&run), Vec::<String>::new(), "{run}");
    let asked = target.proxy.asked();
    let named = |path: &str, action: &str, field: &str| -> BTreeSet<String> {
        let sent = asked.iter().filter(|asked| asked.path() == path && asked.json["action"] == action);
        sent.map(|asked| asked.json[field].to_string()).collect()
    };
    let created = named("/api/key-management", "create_auth_key", "name");
    let revoked = named("/api/key-management", "revoke_auth_key", "key_id");
    assert_eq!((created.len(), revoked.len()), (4, 4), "{created:?} {revoked:?}");
    assert_eq!(named("/api/machine-admin", "delete", "machine_id").len(), 1, "{run}");
}

#[test]
fn what_has_no_usable_id_is_listed_by_its_name() {
    let target = showing(|number| json!({ "number": number }));
    let run = target.judge("", &FILTER);
    let left = leftovers(&run);
    for (kind, name) in [("auth key", "single-use-key"), ("machine", "first")] {
        let is_named =
            |line: &&String| line.starts_with(kind) && line.contains(&format!("-{name}: its row has no id"));
        assert!(left.iter().any(|line| is_named(&line)), "{kind}: {left:?}\n{run}");
    }
}
