//! Proof of possession of a machine's WireGuard private key.
//!
//! The relay sends a public key generated for the connection and a nonce. Both sides derive the Diffie-Hellman secret of
//! that key and the machine's; the proof is a MAC under it (keyed BLAKE2s, as in WireGuard). It covers the nonce, so that
//! it is valid once, and the region, so that a relay cannot impersonate the machine at another relay.

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use boringtun::x25519::{PublicKey, SharedSecret, StaticSecret};

use super::frame::KEY_LEN;
use crate::region::Region;

/// Separates this MAC from every other use of the same secret.
const LABEL: &[u8] = b"QuickZTNA relay proof 1";

/// A relay's challenge for one connection.
pub struct Challenge {
    secret: StaticSecret,
    nonce: [u8; KEY_LEN],
    region: Region,
}

impl Challenge {
    /// Creates a challenge of the relay in `region`; `secret` and `nonce` must be random and used only once.
    pub fn new(secret: [u8; KEY_LEN], nonce: [u8; KEY_LEN], region: Region) -> Self {
        Self { secret: StaticSecret::from(secret), nonce, region }
    }

    /// Returns the public key to send to the machine.
    pub fn ephemeral(&self) -> [u8; KEY_LEN] {
        PublicKey::from(&self.secret).to_bytes()
    }

    pub const fn nonce(&self) -> &[u8; KEY_LEN] {
        &self.nonce
    }

    /// Returns whether `proof` answers this challenge and was made with the private key of `machine`.
    pub fn accepts(&self, proof: &[u8; KEY_LEN], machine: &[u8; KEY_LEN]) -> bool {
        let shared = self.secret.diffie_hellman(&PublicKey::from(*machine));
        let mac = mac(&shared, &self.ephemeral(), &self.nonce, machine, self.region);
        // A low-order key would yield a secret that anyone can compute.
        shared.was_contributory() && mac.is_some_and(|mac| mac.verify_slice(proof).is_ok())
    }
}

/// Returns the machine's answer to a challenge of the relay in `region`, or `None` for a low-order key, which no honest
/// relay sends.
pub fn prove(
    private: &StaticSecret,
    ephemeral: &[u8; KEY_LEN],
    nonce: &[u8; KEY_LEN],
    region: Region,
) -> Option<[u8; KEY_LEN]> {
    let shared = private.diffie_hellman(&PublicKey::from(*ephemeral));
    if !shared.was_contributory() {
        return None;
    }
    let own = PublicKey::from(private).to_bytes();
    mac(&shared, ephemeral, nonce, &own, region).map(|mac| mac.finalize().into_bytes().into())
}

fn mac(
    shared: &SharedSecret,
    ephemeral: &[u8; KEY_LEN],
    nonce: &[u8; KEY_LEN],
    machine: &[u8; KEY_LEN],
    region: Region,
) -> Option<Blake2sMac256> {
    let mac = <Blake2sMac256 as KeyInit>::new_from_slice(shared.as_bytes()).ok()?;
    Some(
        [LABEL, ephemeral, nonce, machine, region.as_str().as_bytes()]
            .iter()
            .fold(mac, |mac, part| mac.chain_update(part)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_bound_to_key_challenge_and_region() {
        let region: Region = "blr1".parse().unwrap();
        let private = StaticSecret::from([3; KEY_LEN]);
        let machine = PublicKey::from(&private).to_bytes();
        let challenge = Challenge::new([1; KEY_LEN], [2; KEY_LEN], region);
        let proof = |private: &StaticSecret, challenge: &Challenge, region| {
            prove(private, &challenge.ephemeral(), challenge.nonce(), region).unwrap()
        };
        let good = proof(&private, &challenge, region);
        assert!(challenge.accepts(&good, &machine));

        let mut altered = good;
        altered[31] ^= 1;
        let foreign = StaticSecret::from([4; KEY_LEN]);
        let replayed = proof(&private, &Challenge::new([1; KEY_LEN], [9; KEY_LEN], region), region);
        let elsewhere = proof(&private, &challenge, "fra1".parse().unwrap());
        for wrong in [altered, proof(&foreign, &challenge, region), replayed, elsewhere, [0; KEY_LEN]] {
            assert!(!challenge.accepts(&wrong, &machine));
        }
        assert!(
            !Challenge::new([5; KEY_LEN], [2; KEY_LEN], region).accepts(&good, &machine),
            "another relay key"
        );
    }

    #[test]
    fn low_order_keys_are_rejected() {
        let region: Region = "blr1".parse().unwrap();
        for weak in [[0; KEY_LEN], {
            let mut one = [0; KEY_LEN];
            one[0] = 1;
            one
        }] {
            assert_eq!(prove(&StaticSecret::from([3; KEY_LEN]), &weak, &[2; KEY_LEN], region), None);
            let challenge = Challenge::new([1; KEY_LEN], [2; KEY_LEN], region);
            let mac = mac(
                &challenge.secret.diffie_hellman(&PublicKey::from(weak)),
                &challenge.ephemeral(),
                challenge.nonce(),
                &weak,
                region,
            );
            let known: [u8; KEY_LEN] = mac.unwrap().finalize().into_bytes().into();
            assert!(!challenge.accepts(&known, &weak));
        }
    }
}
