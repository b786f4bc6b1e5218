//! The relay protocol: frames, and the proof that a machine holds its private key.
//!
//! `relay/README.md` describes the exchange.

pub mod frame;
mod member;
pub mod proof;

pub use frame::{Frame, FrameError, LONGEST_DATAGRAM};
pub use member::Member;
