//! Expansion of texts and values.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

struct Fixed;

impl Generators for Fixed {
    fn uuid(&self) -> String {
        "a-uuid".to_owned()
    }
    fn public_key(&self) -> String {
        "a-key".to_owned()
    }
    fn secret_hex(&self) -> String {
        "00ff".to_owned()
    }
}

fn variables() -> BTreeMap<String, Binding> {
    BTreeMap::from([
        ("org".to_owned(), Binding::Value(json!("org_1"))),
        ("days".to_owned(), Binding::Value(json!(1.5))),
        ("list".to_owned(), Binding::Value(json!(["a"]))),
        ("gone".to_owned(), Binding::Absent),
    ])
}

#[test]
fn single_variable_keeps_its_type_and_absent_values_are_omitted() {
    let variables = variables();
    let scope = Scope { variables: &variables, generators: Some(&Fixed) };
    for (value, expected) in [
        (json!("${days}"), Some(json!(1.5))),
        (json!("${days} days"), Some(json!("1.5 days"))),
        (json!("x${list}"), Some(json!("x[\"a\"]"))),
        (json!("${null}"), Some(json!(null))),
        (json!("${absent}"), None),
        (json!("${gone}"), None),
        (json!("x${gone}y"), Some(json!("xy"))),
        (json!({"a": "${gone}", "b": ["${absent}", "${org}"]}), Some(json!({"b": ["org_1"]}))),
        (json!("${uuid}/${public_key}/${secret_hex}"), Some(json!("a-uuid/a-key/00ff"))),
        (json!("${org:upper}"), Some(json!("ORG_1"))),
        (json!("${long:3}"), Some(json!("aaa"))),
        (json!("$${org} costs $5"), Some(json!("${org} costs $5"))),
        (json!(7), Some(json!(7))),
    ] {
        assert_eq!(fill_value(&value, scope).unwrap(), expected, "{value}");
    }
    assert_eq!(fill_text("${gone}", scope).unwrap(), None);
    assert_eq!(fill_text("${days}", scope).unwrap().as_deref(), Some("1.5"));
}

#[test]
fn values_in_a_query_are_encoded() {
    let value = |text: &str| Binding::Value(json!(text));
    let variables = BTreeMap::from([
        ("id".to_owned(), value("a+b&c#d%e/f?g h é")),
        ("uuid_of".to_owned(), value("0b1f6c0e-1d3c-4a51-9d4e-2f6d6c1f0a77")),
        ("at".to_owned(), value("2026-04-16T10:00:00.5+02:00")),
        ("number".to_owned(), Binding::Value(json!(17))),
        ("columns".to_owned(), value("id,name")),
        ("query".to_owned(), value("?org_id=o&id=eq.7")),
        ("table".to_owned(), value("auth_keys")),
        ("gone".to_owned(), Binding::Absent),
    ]);
    let scope = Scope { variables: &variables, generators: None };
    for (path, expected) in [
        ("/k?id=eq.${id}", "/k?id=eq.a%2Bb%26c%23d%25e/f?g%20h%20%C3%A9"),
        ("/k?id=eq.${id}&n=${number}", "/k?id=eq.a%2Bb%26c%23d%25e/f?g%20h%20%C3%A9&n=17"),
        ("/k?id=eq.${uuid_of}", "/k?id=eq.0b1f6c0e-1d3c-4a51-9d4e-2f6d6c1f0a77"),
        ("/k?at=gte.${at}", "/k?at=gte.2026-04-16T10:00:00.5%2B02:00"),
        ("/k?select=${columns}", "/k?select=id,name"),
        ("/${table}${query}", "/auth_keys?org_id=o&id=eq.7"),
        ("/k?${query}&x=${gone}", "/k??org_id=o&id=eq.7&x="),
        ("${query}", "?org_id=o&id=eq.7"),
    ] {
        let template = Template { text: path.to_owned(), span: Default::default() };
        assert_eq!(fill_path(&template, scope).unwrap().as_deref(), Some(expected), "{path}");
    }
}

#[test]
fn errors_name_the_variable_and_the_template() {
    let variables = variables();
    let scope = Scope { variables: &variables, generators: None };
    let message = |text| fill_text(text, scope).unwrap_err().to_string();
    assert_eq!(message("id=${id}"), "cannot expand `id=${id}`: `${id}` has no value");
    assert!(message("${uuid}").contains("`${uuid}` has no value"));
    assert!(message("a ${b").contains("missing closing `}`"));
    assert!(message("${a b}").contains("invalid variable name `a b`"));
    assert!(message("${long:x}").contains("invalid length `x`"));
}

proptest! {
    #[test]
    fn arbitrary_text_does_not_panic(text in r"[$\{\}a-z:é ]{0,40}") {
        let variables = variables();
        let _ = fill_text(&text, Scope { variables: &variables, generators: Some(&Fixed) });
        let _ = variable_names(&text);
    }

    #[test]
    fn text_without_variables_is_unchanged(text in r"[^$]{0,40}") {
        let variables = variables();
        let scope = Scope { variables: &variables, generators: None };
        prop_assert_eq!(fill_text(&text, scope).unwrap(), Some(text.clone()));
        let quoted = format!("$${{{text}");
        prop_assert_eq!(fill_text(&quoted, scope).unwrap(), Some(format!("${{{text}")));
    }

    #[test]
    fn single_variable_expands_to_its_value(value in any::<Option<i64>>(), word in "[a-z$ ]{0,9}") {
        for value in [json!(value), json!(word), json!({ "x": [word] })] {
            let variables = BTreeMap::from([("v".to_owned(), value.clone())]);
            let scope = Scope { variables: &variables, generators: None };
            prop_assert_eq!(fill_value(&json!("${v}"), scope).unwrap(), Some(value));
        }
    }
}
