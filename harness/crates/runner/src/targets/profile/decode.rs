//! Decodes a profile from TOML and collects every mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use toml::de::DeValue;

use crate::targets::agent::WITHOUT_TUN;
use harness_model::scenario::model::IDENTITIES;
use harness_model::scenario::model::{Capability, Identity, Span};
use harness_model::source::document::{Diagnostics, Entry, SpannedText, Table, parse};

use super::capability;
use super::content::{
    Agent, Content, Hooks, Limits, Login, MachinePointers, Pointers, Timeouts, TlsFiles, TokenSource,
};

const KEYS: [&str; 15] = [
    "name",
    "version",
    "base_url",
    "org_id",
    "other_org_id",
    "address",
    "reference",
    "capabilities",
    "tokens",
    "tls",
    "limits",
    "timeouts",
    "agent",
    "hooks",
    "pointers",
];
const TOKEN_SOURCES: [&str; 4] = ["env", "file", "command", "login"];

pub(super) struct Decoded {
    pub(super) content: Content,
    pub(super) base_url: Url,
    pub(super) capabilities: BTreeSet<Capability>,
    pub(super) locations: BTreeMap<String, Span>,
}

/// Decodes the text. Returns `None` if it is not TOML or has no valid base URL; mistakes are in the report.
pub(super) fn decode(text: &str, report: &mut Diagnostics) -> Option<Decoded> {
    let root = parse(text, report)?;
    let file = Table::new("a target profile", 0..0, root.get_ref());
    file.only(&KEYS, report);
    let mut decoding = Decoding { report, locations: BTreeMap::new() };
    for entry in &file.entries {
        decoding.locations.insert(entry.key.to_owned(), entry.key_span.clone());
    }
    let name = decoding.required(&file, "name");
    let base_url = decoding.base_url(&file);
    let org_id = decoding.required(&file, "org_id");
    let content = Content {
        name: name.unwrap_or_default(),
        version: decoding.text(&file, "version"),
        base_url: base_url.as_ref().map(Url::to_string).unwrap_or_default(),
        org_id: org_id.unwrap_or_default(),
        other_org_id: decoding.text(&file, "other_org_id"),
        address: decoding.address(&file),
        reference: file.flag("reference", decoding.report),
        capabilities: decoding.capability_names(&file),
        tokens: decoding.tokens(&file),
        tls: decoding.tls(&file),
        limits: decoding.limits(&file),
        timeouts: decoding.timeouts(&file),
        agent: decoding.agent(&file),
        hooks: decoding.hooks(&file),
        pointers: decoding.pointers(&file),
    };
    let Decoding { report, locations } = decoding;
    let capabilities = capability::decide(&file, &content, base_url.as_ref(), report);
    capability::warn(&content, &capabilities, &locations, report);
    Some(Decoded { content, base_url: base_url?, capabilities, locations })
}

struct Decoding<'r> {
    report: &'r mut Diagnostics,
    locations: BTreeMap<String, Span>,
}

