/// A machine that may use a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Datagrams do not cross organisations.
    pub org_id: String,
    /// The WireGuard public key, by which peers address it.
    pub public_key: [u8; 32],
}
