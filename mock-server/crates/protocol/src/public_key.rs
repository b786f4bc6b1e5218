//! WireGuard public keys of machines.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// An invalid public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicKey {
    #[error("must be 32 bytes in base64")]
    Encoding,
    /// The secret that it agrees on with any other is known to everybody (RFC 7748, section 6.1).
    #[error("must not be of low order")]
    LowOrder,
    /// A second spelling of a small number: p + 2 to p + 18 are 2 to 18 (RFC 7748, section 5).
    #[error("must be less than the prime of its field")]
    NotReduced,
}

/// The two spellings of one public key in base64: X25519 ignores the highest bit of the last byte (RFC 7748, section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spellings {
    /// Without the ignored bit.
    pub plain: String,
    /// With the ignored bit.
    pub marked: String,
}

/// Parses a public key: 32 bytes in base64, not of low order.
pub fn parse(text: &str) -> Result<[u8; 32], InvalidPublicKey> {
    let decoded = BASE64.decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let bytes = decoded.ok_or(InvalidPublicKey::Encoding)?;
    if is_low_order(&bytes) {
        return Err(InvalidPublicKey::LowOrder);
    }
    if bytes[0] >= 0xed && bytes[1..31] == [0xff; 30] && bytes[31] | IGNORED_BIT == 0xff {
        return Err(InvalidPublicKey::NotReduced);
    }
    Ok(bytes)
}

/// Returns both spellings of a key. A text that is no key has only its own.
pub fn spellings(text: &str) -> Spellings {
    let Ok(mut bytes) = parse(text) else {
        return Spellings { plain: text.to_owned(), marked: text.to_owned() };
    };
    bytes[31] &= !IGNORED_BIT;
    let plain = BASE64.encode(bytes);
    bytes[31] |= IGNORED_BIT;
    Spellings { plain, marked: BASE64.encode(bytes) }
}

/// In the last byte of a key.
const IGNORED_BIT: u8 = 0x80;

fn is_low_order(key: &[u8; 32]) -> bool {
    let mut point = *key;
    point[31] &= !IGNORED_BIT;
    LOW_ORDER.contains(&point)
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

    /// The list is that of the curve's implementation: each of these agrees on nothing, and their neighbours do not.
    #[test]
    fn keys_of_low_order_are_refused() {
        use boringtun::x25519::{PublicKey, StaticSecret};
        let secret = StaticSecret::from([0x42; 32]);
        for mut point in LOW_ORDER {
            for highest in [0, 0x80] {
                point[31] = point[31] & 0x7f | highest;
                assert!(!secret.diffie_hellman(&PublicKey::from(point)).was_contributory(), "{point:x?}");
                assert!(is_low_order(&point), "{point:x?}");
            }
        }
        for near in [little_endian(2, 0, 0), little_endian(0xeb, 0xff, 0x7f)] {
            assert!(secret.diffie_hellman(&PublicKey::from(near)).was_contributory(), "{near:x?}");
            assert_eq!(parse(&BASE64.encode(near)), Ok(near));
        }
    }

    /// What the curve takes for the same key is one key here, or is refused.
    #[test]
    fn keys_have_two_spellings_at_most() {
        use boringtun::x25519::{PublicKey, StaticSecret};
        let secret = StaticSecret::from([0x42; 32]);
        let shared = |key: [u8; 32]| *secret.diffie_hellman(&PublicKey::from(key)).as_bytes();
        for above in 2..=18 {
            for highest in [0x7f, 0xff] {
                let (small, same) = (little_endian(above, 0, 0), little_endian(0xed + above, 0xff, highest));
                assert_eq!(shared(small), shared(same), "{above}");
                assert_eq!(parse(&BASE64.encode(same)), Err(InvalidPublicKey::NotReduced), "{above}");
                assert_eq!(parse(&BASE64.encode(small)), Ok(small), "{above}");
            }
        }
        let own = PublicKey::from(&StaticSecret::from([7; 32])).to_bytes();
        let mut other = own;
        other[31] |= 0x80;
        assert_eq!(shared(own), shared(other));
        let both = Spellings { plain: BASE64.encode(own), marked: BASE64.encode(other) };
        assert_eq!((spellings(&both.plain), spellings(&both.marked)), (both.clone(), both));
        assert_eq!(spellings("key").marked, "key");
    }

    #[test]
    fn keys_are_32_bytes_in_base64() {
        for bad in ["", "x", &BASE64.encode([7; 31]), &BASE64.encode([7; 33])] {
            assert_eq!(parse(bad), Err(InvalidPublicKey::Encoding), "{bad:?}");
        }
        assert_eq!(parse(&BASE64.encode([0; 32])), Err(InvalidPublicKey::LowOrder));
    }
}
