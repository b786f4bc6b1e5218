//! Frames: one a binary WebSocket message.
//!
//! | kind | sent by | what follows the kind's byte |
//! |-|-|-|
//! | 1 challenge | relay, first | version (1 byte), ephemeral public key (32), nonce (32) |
//! | 2 proof | machine, second | the proof (32) |
//! | 3 welcome | relay, third | the relay's region (1 to 16 bytes of ASCII) |
//! | 4 send | machine | the addressee's public key (32), a datagram |
//! | 5 received | relay | the sender's public key (32), its datagram |

use crate::region::{self, Region};

/// The version of this conversation.
pub const VERSION: u8 = 1;

/// The longest datagram that is carried: more than any of a tunnel over Ethernet.
pub const LONGEST_DATAGRAM: usize = 4096;

/// The longest frame.
pub const LONGEST: usize = 1 + KEY + LONGEST_DATAGRAM;

/// A public key, a nonce and a proof have as many bytes.
pub const KEY: usize = 32;

const CHALLENGE: u8 = 1;
const PROOF: u8 = 2;
const WELCOME: u8 = 3;
const SEND: u8 = 4;
const RECEIVED: u8 = 5;

/// A frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Prove that you hold your private key.
    Challenge {
        /// The relay's public key for this connection only.
        ephemeral: &'a [u8; KEY],
        /// Never used before.
        nonce: &'a [u8; KEY],
    },
    /// The answer to a challenge.
    Proof {
        /// [`super::proof::prove`].
        proof: &'a [u8; KEY],
    },
    /// From now on datagrams pass.
    Welcome {
        /// Where the relay stands.
        region: Region,
    },
    /// A datagram for another machine.
    Send {
        /// Its public key.
        to: &'a [u8; KEY],
        /// What it is sent.
        datagram: &'a [u8],
    },
    /// A datagram of another machine.
    Received {
        /// Its public key, which the relay vouches for.
        from: &'a [u8; KEY],
        /// What it sent.
        datagram: &'a [u8],
    },
}

/// Bytes that are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Nothing.
    #[error("an empty message is no frame")]
    Empty,
    /// A kind that there is not.
    #[error("no frame has the kind {0}: they are 1 to 5")]
    Kind(u8),
    /// A conversation of another version.
    #[error("the relay speaks version {0}, and this program version {VERSION}: update the older of the two")]
    Version(u8),
    /// Too short or too long for its kind.
    #[error("a frame of kind {kind} has {least} to {most} bytes, and this one {found}")]
    Length {
        /// The frame's first byte.
        kind: u8,
        /// The fewest bytes a frame of this kind has.
        least: usize,
        /// The most bytes.
        most: usize,
        /// What this one has.
        found: usize,
    },
    /// A region that cannot be one.
    #[error("the relay names its region in a way that none is named")]
    Region,
}

impl<'a> Frame<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// [`FrameError`], for everything that [`Frame::to_bytes`] does not make.
    pub fn parse(message: &'a [u8]) -> Result<Self, FrameError> {
        let (kind, rest) = message.split_first().ok_or(FrameError::Empty)?;
        let (kind, found) = (*kind, message.len());
        let length = |least, most| FrameError::Length { kind, least, most, found };
        let datagram = || -> Result<(&'a [u8; KEY], &'a [u8]), FrameError> {
            let (key, datagram) = rest.split_first_chunk().ok_or(length(2 + KEY, LONGEST))?;
            match datagram.len() {
                1..=LONGEST_DATAGRAM => Ok((key, datagram)),
                _ => Err(length(2 + KEY, LONGEST)),
            }
        };
        match kind {
            CHALLENGE => {
                let (version, rest) = rest.split_first().ok_or(length(2 + 2 * KEY, 2 + 2 * KEY))?;
                if *version != VERSION {
                    return Err(FrameError::Version(*version));
                }
                let (ephemeral, nonce) = rest.split_first_chunk().ok_or(length(2 + 2 * KEY, 2 + 2 * KEY))?;
                let nonce = nonce.try_into().map_err(|_| length(2 + 2 * KEY, 2 + 2 * KEY))?;
                Ok(Self::Challenge { ephemeral, nonce })
            }
            PROOF => {
                let proof = rest.try_into().map_err(|_| length(1 + KEY, 1 + KEY))?;
                Ok(Self::Proof { proof })
            }
            WELCOME => {
                let code = std::str::from_utf8(rest).map_err(|_| FrameError::Region)?;
                if code.is_empty() || code.len() > region::LONGEST {
                    return Err(length(2, 1 + region::LONGEST));
                }
                Ok(Self::Welcome { region: code.parse().map_err(|_| FrameError::Region)? })
            }
            SEND => datagram().map(|(to, datagram)| Self::Send { to, datagram }),
            RECEIVED => datagram().map(|(from, datagram)| Self::Received { from, datagram }),
            kind => Err(FrameError::Kind(kind)),
        }
    }

    /// The message.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Challenge { ephemeral, nonce } => [&[CHALLENGE, VERSION][..], *ephemeral, *nonce].concat(),
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
        let (key, nonce) = (&[7; KEY], &[9; KEY]);
        let longest = vec![1; LONGEST_DATAGRAM];
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
    fn frames_come_back_as_they_were() {
        let lengths: Vec<usize> = all().iter().map(Vec::len).collect();
        assert_eq!(lengths, [66, 33, 17, 34, LONGEST]);
    }

    #[test]
    fn mistakes_are_told_apart() {
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
            (vec![4; 32], length(4, 34, LONGEST, 32)),
            (vec![4; 33], length(4, 34, LONGEST, 33)),
            (vec![5; LONGEST + 1], length(5, 34, LONGEST, LONGEST + 1)),
        ] {
            let found = Frame::parse(&message);
            assert_eq!(found, Err(expected), "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn what_can_be_read_is_written_the_same(which in 0usize..6, change in any::<(usize, u8)>(), noise: Vec<u8>) {
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
