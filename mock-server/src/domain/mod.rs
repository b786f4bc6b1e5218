//! The rules of the control plane, without I/O: facts, the time and random bytes are arguments.

pub mod access_rules;
pub mod cidr;
pub mod device_code;
pub mod endpoint;
pub mod filter;
pub mod host;
pub mod key;
pub mod machine;
pub mod network_map;
pub mod quota;
pub mod rate;
pub mod refusal;
mod refusal_code;
pub mod role;
pub mod scope;
pub mod site;
pub mod tag;
pub mod text;
pub mod throttle;
mod timestamp;

pub use refusal::Refusal;
pub use refusal_code::RefusalCode;
pub use role::Role;
pub use timestamp::{CLOCK_TOLERANCE, Timestamp};
