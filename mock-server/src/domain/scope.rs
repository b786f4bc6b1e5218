//! Scopes of API keys, interpreted as in the documents' examples.
//!
//! No scopes, or `admin`, allow everything. `read` and `write` are verbs, the others are resources. Verbs alone apply to
//! every resource and resources alone to both verbs; together they restrict each other: `["machines", "read"]` is "a
//! read-only machines key" (`api-key/ST2.1`). `machines:read`, as the dashboard writes it (`api-key/ST5.1`), allows one
//! verb on one resource. Managing keys requires `admin`; otherwise, any key could create a more powerful one.

use super::Refusal;
use super::refusal::VALID_SCOPES;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    Machines,
    Dns,
    Acl,
    Billing,
    Audit,
    /// Auth keys and API keys. No scope names them; `read` and `admin` cover them.
    Keys,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Read,
    Write,
}

/// The scopes of an API key. Without any, the key may do all that its creator's role allows (`api-key/ST1.1`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Option<Vec<String>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Admin,
    Any(Verb),
    All(Resource),
    One(Verb, Resource),
}

impl Resource {
    /// The resources that a scope can name.
    pub const NAMED: [Self; 5] = [Self::Machines, Self::Dns, Self::Acl, Self::Billing, Self::Audit];

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
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl Scopes {
    /// Wraps the scopes of a stored key, which were validated when it was created.
    #[must_use]
    pub fn stored(names: Option<Vec<String>>) -> Self {
        Self(names)
    }

    /// Validates the scopes requested for a new key (`api-key/ST2.2`).
    ///
    /// # Errors
    /// [`Refusal::InvalidScopes`] with the unknown names in the order of the request.
    pub fn requested(names: Option<Vec<String>>) -> Result<Self, Refusal> {
        let unknown: Vec<String> =
            names.iter().flatten().filter(|name| Scope::parse(name).is_none()).cloned().collect();
        if unknown.is_empty() { Ok(Self(names)) } else { Err(Refusal::InvalidScopes { unknown }) }
    }

    /// The names as stored and returned.
    #[must_use]
    pub fn names(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// Whether the scopes allow everything, which managing keys requires.
    #[must_use]
    pub fn cover_everything(&self) -> bool {
        self.names().is_none_or(|names| names.is_empty() || self.parsed().any(|scope| scope == Scope::Admin))
    }

    /// Whether the scopes allow `verb` on `resource` (`api-key/ST2.3`), regardless of the creator's role.
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

    /// The scopes, or none if one is unknown: it may have been a restriction of the others.
    fn parsed(&self) -> impl Iterator<Item = Scope> {
        let scopes = self.0.iter().flatten().map(|name| Scope::parse(name)).collect::<Option<Vec<_>>>();
        scopes.unwrap_or_default().into_iter()
    }
}

/// The names of all scopes.
pub fn names() -> Vec<String> {
    let single = VALID_SCOPES.split(", ").map(ToOwned::to_owned);
    let pairs = Resource::NAMED.into_iter().flat_map(|resource| {
        [Verb::Read, Verb::Write].map(|verb| format!("{}:{}", resource.name(), verb.name()))
    });
    single.chain(pairs).collect()
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
    fn scopes_cover_the_documented_calls() {
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
        for others in [vec![], vec!["machines"], vec!["admin"], vec!["read", "write"], vec!["machines:read"]]
        {
            let names = others.iter().chain(&["from a newer version"]).map(ToString::to_string).collect();
            let unreadable = Scopes::stored(Some(names));
            assert!(!unreadable.cover_everything() && !unreadable.cover(Read, Machines), "{others:?}");
        }
    }

    #[test]
    fn unknown_scopes_are_reported_in_order() {
        let asked = names();
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
        let unknown = wrong.map(ToOwned::to_owned).to_vec();
        assert_eq!(Scopes::requested(Some(asked)), Err(Refusal::InvalidScopes { unknown }));
    }
}
