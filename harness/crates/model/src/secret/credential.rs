//! Headers whose values are credentials by their name.

use super::Secrets;
use super::name::{is_attribute, is_credential};
use super::segment::{Segment, hidden};
use crate::text::foreign::shown;

/// Words before a credential that say how it is used.
const SCHEMES: [&str; 8] = ["apikey", "basic", "bearer", "digest", "dpop", "hoba", "negotiate", "token"];

impl Secrets {
    /// Redacts the secrets in a header's value, which is one as a whole if the header's name says so.
    pub(crate) fn conceal_value(&self, name: &str, value: &str) -> String {
        match name.to_ascii_lowercase().as_str() {
            "cookie" | "set-cookie" | "set-cookie2" => {
                let pairs: Vec<String> = value.split(';').map(|pair| self.cookie(pair)).collect();
                pairs.join(";")
            }
            name if is_credential(name) => self.credential(value),
            _ => self.conceal(value),
        }
    }

    /// Redacts a credential such as `Bearer …`, whose scheme is public.
    fn credential(&self, value: &str) -> String {
        match value.trim_start().split_once(' ') {
            Some((scheme, secret)) if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) => {
                format!("{scheme} {}", self.whole(secret))
            }
            _ => self.whole(value),
        }
    }

    /// Redacts one pair of a cookie, whose name and attributes are public.
    fn cookie(&self, pair: &str) -> String {
        let name = pair.split('=').next().unwrap_or_default();
        match pair.split_once('=') {
            _ if is_attribute(name) => self.conceal(pair),
            Some((name, secret)) => format!("{}={}", self.conceal(name), self.whole(secret)),
            None => self.whole(pair),
        }
    }

    /// Redacts a text that is a secret as a whole.
    fn whole(&self, secret: &str) -> String {
        if secret.trim().is_empty() {
            return String::new();
        }
        match self.segments(secret).as_slice() {
            [Segment::Secret { shown, .. }] => shown.clone(),
            // What a second look sees is what the first one left.
            _ if secret.ends_with(" hidden]") || is_variable(secret) => shown(secret).into_owned(),
            _ => hidden(secret.len()),
        }
    }
}

fn is_variable(text: &str) -> bool {
    let name = text.strip_prefix('$').unwrap_or_default();
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
}
