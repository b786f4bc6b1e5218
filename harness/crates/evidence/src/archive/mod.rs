//! The bundle's container: a zip of one form only, so that any byte of it that differs is found.
//!
//! Zip leaves much open (times, attributes, comments, gaps, the order of entries), and libraries change how they
//! write it; in a bundle each of these has one value. Every zip program reads it.

mod read;
mod write;

pub use read::{Archive, Contents, Member, NotAnArchive};
pub use write::{Writer, Written};

/// How a member's bytes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// As they are.
    Stored,
    /// Deflated.
    Deflated,
}

impl Method {
    fn number(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }
}

/// What the headers say of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header<'a> {
    name: &'a str,
    method: Method,
    crc: u32,
    packed: u32,
    size: u32,
    /// Where its local header stands.
    offset: u32,
}

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const LOCAL_LENGTH: usize = 30;
const CENTRAL_LENGTH: usize = 46;
const END_LENGTH: usize = 22;

/// Deflate, no encryption, no zip64: zip 2.0.
const VERSION: u16 = 20;
/// Zip 3.0 on Unix.
const MADE_BY: u16 = 0x031e;
/// The first of January 1980, zip's earliest.
const DATE: u16 = 0x0021;
/// A regular file that everybody may read.
const ATTRIBUTES: u32 = 0o100_644 << 16;

impl Header<'_> {
    /// What precedes the member's bytes.
    fn local(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LOCAL_LENGTH + self.name.len());
        bytes.extend(LOCAL.to_le_bytes());
        self.common(&mut bytes);
        bytes.extend(self.name.as_bytes());
        bytes
    }

    /// What the directory at the end says.
    fn central(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CENTRAL_LENGTH + self.name.len());
        bytes.extend(CENTRAL.to_le_bytes());
        bytes.extend(MADE_BY.to_le_bytes());
        self.common(&mut bytes);
        // No comment, the first disk, no internal attributes.
        bytes.extend([0; 6]);
        bytes.extend(ATTRIBUTES.to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes
    }

    fn common(&self, bytes: &mut Vec<u8>) {
        let length = u16::try_from(self.name.len()).unwrap_or(u16::MAX);
        for number in [VERSION, 0, self.method.number(), 0, DATE] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [self.crc, self.packed, self.size] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(length.to_le_bytes());
        bytes.extend([0; 2]);
    }
}

/// The archive's last bytes.
fn end(count: u16, directory: u32, at: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(END_LENGTH);
    bytes.extend(END.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(directory.to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

#[cfg(test)]
mod tests;
