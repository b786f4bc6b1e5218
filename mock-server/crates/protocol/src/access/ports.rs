use std::fmt;
use std::str::FromStr;

use super::InvalidText;

const MAX_RANGES: usize = 16;

/// The ports of a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ports {
    All,
    Some(Vec<PortRange>),
}

/// The ports from `first` to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

impl FromStr for Ports {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        if text == "*" {
            return Ok(Self::All);
        }
        let ranges: Option<Vec<PortRange>> = text.split(',').take(MAX_RANGES + 1).map(range).collect();
        match ranges {
            Some(ranges) if ranges.len() <= MAX_RANGES => Ok(Self::Some(ranges)),
            _ => Err(InvalidText::ports(text)),
        }
    }
}

fn range(text: &str) -> Option<PortRange> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    (first <= last).then_some(PortRange { first, last })
}

fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_plain && *port > 0)
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Some(ranges) = self else { return f.write_str("*") };
        for (at, PortRange { first, last }) in ranges.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}
