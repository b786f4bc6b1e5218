use std::path::PathBuf;

/// Where to look for the file.
#[derive(Debug, Clone)]
pub(in crate::cli) enum Place {
    /// In the folder and those above it.
    Found,
    Named(PathBuf),
    Nowhere,
}
