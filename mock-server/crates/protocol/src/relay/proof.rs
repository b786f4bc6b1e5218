//! The proof that whoever speaks holds a machine's WireGuard private key.
//!
//! The relay shows a public key made for this connection and a nonce. Both sides know the Diffie-Hellman secret of that
//! key and the machine's; the proof is a MAC under it (keyed BLAKE2s, as WireGuard's own). It names the nonce, so it is
//! good once; and the region, so a relay cannot use it to pass for the machine at another.

use blake2::Blake2sMac256;
use blake2::digest::{KeyInit, Mac};
use boringtun::x25519::{PublicKey, SharedSecret, StaticSecret};

use super::frame::KEY;
use crate::region::Region;

/// Keeps the MAC apart from every other use of the same secret.
const LABEL: &[u8] = b"QuickZTNA relay proof 1";

/// What a relay asks one machine, once.
pub struct Challenge {
    secret: StaticSecret,
    nonce: [u8; KEY],
    region: Region,
}

impl Challenge {
    /// A challenge of the relay in `region`; `secret` and `nonce` are random and used for this one only.
    pub fn new(secret: [u8; KEY], nonce: [u8; KEY], region: Region) -> Self {
        Self { secret: StaticSecret::from(secret), nonce, region }
    }

    /// The public key that the machine is shown.
    pub fn ephemeral(&self) -> [u8; KEY] {
        PublicKey::from(&self.secret).to_bytes()
    }

    /// The nonce that it is shown.
    pub const fn nonce(&self) -> &[u8; KEY] {
        &self.nonce
    }

    /// Whether `proof` was made with the private key that belongs to `machine`, for this challenge.
    pub fn is_met_by(&self, proof: &[u8; KEY], machine: &[u8; KEY]) -> bool {
        let shared = self.secret.diffie_hellman(&PublicKey::from(*machine));
        let mac = mac(&shared, &self.ephemeral(), &self.nonce, machine, self.region);
        // A key of low order would make a secret that everybody knows.
        shared.was_contributory() && mac.is_some_and(|mac| mac.verify_slice(proof).is_ok())
    }
}

/// The machine's answer to the challenge of the relay in `region`; none to a key of low order, with which no honest
/// relay comes.
pub fn prove(
    private: &StaticSecret,
    ephemeral: &[u8; KEY],
    nonce: &[u8; KEY],
    region: Region,
) -> Option<[u8; KEY]> {
    let shared = private.diffie_hellman(&PublicKey::from(*ephemeral));
    if !shared.was_contributory() {
        return None;
    }
    let own = PublicKey::from(private).to_bytes();
    mac(&shared, ephemeral, nonce, &own, region).map(|mac| mac.finalize().into_bytes().into())
}

fn mac(
    shared: &SharedSecret,
    ephemeral: &[u8; KEY],
    nonce: &[u8; KEY],
    machine: &[u8; KEY],
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
    fn only_the_key_the_challenge_and_the_region_together_make_the_proof() {
        let region: Region = "blr1".parse().unwrap();
        let private = StaticSecret::from([3; KEY]);
        let machine = PublicKey::from(&private).to_bytes();
        let challenge = Challenge::new([1; KEY], [2; KEY], region);
        let proof = |private: &StaticSecret, challenge: &Challenge, region| {
            prove(private, &challenge.ephemeral(), challenge.nonce(), region).unwrap()
        };
        let good = proof(&private, &challenge, region);
        assert!(challenge.is_met_by(&good, &machine));

        let mut altered = good;
        altered[31] ^= 1;
        let foreign = StaticSecret::from([4; KEY]);
        let replayed = proof(&private, &Challenge::new([1; KEY], [9; KEY], region), region);
        let elsewhere = proof(&private, &challenge, "fra1".parse().unwrap());
        for wrong in [altered, proof(&foreign, &challenge, region), replayed, elsewhere, [0; KEY]] {
            assert!(!challenge.is_met_by(&wrong, &machine));
        }
        assert!(!Challenge::new([5; KEY], [2; KEY], region).is_met_by(&good, &machine), "another relay key");
    }

    #[test]
    fn keys_of_low_order_prove_nothing() {
        let region: Region = "blr1".parse().unwrap();
        for weak in [[0; KEY], {
            let mut one = [0; KEY];
            one[0] = 1;
            one
        }] {
            assert_eq!(prove(&StaticSecret::from([3; KEY]), &weak, &[2; KEY], region), None);
            let challenge = Challenge::new([1; KEY], [2; KEY], region);
            let mac = mac(
                &challenge.secret.diffie_hellman(&PublicKey::from(weak)),
                &challenge.ephemeral(),
                challenge.nonce(),
                &weak,
                region,
            );
            let known: [u8; KEY] = mac.unwrap().finalize().into_bytes().into();
            assert!(!challenge.is_met_by(&known, &weak));
        }
    }
}
