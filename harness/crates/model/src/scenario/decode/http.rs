use std::net::IpAddr;

use crate::scenario::model::{Authorisation, Body, Request, Span, Template};
use crate::scenario::vocabulary;
use crate::source::document::{Entry, Table};

use super::Decoder;

impl Decoder<'_> {
    pub(super) fn http(&mut self, table: &Table<'_, '_>, verb: &Entry<'_, '_>) -> Option<Request> {
        let path = self.nonempty_template_of(verb);
        if let Some(path) = &path
            && !path.text.starts_with('/')
            && !path.text.starts_with("${")
        {
            self.report.error_with_help(
                path.span.clone(),
                format!("invalid path `{}`", path.text),
                "start it with `/`: it is appended to the target's base URL",
            );
        }
        let authorisation = self.authorisation(table);
        let body = self.body(table);
        let query = table.get("query").map(|entry| self.templates(entry)).unwrap_or_default();
        let headers = table.get("headers").map(|entry| self.headers(entry)).unwrap_or_default();
        let from = table.get("from").and_then(|entry| self.nonempty_template_of(entry));
        if let Some(from) = &from
            && !from.text.contains("${")
            && from.text.parse::<IpAddr>().is_err()
        {
            let message = format!("invalid IP address `{}`", from.text);
            self.report.error_with_help(from.span.clone(), message, "write an address such as `127.0.0.2`");
        }
        Some(Request {
            method: verb.key.to_ascii_uppercase(),
            path: path?,
            query,
            authorisation,
            headers,
            body,
            from,
        })
    }

    /// Decodes headers, whose names and values HTTP restricts.
    fn headers(&mut self, entry: &Entry<'_, '_>) -> Vec<(String, Template)> {
        let headers = self.templates(entry);
        for (name, value) in &headers {
            self.header_name(name, value.span.clone());
            if value.text.chars().any(|letter| letter.is_control() && letter != '\t') {
                let message = format!("invalid value of the header `{name}`");
                let help = "a header is one line without control characters";
                self.report.error_with_help(value.span.clone(), message, help);
            }
        }
        headers
    }

    /// Checks the name of a header.
    pub(super) fn header_name(&mut self, name: &str, span: Span) {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            let message = format!("invalid header name `{name}`");
            let help = "use only letters, digits and `-`; a variable can only be in the value";
            self.report.error_with_help(span, message, help);
        }
    }

    fn authorisation(&mut self, table: &Table<'_, '_>) -> Authorisation {
        let identity = table.string("as", &mut self.report);
        let identity = identity.and_then(|word| self.choice(word, "user", vocabulary::IDENTITIES));
        if let (Some(_), Some(bearer)) = (table.get("as"), table.get("bearer")) {
            let message = "`as` and `bearer` cannot be combined";
            self.report.error_with_help(bearer.key_span.clone(), message, "remove one of them");
        }
        if let Some(bearer) = table.get("bearer") {
            return self.template_of(bearer).map_or(Authorisation::Nobody, Authorisation::Bearer);
        }
        identity.flatten().map_or(Authorisation::Nobody, Authorisation::Identity)
    }

    fn body(&mut self, table: &Table<'_, '_>) -> Body {
        if let (Some(_), Some(body)) = (table.get("json"), table.get("body")) {
            let message = "`json` and `body` cannot be combined";
            self.report.error_with_help(body.key_span.clone(), message, "remove one of them");
        }
        if let Some(entry) = table.get("json") {
            let value = self.json(entry.value);
            return value.map_or(Body::None, |value| Body::Json { value, span: entry.span() });
        }
        table.get("body").and_then(|entry| self.template_of(entry)).map_or(Body::None, Body::Text)
    }
}
