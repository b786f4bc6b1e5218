//! The HTTP clients of one sub-test.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::client::ClientSettings;
use super::error::ExchangeError;
use super::pace::Pace;
use super::send::Caller;

/// The HTTP clients of one sub-test: one per source address, each with a connection pool.
#[derive(Debug)]
pub struct Clients {
    settings: ClientSettings,
    by_address: HashMap<Option<IpAddr>, Caller>,
    /// Where to send requests from addresses that this host does not have.
    gates: HashMap<IpAddr, SocketAddr>,
}

impl Clients {
    /// Creates an empty set. Clients are created on first use.
    pub fn new(settings: ClientSettings) -> Self {
        Self { settings, by_address: HashMap::new(), gates: HashMap::new() }
    }

    /// Returns the pooled client that connects from this address.
    pub fn from_address(&mut self, from: Option<IpAddr>) -> Result<Caller, ExchangeError> {
        if let Some(caller) = self.by_address.get(&from) {
            return Ok(caller.clone());
        }
        let caller = self.caller(from)?;
        self.by_address.insert(from, caller.clone());
        Ok(caller)
    }

    /// Creates a client with a connection of its own, for a contestant of a race.
    pub fn separate(&self, from: Option<IpAddr>) -> Result<Caller, ExchangeError> {
        Ok(self.caller(from)?.racing())
    }

    /// Sends requests from that address through a gate.
    pub fn add_gate(&mut self, from: IpAddr, gate: SocketAddr) {
        self.gates.insert(from, gate);
    }

    /// Whether requests from that address have been sent, or have a gate.
    pub fn knows(&self, from: IpAddr) -> bool {
        self.gates.contains_key(&from) || self.by_address.contains_key(&Some(from))
    }

    fn caller(&self, from: Option<IpAddr>) -> Result<Caller, ExchangeError> {
        match from.and_then(|from| self.gates.get(&from)) {
            Some(gate) => Ok(Caller::new(&self.settings, None)?.through(*gate)),
            None => Caller::new(&self.settings, from),
        }
    }

    pub fn pace(&self) -> &Pace {
        &self.settings.pace
    }
}
