//! The data source `quickztna_machines`: the machines of an organisation.

use serde_json::Value as Json;

use crate::schema::{Attribute, Role};
use crate::value::{Object, Value};

pub const TYPE_NAME: &str = "quickztna_machines";

pub const DESCRIPTION: &str = "The machines of an organisation, those with a tag if `tag` is set.";

pub const ATTRIBUTES: &[Attribute] = &[
    Attribute::new("org_id", r#""string""#, Role::Required, "The organisation, such as org_9fX2kR"),
    Attribute::new(
        "tag",
        r#""string""#,
        Role::Optional,
        "The tag of the machines to list, such as tag:laptop",
    ),
    Attribute::new(
        "machines",
        r#"["list",["object",{"id":"string","name":"string","tailnet_ip":"string","status":"string","tags":["set","string"],"ephemeral":"bool"}]]"#,
        Role::Computed,
        "The machines, in the order of their ids",
    ),
];

/// Returns the machines of `rows` that have the tag, if one is asked for.
pub fn machines(rows: &[Json], tag: Option<&str>) -> Value {
    let tag = tag.map(without_prefix);
    let tags = |row: &Json| -> Vec<String> {
        let tags = row["tags"].as_array().into_iter().flatten().filter_map(Json::as_str);
        tags.map(|tag| without_prefix(tag).to_owned()).collect()
    };
    let has_tag = |row: &&Json| tag.is_none_or(|tag| tags(row).iter().any(|other| other == tag));
    Value::List(rows.iter().filter(has_tag).map(|row| Value::Object(machine(row, &tags(row)))).collect())
}

fn machine(row: &Json, tags: &[String]) -> Object {
    let text = |name: &str| row[name].as_str().map_or(Value::Null, Value::text);
    let mut machine: Object = ["id", "name", "tailnet_ip", "status"]
        .into_iter()
        .map(|name| (name.to_owned(), text(name)))
        .collect();
    let tags = tags.iter().map(|tag| Value::Text(format!("tag:{tag}"))).collect();
    machine.insert("tags".to_owned(), Value::List(tags));
    machine.insert("ephemeral".to_owned(), row["ephemeral"].as_bool().map_or(Value::Null, Value::Bool));
    machine
}

fn without_prefix(tag: &str) -> &str {
    tag.strip_prefix("tag:").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tag_chooses_machines() {
        let rows = [
            json!({ "id": "m1", "name": "Win-A", "tailnet_ip": "100.64.0.1", "status": "online", "tags": ["laptop"], "ephemeral": false }),
            json!({ "id": "m2", "name": "Linux-C", "tags": ["tag:prod"] }),
        ];
        let names = |tag| match machines(&rows, tag) {
            Value::List(machines) => machines
                .into_iter()
                .map(|machine| machine.into_object().unwrap().unwrap()["name"].as_text().unwrap().to_owned())
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(names(None), ["Win-A", "Linux-C"]);
        assert_eq!(names(Some("tag:laptop")), ["Win-A"]);
        assert_eq!(names(Some("prod")), ["Linux-C"]);
    }
}
