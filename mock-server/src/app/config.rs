//! The configuration of a server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::Fixture;
use crate::api::AgentProgram;
use crate::control::{Clock, Random};
use crate::domain::site::Site;
use crate::store::Location;

/// Loopback with a port chosen by the system.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Where tests can advance the clock.
#[derive(Clone)]
pub struct TestControlConfig {
    pub listen: SocketAddr,
    /// Random if `None`; then only the ready file has it.
    pub token: Option<String>,
}

#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    /// The URL by which clients are told to reach the server, without a trailing slash; by default the one by which each
    /// reached it.
    pub public_url: Option<String>,
    pub database: Location,
    /// The file with the key that signs access tokens, instead of the one beside the database file.
    pub session_secret: Option<PathBuf>,
    pub fixture: Fixture,
    pub clock: Clock,
    /// The source of keys, tokens and ids.
    pub random: Random,
    /// Proxies whose X-Forwarded-For is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The second listener, through which tests can advance the clock.
    pub test_control: Option<TestControlConfig>,
    /// Overrides the fixture's polling interval of the device flow.
    pub device_poll_interval: Option<Duration>,
    /// The secret of remote relays; without one, they are refused.
    pub relay_secret: Option<String>,
    /// Remote relays in addition to those of the fixture.
    pub relays: Vec<Site>,
    /// The agent that `GET /install/ztna` serves (`issuing/rollout.1`).
    pub agent_program: Option<AgentProgram>,
}

impl Config {
    /// Returns the configuration of an in-memory server on loopback with an adjustable clock.
    pub fn embedded(fixture: Fixture) -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            public_url: None,
            database: Location::Memory,
            session_secret: None,
            fixture,
            clock: Clock::adjustable(),
            random: Random::system(),
            trusted_proxies: Vec::new(),
            test_control: None,
            device_poll_interval: None,
            relay_secret: None,
            relays: Vec::new(),
            agent_program: None,
        }
    }
}
