//! The JSON Schema of scenario files, for completion and validation in editors.

use serde_json::{Map, Value, json};

use super::vocabulary::{self, Word};

/// Returns the JSON Schema (draft 2020-12) of scenario files, generated from the decoder's vocabulary.
pub fn schema() -> Value {
    let mut file = object("a sub-test", vocabulary::FILE, file_key);
    let mut definitions = Map::new();
    for (name, definition) in [
        ("machine", object("a machine", vocabulary::MACHINE, machine_key)),
        ("step", step()),
        ("act", act()),
        ("check", check()),
        ("alternative", object("an alternative", &expectations(), expectation_key)),
        ("match", matcher()),
        (
            "places",
            json!({ "type": "object", "minProperties": 1, "additionalProperties": reference("match") }),
        ),
        ("texts", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
        ("statements", json!({ "oneOf": [text(), list(&text(), 1)] })),
    ] {
        definitions.insert(name.to_owned(), definition);
    }
    if let Value::Object(fields) = &mut file {
        fields.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        fields.insert("title".to_owned(), "A scenario of QuickZTNA's conformance kit".into());
        fields.insert("required".to_owned(), json!(["title"]));
        fields.insert("$defs".to_owned(), Value::Object(definitions));
    }
    file
}

fn file_key(key: &str) -> Value {
    match key {
        "machines" => list(&json!({ "oneOf": [text(), reference("machine")] }), 0),
        "needs" => {
            let one = choice(vocabulary::CAPABILITIES.iter().map(|(name, _)| *name));
            json!({ "oneOf": [one, list(&one, 0)] })
        }
        "statements" => reference("statements"),
        "step" | "cleanup" => list(&reference("step"), 1),
        _ => text(),
    }
}

fn machine_key(key: &str) -> Value {
    match key {
        "login" => identity(),
        "up" | "observed" | "wire" => json!({ "type": "boolean" }),
        _ => text(),
    }
}

fn step() -> Value {
    let verbs = vocabulary::keys(&[vocabulary::HTTP_VERBS, vocabulary::OTHER_VERBS]);
    let groups = [
        vocabulary::ANY_STEP,
        vocabulary::HTTP_VERBS,
        vocabulary::OTHER_VERBS,
        vocabulary::HTTP,
        vocabulary::ZTNA,
        vocabulary::WIRE,
        vocabulary::PASSAGE,
        vocabulary::BROWSE,
    ];
    let mut step = object("a step", &groups.concat(), step_key);
    if let Value::Object(fields) = &mut step {
        fields.insert("required".to_owned(), json!(["name"]));
        fields.insert("oneOf".to_owned(), verbs.iter().map(|verb| json!({ "required": [verb] })).collect());
    }
    step
}

fn step_key(key: &str) -> Value {
    match key {
        "rows" => list(&json!({ "type": "object", "minProperties": 1 }), 1),
        "race" => json!({ "type": "integer", "minimum": 2, "maximum": 1000 }),
        "keep" => {
            let with_fallback = json!({ "type": "array", "minItems": 2, "maxItems": 2 });
            let source = json!({ "oneOf": [text(), with_fallback] });
            json!({ "type": "object", "additionalProperties": source })
        }
        "set" | "env" | "query" | "headers" => reference("texts"),
        "login" => identity(),
        "interrupt" => json!({ "const": "up" }),
        "browse" => list(&reference("act"), 0),
        "offline" => json!({ "type": "boolean" }),
        "host_name" => json!({ "const": false }),
        "keeping" => list(&text(), 1),
        "check" => list(&reference("check"), 0),
        "when" => reference("places"),
        "as" => identity(),
        "own_key" => json!({ "const": "old" }),
        "json" => json!({}),
        _ => text(),
    }
}

fn act() -> Value {
    let verbs = vocabulary::keys(&[vocabulary::ACTS]);
    let words = [vocabulary::ACTS, vocabulary::ACT_PARTS].concat();
    let mut act = object("an act of a user in the dashboard", &words, |key| match key {
        "reload" | "back" => json!({ "const": true }),
        "optional" => json!({ "type": "boolean" }),
        _ => text(),
    });
    if let Value::Object(fields) = &mut act {
        fields.insert("oneOf".to_owned(), verbs.iter().map(|verb| json!({ "required": [verb] })).collect());
    }
    act
}

fn check() -> Value {
    let words = [vocabulary::CHECK.to_vec(), expectations()].concat();
    let mut check = object("a check", &words, |key| match key {
        "verifies" => reference("statements"),
        "any" => list(&reference("alternative"), 2),
        "exactly" | "at_most" => json!({ "type": "integer", "minimum": 0 }),
        "at_least" => json!({ "type": "integer", "minimum": 1 }),
        _ => expectation_key(key),
    });
    if let Value::Object(fields) = &mut check {
        fields.insert("required".to_owned(), json!(["verifies"]));
        fields.insert("minProperties".to_owned(), json!(2));
    }
    check
}

fn expectations() -> Vec<Word> {
    [
        vocabulary::HTTP_EXPECTATIONS,
        vocabulary::ZTNA_EXPECTATIONS,
        vocabulary::WIRE_EXPECTATIONS,
        vocabulary::BROWSE_EXPECTATIONS,
        vocabulary::JSON_EXPECTATIONS,
        vocabulary::BOTH_EXPECTATIONS,
    ]
    .concat()
}

fn expectation_key(key: &str) -> Value {
    match key {
        "status" => one_or_more(&json!({ "type": "integer", "minimum": 100, "maximum": 599 })),
        "exit" => {
            let code = json!({ "type": "integer" });
            json!({ "oneOf": [code, list(&code, 1), { "const": "failure" }] })
        }
        "json" | "header" | "row" | "no_row" => reference("places"),
        "running" | "ended" | "handshake" | "pong" | "done" => json!({ "type": "boolean" }),
        "requests" => one_or_more(&text()),
        "snapshot" => json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$" }),
        _ => reference("match"),
    }
}

fn matcher() -> Value {
    let mut table = object("an expectation", vocabulary::MATCHERS, |key| match key {
        "equals" | "contains" | "excludes" => json!({}),
        "matches" | "line" | "within" => text(),
        "type" => choice(vocabulary::KINDS.iter().map(|(name, _)| *name)),
        "one_of" => list(&json!({}), 1),
        "length" => json!({ "type": "integer", "minimum": 0 }),
        "keys" | "has_keys" => list(&text(), 0),
        "above" | "below" => {
            json!({ "oneOf": [{ "type": "number" }, { "type": "string", "pattern": "^\\$\\{.*\\}$" }] })
        }
        "not" => reference("match"),
        "every" | "some" | "table" => reference("places"),
        "lines" => list(&reference("match"), 1),
        _ => json!({ "type": "boolean" }),
    });
    if let Value::Object(fields) = &mut table {
        fields.insert("minProperties".to_owned(), json!(1));
        fields.insert("maxProperties".to_owned(), json!(1));
    }
    json!({ "oneOf": [{ "type": ["string", "number", "boolean", "array"] }, table] })
}

fn object(what: &str, words: &[Word], key: impl Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> = words
        .iter()
        .map(|(name, meaning)| {
            let mut property = key(name);
            if let Value::Object(fields) = &mut property {
                fields.insert("description".to_owned(), (*meaning).into());
            }
            ((*name).to_owned(), property)
        })
        .collect();
    json!({ "type": "object", "description": what, "properties": properties, "additionalProperties": false })
}

fn identity() -> Value {
    choice(vocabulary::IDENTITIES.iter().map(|(name, _)| *name))
}

fn choice<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    json!({ "enum": names.collect::<Vec<_>>() })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn list(of: &Value, at_least: u32) -> Value {
    json!({ "type": "array", "items": of, "minItems": at_least })
}

fn one_or_more(of: &Value) -> Value {
    json!({ "oneOf": [of, list(of, 1)] })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

#[cfg(test)]
mod tests;
