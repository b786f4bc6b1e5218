//! Arguments that several commands share.

use std::num::NonZeroU16;
use std::time::Duration;

use clap::Args;
use thiserror::Error;

/// The organisation that an admin command applies to.
#[derive(Debug, Args)]
pub(crate) struct Organisation {
    /// The organisation [default: this machine's]
    #[arg(long = "org", value_name = "ORG")]
    pub(crate) named: Option<String>,
}

/// A tag without a name.
#[derive(Debug, Clone, Copy, Error)]
#[error("expected tag:NAME; separate several tags with commas")]
pub(super) struct InvalidTag;

/// Parses a tag, `tag:NAME`; the prefix is optional.
pub(super) fn tag(text: &str) -> Result<String, InvalidTag> {
    let name = text.trim();
    let name = name.strip_prefix("tag:").unwrap_or(name);
    if name.is_empty() {
        return Err(InvalidTag);
    }
    Ok(format!("tag:{name}"))
}

/// A duration without a number or without a unit.
#[derive(Debug, Clone, Copy, Error)]
#[error("expected a number with a unit, such as 30s, 5m or 1h")]
pub(super) struct InvalidDuration;

pub(super) fn duration(text: &str) -> Result<Duration, InvalidDuration> {
    humantime::parse_duration(text).map_err(|_| InvalidDuration)
}

/// Text that is no TCP port, or port 0.
#[derive(Debug, Clone, Copy, Error)]
#[error("expected a port from 1 to 65535")]
pub(super) struct InvalidPort;

pub(super) fn port(text: &str) -> Result<u16, InvalidPort> {
    text.parse().map(NonZeroU16::get).map_err(|_| InvalidPort)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_is_expected() {
        for text in ["", "30", "soon"] {
            assert!(duration(text).unwrap_err().to_string().contains("such as 30s"), "{text}");
        }
        for text in ["", "0", "65536", "ssh"] {
            assert!(port(text).unwrap_err().to_string().contains("1 to 65535"), "{text}");
        }
        assert_eq!((duration("1m").ok(), port("22").ok()), (Some(Duration::from_secs(60)), Some(22)));
    }

    #[test]
    fn tag_prefix_is_optional() {
        for (text, expected) in
            [("tag:laptop", Ok("tag:laptop")), (" eng ", Ok("tag:eng")), ("tag:", Err(())), ("", Err(()))]
        {
            assert_eq!(tag(text).map_err(drop), expected.map(str::to_owned), "{text:?}");
        }
    }
}
