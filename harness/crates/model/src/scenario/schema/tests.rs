//! The schema accepts and rejects the same files as the decoder.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::schema;

/// Validates the subset of JSON Schema that the schema uses; `Err` names the failing location.
fn validate(schema: &Value, value: &Value, root: &Value, at: &str) -> Result<(), String> {
    for (keyword, wanted) in schema.as_object().ok_or("a schema is an object")? {
        let holds = match keyword.as_str() {
            "$ref" => {
                let pointer =
                    wanted.as_str().and_then(|name| name.strip_prefix('#')).ok_or("a local reference")?;
                validate(root.pointer(pointer).ok_or(format!("{pointer} is there"))?, value, root, at)?;
                true
            }
            "type" => {
                let is = |name: &Value| match name.as_str().unwrap_or_default() {
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "integer" => value.is_i64(),
                    "boolean" => value.is_boolean(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("type {other}"),
                };
                wanted.as_array().map_or_else(|| is(wanted), |names| names.iter().any(is))
            }
            "enum" => wanted.as_array().is_some_and(|values| values.contains(value)),
            "const" => wanted == value,
            "minimum" => value.as_f64() >= wanted.as_f64(),
            "maximum" => value.as_f64() <= wanted.as_f64(),
            "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= wanted.as_u64().unwrap()),
            "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= wanted.as_u64().unwrap()),
            "minProperties" => value.as_object().is_none_or(|o| o.len() as u64 >= wanted.as_u64().unwrap()),
            "maxProperties" => value.as_object().is_none_or(|o| o.len() as u64 <= wanted.as_u64().unwrap()),
            "required" => {
                wanted.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some())
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(wanted, item, root, &format!("{at}/{index}"))?;
                }
                true
            }
            "properties" => {
                for (key, item) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = wanted.get(key) {
                        validate(schema, item, root, &format!("{at}/{key}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                for (key, item) in value.as_object().into_iter().flatten() {
                    if schema.get("properties").is_some_and(|known| known.get(key).is_some()) {
                        continue;
                    }
                    if *wanted == Value::Bool(false) {
                        return Err(format!("{at} has no key {key}"));
                    }
                    validate(wanted, item, root, &format!("{at}/{key}"))?;
                }
                true
            }
            "oneOf" => {
                let results: Vec<_> =
                    wanted.as_array().unwrap().iter().map(|s| validate(s, value, root, at)).collect();
                match results.iter().filter(|result| result.is_ok()).count() {
                    1 => true,
                    _ => return Err(format!("{at}: {results:?}")),
                }
            }
            "pattern" => regex::Regex::new(wanted.as_str().unwrap())
                .unwrap()
                .is_match(value.as_str().unwrap_or_default()),
            "$schema" | "$defs" | "title" | "description" => true,
            other => panic!("the test does not know the keyword {other}"),
        };
        if !holds {
            return Err(format!("{at} breaks {keyword} = {wanted}: {value}"));
        }
    }
    Ok(())
}

fn validated(text: &str) -> Result<(), String> {
    let value: Value = toml::from_str(text).unwrap();
    let schema = schema();
    validate(&schema, &value, &schema, "")
}

#[test]
fn schema_accepts_valid_files() {
    validated(crate::scenario::parse::tests::EVERYTHING).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir() && !folder.ends_with("src"));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&path).unwrap();
                validated(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
        }
    }
}

#[test]
fn schema_rejects_invalid_files() {
    let step = |step: &str| format!("title = \"t\"\n[[step]]\nname = \"n\"\n{step}");
    assert!(validated(&step("get = \"/x\"")).is_ok());
    for text in [
        "machines = []".to_owned(),
        "title = \"t\"\ntitel = 1".to_owned(),
        "title = 1".to_owned(),
        step(""),
        step("get = \"/x\"\npost = \"/y\""),
        step("get = \"/x\"\nas = \"root\""),
        step("get = \"/x\"\nrace = 1"),
        step("get = \"/x\"\ncheck = [{ status = 200 }]"),
        step("get = \"/x\"\ncheck = [{ verifies = \"a\" }]"),
        step("get = \"/x\"\ncheck = [{ verifies = \"a\", status = 99 }]"),
        step("get = \"/x\"\ncheck = [{ verifies = \"a\", stauts = 200 }]"),
        step("get = \"/x\"\ncheck = [{ verifies = \"a\", json = { \"/a\" = { is = 1 } } }]"),
        step("get = \"/x\"\ncheck = [{ verifies = \"a\", json = { \"/a\" = { above = 1, below = 2 } } }]"),
        step("get = \"/x\"\ncheck = [{ verifies = \"a\", snapshot = \"../a\" }]"),
    ] {
        assert!(validated(&text).is_err(), "{text}");
    }
}
