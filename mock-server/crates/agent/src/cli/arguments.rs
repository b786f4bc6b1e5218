//! Arguments that several commands share.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_prefix_is_optional() {
        for (text, expected) in
            [("tag:laptop", Ok("tag:laptop")), (" eng ", Ok("tag:eng")), ("tag:", Err(())), ("", Err(()))]
        {
            assert_eq!(tag(text).map_err(drop), expected.map(str::to_owned), "{text:?}");
        }
    }
}
