//! The users of a target.

/// A user of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// An admin of the organisation under test.
    Admin,
    /// The owner of the organisation under test.
    Owner,
    /// A member without admin rights.
    Member,
    /// An admin of another organisation.
    Outsider,
    /// An admin of an organisation that may have a few machines only.
    Limited,
}

/// All identities with their names in scenarios and profiles.
pub const IDENTITIES: [(Identity, &str); 5] = [
    (Identity::Admin, "admin"),
    (Identity::Owner, "owner"),
    (Identity::Member, "member"),
    (Identity::Outsider, "outsider"),
    (Identity::Limited, "limited"),
];

/// Returns the name of an identity in scenarios and profiles.
pub fn identity_name(identity: Identity) -> &'static str {
    IDENTITIES.iter().find(|(known, _)| *known == identity).map_or("nobody", |(_, name)| name)
}
