//! Runs a plan and reports its progress as events.

mod cleanup;
mod events;
mod id;
mod ledger;
mod name;
mod pages;
mod picture;
mod preparation;
mod repeat;
mod scheduler;
mod setting;
mod settling;
mod stop;
mod subtest;
mod sweep;
mod turn;
mod walk;

pub use name::{new_id, preflight_key};
pub use scheduler::run;
pub use setting::{Detail, RunSettings};
pub use stop::{Stop, Stopper, stop};
pub use turn::Turn;
