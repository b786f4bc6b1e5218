use ztna_protocol::region::Region;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub region: Region,
    /// The display name, such as "Bangalore".
    pub name: String,
    /// The relay's base URL without a trailing slash; `None` if the control plane itself runs the relay.
    pub url: Option<String>,
}
