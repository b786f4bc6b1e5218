//! Decodes `[dashboard]`.

use std::collections::BTreeMap;

use reqwest::Url;

use harness_model::scenario::model::{IDENTITIES, Identity};
use harness_model::source::document::{Entry, Table};

use super::Decoding;
use crate::targets::dashboard::SignInAct;
use crate::targets::profile::content::{DashboardContent, Login};

impl Decoding<'_> {
    pub(super) fn dashboard(&mut self, file: &Table<'_, '_>) -> Option<DashboardContent> {
        let table =
            self.table(file, "dashboard", &["url", "words", "paths", "waits", "sign_in", "accounts"])?;
        let url = self.text(&table, "url");
        if let Some(url) = &url
            && !Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        {
            self.report.error_with_help(
                table.get("url").map(Entry::span).unwrap_or_default(),
                format!("invalid dashboard.url `{url}`"),
                "it must begin with http:// or https://, and has no path after which pages would not follow",
            );
        }
        let paths = self.renamed(&table, "paths");
        for (page, path) in paths.iter().filter(|(_, path)| !path.starts_with('/')) {
            self.report.error_with_help(
                table.get("paths").map(Entry::span).unwrap_or_default(),
                format!("invalid path `{path}` for `{page}`: it must begin with `/`"),
                format!("write `\"/{path}\"`"),
            );
        }
        Some(DashboardContent {
            url,
            words: self.renamed(&table, "words"),
            paths,
            waits: self.waits(&table),
            sign_in: self.sign_in(&table),
            accounts: self.accounts(&table),
        })
    }

    fn renamed(&mut self, table: &Table<'_, '_>, key: &'static str) -> BTreeMap<String, String> {
        let Some(table) = table.get(key).and_then(|entry| entry.table(key, self.report)) else {
            return BTreeMap::new();
        };
        let own = |entry: &Entry<'_, '_>, decoding: &mut Self| {
            Some((entry.key.to_owned(), entry.string(decoding.report)?.text.to_owned()))
        };
        table.entries.iter().filter_map(|entry| own(entry, self)).collect()
    }

    fn waits(&mut self, table: &Table<'_, '_>) -> Vec<String> {
        let items = table.get("waits").and_then(|entry| entry.array("a list of paths", self.report));
        let mut paths = Vec::new();
        for item in items.unwrap_or_default() {
            match item.get_ref().as_str().filter(|path| path.starts_with('/')) {
                Some(path) => paths.push(path.to_owned()),
                None => self.report.error_with_help(
                    item.span(),
                    "invalid path in dashboard.waits",
                    "write paths that begin with `/`, such as `[\"/api/changes\"]`",
                ),
            }
        }
        paths
    }

    fn sign_in(&mut self, table: &Table<'_, '_>) -> Vec<SignInAct> {
        let items = table.get("sign_in").and_then(|entry| entry.array("a list of acts", self.report));
        let mut acts = Vec::new();
        for item in items.unwrap_or_default() {
            let help = "write `{ open = \"/login\" }`, `{ fill = \"Email\", with = \"${email}\" }` or `{ click = \"Sign in\" }`";
            let Some(act) = item.get_ref().as_table() else {
                self.report.error_with_help(item.span(), "invalid act of signing in", help);
                continue;
            };
            let act = Table::new("an act of signing in", item.span(), act);
            act.only(&["open", "fill", "with", "click"], self.report);
            let texts = ["open", "fill", "with", "click"].map(|key| self.text(&act, key));
            match texts {
                [Some(path), None, None, None] => acts.push(SignInAct::Open(path)),
                [None, Some(label), Some(value), None] => acts.push(SignInAct::Fill { label, value }),
                [None, None, None, Some(name)] => acts.push(SignInAct::Click(name)),
                _ => self.report.error_with_help(item.span(), "invalid act of signing in", help),
            }
        }
        acts
    }

    fn accounts(&mut self, table: &Table<'_, '_>) -> BTreeMap<Identity, Login> {
        let Some(table) = table.get("accounts").and_then(|entry| entry.table("accounts", self.report)) else {
            return BTreeMap::new();
        };
        let names = IDENTITIES.map(|(_, name)| name);
        table.only(&names, self.report);
        let mut accounts = BTreeMap::new();
        for (identity, name) in IDENTITIES {
            let Some(login) = table.get(name).and_then(|entry| entry.table("an account", self.report)) else {
                continue;
            };
            login.only(&["email", "password_env"], self.report);
            let email = self.required(&login, "email");
            let password_env = self.required(&login, "password_env");
            if let (Some(email), Some(password_env)) = (email, password_env) {
                accounts.insert(identity, Login { email, password_env });
            }
        }
        accounts
    }
}
