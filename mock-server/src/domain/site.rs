//! Where relays stand.

use ztna_protocol::region::Region;

/// A region and its relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The region.
    pub region: Region,
    /// Its name, for people: "Bangalore".
    pub name: String,
    /// Where its relay answers, without a slash at the end; `None`: the control plane itself is the relay.
    pub url: Option<String>,
}
