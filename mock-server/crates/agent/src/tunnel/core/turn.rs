//! What every call into a peer needs.

use std::time::Instant;

use super::output::Output;

/// One call into the node.
pub(super) struct Turn<'a> {
    pub(super) now: Instant,
    /// Scratch space for encryption, large enough for any message.
    pub(super) buffer: &'a mut [u8],
    pub(super) output: &'a mut Output,
}
