//! What a server is started with.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::Fixture;
use crate::api::AgentProgram;
use crate::control::{Clock, Random};
use crate::domain::site::Site;
use crate::store::Location;

/// Loopback, on a port that the system chooses.
pub const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// What a server is started with.
#[derive(Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where its data lives.
    pub database: Location,
    /// The organisations and users that an empty database gets.
    pub fixture: Fixture,
    /// The time.
    pub clock: Clock,
    /// Where keys, tokens and ids come from.
    pub random: Random,
    /// Proxies whose X-Forwarded-For is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether a second listener, on loopback, lets tests move the clock.
    pub test_control: bool,
    /// How often `ztna login` may ask whether it was approved, if not as the fixture says.
    pub device_poll_interval: Option<Duration>,
    /// The secret that relays elsewhere show; `None`: no relay elsewhere is served.
    pub relay_secret: Option<String>,
    /// Relays elsewhere, besides those of the fixture.
    pub relays: Vec<Site>,
    /// What `GET /install/ztna` gives to machines (`issuing/rollout.1`).
    pub agent_program: Option<AgentProgram>,
}

impl Config {
    /// In memory, on loopback, with a clock that [`super::Server::advance`] moves.
    pub fn embedded(fixture: Fixture) -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            database: Location::Memory,
            fixture,
            clock: Clock::adjustable(),
            random: Random::system(),
            trusted_proxies: Vec::new(),
            test_control: false,
            device_poll_interval: None,
            relay_secret: None,
            relays: Vec::new(),
            agent_program: None,
        }
    }
}
