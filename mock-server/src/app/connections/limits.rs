//! The limits of connections.

use std::time::Duration;

use ipnet::IpNet;

use super::descriptors::max_connections;

/// How many connections a listener has, and how long they may wait.
#[derive(Debug, Clone)]
pub(in crate::app) struct Limits {
    pub(super) connections: usize,
    pub(super) per_address: usize,
    /// How many connections may not have sent a request yet.
    pub(super) unproven: usize,
    /// How long a client may take for a request's head.
    pub(super) head: Duration,
    /// How long a connection may wait for its next request. Clients and proxies usually give up theirs after 60 or 90 s:
    /// the one that closes first never closes under a request of the other.
    pub(super) idle: Duration,
    /// How long a client may take to read 256 KiB.
    pub(super) stalled: Duration,
    /// Proxies, whose connections are those of many clients.
    pub(super) unlimited: Vec<IpNet>,
}

impl Limits {
    /// The limits that the number of descriptors of this process allows.
    pub(in crate::app) fn of_process() -> Self {
        let connections = max_connections();
        Self {
            connections,
            per_address: connections / 2,
            unproven: connections.min(4096),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            stalled: Duration::from_secs(30),
            unlimited: Vec::new(),
        }
    }

    /// Does not limit the connections of these proxies by address.
    pub(in crate::app) fn with_proxies(self, proxies: &[IpNet]) -> Self {
        Self { unlimited: proxies.to_vec(), ..self }
    }
}
