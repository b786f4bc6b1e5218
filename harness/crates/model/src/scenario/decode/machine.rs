use crate::scenario::model::{Machine, Span};
use crate::scenario::vocabulary;
use crate::source::document::{Entry, SpannedText, Table, Value};

use super::Decoder;

impl Decoder<'_> {
    pub(super) fn machines(&mut self, entry: &Entry<'_, '_>) -> Vec<Machine> {
        let mut machines: Vec<Machine> = Vec::new();
        for value in entry.array("names or tables", &mut self.report).unwrap_or_default() {
            let Some(machine) = self.machine(value) else { continue };
            if machines.iter().any(|other| other.name == machine.name) {
                self.report.error(machine.span, format!("duplicate machine `{}`", machine.name));
            } else {
                machines.push(machine);
            }
        }
        machines
    }

    fn machine(&mut self, value: &Value<'_>) -> Option<Machine> {
        if let Some(name) = value.get_ref().as_str() {
            let name = self.machine_name(name, value.span())?;
            return Some(Machine {
                name,
                login: None,
                up: false,
                observed: false,
                wire: false,
                span: value.span(),
            });
        }
        let Some(table) = value.get_ref().as_table() else {
            self.report.error(
                value.span(),
                "invalid machine: expected a name or a table such as `{ name = \"…\", up = true }`",
            );
            return None;
        };
        let table = Table::new("a machine", value.span(), table);
        table.only(&vocabulary::keys(&[vocabulary::MACHINE]), &mut self.report);
        let login = table.string("login", &mut self.report);
        let login = login.and_then(|word| self.choice(word, "user", vocabulary::IDENTITIES));
        let up = table.flag("up", &mut self.report);
        let observed = table.flag("observed", &mut self.report);
        let wire = table.flag("wire", &mut self.report);
        if wire && (login.is_some() || up || observed) {
            let message =
                "`wire` cannot be combined with `login`, `up` or `observed`: a WireGuard peer has no agent";
            self.report.error_with_help(
                value.span(),
                message,
                "register the peer in a step: `wire = \"join\"`",
            );
        }
        let SpannedText { text: name, span } =
            table.require("name", &mut self.report)?.string(&mut self.report)?;
        let name = self.machine_name(name, span)?;
        Some(Machine { name, login: login.flatten(), up, observed, wire, span: value.span() })
    }

    fn machine_name(&mut self, name: &str, span: Span) -> Option<String> {
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if name.is_empty() || !letters || name.starts_with('-') || name.ends_with('-') || name.len() > 63 {
            self.report.error_with_help(
                span,
                format!("invalid machine name `{name}`"),
                "use a host name: letters, digits and inner hyphens, at most 63 characters",
            );
            return None;
        }
        Some(name.to_owned())
    }
}
