//! The published schema against the program's output.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

use super::formats::results;

pub(crate) struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    pub(crate) fn of(schema: Value) -> Self {
        let mut compiler = Compiler::new();
        let mut schemas = Schemas::new();
        compiler.add_resource("results.json", schema).unwrap();
        let index = compiler.compile("results.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    pub(crate) fn mistake(&self, value: &Value) -> Option<String> {
        self.schemas.validate(value, self.index).err().map(|error| format!("{error:#}"))
    }
}

#[test]
fn results_match_their_schema() {
    let schema = Schema::of(schemars::schema_for!(harness_report::results::Results).to_value());
    let value = serde_json::to_value(results()).unwrap();
    assert_eq!(schema.mistake(&value), None);
    for (place, wrong) in [
        ("/verdict", "fine"),
        ("/subtests/0/verdict", "good"),
        ("/subtests/0/failures/0/checks", "all"),
        ("/totals", ""),
    ] {
        let mut value = value.clone();
        *value.pointer_mut(place).unwrap() = Value::from(wrong);
        assert!(schema.mistake(&value).is_some(), "{place}");
    }
}

#[test]
fn results_of_an_earlier_version_are_readable() {
    let mut value = serde_json::to_value(results()).unwrap();
    for newer in ["chapters", "capabilities", "waivers", "retries", "selection", "diagnosis"] {
        value.as_object_mut().unwrap().remove(newer);
    }
    for newer in ["text", "suite", "chapter"] {
        value["requirements"][0].as_object_mut().unwrap().remove(newer);
    }
    value["subtests"][0].as_object_mut().unwrap().remove("failures");
    let read: harness_report::results::Results = serde_json::from_value(value).unwrap();
    assert!(harness_report::html::render(&read).contains("keys/ST1"));
}
