//! The HTTP clients of one sub-test.

use std::collections::HashMap;
use std::net::IpAddr;

use super::client::ClientSettings;
use super::error::ExchangeError;
use super::pace::Pace;
use super::send::Caller;

/// The HTTP clients of one sub-test: one per source address, each with a connection pool.
#[derive(Debug)]
pub struct Clients {
    settings: ClientSettings,
    by_address: HashMap<Option<IpAddr>, Caller>,
}

impl Clients {
    /// Creates an empty set. Clients are created on first use.
    pub fn new(settings: ClientSettings) -> Self {
        Self { settings, by_address: HashMap::new() }
    }

    /// Returns the pooled client that connects from this address.
    pub fn from_address(&mut self, from: Option<IpAddr>) -> Result<Caller, ExchangeError> {
        if let Some(caller) = self.by_address.get(&from) {
            return Ok(caller.clone());
        }
        let caller = Caller::new(&self.settings, from)?;
        self.by_address.insert(from, caller.clone());
        Ok(caller)
    }

    /// Creates a client with a connection of its own, for a contestant of a race.
    pub fn separate(&self, from: Option<IpAddr>) -> Result<Caller, ExchangeError> {
        Ok(Caller::new(&self.settings, from)?.racing())
    }

    pub fn pace(&self) -> &Pace {
        &self.settings.pace
    }
}