impl Decoding<'_> {
    /// Returns a table, and records the location of its keys.
    fn table<'a, 'i>(
        &mut self,
        parent: &Table<'a, 'i>,
        key: &'static str,
        known: &[&str],
    ) -> Option<Table<'a, 'i>> {
        let table = parent.get(key)?.table(key, self.report)?;
        if !known.is_empty() {
            table.only(known, self.report);
        }
        for entry in &table.entries {
            self.locations.insert(format!("{key}.{}", entry.key), entry.key_span.clone());
        }
        Some(table)
    }

    fn text(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        let entry = table.get(key)?;
        let SpannedText { text, span } = entry.string(self.report)?;
        if text.trim().is_empty() {
            self.report.error_with_help(span, format!("`{key}` is empty"), "remove it, or set a value");
            return None;
        }
        Some(text.to_owned())
    }

    fn required(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        table.require(key, self.report)?;
        self.text(table, key)
    }

    fn base_url(&mut self, file: &Table<'_, '_>) -> Option<Url> {
        let written = self.required(file, "base_url")?;
        let span = file.get("base_url").map(Entry::span).unwrap_or_default();
        let problem = match Url::parse(&written) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
                "it must begin with http:// or https://".to_owned()
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                "it must not contain `?` or `#`, as paths are appended to it".to_owned()
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                "it must not contain a user or password; use [tokens]".to_owned()
            }
            Ok(url) if url.path().trim_end_matches('/').ends_with("/api") => {
                "every path begins with /api, so /api/api/… would be requested".to_owned()
            }
            Ok(url) => return Some(url),
            Err(error) => error.to_string(),
        };
        self.report.error_with_help(
            span,
            format!("invalid base_url `{written}`: {problem}"),
            "use base_url = \"https://HOST\", with the path before /api if there is one",
        );
        None
    }

    fn address(&mut self, file: &Table<'_, '_>) -> Option<String> {
        let text = self.text(file, "address")?;
        if text.parse::<std::net::IpAddr>().is_ok() {
            return Some(text);
        }
        let span = file.get("address").map(Entry::span).unwrap_or_default();
        self.report.error_with_help(
            span,
            format!("invalid address `{text}`: expected an IP address"),
            "use the address from which the target sees the kit, such as \"203.0.113.9\"",
        );
        None
    }

    fn capability_names(&mut self, file: &Table<'_, '_>) -> Option<Vec<String>> {
        let names = file.get("capabilities")?.strings(self.report);
        Some(names.into_iter().map(|name| name.text.to_owned()).collect())
    }

    fn tokens(&mut self, file: &Table<'_, '_>) -> BTreeMap<Identity, TokenSource> {
        let names = IDENTITIES.map(|(_, name)| name);
        let Some(table) = self.table(file, "tokens", &names) else { return BTreeMap::new() };
        let mut tokens = BTreeMap::new();
        for (identity, name) in IDENTITIES {
            let Some(entry) = table.get(name) else { continue };
            tokens.extend(self.token(name, entry).map(|source| (identity, source)));
        }
        tokens
    }

    fn token(&mut self, name: &str, entry: &Entry<'_, '_>) -> Option<TokenSource> {
        if let DeValue::String(text) = entry.value.get_ref() {
            self.report.warning(
                entry.key_span.clone(),
                format!(
                    "tokens.{name} is written in the profile, where everyone who reads the file can see it"
                ),
                format!("use {name} = {{ env = \"VARIABLE\" }} instead"),
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
                format!("tokens.{name} must have exactly one source"),
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

    /// Returns a command line, after checking that it can be split into words.
    fn words(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        let text = self.text(table, key)?;
        let span = table.get(key).map(Entry::span).unwrap_or_default();
        match shell_words::split(&text) {
            Ok(_) => Some(text),
            Err(cause) => {
                self.report.error_with_help(
                    span,
                    format!("invalid command line in `{key}`: {cause}"),
                    "quote it as in a shell; for a pipe use sh -c '…'",
                );
                None
            }
        }
    }

    fn tls(&mut self, file: &Table<'_, '_>) -> TlsFiles {
        let keys = ["ca", "client_certificate", "client_key", "check_name"];
        let Some(table) = self.table(file, "tls", &keys) else { return TlsFiles::default() };
        for (given, missing) in [("client_certificate", "client_key"), ("client_key", "client_certificate")] {
            if let (Some(entry), None) = (table.get(given), table.get(missing)) {
                self.report.error_with_help(
                    entry.key_span.clone(),
                    format!("tls.{given} requires tls.{missing}"),
                    format!("add {missing} = \"PATH\""),
                );
            }
        }
        let check_name = table.get("check_name").and_then(|entry| entry.boolean(self.report));
        if let (Some(false), Some(entry)) = (check_name, table.get("check_name")) {
            self.report.warning(
                entry.key_span.clone(),
                "the certificate's host name is not checked: anyone with a certificate of a trusted authority can \
                 impersonate the target",
                "use the certificate's name as the host of base_url instead",
            );
        }
        let path = |decoding: &mut Self, key| decoding.text(&table, key).map(PathBuf::from);
        TlsFiles {
            ca: path(self, "ca"),
            client_certificate: path(self, "client_certificate"),
            client_key: path(self, "client_key"),
            check_name,
        }
    }

    fn limits(&mut self, file: &Table<'_, '_>) -> Limits {
        let keys = ["requests_per_second", "concurrency", "answer_bytes"];
        let Some(table) = self.table(file, "limits", &keys) else { return Limits::default() };
        let mut whole = |key: &str| {
            let number: Option<i64> = table.get(key)?.integer("an integer above 0", self.report);
            let fits = number.and_then(|number| NonZeroU32::new(u32::try_from(number).ok()?));
            if let (Some(number), None) = (number, fits) {
                let span = table.get(key).map(Entry::span).unwrap_or_default();
                self.report.error(
                    span,
                    format!("`{key}` must be an integer above 0 that fits in 32 bits, not {number}"),
                );
            }
            fits
        };
        let (concurrency, answer_bytes) = (whole("concurrency"), whole("answer_bytes"));
        Limits { requests_per_second: self.rate(&table), concurrency, answer_bytes }
    }

    fn rate(&mut self, limits: &Table<'_, '_>) -> Option<f64> {
        let entry = limits.get("requests_per_second")?;
        let text = match entry.value.get_ref() {
            DeValue::Integer(integer) => integer.as_str().to_owned(),
            DeValue::Float(float) => float.as_str().to_owned(),
            _ => String::new(),
        };
        match text.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate >= 0.01 => Some(rate),
            _ => {
                entry.expected("a number of at least 0.01", self.report);
                None
            }
        }
    }

    fn timeouts(&mut self, file: &Table<'_, '_>) -> Timeouts {
        let defaults = Timeouts::default();
        let Some(table) = self.table(file, "timeouts", &["connect", "request", "subtest"]) else {
            return defaults;
        };
        let mut time = |key, defaults| self.duration(&table, key).unwrap_or(defaults);
        Timeouts {
            connect: time("connect", defaults.connect),
            request: time("request", defaults.request),
            subtest: time("subtest", defaults.subtest),
        }
    }

    fn duration(&mut self, table: &Table<'_, '_>, key: &str) -> Option<Duration> {
        let entry = table.get(key)?;
        let SpannedText { text, span } = entry.string(self.report)?;
        match humantime::parse_duration(text) {
            Ok(duration) if !duration.is_zero() => return Some(duration),
            Ok(_) => self.report.error(span, format!("`{key}` must be greater than zero")),
            Err(error) => self.report.error_with_help(
                span,
                format!("invalid duration `{text}`: {error}"),
                "use a duration such as \"10s\" or \"2m\"",
            ),
        }
        None
    }

    fn agent(&mut self, file: &Table<'_, '_>) -> Option<Agent> {
        let table = self.table(file, "agent", &["command", "env", "without_tun"])?;
        table.require("command", self.report);
        let mut env = BTreeMap::new();
        if let Some(variables) = table.get("env").and_then(|entry| entry.table("env", self.report)) {
            for entry in &variables.entries {
                let value = entry.string(self.report).map(|value| value.text.to_owned());
                env.extend(value.map(|value| (entry.key.to_owned(), value)));
            }
        }
        // An empty string means no flag at all.
        let without_tun = table.string("without_tun", self.report).map(|text| text.text.to_owned());
        if without_tun.as_deref().is_some_and(|text| !text.is_empty()) {
            self.words(&table, "without_tun");
        }
        let command = self.words(&table, "command")?;
        Some(Agent { command, env, without_tun: without_tun.unwrap_or_else(|| WITHOUT_TUN.to_owned()) })
    }

    fn hooks(&mut self, file: &Table<'_, '_>) -> Hooks {
        let Some(table) = self.table(file, "hooks", &["clock", "approve", "reset"]) else {
            return Hooks::default();
        };
        let mut hook = |key| {
            let text = self.text(&table, key)?;
            let is_url = Url::parse(&text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if text.starts_with('/') || is_url {
                return Some(text);
            }
            let span = table.get(key).map(Entry::span).unwrap_or_default();
            self.report.error_with_help(
                span,
                format!("invalid hook `{text}`: expected a URL or a path"),
                "use a path below base_url that begins with `/`, or a complete URL",
            );
            None
        };
        Hooks { clock: hook("clock"), approve: hook("approve"), reset: hook("reset") }
    }

    fn pointers(&mut self, file: &Table<'_, '_>) -> Pointers {
        let keys = ["access_token", "machine_token", "rows", "machine"];
        let Some(table) = self.table(file, "pointers", &keys) else { return Pointers::default() };
        let mut pointers = Pointers {
            access_token: self.pointer(&table, "access_token"),
            machine_token: self.pointer(&table, "machine_token"),
            rows: self.pointer(&table, "rows"),
            machine: MachinePointers::default(),
        };
        let keys = ["id", "name", "status", "tailnet_ip", "tags", "public_key"];
        if let Some(machine) = self.table(&table, "machine", &keys) {
            pointers.machine = MachinePointers {
                id: self.pointer(&machine, "id"),
                name: self.pointer(&machine, "name"),
                status: self.pointer(&machine, "status"),
                tailnet_ip: self.pointer(&machine, "tailnet_ip"),
                tags: self.pointer(&machine, "tags"),
                public_key: self.pointer(&machine, "public_key"),
            };
        }
        pointers
    }

    fn pointer(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        let SpannedText { text, span } = table.string(key, self.report)?;
        if text.starts_with('/') {
            return Some(text.to_owned());
        }
        self.report.error_with_help(
            span,
            format!("invalid JSON pointer `{text}`"),
            format!("begin each name with a slash: \"/{text}\""),
        );
        None
    }
}
