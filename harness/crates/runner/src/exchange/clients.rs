//! The connections of one sub-test.

use std::collections::HashMap;
use std::net::IpAddr;

use super::client::ClientSettings;
use super::error::ExchangeError;
use super::pace::Pace;
use super::send::Caller;

/// The HTTP clients of one sub-test: one a source address, each with its pool of connections.
#[derive(Debug)]
pub struct Clients {
    settings: ClientSettings,
    by_address: HashMap<Option<IpAddr>, Caller>,
}

impl Clients {
    /// No client yet: each is made when it is first needed.
    pub fn new(settings: ClientSettings) -> Self {
        Self { settings, by_address: HashMap::new() }
    }

    /// The pooled client that connects from this address.
    ///
    /// # Errors
    /// When the TLS configuration cannot be made.
    pub fn from_address(&mut self, from: Option<IpAddr>) -> Result<Caller, ExchangeError> {
        if let Some(caller) = self.by_address.get(&from) {
            return Ok(caller.clone());
        }
        let caller = Caller::new(&self.settings, from)?;
        self.by_address.insert(from, caller.clone());
        Ok(caller)
    }

    /// A client that shares its connection with nobody, for a contestant of a race.
    ///
    /// # Errors
    /// When the TLS configuration cannot be made.
    pub fn separate(&self, from: Option<IpAddr>) -> Result<Caller, ExchangeError> {
        Ok(Caller::new(&self.settings, from)?.racing())
    }

    /// How fast the target may be asked.
    pub fn pace(&self) -> &Pace {
        &self.settings.pace
    }
}
