//! Machines: their names, public keys and status.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ztna_protocol::machine_name;

use super::{Refusal, Timestamp};

/// How long after its last heartbeat a machine counts as offline.
pub const OFFLINE_AFTER: Duration = Duration::from_secs(90);
/// How long after its last heartbeat an ephemeral machine is removed (`generate/ST2.2`).
pub const REAPED_AFTER: Duration = Duration::from_secs(30 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Online,
    /// Signed off, or silent for [`OFFLINE_AFTER`].
    Offline,
    /// Awaits an admin's approval.
    Pending,
    /// Cut off by an admin.
    Quarantined,
}

impl Status {
    /// The name in the database and in responses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Pending => "pending",
            Self::Quarantined => "quarantined",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Online, Self::Offline, Self::Pending, Self::Quarantined]
            .into_iter()
            .find(|status| status.as_str() == name)
    }

    /// Returns the effective status at `now`, given the time of the last heartbeat.
    #[must_use]
    pub fn effective(self, last_seen: Timestamp, now: Timestamp) -> Self {
        if self == Self::Online && now.since(last_seen) >= OFFLINE_AFTER { Self::Offline } else { self }
    }

    /// Returns the status after a heartbeat. Only an admin ends `pending` and `quarantined`.
    #[must_use]
    pub const fn after_heartbeat(self, online: bool) -> Self {
        match self {
            Self::Online | Self::Offline if online => Self::Online,
            Self::Online | Self::Offline => Self::Offline,
            unchanged => unchanged,
        }
    }
}

/// Returns the normal form of a name; see [`machine_name`].
pub fn normalise_name(name: &str) -> Result<String, Refusal> {
    machine_name::normalise(name).map_err(|invalid| Refusal::invalid(invalid.to_string()))
}

/// Accepts a WireGuard public key: 32 bytes in base64. A key of low order is refused: the secret that it agrees on with
/// any other is known to everybody (RFC 7748, section 6.1).
pub fn check_public_key(key: &str) -> Result<(), Refusal> {
    let mut bytes =
        decode_public_key(key).ok_or_else(|| Refusal::invalid("public_key must be 32 bytes in base64"))?;
    bytes[31] &= !IGNORED_BIT;
    if LOW_ORDER.contains(&bytes) {
        return Err(Refusal::invalid("public_key must not be of low order"));
    }
    // p + 2 to p + 18 are 2 to 18: a second spelling of the same key.
    if bytes[0] >= 0xed && bytes[1..31] == [0xff; 30] && bytes[31] == 0x7f {
        return Err(Refusal::invalid("public_key must be less than the prime of its field"));
    }
    Ok(())
}

/// The two spellings of one public key, in base64: X25519 ignores the highest bit of its last byte (RFC 7748, section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeySpellings {
    /// Without the ignored bit.
    pub plain: String,
    /// With the ignored bit.
    pub marked: String,
}

impl PublicKeySpellings {
    /// Returns both spellings of a key. A text that is no key, as in rows of earlier versions, has only its own.
    pub fn of(key: &str) -> Self {
        let Some(mut bytes) = decode_public_key(key) else {
            return Self { plain: key.to_owned(), marked: key.to_owned() };
        };
        bytes[31] &= !IGNORED_BIT;
        let plain = BASE64_STANDARD.encode(bytes);
        bytes[31] |= IGNORED_BIT;
        Self { plain, marked: BASE64_STANDARD.encode(bytes) }
    }
}

/// In the last byte of a public key.
const IGNORED_BIT: u8 = 0x80;

fn decode_public_key(key: &str) -> Option<[u8; 32]> {
    BASE64_STANDARD.decode(key).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
}

/// The encodings of the points of low order, without the highest bit: 0, 1, two of order 8, and p - 1, p, p + 1.
const LOW_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    little_endian(1, 0, 0),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    little_endian(0xec, 0xff, 0x7f),
    little_endian(0xed, 0xff, 0x7f),
    little_endian(0xee, 0xff, 0x7f),
];

