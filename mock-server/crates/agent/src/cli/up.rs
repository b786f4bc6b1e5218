//! `ztna up`.

use std::time::Duration;

use clap::Args;

use super::arguments::tag;
use crate::secret::Secret;
use crate::tunnel::Service;

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
    /// Without a TUN device, which takes root: an IP stack inside this process
    #[arg(long, env = "ZTNA_USERSPACE", hide_env_values = true)]
    pub(crate) userspace: bool,
    /// With --userspace: what peers reach at this port of the tailnet address, such as 8080=127.0.0.1:3000
    #[arg(long, value_name = "PORT=ADDRESS:PORT")]
    pub(crate) serve: Vec<Service>,
    /// The TUN device's name [default: the first of ztna0, ztna1… that is free]
    #[arg(long, value_parser = device_name, value_name = "NAME", conflicts_with = "userspace")]
    pub(crate) tun_name: Option<String>,
    /// Never send over UDP, only through relays, for networks that let no UDP pass
    #[arg(long)]
    pub(crate) relay_only: bool,
    /// Give up if not connected by then, such as 30s [default: keep trying]
    #[arg(long, value_parser = humantime::parse_duration, value_name = "TIME")]
    pub(crate) timeout: Option<Duration>,
    /// The organisation, if you are in more than one
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,
    /// Time between heartbeats
    #[arg(long, hide = true, default_value = "30s", value_parser = humantime::parse_duration)]
    pub(crate) heartbeat_interval: Duration,
}

/// What Linux takes as the name of a network device; `%` would make a pattern of it.
fn device_name(text: &str) -> Result<String, String> {
    let sound = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%');
    if (1..=15).contains(&text.len()) && text.chars().all(sound) && !matches!(text, "." | "..") {
        Ok(text.to_owned())
    } else {
        Err("a device's name has 1 to 15 letters, digits or signs, without / : %".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices() {
        for sound in ["ztna0", "a", "tun-b_2.x", "fifteen-letters"] {
            assert_eq!(device_name(sound).as_deref(), Ok(sound));
        }
        for wrong in ["", "sixteen-letters-", "a b", "../etc", "ztna%d", "a:1", "..", "ä"] {
            assert!(device_name(wrong).is_err(), "{wrong}");
        }
    }
}
