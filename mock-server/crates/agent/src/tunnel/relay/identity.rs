//! The machine's identity towards relays.

use boringtun::x25519::StaticSecret;

use crate::secret::Secret;

/// The credentials that prove this machine's identity to a relay.
#[derive(Clone)]
pub(in crate::tunnel) struct Identity {
    pub(in crate::tunnel) token: Secret,
    /// The machine's WireGuard private key.
    pub(in crate::tunnel) private: StaticSecret,
}
