//! Undocumented fields that a target calls otherwise.

use serde_json::{Value, json};

use crate::foreign::proxy::{Asked, Bend, Turn};
use crate::foreign::target::Foreign;

const POINTERS: &str = "[pointers]\nerror_code = \"/code\"\nerror_message = \"/message\"\n\
                        [pointers.machine]\nname = \"/hostname\"\nstatus = \"/state/now\"\n\
                        [pointers.user_orgs]\nrows = \"/memberships\"\norg_id = \"/organisation\"\n";

/// A target whose refusals have their code and message at the top, and whose machines have host names.
fn renamed() -> Foreign {
    Foreign::start(Bend {
        request: Box::new(|asked: &mut Asked| {
            if asked.path() == "/api/db/machines" {
                if asked.target.contains("&name=") {
                    return Turn::Answer(400, json!({ "code": "NO_SUCH_COLUMN", "message": "name" }));
                }
                asked.target = asked.target.replace("&hostname=", "&name=");
            }
            Turn::Pass
        }),
        response: Box::new(|asked, json| {
            if let Some(error) = json.get("error").cloned() {
                *json = error;
            } else if asked.path() == "/api/user-orgs" {
                let rows = json["data"].as_array().unwrap().iter();
                let renamed = rows.map(|row| json!({ "organisation": row["org_id"], "role": row["role"] }));
                *json = json!({ "memberships": renamed.collect::<Vec<Value>>() });
            } else if asked.path() == "/api/db/machines" {
                for row in json["data"].as_array_mut().unwrap() {
                    let row = row.as_object_mut().unwrap();
                    let (name, status) = (row.remove("name").unwrap(), row.remove("status").unwrap());
                    row.insert("hostname".to_owned(), name);
                    row.insert("state".to_owned(), json!({ "now": status }));
                }
            }
        }),
        ..Bend::default()
    })
}

#[test]
fn fields_are_read_where_the_profile_says() {
    let filter = ["--filter", "generate/ST5, issuing/disconnect, used-count/ST4-http"];
    let target = renamed();
    // What judging needs is in the bundle.
    let run = target.judge_and_verify(POINTERS, &filter);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.results["target"]["absent"], json!(null), "{run}");
    assert_eq!(run.results["target"]["refusal"], json!({ "code": "/code", "message": "/message" }));
    for statement in ["generate/ST5.1", "generate/ST5.5", "issuing/disconnect.1", "used-count/F.2"] {
        assert_eq!(run.statement(statement), "verified", "{statement}: {run}");
    }
    assert_eq!(run.results["leftovers"], json!(null), "{run}");

    let without = target.judge("", &filter);
    assert_eq!(without.code, 1, "{without}");
    assert_eq!(without.statement("generate/ST5.1"), "violated", "{without}");
}
