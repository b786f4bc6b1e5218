//! Roles of users in organisations.

/// A user's role in one organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Owner,
    /// May do everything for which the documents require an admin.
    Admin,
    /// May list machines, and add machines that an admin then approves.
    Member,
}

impl Role {
    /// Whether the role satisfies "admin or owner" (`generate/F.3`, `api-key/F.2`).
    pub const fn administers(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// The name in the database and in responses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Member].into_iter().find(|role| role.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_round_trip_and_owners_and_admins_administer() {
        for (role, name, administers) in
            [(Role::Owner, "owner", true), (Role::Admin, "admin", true), (Role::Member, "member", false)]
        {
            assert_eq!((role.as_str(), role.administers()), (name, administers));
            assert_eq!(Role::parse(name), Some(role));
        }
        for unknown in ["", "Owner", "guest"] {
            assert_eq!(Role::parse(unknown), None, "{unknown:?}");
        }
    }
}
