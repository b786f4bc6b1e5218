//! Arguments that several commands take.

use clap::Args;

/// Which organisation an admin command means.
#[derive(Debug, Args)]
pub(crate) struct Organisation {
    /// The organisation [default: this machine's]
    #[arg(long = "org", value_name = "ORG")]
    pub(crate) named: Option<String>,
}

/// A tag as the documents spell it, `tag:NAME`; the prefix may be left out.
pub(super) fn tag(text: &str) -> Result<String, String> {
    let name = text.trim();
    let name = name.strip_prefix("tag:").unwrap_or(name);
    if name.is_empty() {
        return Err("a tag is tag:NAME; several are separated by commas".to_owned());
    }
    Ok(format!("tag:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_take_their_prefix() {
        for (text, expected) in
            [("tag:laptop", Ok("tag:laptop")), (" eng ", Ok("tag:eng")), ("tag:", Err(())), ("", Err(()))]
        {
            assert_eq!(tag(text).map_err(drop), expected.map(str::to_owned), "{text:?}");
        }
    }
}
