//! Auth keys and the decision whether one admits a machine.

pub mod expiry;
pub mod material;
pub mod name;

use std::net::IpAddr;

use super::cidr::AllowedCidrs;
use super::{Refusal, Timestamp, quota, tag};

/// The facts about an auth key that a decision depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthKey {
    pub id: String,
    pub org_id: String,
    /// Whether it admits more than one registration (`issuing/reuse.1`).
    pub reusable: bool,
    /// Whether its machines are removed after a period of silence (`generate/ST2.2`).
    pub ephemeral: bool,
    /// The number of successful registrations (`used-count/F.1`).
    pub used_count: i64,
    /// The first moment at which it is no longer valid (`issuing/expiry.1`).
    pub expires_at: Timestamp,
    /// See `issuing/revoke.1`.
    pub revoked: bool,
    /// The tags that a machine may claim; `None` means any (`generate/ST3.2`).
    pub allowed_tags: Option<Vec<String>>,
    /// See `generate/ST4.2`.
    pub allowed_cidrs: AllowedCidrs,
    /// The tags that every machine receives (`issuing/tags.1`).
    pub tags: Vec<String>,
}

/// A machine's request to register.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub address: Option<IpAddr>,
    /// The claimed tags, without prefix.
    pub tags: &'a [String],
    /// The organisation's quota; `None` if the machine exists already and does not count again.
    pub quota: Option<quota::Quota>,
}

/// The properties that an admitted machine receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub ephemeral: bool,
    /// The key's tags followed by the claimed tags.
    pub tags: Vec<String>,
}

/// Decides a registration in the documented order: unknown, revoked or expired, then used up (`used-count/ST4.4`),
/// then address, tags and quota. `key` is `None` if no key has the presented hash.
pub fn decide(key: Option<&AuthKey>, request: &Request<'_>, now: Timestamp) -> Result<Grant, Refusal> {
    let key = key.filter(|key| !key.revoked && now < key.expires_at).ok_or(Refusal::InvalidKey)?;
    if !key.reusable && key.used_count > 0 {
        return Err(Refusal::KeyUsed);
    }
    if !key.allowed_cidrs.admit(request.address) {
        return Err(Refusal::IpNotAllowed);
    }
    tag::check_allowed(request.tags, key.allowed_tags.as_deref())?;
    if let Some(quota) = request.quota {
        quota.admit()?;
    }
    Ok(Grant { ephemeral: key.ephemeral, tags: tag::union(&key.tags, request.tags)? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> AuthKey {
        AuthKey {
            id: "k".into(),
            org_id: "o".into(),
            reusable: false,
            ephemeral: true,
            used_count: 0,
            expires_at: Timestamp::from_millis(1000),
            revoked: false,
            allowed_tags: Some(vec!["server".into()]),
            allowed_cidrs: AllowedCidrs::parse(Some(vec!["10.0.0.0/8".into()])).unwrap(),
            tags: vec!["eng".into()],
        }
    }

    // A key that fails several checks gets the first refusal in the documented order.
    #[test]
    fn refusals_follow_the_documented_order() {
        let used = |key: &mut AuthKey| key.used_count = 1;
        let mut worst = key();
        worst.revoked = true;
        used(&mut worst);
        let claimed = vec!["prod".to_owned()];
        let request = Request {
            address: Some("192.0.2.1".parse().unwrap()),
            tags: &claimed,
            quota: Some(quota::Quota { machines: 3, limit: 3 }),
        };
        let now = Timestamp::from_millis(999);

        assert_eq!(decide(None, &request, now), Err(Refusal::InvalidKey));
        assert_eq!(decide(Some(&worst), &request, now), Err(Refusal::InvalidKey));
        worst.revoked = false;
        assert_eq!(decide(Some(&worst), &request, worst.expires_at), Err(Refusal::InvalidKey));
        assert_eq!(decide(Some(&worst), &request, now), Err(Refusal::KeyUsed));
        worst.used_count = 0;
        assert_eq!(decide(Some(&worst), &request, now), Err(Refusal::IpNotAllowed));
        let request = Request { address: Some("10.9.8.7".parse().unwrap()), ..request };
        assert_eq!(
            decide(Some(&worst), &request, now),
            Err(Refusal::TagNotAllowed { tags: vec!["prod".into()] })
        );
        let request = Request { tags: &[], ..request };
        assert_eq!(decide(Some(&worst), &request, now), Err(Refusal::MachineLimitReached { limit: 3 }));
        let request = Request { quota: None, ..request };
        assert_eq!(
            decide(Some(&worst), &request, now),
            Ok(Grant { ephemeral: true, tags: vec!["eng".into()] })
        );
    }

    proptest! {
        #[test]
        fn an_invalid_key_never_becomes_valid_again(
            reusable: bool, used in 0_i64..3, revoked: bool, expires in 0_i64..100, first in 0_i64..100, later in 0_i64..100,
            more_uses in 0_i64..3, revoked_later: bool,
        ) {
            let before = AuthKey {
                reusable, used_count: used, revoked, expires_at: Timestamp::from_millis(expires), ..key()
            };
            let after = AuthKey { used_count: used + more_uses, revoked: revoked || revoked_later, ..before.clone() };
            let request = Request { address: Some("10.0.0.1".parse().unwrap()), tags: &[], quota: None };
            let at = Timestamp::from_millis(first);
            if decide(Some(&before), &request, at).is_err() {
                prop_assert!(decide(Some(&after), &request, Timestamp::from_millis(first + later)).is_err());
            }
            prop_assert!(!revoked || decide(Some(&before), &request, at).is_err());
        }
    }
}
