//! Who this machine is at a relay.

use boringtun::x25519::StaticSecret;

use crate::secret::Secret;

/// What proves to a relay who this machine is.
#[derive(Clone)]
pub(in crate::tunnel) struct Identity {
    /// The machine's token.
    pub(in crate::tunnel) token: Secret,
    /// Its WireGuard private key.
    pub(in crate::tunnel) private: StaticSecret,
}
