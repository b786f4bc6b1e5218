//! Sessions of people.

use super::moment::Seconds;

/// A person's session.
#[derive(Clone, Copy)]
pub(super) struct Session {
    pub(super) person: usize,
    pub(super) expires: Seconds,
}
