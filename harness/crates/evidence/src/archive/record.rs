//! Zip's three kinds of records: local header, central directory entry and end record. Each has one canonical form, in
//! which it is written, and is parsed without demanding that form.

use super::error::ArchiveError;
use super::method::Method;

pub(super) const CENTRAL_SIGNATURE: u32 = 0x0201_4b50;
const LOCAL_SIGNATURE: u32 = 0x0403_4b50;
const END_SIGNATURE: u32 = 0x0605_4b50;

/// Length of a local header without the name.
pub(super) const LOCAL_LEN: usize = 30;
/// Length of a central directory entry without the name.
const CENTRAL_LEN: usize = 46;
/// Length of the end record without a comment.
pub(super) const END_LEN: usize = 22;
/// Upper bound of a name's length, more than any file of a bundle has.
const MAX_NAME_LEN: usize = 200;

/// Version needed to extract: 2.0 (deflate, no encryption, no zip64).
const VERSION: u16 = 20;
/// Version made by: 3.0 on Unix.
const MADE_BY: u16 = 0x031e;
/// 1 January 1980, the earliest date.
const DATE: u16 = 0x0021;
/// Regular file, mode 0644.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// The fields of a member's local header and central directory entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) compressed_size: u32,
    pub(super) size: u32,
    /// The position of the local header.
    pub(super) offset: u32,
}

/// A parsed central directory entry, and the number of bytes it takes.
pub(super) struct CentralEntry {
    pub(super) header: Header,
    pub(super) length: usize,
}

/// The end of central directory record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndRecord {
    pub(super) member_count: u16,
    pub(super) directory_size: u32,
    pub(super) directory_offset: u32,
}

impl Header {
    /// Returns the canonical local header.
    pub(super) fn local(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LOCAL_LEN + self.name.len());
        bytes.extend(LOCAL_SIGNATURE.to_le_bytes());
        self.write_common_fields(&mut bytes);
        bytes.extend(self.name.as_bytes());
        bytes
    }

    /// Returns the canonical central directory entry.
    pub(super) fn central(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(CENTRAL_LEN + self.name.len());
        bytes.extend(CENTRAL_SIGNATURE.to_le_bytes());
        bytes.extend(MADE_BY.to_le_bytes());
        self.write_common_fields(&mut bytes);
        // No comment, the first disk, no internal attributes.
        bytes.extend([0; 6]);
        bytes.extend(ATTRIBUTES.to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes
    }

    fn write_common_fields(&self, bytes: &mut Vec<u8>) {
        let (no_flags, no_time, no_extra_field) = (0_u16, 0_u16, 0_u16);
        let name_length = u16::try_from(self.name.len()).unwrap_or(u16::MAX);
        for number in [VERSION, no_flags, self.method.number(), no_time, DATE] {
            bytes.extend(number.to_le_bytes());
        }
        for number in [self.crc, self.compressed_size, self.size] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(name_length.to_le_bytes());
        bytes.extend(no_extra_field.to_le_bytes());
    }
}

impl CentralEntry {
    /// Parses the entry at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ArchiveError> {
        if bytes.len() < CENTRAL_LEN || u32_at(bytes, 0) != CENTRAL_SIGNATURE {
            return Err(ArchiveError::TruncatedDirectory);
        }
        let [name_length, extra_length, comment_length] =
            [28, 30, 32].map(|at| usize::from(u16_at(bytes, at)));
        let name =
            bytes.get(CENTRAL_LEN..CENTRAL_LEN + name_length).and_then(|name| str::from_utf8(name).ok());
        let name = name.ok_or(ArchiveError::NameNotUtf8)?.to_owned();
        if name.len() > MAX_NAME_LEN {
            return Err(ArchiveError::NameTooLong);
        }
        let method = match u16_at(bytes, 10) {
            0 => Method::Stored,
            8 => Method::Deflated,
            method => return Err(ArchiveError::UnsupportedMethod { name, method }),
        };
        let header = Header {
            name,
            method,
            crc: u32_at(bytes, 16),
            compressed_size: u32_at(bytes, 20),
            size: u32_at(bytes, 24),
            offset: u32_at(bytes, 42),
        };
        Ok(Self { header, length: CENTRAL_LEN + name_length + extra_length + comment_length })
    }
}

impl EndRecord {
    /// Finds the last end record in the final bytes of a file; returns it with its position in them.
    pub(super) fn find(tail: &[u8]) -> Option<(usize, Self)> {
        let signature = END_SIGNATURE.to_le_bytes();
        let signatures_end = tail.len().checked_sub(END_LEN - signature.len())?;
        let position = memchr::memmem::rfind(tail.get(..signatures_end)?, &signature)?;
        let bytes = tail.get(position..)?;
        let record = Self {
            member_count: u16_at(bytes, 10),
            directory_size: u32_at(bytes, 12),
            directory_offset: u32_at(bytes, 16),
        };
        Some((position, record))
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        let (this_disk, no_comment) = ([0; 4], [0; 2]);
        let mut bytes = Vec::with_capacity(END_LEN);
        bytes.extend(END_SIGNATURE.to_le_bytes());
        bytes.extend(this_disk);
        bytes.extend(self.member_count.to_le_bytes());
        bytes.extend(self.member_count.to_le_bytes());
        bytes.extend(self.directory_size.to_le_bytes());
        bytes.extend(self.directory_offset.to_le_bytes());
        bytes.extend(no_comment);
        bytes
    }
}

/// Returns how far a member's content starts after its local header: the lengths of name and extra field.
pub(super) fn local_name_and_extra_len(local_header: &[u8]) -> u64 {
    u64::from(u16_at(local_header, 26)) + u64::from(u16_at(local_header, 28))
}

fn u16_at(bytes: &[u8], position: usize) -> u16 {
    let found = bytes.get(position..position + 2).and_then(|found| found.try_into().ok());
    u16::from_le_bytes(found.unwrap_or_default())
}

fn u32_at(bytes: &[u8], position: usize) -> u32 {
    let found = bytes.get(position..position + 4).and_then(|found| found.try_into().ok());
    u32::from_le_bytes(found.unwrap_or_default())
}
