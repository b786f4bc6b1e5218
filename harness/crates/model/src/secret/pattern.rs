use std::sync::LazyLock;

use regex::bytes::Regex;

/// The minimum length of a learnt secret: redacting shorter values would redact ordinary words.
pub(crate) const MIN_SECRET_LEN: usize = 8;

pub(super) struct Pattern {
    pub(super) regex: Regex,
    /// The shell variable that replaces a match in commands.
    pub(super) variable: &'static str,
    pub(super) visible: Visible,
}

/// What the pattern's first group is, which stays visible.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Visible {
    /// The pattern has no such group.
    Nothing,
    /// The secret's documented prefix, by which keys are told apart.
    Prefix,
}

pub(super) static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let patterns = [
        (r"(?i)(tskey-auth-[0-9a-z]{8})[0-9a-z]{8,}", "KEY", Visible::Prefix),
        (r"(?i)(q?ztna_[0-9a-z]{8})[0-9a-z]{8,}", "API_KEY", Visible::Prefix),
        (r"ztm_[0-9A-Za-z]{8,}", "MACHINE_TOKEN", Visible::Nothing),
        (r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "SESSION", Visible::Nothing),
        (r"(?-u:\b)[0-9a-fA-F]{64}(?-u:\b)", "HEX", Visible::Nothing),
    ];
    let compiled = patterns.into_iter().filter_map(|(regex, variable, visible)| {
        Some(Pattern { regex: Regex::new(regex).ok()?, variable, visible })
    });
    compiled.collect()
});

/// Whether a pattern matches the whole value and keeps its prefix visible. Such a value need not be learnt: the pattern
/// redacts it, and tells it apart from others.
pub(super) fn keeps_prefix_visible(value: &str) -> bool {
    PATTERNS.iter().filter(|pattern| pattern.visible == Visible::Prefix).any(|pattern| {
        pattern.regex.find(value.as_bytes()).is_some_and(|found| found.range() == (0..value.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_compile() {
        assert_eq!(PATTERNS.len(), 5);
    }
}
