//! The state that the steps of one sub-test share.

use std::collections::BTreeMap;
use std::sync::Arc;

use harness_model::bindings::Bindings;

use crate::exchange::Clients;
use crate::slot::Slot;
use crate::targets::TestEnvironment;

use super::machine::Machine;
use super::service::Service;
use super::visit::Visit;
use super::wire::peer::Peer;

/// The mutable state that the steps of one sub-test share.
#[derive(Debug)]
pub struct Stage {
    pub environment: Arc<TestEnvironment>,
    pub clients: Clients,
    /// The agents' machines, by their names in the scenario.
    pub machines: BTreeMap<String, Machine>,
    /// The kit's own WireGuard peers, by their names in the scenario.
    pub peers: BTreeMap<String, Peer>,
    /// The user in the dashboard.
    pub visit: Visit,
    pub bindings: Bindings,
    /// What machines may serve to others, if a step asks for it (`${service}`).
    pub service: Option<Service>,
    /// The sub-test's place among those that run at the same time.
    pub slot: Slot,
}
