//! Regions, in each of which one relay can run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The maximum length of a region's code in characters.
pub const MAX_REGION_LEN: usize = 16;

/// A region's code, such as `blr1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region {
    /// Padded with zeroes.
    code: [u8; MAX_REGION_LEN],
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid region {0:?}: expected 1 to {MAX_REGION_LEN} lower-case letters, digits and hyphens, such as blr1"
)]
pub struct RegionError(String);

impl Region {
    pub fn as_str(&self) -> &str {
        let length = self.code.iter().position(|byte| *byte == 0).unwrap_or(MAX_REGION_LEN);
        self.code.get(..length).and_then(|code| std::str::from_utf8(code).ok()).unwrap_or_default()
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let mut code = [0; MAX_REGION_LEN];
        match code.get_mut(..text.len()) {
            Some(target) if !text.is_empty() && text.bytes().all(fits) => {
                target.copy_from_slice(text.as_bytes());
            }
            _ => return Err(RegionError(text.chars().take(2 * MAX_REGION_LEN).collect())),
        }
        Ok(Self { code })
    }
}

impl TryFrom<String> for Region {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, RegionError> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.as_str().to_owned()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_codes_round_trip_and_others_are_refused() {
        for code in ["blr1", "a", "us-east-2-backup"] {
            let region: Region = code.parse().unwrap();
            assert_eq!((region.as_str(), region.to_string().as_str()), (code, code));
            assert_eq!(serde_json::to_string(&region).unwrap(), format!("{code:?}"));
            assert_eq!(serde_json::from_str::<Region>(&format!("{code:?}")).unwrap(), region);
        }
        for wrong in ["", "BLR1", "a b", "a\0", "é", "us-east-2-backup-", &"a".repeat(1000)] {
            let message = wrong.parse::<Region>().unwrap_err().to_string();
            assert!(message.contains("such as blr1") && message.len() < 200, "{message}");
            assert!(
                wrong.len() > 32 || message.starts_with(&format!("invalid region {wrong:?}:")),
                "{message}"
            );
        }
    }
}
