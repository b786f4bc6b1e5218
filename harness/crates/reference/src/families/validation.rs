//! What is refused and how, and what an answer to a creation has.

use serde_json::{Value, json};

use crate::deviation::{Asked, Told};
use harness_model::scenario::model::Identity;

use crate::deviation::{Deviation, Family, NONE, asking, telling};

pub(super) const ALL: Family = &[
    (
        "refused-yet-stored",
        Deviation {
            after: |asked, told, memory| {
                let refused = told.status == 400 || told.status == 403;
                if !asked.creates_key() || !refused || asked.text("name").is_empty() {
                    return Vec::new();
                }
                let fields =
                    ["action", "org_id", "name"].map(|field| (field.to_owned(), asked.json[field].clone()));
                let body = Value::Object(fields.into_iter().collect());
                let admins = [Identity::Admin, Identity::Outsider];
                admins.map(|admin| Asked::post(&asked.path, memory.session(admin), body.clone())).into()
            },
            ..NONE
        },
    ),
    (
        "alias-missing",
        asking(|asked, _| {
            (asked.path == "/api/api-keys").then(|| Told::refusal(404, "NOT_FOUND", "Endpoint not found"))
        }),
    ),
    (
        "created-is-200",
        telling(|asked, told, _| {
            if asked.creates_key() && told.status == 201 {
                told.status = 200;
            }
        }),
    ),
    (
        "bad-input-is-422",
        telling(|asked, told, _| {
            if asked.creates_key() && told.status == 400 {
                told.status = 422;
            }
        }),
    ),
    (
        "refusals-are-200",
        telling(|asked, told, _| {
            if asked.creates_key() && told.status >= 400 {
                told.status = 200;
            }
        }),
    ),
    (
        "missing-field-has-another-code",
        telling(|_, told, _| {
            if told.refuses("MISSING_FIELDS") {
                told.json["error"]["code"] = json!("BAD_REQUEST");
            }
        }),
    ),
    (
        "missing-name-in-other-words",
        telling(|_, told, _| {
            if told.refuses("MISSING_FIELDS") {
                told.json["error"]["message"] = json!("a field is missing");
            }
        }),
    ),
    (
        "missing-name-made-up",
        asking(|asked, _| {
            if asked.creates_key() && asked.text("name").is_empty() && asked.json["description"].is_null() {
                asked.set("name", json!("unnamed"));
            }
            None
        }),
    ),
    ("creation-without-id", telling(|asked, told, _| without(asked, told, "id"))),
    ("creation-without-name", telling(|asked, told, _| without(asked, told, "name"))),
    (
        "nulls-left-out",
        telling(|asked, told, _| {
            if let Some(data) = told.json["data"].as_object_mut().filter(|_| asked.creates_auth_key()) {
                data.retain(|_, value| !value.is_null());
            }
        }),
    ),
    (
        "reusable-required",
        asking(|asked, _| {
            let missing = asked.creates_auth_key() && asked.json["reusable"].is_null();
            let named = !asked.text("name").is_empty();
            (missing && named).then(|| Told::refusal(400, "MISSING_FIELDS", "reusable required"))
        }),
    ),
    (
        "guide-form-unprocessable",
        asking(|asked, _| {
            is_guide_form(asked).then(|| Told::refusal(422, "UNPROCESSABLE", "the form is not understood"))
        }),
    ),
    (
        "guide-form-loses-its-description",
        asking(|asked, _| {
            if is_guide_form(asked) {
                asked.set("name", json!("unnamed"));
            }
            None
        }),
    ),
];

fn is_guide_form(asked: &Asked) -> bool {
    asked.creates_auth_key() && asked.json["name"].is_null() && asked.json["description"].is_string()
}

fn without(asked: &Asked, told: &mut Told, field: &str) {
    if let Some(data) = told.json["data"].as_object_mut().filter(|_| asked.creates_key()) {
        data.remove(field);
    }
}
