//! Frames of the relay protocol, each sent as one binary WebSocket message.
//!
//! | kind | sent by | payload after the kind's byte |
//! |-|-|-|
//! | 1 challenge | relay, first | version (1 byte), ephemeral public key (32), nonce (32) |
//! | 2 proof | machine, second | the proof (32) |
//! | 3 welcome | relay, third | the relay's region (1 to 16 bytes of ASCII) |
//! | 4 send | machine | the recipient's public key (32), a datagram |
//! | 5 received | relay | the sender's public key (32), a datagram |

use crate::region::{self, Region};

pub const PROTOCOL_VERSION: u8 = 1;

/// The maximum length of a datagram in bytes, above that of any tunnel over Ethernet.
pub const MAX_DATAGRAM_LEN: usize = 4096;

/// The maximum length of a frame in bytes.
pub const MAX_FRAME_LEN: usize = 1 + KEY_LEN + MAX_DATAGRAM_LEN;

/// The length of a public key, a nonce and a proof in bytes.
pub const KEY_LEN: usize = 32;

const CHALLENGE: u8 = 1;
const PROOF: u8 = 2;
const WELCOME: u8 = 3;
const SEND: u8 = 4;
const RECEIVED: u8 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Asks the machine to prove that it holds its private key.
    Challenge {
        /// The relay's public key, used for this connection only.
        ephemeral: &'a [u8; KEY_LEN],
        nonce: &'a [u8; KEY_LEN],
    },
    /// Answers a challenge; see [`super::proof::prove`].
    Proof { proof: &'a [u8; KEY_LEN] },
    /// Accepts the machine; datagrams may follow.
    Welcome { region: Region },
    /// A datagram for the machine with the public key `to`.
    Send { to: &'a [u8; KEY_LEN], datagram: &'a [u8] },
    /// A datagram from the machine with the public key `from`, which the relay has verified.
    Received { from: &'a [u8; KEY_LEN], datagram: &'a [u8] },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("empty frame")]
    Empty,
    #[error("unknown frame kind {0}: expected 1 to 5")]
    Kind(u8),
    #[error(
        "unsupported relay protocol version {0}: this program supports version {PROTOCOL_VERSION}\nUpdate the older of the two."
    )]
    Version(u8),
    #[error("invalid frame length {found} for kind {kind}: expected {least} to {most} bytes")]
    Length { kind: u8, least: usize, most: usize, found: usize },
    #[error("the relay sent an invalid region name")]
    Region,
}

impl<'a> Frame<'a> {
    /// Parses a WebSocket message.
    ///
    /// # Errors
    /// [`FrameError`] for every message that [`Frame::to_bytes`] cannot produce.
    pub fn parse(message: &'a [u8]) -> Result<Self, FrameError> {
        let (kind, rest) = message.split_first().ok_or(FrameError::Empty)?;
        let (kind, found) = (*kind, message.len());
        let length = |least, most| FrameError::Length { kind, least, most, found };
        let datagram = || -> Result<(&'a [u8; KEY_LEN], &'a [u8]), FrameError> {
            let (key, datagram) = rest.split_first_chunk().ok_or(length(2 + KEY_LEN, MAX_FRAME_LEN))?;
            match datagram.len() {
                1..=MAX_DATAGRAM_LEN => Ok((key, datagram)),
                _ => Err(length(2 + KEY_LEN, MAX_FRAME_LEN)),
            }
        };
        match kind {
            CHALLENGE => {
                let (version, rest) = rest.split_first().ok_or(length(2 + 2 * KEY_LEN, 2 + 2 * KEY_LEN))?;
                if *version != PROTOCOL_VERSION {
                    return Err(FrameError::Version(*version));
                }
                let (ephemeral, nonce) =
                    rest.split_first_chunk().ok_or(length(2 + 2 * KEY_LEN, 2 + 2 * KEY_LEN))?;
                let nonce = nonce.try_into().map_err(|_| length(2 + 2 * KEY_LEN, 2 + 2 * KEY_LEN))?;
                Ok(Self::Challenge { ephemeral, nonce })
            }
            PROOF => {
                let proof = rest.try_into().map_err(|_| length(1 + KEY_LEN, 1 + KEY_LEN))?;
                Ok(Self::Proof { proof })
            }
            WELCOME => {
                let code = std::str::from_utf8(rest).map_err(|_| FrameError::Region)?;
                if code.is_empty() || code.len() > region::MAX_REGION_LEN {
                    return Err(length(2, 1 + region::MAX_REGION_LEN));
                }
                Ok(Self::Welcome { region: code.parse().map_err(|_| FrameError::Region)? })
            }
            SEND => datagram().map(|(to, datagram)| Self::Send { to, datagram }),
            RECEIVED => datagram().map(|(from, datagram)| Self::Received { from, datagram }),
            kind => Err(FrameError::Kind(kind)),
        }
    }

