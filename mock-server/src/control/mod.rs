//! What the control plane does: load facts, let `domain` decide, save, all in one transaction.

pub mod access;
pub mod bearer;
pub mod clock;
pub mod device;
mod failure;
pub mod password;
pub mod random;
pub mod reap;
pub mod rows;
pub mod session;

pub use clock::Clock;
pub use failure::Failure;
pub use random::Random;
