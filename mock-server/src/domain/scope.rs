//! What an API key may do: its scopes, read as the documents' examples mean them.
//!
//! No scopes, and `admin`: everything. `read` and `write` are verbs, the others resources; verbs alone hold for every
//! resource, resources alone for both verbs, and together they bound each other: `["machines", "read"]` is "a
//! read-only machines key" (`api-key/ST2.1`). `machines:read`, as the dashboard writes it (`api-key/ST5.1`), is that
//! one verb on that one resource. Managing keys needs `admin`, or else any key could make itself a stronger one.

/// What scopes tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Machines and their administration.
    Machines,
    /// Name service settings.
    Dns,
    /// Access rules.
    Acl,
    /// Billing.
    Billing,
    /// The audit log.
    Audit,
    /// Auth keys and API keys: no scope names them; `read` and `admin` reach them.
    Keys,
}

/// What a call does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// It looks.
    Read,
    /// It changes something.
    Write,
}

/// The scopes of an API key; none are all that its creator's role allows (`api-key/ST1.1`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Option<Vec<String>>);

/// One scope of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Admin,
    Any(Verb),
    All(Resource),
    One(Verb, Resource),
}

impl Resource {
    /// The resources that can be named in a scope.
    pub const NAMED: [Self; 5] = [Self::Machines, Self::Dns, Self::Acl, Self::Billing, Self::Audit];

    /// Its name in scopes and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
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

impl Verb {
    /// Its name in scopes and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl Scopes {
    /// The scopes of a key as its row keeps them; they were checked when the key was made.
    #[must_use]
    pub fn stored(names: Option<Vec<String>>) -> Self {
        Self(names)
    }

    /// Checks the scopes asked for a new key (`api-key/ST2.2`).
    ///
    /// # Errors
    /// The names that are no scopes, in the order they came.
    pub fn requested(names: Option<Vec<String>>) -> Result<Self, Vec<String>> {
        let unknown: Vec<String> =
            names.iter().flatten().filter(|name| Scope::parse(name).is_none()).cloned().collect();
        if unknown.is_empty() { Ok(Self(names)) } else { Err(unknown) }
    }

    /// The names, as they are stored and answered.
    #[must_use]
    pub fn names(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// Whether nothing is out of their reach: only then may a key manage keys.
    #[must_use]
    pub fn cover_everything(&self) -> bool {
        self.names().is_none_or(|names| names.is_empty() || self.parsed().any(|scope| scope == Scope::Admin))
    }

    /// Whether they allow that on that resource (`api-key/ST2.3`); what the creator's role allows is judged apart.
    #[must_use]
    pub fn cover(&self, verb: Verb, resource: Resource) -> bool {
        if self.cover_everything() || self.parsed().any(|scope| scope == Scope::One(verb, resource)) {
            return true;
        }
        if resource == Resource::Keys && verb == Verb::Write {
            return false;
        }
        let verb_given = self.parsed().any(|scope| scope == Scope::Any(verb));
        let any_verb_given = self.parsed().any(|scope| matches!(scope, Scope::Any(_)));
        let resource_given = self.parsed().any(|scope| scope == Scope::All(resource));
        let any_resource_given = self.parsed().any(|scope| matches!(scope, Scope::All(_)));
        match (verb_given, resource_given) {
            (true, true) => true,
            (true, false) => !any_resource_given,
            (false, true) => !any_verb_given,
            (false, false) => false,
        }
    }

    fn parsed(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().flatten().filter_map(|name| Scope::parse(name))
    }
}

impl Scope {
    fn parse(text: &str) -> Option<Self> {
        let verb = |name: &str| [Verb::Read, Verb::Write].into_iter().find(|verb| verb.name() == name);
        let resource = |name: &str| Resource::NAMED.into_iter().find(|resource| resource.name() == name);
        match text.split_once(':') {
            Some((name, of)) => Some(Self::One(verb(of)?, resource(name)?)),
            None if text == "admin" => Some(Self::Admin),
            None => verb(text).map(Self::Any).or_else(|| resource(text).map(Self::All)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> Scopes {
        Scopes::requested(Some(names.iter().map(ToString::to_string).collect())).expect("valid")
    }

    #[test]
    fn matrix() {
        use Resource::{Audit, Dns, Keys, Machines};
        use Verb::{Read, Write};
        let calls = [
            (Read, Machines),
            (Write, Machines),
            (Read, Audit),
            (Read, Keys),
            (Write, Keys),
            (Read, Dns),
            (Write, Dns),
        ];
        let cases: [(&[&str], u8, [u8; 7]); 13] = [
            (&[], 1, [1; 7]),
            (&["admin"], 1, [1; 7]),
            (&["admin", "machines:read"], 1, [1; 7]),
            (&["read"], 0, [1, 0, 1, 1, 0, 1, 0]),
            (&["write"], 0, [0, 1, 0, 0, 0, 0, 1]),
            (&["read", "write"], 0, [1, 1, 1, 1, 0, 1, 1]),
            (&["machines"], 0, [1, 1, 0, 0, 0, 0, 0]),
            (&["machines", "read"], 0, [1, 0, 0, 0, 0, 0, 0]),
            (&["write", "machines"], 0, [0, 1, 0, 0, 0, 0, 0]),
            (&["machines", "dns", "read", "write"], 0, [1, 1, 0, 0, 0, 1, 1]),
            (&["machines:read", "audit:read"], 0, [1, 0, 1, 0, 0, 0, 0]),
            (&["machines:write"], 0, [0, 1, 0, 0, 0, 0, 0]),
            (&["read", "machines:write"], 0, [1, 1, 1, 1, 0, 1, 0]),
        ];
        for (names, everything, expected) in cases {
            let scopes = scopes(names);
            assert_eq!(scopes.cover_everything(), everything == 1, "{names:?}");
            for ((verb, resource), expected) in calls.into_iter().zip(expected) {
                assert_eq!(scopes.cover(verb, resource), expected == 1, "{names:?} to {verb:?} {resource:?}");
            }
        }
        assert!(Scopes::stored(None).cover_everything());
        let unreadable = Scopes::stored(Some(vec!["from a newer version".to_owned()]));
        assert!(!unreadable.cover_everything() && !unreadable.cover(Read, Machines));
    }

    #[test]
    fn names_that_are_no_scopes_are_told_in_order() {
        let valid = crate::domain::refusal::VALID_SCOPES.split(", ").chain(["machines:read", "audit:write"]);
        let asked: Vec<String> = valid.map(ToOwned::to_owned).collect();
        let found = Scopes::requested(Some(asked.clone())).expect("all of them are valid");
        assert_eq!(found.names(), Some(asked.as_slice()));

        let wrong = [
            "superpower",
            "",
            "Read",
            "machines:",
            "machines:admin",
            "read:machines",
            "keys",
            "keys:read",
            "admin:read",
        ];
        let asked = ["machines", "read"].iter().chain(&wrong).map(ToString::to_string).collect();
        assert_eq!(Scopes::requested(Some(asked)), Err(wrong.map(ToOwned::to_owned).to_vec()));
    }
}
