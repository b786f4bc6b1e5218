//! `ztna up`.

use std::time::Duration;

use clap::Args;

use super::tag;
use crate::agent::secret::Secret;
use crate::agent::tunnel::Service;

/// How the machine comes up.
#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// The key to register with; better in the environment variable ZTNA_AUTH_KEY, which nobody else sees
    #[arg(long, value_name = "KEY")]
    pub(crate) auth_key: Option<Secret>,
    /// The machine's name [default: that in ZTNA_HOSTNAME, else the host's]
    #[arg(long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
    /// Tags to claim, such as tag:laptop,tag:eng
    #[arg(long, value_delimiter = ',', value_parser = tag, value_name = "TAGS")]
    pub(crate) tags: Vec<String>,
    /// Without a TUN device, for containers
    #[arg(long)]
    pub(crate) userspace: bool,
    /// With --userspace: what peers reach at this port of the tailnet address, such as 8080=127.0.0.1:3000
    #[arg(long, value_name = "PORT=ADDRESS:PORT")]
    pub(crate) serve: Vec<Service>,
    /// Give up if not registered by then, such as 30s [default: keep trying]
    #[arg(long, value_parser = humantime::parse_duration, value_name = "TIME")]
    pub(crate) timeout: Option<Duration>,
    /// The organisation, if you are in more than one
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,
    /// Time between heartbeats
    #[arg(long, hide = true, default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) heartbeat_interval: Duration,
}
