//! Decodes `[tokens]`.

use std::collections::BTreeMap;

use toml::de::DeValue;

use harness_model::scenario::model::{IDENTITIES, Identity};
use harness_model::source::document::{Entry, Table};

use super::Decoding;
use crate::targets::profile::content::{Login, TokenSource, token_key};

const TOKEN_SOURCES: [&str; 4] = ["env", "file", "command", "login"];

impl Decoding<'_> {
    pub(super) fn tokens(&mut self, file: &Table<'_, '_>) -> BTreeMap<Identity, TokenSource> {
        // The session of an organisation with a machine limit is part of `[quota]`.
        let identities = || IDENTITIES.into_iter().filter(|(identity, _)| *identity != Identity::Limited);
        let names: Vec<&str> = identities().map(|(_, name)| name).collect();
        let Some(table) = self.table(file, "tokens", &names) else { return BTreeMap::new() };
        let mut tokens = BTreeMap::new();
        for (identity, name) in identities() {
            let Some(entry) = table.get(name) else { continue };
            tokens.extend(self.token(&token_key(identity), entry).map(|source| (identity, source)));
        }
        tokens
    }

    /// Decodes the source of the token that is `key` of the profile.
    pub(super) fn token(&mut self, key: &str, entry: &Entry<'_, '_>) -> Option<TokenSource> {
        if let DeValue::String(text) = entry.value.get_ref() {
            self.report.warning(
                entry.key_span.clone(),
                format!("{key} is written in the profile, where everyone who reads the file can see it"),
                format!("use {} = {{ env = \"VARIABLE\" }} instead", entry.key),
            );
            return Some(TokenSource::Inline(text.clone().into_owned()));
        }
        let sources = "{ env = \"VARIABLE\" }, { file = \"PATH\" }, { command = \"PROGRAM …\" } or \
                       { login = { email = \"…\", password_env = \"VARIABLE\" } }";
        let Some(table) = entry.value.get_ref().as_table() else {
            entry.expected(sources, self.report);
            return None;
        };
        let table = Table::new("a token's source", entry.span(), table);
        table.only(&TOKEN_SOURCES, self.report);
        if table.entries.len() != 1 {
            self.report.error_with_help(
                entry.span(),
                format!("{key} must have exactly one source"),
                format!("use one of {sources}"),
            );
            return None;
        }
        if let Some(path) = self.text(&table, "file") {
            return Some(TokenSource::File(path.into()));
        }
        if let Some(command) = self.words(&table, "command") {
            return Some(TokenSource::Command(command));
        }
        if let Some(login) = table.get("login") {
            let login = login.table("a login", self.report)?;
            login.only(&["email", "password_env"], self.report);
            let email = self.required(&login, "email");
            let password_env = self.required(&login, "password_env");
            return Some(TokenSource::Login(Login { email: email?, password_env: password_env? }));
        }
        self.text(&table, "env").map(TokenSource::Env)
    }
}
