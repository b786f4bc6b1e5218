use crate::scenario::model::{Authorisation, Body, Request};
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
        let headers = table.get("headers").map(|entry| self.templates(entry)).unwrap_or_default();
        let from = table.get("from").and_then(|entry| self.nonempty_template_of(entry));
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
