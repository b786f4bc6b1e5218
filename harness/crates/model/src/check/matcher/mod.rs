//! Matchers: expanding variables, describing, judging.

mod describe;
mod fill;
mod judge;
mod kind;
mod pattern;

pub(super) use describe::describe;
pub(super) use fill::fill;
pub(super) use judge::judge;
