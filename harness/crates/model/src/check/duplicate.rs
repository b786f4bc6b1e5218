//! Members that an object of a response has twice. RFC 8259 leaves open which of them counts, so that two clients may read
//! two answers; the kit reads the last one, and says so.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Members that are named.
const MAX_NAMED: usize = 10;

/// Returns a note on each member that occurs twice in a JSON text. `read` is the value that was read of it, which has such a
/// member once.
pub(super) fn notes(json: &str, read: Option<&Value>) -> Vec<String> {
    // Most texts have as many members as were read: nobody needs their names.
    if read.is_some_and(|read| members(read) == colons(json)) {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    let mut deserializer = serde_json::Deserializer::from_str(json.strip_prefix('\u{feff}').unwrap_or(json));
    let walk = Walk { at: String::new(), found: &mut found };
    match walk.deserialize(&mut deserializer) {
        Ok(()) => found
            .into_iter()
            .map(|member| format!("`{member}` occurs twice; the last one was read"))
            .collect(),
        Err(_) => Vec::new(),
    }
}

/// Counts the members of a value.
fn members(value: &Value) -> usize {
    match value {
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        Value::Array(items) => items.iter().map(members).sum(),
        _ => 0,
    }
}

/// Counts the colons outside of strings: in JSON, one follows each member's name.
fn colons(json: &str) -> usize {
    let (mut is_string, mut is_escaped) = (false, false);
    let is_colon = |byte: u8| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            _ => return byte == b':' && !is_string,
        }
        false
    };
    json.bytes().map(is_colon).filter(|is_colon| *is_colon).count()
}

struct Walk<'a> {
    at: String,
    found: &'a mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let at = format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"));
            if !names.insert(name) && self.found.len() < MAX_NAMED {
                self.found.insert(at.clone());
            }
            map.next_value_seed(Walk { at, found: self.found })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        while items
            .next_element_seed(Walk { at: format!("{}/{index}", self.at), found: self.found })?
            .is_some()
        {
            index += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::number;

    #[test]
    fn members_that_occur_twice_are_named() {
        for (json, expected) in [
            (r#"{"a":1,"b":{"a":2},"c":[{"a":1},{"a":2}]}"#, vec![]),
            (r#"{"a":1,"a":1}"#, vec!["/a"]),
            (r#"{"success":false,"data":{"x":1,"\u0078":2},"success":true}"#, vec!["/data/x", "/success"]),
            (r#"[{},{"a/b":1,"a/b":2.5e3,"c":null}]"#, vec!["/1/a~1b"]),
            ("not JSON", vec![]),
        ] {
            let expected: Vec<String> =
                expected.iter().map(|at| format!("`{at}` occurs twice; the last one was read")).collect();
            assert_eq!(notes(json, None), expected, "{json}");
            assert_eq!(notes(json, number::parse(json).ok().as_ref()), expected, "{json}, as read");
        }
    }

    proptest! {
        /// Names and values from few letters, so that names repeat and colons, quotes and escapes are in strings.
        #[test]
        fn no_member_that_occurs_twice_is_overlooked(
            members in proptest::collection::vec(("[a:\"\\\\]{0,2}", "[a:\"\\\\{]{0,3}", any::<bool>()), 0..6),
        ) {
            let member = |(name, value, is_inner): &(String, String, bool)| {
                let (name, value) = (Value::from(name.as_str()), Value::from(value.as_str()));
                if *is_inner { format!("{name} : {{{name}:{value}}}") } else { format!("{name}:[{value}]") }
            };
            let json = format!("\u{feff}{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","));
            let read = number::parse(&json).unwrap();
            prop_assert_eq!(notes(&json, Some(&read)), notes(&json, None));
        }
    }
}
