//! The relay protocol: frames, and the proof that a machine holds its private key.
//!
//! The README of `ztna-relay` describes the exchange.

pub mod frame;
mod member;
mod membership;
pub mod proof;

pub use frame::{Frame, FrameError, LONGEST_DATAGRAM};
pub use member::Member;
pub use membership::{MOST_ASKED, MemberView, MembersAnswer, MembersQuestion, token_hash};