    /// Encodes the frame as a WebSocket message.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Challenge { ephemeral, nonce } => {
                [&[CHALLENGE, PROTOCOL_VERSION][..], *ephemeral, *nonce].concat()
            }
            Self::Proof { proof } => [&[PROOF][..], *proof].concat(),
            Self::Welcome { region } => [&[WELCOME], region.as_str().as_bytes()].concat(),
            Self::Send { to, datagram } => [&[SEND][..], *to, datagram].concat(),
            Self::Received { from, datagram } => [&[RECEIVED][..], *from, datagram].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> Vec<Vec<u8>> {
        let (key, nonce) = (&[7; KEY_LEN], &[9; KEY_LEN]);
        let longest = vec![1; MAX_DATAGRAM_LEN];
        [
            Frame::Challenge { ephemeral: key, nonce },
            Frame::Proof { proof: key },
            Frame::Welcome { region: "us-east-2-backup".parse().unwrap() },
            Frame::Send { to: key, datagram: &[4] },
            Frame::Received { from: key, datagram: &longest },
        ]
        .iter()
        .map(|frame| {
            let bytes = frame.to_bytes();
            assert_eq!(Frame::parse(&bytes), Ok(*frame));
            bytes
        })
        .collect()
    }

    #[test]
    fn frames_round_trip() {
        let lengths: Vec<usize> = all().iter().map(Vec::len).collect();
        assert_eq!(lengths, [66, 33, 17, 34, MAX_FRAME_LEN]);
    }

    #[test]
    fn malformed_frames_are_distinguished() {
        let length = |kind, least, most, found| FrameError::Length { kind, least, most, found };
        for (message, expected) in [
            (vec![], FrameError::Empty),
            (vec![0], FrameError::Kind(0)),
            (vec![6, 1, 2], FrameError::Kind(6)),
            ([&[1, 2][..], &[0; 64]].concat(), FrameError::Version(2)),
            (vec![1], length(1, 66, 66, 1)),
            ([&[1, 1][..], &[0; 65]].concat(), length(1, 66, 66, 67)),
            ([&[1, 1][..], &[0; 31]].concat(), length(1, 66, 66, 33)),
            (vec![2; 32], length(2, 33, 33, 32)),
            (vec![3], length(3, 2, 17, 1)),
            (vec![3; 18], length(3, 2, 17, 18)),
            (vec![3, b'B'], FrameError::Region),
            (vec![3, 0xff], FrameError::Region),
            (vec![4; 32], length(4, 34, MAX_FRAME_LEN, 32)),
            (vec![4; 33], length(4, 34, MAX_FRAME_LEN, 33)),
            (vec![5; MAX_FRAME_LEN + 1], length(5, 34, MAX_FRAME_LEN, MAX_FRAME_LEN + 1)),
        ] {
            let found = Frame::parse(&message);
            assert_eq!(found, Err(expected), "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn parsed_messages_encode_to_the_same_bytes(which in 0usize..6, change in any::<(usize, u8)>(), noise: Vec<u8>) {
            let mut message = all().get(which).cloned().unwrap_or(noise);
            if let Some(length) = message.len().checked_sub(1) {
                message[change.0 % (length + 1)] = change.1;
                message.truncate(1 + change.0 % (2 * length + 1));
            }
            if let Ok(frame) = Frame::parse(&message) {
                prop_assert_eq!(frame.to_bytes(), message);
            }
        }
    }
}
