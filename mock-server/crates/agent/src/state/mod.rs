//! What the agent keeps between its commands: one folder, for its owner only.
//!
//! `state.json` is replaced as a whole, so that a crash leaves the old or the new one; `state.lock` orders
//! writers; `up.lock` is held by the running `ztna up`; `ztna.sock` is how other commands reach it.

mod error;
mod folder;
mod model;

pub(crate) use error::StateError;
pub(crate) use folder::StateFolder;
pub(crate) use model::{Registration, Session, State};
