//! The permutation behind pseudonyms, in the construction of Crypto-PAn: each character is shifted within its class by a
//! number derived from all preceding characters and from a key that is discarded with the run. It is infeasible to recover
//! a secret, and secrets with a common prefix have pseudonyms with a common prefix.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Character classes. Characters are shift within their class, so that hex stays hex.
const CHARACTER_CLASSES: [(char, char); 5] = [('0', '9'), ('a', 'f'), ('g', 'z'), ('A', 'F'), ('G', 'Z')];

/// The key of a run's pseudonyms. It is never written anywhere.
#[derive(Clone)]
pub struct PseudonymKey([u8; 32]);

impl PseudonymKey {
    /// Creates a key from random bytes, which must not be used for anything else.
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PseudonymKey(…)")
    }
}

pub(super) fn shift_all(key: &PseudonymKey, hidden: &str) -> String {
    let Ok(mut before) = Hmac::<Sha256>::new_from_slice(&key.0) else {
        return hidden.chars().map(|_| 'x').collect();
    };
    let mut shifted = String::with_capacity(hidden.len());
    let mut buffer = [0; 4];
    for character in hidden.chars() {
        let digest = before.clone().finalize().into_bytes();
        let number = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        shifted.push(shift(character, number));
        before.update(character.encode_utf8(&mut buffer).as_bytes());
    }
    shifted
}

fn shift(character: char, by: u32) -> char {
    let kind = CHARACTER_CLASSES.iter().find(|(first, last)| (*first..=*last).contains(&character));
    match kind {
        Some((first, last)) => {
            let (first, last, own) = (u32::from(*first), u32::from(*last), u32::from(character));
            let count = last - first + 1;
            char::from_u32(first + (own - first + by % count) % count).unwrap_or('x')
        }
        None if character.is_alphanumeric() => char::from_u32(u32::from('g') + by % 20).unwrap_or('x'),
        None => character,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn distinct_secrets_have_distinct_pseudonyms(one in "[0-9a-zA-Z]{8,40}", other in "[0-9a-zA-Z]{8,40}") {
            let key = PseudonymKey([9; 32]);
            let (a, b) = (shift_all(&key, &one), shift_all(&key, &other));
            prop_assert_eq!(one == other, a == b);
            let shared = |x: &str, y: &str| x.chars().zip(y.chars()).take_while(|(x, y)| x == y).count();
            prop_assert_eq!(shared(&one, &other), shared(&a, &b));
        }
    }
}
