//! What is said between a machine and a relay: frames, and the proof that a machine holds its private key.
//!
//! Bytes in, values out; the README of `ztna-relay` tells the conversation.

pub mod frame;
mod member;
mod membership;
pub mod proof;

pub use frame::{Frame, FrameError, LONGEST_DATAGRAM};
pub use member::Member;
pub use membership::{MOST_ASKED, MemberView, MembersAnswer, MembersQuestion, token_hash};
