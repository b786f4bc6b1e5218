//! Decodes `[pointers]`.

use harness_model::source::document::{SpannedText, Table};

use super::Decoding;
use crate::targets::profile::content::{MachinePointers, Pointers, UserOrgPointers};

impl Decoding<'_> {
    pub(super) fn pointers(&mut self, file: &Table<'_, '_>) -> Pointers {
        let keys =
            ["access_token", "machine_token", "rows", "error_code", "error_message", "user_orgs", "machine"];
        let Some(table) = self.table(file, "pointers", &keys) else { return Pointers::default() };
        let mut pointers = Pointers {
            access_token: self.pointer(&table, "access_token"),
            machine_token: self.pointer(&table, "machine_token"),
            rows: self.pointer(&table, "rows"),
            error_code: self.pointer(&table, "error_code"),
            error_message: self.pointer(&table, "error_message"),
            user_orgs: UserOrgPointers::default(),
            machine: MachinePointers::default(),
        };
        if let Some(orgs) = self.table(&table, "user_orgs", &["rows", "org_id", "role"]) {
            pointers.user_orgs = UserOrgPointers {
                rows: self.pointer(&orgs, "rows"),
                org_id: self.pointer(&orgs, "org_id"),
                role: self.pointer(&orgs, "role"),
            };
        }
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