const fn little_endian(lowest: u8, middle: u8, highest: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = lowest;
    bytes[31] = highest;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_checked() {
        assert_eq!(normalise_name(" Linux-C ").as_deref(), Ok("Linux-C"));
        for bad in ["", "a\0", "100.64.0.14", "we\u{200b}b"] {
            assert!(matches!(normalise_name(bad), Err(Refusal::InvalidInput(_))), "{bad:?}");
        }
        assert_eq!(check_public_key(&BASE64_STANDARD.encode([7; 32])), Ok(()));
        for bad in ["", "x", &BASE64_STANDARD.encode([7; 31]), &BASE64_STANDARD.encode([7; 33])] {
            assert!(check_public_key(bad).is_err(), "{bad:?}");
        }
    }

    /// The list is that of the curve's implementation: each of these agrees on nothing, and their neighbours do not.
    #[test]
    fn keys_of_low_order_are_refused() {
        use boringtun::x25519::{PublicKey, StaticSecret};
        let secret = StaticSecret::from([0x42; 32]);
        for mut point in LOW_ORDER {
            for highest in [0, 0x80] {
                point[31] = point[31] & 0x7f | highest;
                assert!(!secret.diffie_hellman(&PublicKey::from(point)).was_contributory(), "{point:x?}");
                assert!(check_public_key(&BASE64_STANDARD.encode(point)).is_err(), "{point:x?}");
            }
        }
        for near in [little_endian(2, 0, 0), little_endian(0xeb, 0xff, 0x7f)] {
            assert!(secret.diffie_hellman(&PublicKey::from(near)).was_contributory(), "{near:x?}");
            assert_eq!(check_public_key(&BASE64_STANDARD.encode(near)), Ok(()));
        }
    }

    /// What the curve takes for the same key is one key here, or is refused.
    #[test]
    fn keys_have_two_spellings_at_most() {
        use boringtun::x25519::{PublicKey, StaticSecret};
        let shared = |key: [u8; 32]| *StaticSecret::from([0x42; 32]).diffie_hellman(&key.into()).as_bytes();
        for above in 2..=18 {
            let (small, same) = (little_endian(above, 0, 0), little_endian(0xed + above, 0xff, 0x7f));
            assert_eq!(shared(small), shared(same), "{above}");
            assert!(check_public_key(&BASE64_STANDARD.encode(same)).is_err(), "{above}");
            assert_eq!(check_public_key(&BASE64_STANDARD.encode(small)), Ok(()), "{above}");
        }
        let mut marked = PublicKey::from(&StaticSecret::from([7; 32])).to_bytes();
        let plain = BASE64_STANDARD.encode(marked);
        marked[31] |= 0x80;
        assert_eq!(
            shared(marked),
            *StaticSecret::from([0x42; 32])
                .diffie_hellman(&PublicKey::from(&StaticSecret::from([7; 32])))
                .as_bytes()
        );
        let marked = BASE64_STANDARD.encode(marked);
        let spellings = PublicKeySpellings { plain: plain.clone(), marked: marked.clone() };
        assert_eq!(
            (PublicKeySpellings::of(&plain), PublicKeySpellings::of(&marked)),
            (spellings.clone(), spellings)
        );
        assert_eq!(PublicKeySpellings::of("key").plain, "key");
    }

    #[test]
    fn statuses_round_trip_through_their_names() {
        for (status, name) in [
            (Status::Online, "online"),
            (Status::Offline, "offline"),
            (Status::Pending, "pending"),
            (Status::Quarantined, "quarantined"),
        ] {
            assert_eq!((status.as_str(), Status::parse(name)), (name, Some(status)));
        }
        assert_eq!(Status::parse("Online"), None);
    }

    #[test]
    fn ephemeral_machines_are_reaped_after_half_an_hour() {
        assert_eq!(REAPED_AFTER.as_secs(), 1800);
    }

    #[test]
    fn silence_means_offline_and_heartbeats_do_not_release() {
        let at = Timestamp::from_millis;
        assert_eq!(Status::Online.effective(at(0), at(89_999)), Status::Online);
        assert_eq!(Status::Online.effective(at(0), at(90_000)), Status::Offline);
        assert_eq!(Status::Quarantined.effective(at(0), at(90_000)), Status::Quarantined);
        assert_eq!(Status::Offline.after_heartbeat(true), Status::Online);
        assert_eq!(Status::Online.after_heartbeat(false), Status::Offline);
        assert_eq!(Status::Pending.after_heartbeat(true), Status::Pending);
        assert_eq!(Status::Quarantined.after_heartbeat(true), Status::Quarantined);
    }
}
