//! Decodes `[tls]`.

use std::path::PathBuf;

use harness_model::source::document::Table;

use super::Decoding;
use crate::targets::profile::content::TlsFiles;

impl Decoding<'_> {
    pub(super) fn tls(&mut self, file: &Table<'_, '_>) -> TlsFiles {
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
}
