//! Decodes `[undocumented]` and `[paths]`.

use std::collections::BTreeMap;

use harness_model::scenario::undocumented::{UNDOCUMENTED, Undocumented};
use harness_model::source::document::{Entry, Table};

use super::Decoding;
use crate::targets::profile::content::Paths;

const PATHS: [&str; 7] =
    ["machines", "machine_admin", "user_orgs", "heartbeat", "network_map", "acl", "login"];
/// Names of documented endpoints that someone may look for in `[paths]`.
const DOCUMENTED: [&str; 6] =
    ["register", "register_machine", "key_management", "auth_keys", "api_keys", "install"];

impl Decoding<'_> {
    pub(super) fn undocumented(&mut self, file: &Table<'_, '_>) -> BTreeMap<Undocumented, bool> {
        let names = UNDOCUMENTED.map(|(_, name)| name);
        let Some(table) = self.table(file, "undocumented", &names) else { return BTreeMap::new() };
        let declared = UNDOCUMENTED
            .iter()
            .filter_map(|(undocumented, name)| Some((*undocumented, table.get(name)?.boolean(self.report)?)));
        declared.collect()
    }

    pub(super) fn paths(&mut self, file: &Table<'_, '_>) -> Paths {
        let Some(table) = self.table(file, "paths", &[]) else { return Paths::default() };
        for entry in table.entries.iter().filter(|entry| DOCUMENTED.contains(&entry.key)) {
            self.report.error_with_help(
                entry.key_span.clone(),
                format!("`{}` is documented, and cannot be moved", entry.key),
                "remove it: the target is judged by the documented path",
            );
        }
        let known: Vec<&str> = PATHS.into_iter().chain(DOCUMENTED).collect();
        table.only(&known, self.report);
        Paths {
            machines: self.path(&table, "machines"),
            machine_admin: self.path(&table, "machine_admin"),
            user_orgs: self.path(&table, "user_orgs"),
            heartbeat: self.path(&table, "heartbeat"),
            network_map: self.path(&table, "network_map"),
            acl: self.path(&table, "acl"),
            login: self.path(&table, "login"),
        }
    }

    fn path(&mut self, table: &Table<'_, '_>, key: &str) -> Option<String> {
        let text = self.text(table, key)?;
        if text.starts_with('/') && !text.contains(['?', '#', ' ']) {
            return Some(text);
        }
        self.report.error_with_help(
            table.get(key).map(Entry::span).unwrap_or_default(),
            format!("invalid path `{text}`"),
            "write a path below base_url that begins with `/`, without `?`: the kit adds its own query",
        );
        None
    }
}
