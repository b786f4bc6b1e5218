//! What the steps of one sub-test act on.

use std::collections::BTreeMap;
use std::sync::Arc;

use harness_model::bindings::Bindings;

use crate::exchange::Clients;
use crate::targets::TestEnvironment;

use super::machine::Machine;
use super::wire::peer::Peer;

/// What the steps of one sub-test act on.
#[derive(Debug)]
pub struct Stage {
    /// The target, as this sub-test has it.
    pub place: Arc<TestEnvironment>,
    /// The connections to it.
    pub clients: Clients,
    /// The agents, by name.
    pub machines: BTreeMap<String, Machine>,
    /// The WireGuard peers of the kit's own, by name.
    pub peers: BTreeMap<String, Peer>,
    /// What `${…}` stands for.
    pub bindings: Bindings,
}
