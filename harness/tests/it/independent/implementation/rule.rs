//! Validation of values.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use super::answer::Answer;

/// An integer within bounds; strings and fractions are refused.
pub(super) fn whole(value: &Value, least: i64, most: i64) -> Option<i64> {
    value.as_i64().filter(|number| (least..=most).contains(number))
}

/// A boolean. What is no boolean is refused, unless the implementation is lenient.
pub(super) fn switch(value: Option<&Value>, default: bool, is_lenient: bool) -> Result<bool, Answer> {
    match value {
        Some(Value::String(text)) if is_lenient => Ok(text == "yes" || text == "true"),
        Some(Value::Number(number)) if is_lenient => Ok(number.as_i64() != Some(0)),
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(on)) => Ok(*on),
        Some(_) => Err(Answer::refusal(422, "NOT_A_SWITCH", "true or false")),
    }
}

/// A list of strings; an absent list and an empty one are the same.
pub(super) fn texts(value: Option<&Value>) -> Result<Option<Vec<String>>, Answer> {
    let wrong = || Answer::refusal(422, "NOT_A_LIST", "a list of texts is needed");
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

/// Whether a name is made of letters, digits and hyphens, as host names are, and is not long.
pub(super) fn is_plain_name(name: &str) -> bool {
    name.len() <= 40 && name.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
}

pub(super) fn bare(tag: &str) -> String {
    tag.strip_prefix("tag:").unwrap_or(tag).to_owned()
}

/// Whether an address lies in a network such as 10.0.0.0/8; none if that is not a network.
pub(super) fn lies_in(address: IpAddr, network: &str) -> Option<bool> {
    let (base, bits) = network.split_once('/')?;
    let (base, bits): (Ipv4Addr, u32) = (base.parse().ok()?, bits.parse().ok()?);
    let mask = match bits {
        0 => 0,
        1..=32 => u32::MAX << (32 - bits),
        _ => return None,
    };
    let IpAddr::V4(address) = address else { return Some(false) };
    Some(u32::from(address) & mask == u32::from(base) & mask)
}
