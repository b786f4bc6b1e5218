//! What is said between a machine and a relay: frames, and the proof that a machine holds its private key.
//!
//! Bytes in, values out; `relay/README.md` tells the conversation.

pub mod frame;
mod member;
pub mod proof;

pub use frame::{Frame, FrameError, LONGEST_DATAGRAM};
pub use member::Member;
