//! A profile's text as diagnostics may quote it.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A person's token that stands in the profile itself, to the end of its line.
static INLINE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?m)(\b(?:admin|owner|member|outsider)"?\s*=\s*["'])([^\n]+)$"#).ok());

/// The text with stars in place of tokens, each byte in its place: spans of the one fit the other. It works on texts
/// that are no TOML, too.
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
    fn tokens_are_stars_and_all_else_stays_where_it_is() {
        let text = "[tokens]\nadmin = \"sécret\" # x\nowner= 'secret'\nmember = { env = \"X\" }\n\
                    tokens = { outsider = \"secret\" }\nname = \"admin\"\n";
        let shown = masked(text);
        assert_eq!(shown.len(), text.len());
        assert!(
            !shown.contains("cret") && shown.contains("env = \"X\"") && shown.ends_with("name = \"admin\"\n")
        );
    }
}
