//! What a deviation can do wrong, and what it does it with.

mod exchange;
mod memory;
mod wrapping;

use std::time::Duration;

pub use exchange::{Asked, Told};
pub use memory::{IssuedKey, Memory, Registration};
pub use wrapping::{Call, FAITHFUL, Wrapping};

/// One thing done wrong: to a request, to an answer, by requests of the layer's own, by a setting that the
/// reference has itself, or by the agent.
#[derive(Clone, Copy)]
pub struct Deviation {
    /// Requests that are sent first.
    pub before: fn(&Asked, &mut Memory) -> Vec<Asked>,
    /// Bends a request, or answers it at once.
    pub ask: fn(&mut Asked, &mut Memory) -> Option<Told>,
    /// How long a registration is held back, once it was bent: those at the same moment then meet for certain.
    pub pause: Duration,
    /// Bends an answer to what was asked.
    pub tell: fn(&Asked, &mut Told, &mut Memory),
    /// Requests that are sent after an answer, before it goes back.
    pub after: fn(&Asked, &Told, &mut Memory) -> Vec<Asked>,
    /// Requests that are sent when the clock has moved.
    pub later: fn(&mut Memory) -> Vec<Asked>,
    /// Whether the reference believes X-Forwarded-For of everybody.
    pub trusts_every_proxy: bool,
    /// What the agent does wrong.
    pub agent: Option<Wrapping>,
}

/// The deviations of one family, by id.
pub type Family = &'static [(&'static str, Deviation)];

/// Nothing is wrong.
pub const NONE: Deviation = Deviation {
    before: |_, _| Vec::new(),
    ask: |_, _| None,
    pause: Duration::ZERO,
    tell: |_, _, _| (),
    after: |_, _, _| Vec::new(),
    later: |_| Vec::new(),
    trusts_every_proxy: false,
    agent: None,
};

pub(crate) const fn asking(ask: fn(&mut Asked, &mut Memory) -> Option<Told>) -> Deviation {
    Deviation { ask, ..NONE }
}

pub(crate) const fn telling(tell: fn(&Asked, &mut Told, &mut Memory)) -> Deviation {
    Deviation { tell, ..NONE }
}

pub(crate) const fn both(
    ask: fn(&mut Asked, &mut Memory) -> Option<Told>,
    tell: fn(&Asked, &mut Told, &mut Memory),
) -> Deviation {
    Deviation { ask, tell, ..NONE }
}
