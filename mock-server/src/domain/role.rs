//! What a user is in an organisation.

/// A user's role in one organisation, as memberships keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// May do everything.
    Owner,
    /// May do everything that the documents ask an admin for.
    Admin,
    /// May see machines and add machines that an admin then approves.
    Member,
}

impl Role {
    /// Whether this role may do what needs "admin or owner" (`generate/F.3`, `api-key/F.2`).
    pub const fn administers(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// The role's name in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Member].into_iter().find(|role| role.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_and_admins_administer_and_every_name_comes_back() {
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
