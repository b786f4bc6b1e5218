//! What an API key may do: its scopes, read as the documents' examples mean them.
//!
//! No scopes, and `admin`: everything. `read` and `write` are verbs, the others resources; verbs alone hold for every
//! resource, resources alone for both verbs, and together they bound each other: `["machines", "read"]` is "a
//! read-only machines key" (`api-key/ST2.1`). `machines:read`, as the dashboard writes it (`api-key/ST5.1`), is that
//! one verb on that one resource. Managing keys needs `admin`, or else any key could make itself a stronger one.

use std::fmt;

/// What scopes tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Machines.
    Machines,
    /// Names.
    Dns,
    /// Access rules.
    Acl,
    /// Invoices.
    Billing,
    /// The audit log.
    Audit,
    /// Auth keys and API keys: no scope of their own; `read` and `admin` reach them.
    Keys,
}

/// What a call does, as far as permission for it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Create, change or revoke auth keys and API keys.
    ManageKeys,
    /// Quarantine, release, approve, tag or delete machines.
    ManageMachines,
    /// Read a resource.
    Read(Resource),
    /// Change a resource.
    Write(Resource),
}

/// One scope of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `admin`.
    Admin,
    /// `read`.
    Read,
    /// `write`.
    Write,
    /// `RESOURCE`.
    All(Resource),
    /// `RESOURCE:read`.
    ReadOf(Resource),
    /// `RESOURCE:write`.
    WriteOf(Resource),
}

/// The scopes as the documents list them (`api-key/ST2.2`).
pub const VALID: &str = "read, write, admin, machines, dns, acl, billing, audit";

impl Resource {
    /// The resources that can be named in a scope.
    pub const NAMED: [Self; 5] = [Self::Machines, Self::Dns, Self::Acl, Self::Billing, Self::Audit];

    /// Its name in scopes and messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Machines => "machines",
            Self::Dns => "dns",
            Self::Acl => "acl",
            Self::Billing => "billing",
            Self::Audit => "audit",
            Self::Keys => "keys",
        }
    }
}

impl Scope {
    /// The scope that this text names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "admin" => return Some(Self::Admin),
            "read" => return Some(Self::Read),
            "write" => return Some(Self::Write),
            _ => {}
        }
        let (name, verb) = text.split_once(':').map_or((text, None), |(name, verb)| (name, Some(verb)));
        let resource = Resource::NAMED.into_iter().find(|resource| resource.name() == name)?;
        match verb {
            None => Some(Self::All(resource)),
            Some("read") => Some(Self::ReadOf(resource)),
            Some("write") => Some(Self::WriteOf(resource)),
            Some(_) => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => out.write_str("admin"),
            Self::Read => out.write_str("read"),
            Self::Write => out.write_str("write"),
            Self::All(resource) => out.write_str(resource.name()),
            Self::ReadOf(resource) => write!(out, "{}:read", resource.name()),
            Self::WriteOf(resource) => write!(out, "{}:write", resource.name()),
        }
    }
}

/// Whether these scopes allow it (`api-key/ST2.3`). What the creator's role allows is judged apart.
#[must_use]
pub fn allows(scopes: &[Scope], permission: Permission) -> bool {
    if scopes.is_empty() || scopes.contains(&Scope::Admin) {
        return true;
    }
    let (verb, other, resource) = match permission {
        Permission::ManageKeys | Permission::Write(Resource::Keys) => return false,
        Permission::ManageMachines => (Scope::Write, Scope::Read, Resource::Machines),
        Permission::Write(resource) => (Scope::Write, Scope::Read, resource),
        Permission::Read(resource) => (Scope::Read, Scope::Write, resource),
    };
    let precise = match verb {
        Scope::Read => Scope::ReadOf(resource),
        _ => Scope::WriteOf(resource),
    };
    let resources_named = scopes.iter().any(|scope| matches!(scope, Scope::All(_)));
    let verb_given = scopes.contains(&verb) || !scopes.contains(&other);
    scopes.contains(&precise)
        || (scopes.contains(&Scope::All(resource)) && verb_given)
        || (scopes.contains(&verb) && !resources_named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrix() {
        use Permission::{ManageKeys, ManageMachines, Read, Write};
        let calls = [
            ("manage keys", ManageKeys),
            ("manage machines", ManageMachines),
            ("read machines", Read(Resource::Machines)),
            ("write machines", Write(Resource::Machines)),
            ("read audit", Read(Resource::Audit)),
            ("read keys", Read(Resource::Keys)),
            ("write keys", Write(Resource::Keys)),
            ("read dns", Read(Resource::Dns)),
        ];
        let cases: [(&[&str], [u8; 8]); 13] = [
            (&[], [1; 8]),
            (&["admin"], [1; 8]),
            (&["admin", "machines:read"], [1; 8]),
            (&["read"], [0, 0, 1, 0, 1, 1, 0, 1]),
            (&["write"], [0, 1, 0, 1, 0, 0, 0, 0]),
            (&["read", "write"], [0, 1, 1, 1, 1, 1, 0, 1]),
            (&["machines"], [0, 1, 1, 1, 0, 0, 0, 0]),
            (&["machines", "read"], [0, 0, 1, 0, 0, 0, 0, 0]),
            (&["write", "machines"], [0, 1, 0, 1, 0, 0, 0, 0]),
            (&["machines", "dns", "read", "write"], [0, 1, 1, 1, 0, 0, 0, 1]),
            (&["machines:read", "audit:read"], [0, 0, 1, 0, 1, 0, 0, 0]),
            (&["machines:write"], [0, 1, 0, 1, 0, 0, 0, 0]),
            (&["read", "machines:write"], [0, 1, 1, 1, 1, 1, 0, 1]),
        ];
        for (names, expected) in cases {
            let scopes: Vec<Scope> = names.iter().map(|name| Scope::parse(name).expect("valid")).collect();
            for ((call, permission), expected) in calls.into_iter().zip(expected) {
                assert_eq!(allows(&scopes, permission), expected == 1, "{names:?} to {call}");
            }
        }
    }

    #[test]
    fn names() {
        for name in VALID.split(", ").chain(["machines:read", "audit:write"]) {
            assert_eq!(Scope::parse(name).map(|scope| scope.to_string()).as_deref(), Some(name));
        }
        for name in [
            "superpower",
            "",
            "Read",
            "machines:",
            "machines:admin",
            "read:machines",
            "keys",
            "keys:read",
            "admin:read",
        ] {
            assert_eq!(Scope::parse(name), None, "{name}");
        }
    }
}
