use serde_json::{Map, Number, Value as Json};
use toml::de::DeValue;

use crate::source::Span;

use super::diagnostics::Diagnostics;
use super::table::Table;
use super::value::Value;

/// Converts the value to JSON. Calls `on_string` for each string in it, to collect variables.
pub fn json(
    value: &Value<'_>,
    report: &mut Diagnostics,
    on_string: &mut dyn FnMut(&str, Span, &mut Diagnostics),
) -> Option<Json> {
    Some(match value.get_ref() {
        DeValue::String(text) => {
            on_string(text, value.span(), report);
            Json::String(text.clone().into_owned())
        }
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Json::Number(number.into()),
            Err(_) => {
                report.error(value.span(), "integer out of range: it does not fit into 64 bits");
                return None;
            }
        },
        DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Json::Number(number),
            None => {
                report.error(value.span(), "invalid number: JSON has no infinity and no NaN");
                return None;
            }
        },
        DeValue::Boolean(flag) => Json::Bool(*flag),
        DeValue::Datetime(_) => {
            report.error_with_help(
                value.span(),
                "invalid value: JSON has no dates",
                "put the date in quotes",
            );
            return None;
        }
        DeValue::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| json(item, report, on_string)).collect();
            Json::Array(items.into_iter().collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let table = Table::new("an object", value.span(), table);
            let mut object = Map::new();
            let mut is_complete = true;
            for entry in &table.entries {
                match json(entry.value, report, on_string) {
                    Some(value) => {
                        object.insert(entry.key.to_owned(), value);
                    }
                    None => is_complete = false,
                }
            }
            if !is_complete {
                return None;
            }
            Json::Object(object)
        }
    })
}
