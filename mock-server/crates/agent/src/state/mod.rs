//! The agent's state between commands: one folder, private to its owner.
//!
//! `state.json` is replaced atomically, so that a crash leaves the old or the new one; `state.lock` serialises writers;
//! `up.lock` is held by the running `ztna up`, which listens on `ztna.sock` for other commands. A `state-removed-….json`
//! is the state of a machine that the control plane no longer knew.

mod directory;
mod error;
mod folder;
mod model;

pub(crate) use error::StateError;
pub(crate) use folder::StateFolder;
#[cfg(any(test, fuzzing))]
pub(crate) use model::is_state;
pub(crate) use model::{Pending, Registration, Session, State};
