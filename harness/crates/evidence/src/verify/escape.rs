//! Shows names that a bundle chose.

/// Escapes an untrusted name for output.
pub(super) fn escaped(name: &str) -> String {
    name.escape_debug().to_string()
}
