//! Masks tokens in a profile's text, so that diagnostics can quote it.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Matches an inline token, up to the end of its line.
static INLINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?m)(\b(?:admin|owner|member|outsider|token)"?\s*=\s*["'])([^\n]+)$"#).ok()
});

/// Replaces inline tokens by asterisks of the same length in bytes, so that spans still fit. The text need not be valid
/// TOML.
pub(super) fn masked(text: &str) -> String {
    let Some(inline) = INLINE.as_ref() else { return "*".repeat(text.len()) };
    let hidden = |captures: &Captures<'_>| {
        let part = |group| captures.get(group).map_or("", |found| found.as_str());
        format!("{}{}", part(1), "*".repeat(part(2).len()))
    };
    inline.replace_all(text, hidden).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_masked_and_offsets_are_kept() {
        let text = "[tokens]\nadmin = \"sécret\" # x\nowner= 'secret'\nmember = { env = \"X\" }\n\
                    tokens = { outsider = \"secret\" }\ntoken = \"secret\"\nname = \"admin\"\n";
        let shown = masked(text);
        assert_eq!(shown.len(), text.len());
        assert!(
            !shown.contains("cret") && shown.contains("env = \"X\"") && shown.ends_with("name = \"admin\"\n")
        );
    }
}
