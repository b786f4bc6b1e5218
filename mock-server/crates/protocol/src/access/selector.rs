use std::fmt;
use std::str::FromStr;

use super::InvalidText;

/// The maximum length of a tag in characters, without its prefix.
pub const MAX_TAG_LEN: usize = 63;

/// The machines that a source or a destination means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Those with this tag, which has no prefix here.
    Tag(String),
    All,
}

impl Selector {
    /// Whether a machine with these tags, without prefix, is meant.
    #[must_use]
    pub fn selects(&self, tags: &[String]) -> bool {
        match self {
            Self::Tag(wanted) => tags.contains(wanted),
            Self::All => true,
        }
    }
}

/// Whether this is a tag, without its prefix.
#[must_use]
pub fn is_tag(bare: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !bare.is_empty() && bare.len() <= MAX_TAG_LEN && bare.chars().all(fits)
}

impl FromStr for Selector {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        match text.strip_prefix("tag:") {
            None if text == "*" => Ok(Self::All),
            Some(bare) if is_tag(bare) => Ok(Self::Tag(bare.to_owned())),
            _ => Err(InvalidText::selector(text)),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(bare) => write!(f, "tag:{bare}"),
            Self::All => f.write_str("*"),
        }
    }
}
