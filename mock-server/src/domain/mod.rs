//! The rules, without I/O: every fact, the time and every random byte is an argument.

pub mod device_code;
pub mod digest;
pub mod filter;
pub mod rate;
pub mod refusal;
pub mod role;
pub mod scope;
mod timestamp;

pub use refusal::Refusal;
pub use role::Role;
pub use timestamp::Timestamp;
