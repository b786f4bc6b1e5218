//! The relay protocol: frames, and the proof that a machine holds its private key.
//!
//! The README of `ztna-relay` describes the exchange.

pub mod frame;
mod member;
mod membership;
pub mod proof;

pub use frame::{Frame, FrameError, MAX_DATAGRAM_LEN};
pub use member::Member;
pub use membership::{MAX_TOKENS_PER_REQUEST, MemberView, MembersAnswer, MembersQuestion};
