use std::time::Duration;

use clap::Args;
use thiserror::Error;

use super::arguments::{duration, tag};
use crate::secret::Secret;
use crate::tunnel::Service;

#[derive(Debug, Args)]
pub(crate) struct UpArguments {
    /// The auth key to register with; prefer the environment variable ZTNA_AUTH_KEY, which other users cannot see
    #[arg(long, value_name = "KEY")]
    pub(crate) auth_key: Option<Secret>,
    /// The machine's name [default: ZTNA_HOSTNAME, else the host's name]
    #[arg(long, value_name = "NAME")]
    pub(crate) hostname: Option<String>,
    /// Tags to claim, such as tag:laptop,tag:eng
    #[arg(long, value_delimiter = ',', value_parser = tag, value_name = "TAGS")]
    pub(crate) tags: Vec<String>,
    /// Use an IP stack inside this process instead of a TUN device, which needs root
    #[arg(long, env = "ZTNA_USERSPACE", hide_env_values = true)]
    pub(crate) userspace: bool,
    /// With --userspace: forward a port of the tailnet address to a local service, such as 8080=127.0.0.1:3000
    #[arg(long, value_name = "PORT=ADDRESS:PORT")]
    pub(crate) serve: Vec<Service>,
    /// Name of the TUN device [default: the first free one of ztna0, ztna1, …]
    #[arg(long, value_parser = device_name, value_name = "NAME", conflicts_with = "userspace")]
    pub(crate) tun_name: Option<String>,
    /// Send through relays only, never over UDP, for networks that block UDP
    #[arg(long)]
    pub(crate) relay_only: bool,
    /// Give up if not connected within this time, such as 30s [default: keep trying]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub(crate) timeout: Option<Duration>,
    /// The organisation, if you are in more than one
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,
    /// Time between heartbeats
    #[arg(long, hide = true, default_value = "30s", value_parser = duration)]
    pub(crate) heartbeat_interval: Duration,
}

/// A name that Linux refuses for a network device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected 1 to 15 printable ASCII characters other than / : %")]
struct InvalidDeviceName;

/// Parses a network device name as Linux accepts it, without `%`, which the kernel would expand as a pattern.
fn device_name(text: &str) -> Result<String, InvalidDeviceName> {
    let valid = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%');
    if (1..=15).contains(&text.len()) && text.chars().all(valid) && !matches!(text, "." | "..") {
        Ok(text.to_owned())
    } else {
        Err(InvalidDeviceName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_are_validated() {
        for valid in ["ztna0", "a", "tun-b_2.x", "fifteen-letters"] {
            assert_eq!(device_name(valid), Ok(valid.to_owned()));
        }
        for wrong in ["", "sixteen-letters-", "a b", "../etc", "ztna%d", "a:1", "..", "ä"] {
            assert!(device_name(wrong).is_err(), "{wrong}");
        }
    }
}
