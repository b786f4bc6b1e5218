//! The database of the reference, as the flags name it.

/// `--database` and `--replicas`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Database<'a> {
    pub(super) url: &'a str,
    pub(super) replicas: usize,
}

impl Database<'_> {
    /// In memory, for one control plane alone.
    pub(super) const DEFAULT_URL: &'static str = "sqlite::memory:";

    pub(super) fn is_default(self) -> bool {
        self.url == Self::DEFAULT_URL && self.replicas == 1
    }
}
