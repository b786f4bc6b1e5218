//! Reads untrusted archives: sizes are bounded, headers are not believed, and nothing is extracted.

use std::io::{self, Read, Seek, SeekFrom};

use crate::{ContentDigest, digest_of};

use super::contents::Contents;
use super::error::{ArchiveError, NotCanonical};
use super::record::{CentralEntry, END_LEN, EndRecord, Header, LOCAL_LEN, local_name_and_extra_len};

/// Upper bound of members, more than any run has.
const MAX_MEMBERS: usize = 20_000;
/// How far before the end of a file the end record is searched: the maximum length of a zip comment.
const MAX_COMMENT_LEN: u64 = u16::MAX as u64;

/// An opened archive, of which only the central directory has been read.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    file_size: u64,
    members: Vec<Member>,
    end_record: EndRecord,
    end_position: u64,
}

/// A member of an archive, as listed in the central directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member(Header);

impl<R: Read + Seek> Archive<R> {
    pub fn open(mut reader: R) -> Result<Self, ArchiveError> {
        let file_size = reader.seek(SeekFrom::End(0))?;
        let tail_start = file_size.saturating_sub(MAX_COMMENT_LEN + END_LEN as u64);
        let tail = read_at(&mut reader, tail_start, file_size - tail_start)?;
        let Some((position, end_record)) = EndRecord::find(&tail) else {
            return Err(if is_zip(&mut reader)? {
                ArchiveError::Truncated
            } else {
                ArchiveError::NotAnArchive
            });
        };
        let end_position = tail_start + position as u64;
        let directory_offset = u64::from(end_record.directory_offset);
        let directory_size = u64::from(end_record.directory_size);
        if directory_offset + directory_size > end_position {
            return Err(ArchiveError::Truncated);
        }
        let directory = read_at(&mut reader, directory_offset, directory_size)?;
        let members = parse_directory(&directory, usize::from(end_record.member_count))?;
        Ok(Self { reader, file_size, members, end_record, end_position })
    }

    /// Returns the members in the order of the central directory.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the first member with this name.
    pub fn member(&self, name: &str) -> Option<Member> {
        self.members.iter().find(|member| member.name() == name).cloned()
    }

    /// Returns a reader of a member's uncompressed bytes, which fails if size or checksum differ from the directory.
    pub fn read(&mut self, Member(header): &Member) -> io::Result<Contents<'_, R>> {
        let offset = u64::from(header.offset);
        let local = read_at(&mut self.reader, offset, LOCAL_LEN as u64)?;
        let start = offset + LOCAL_LEN as u64 + local_name_and_extra_len(&local);
        self.reader.seek(SeekFrom::Start(start))?;
        Ok(Contents::new(&mut self.reader, header))
    }

    /// Reads a member of at most `limit` bytes into memory.
    ///
    /// # Errors
    /// The member is longer than `limit`, or size or checksum differ from the directory.
    pub fn read_all(&mut self, member: &Member, limit: u64) -> io::Result<Vec<u8>> {
        if u64::from(member.size()) > limit {
            return Err(io::Error::other(format!("too large: {} bytes", member.size())));
        }
        let mut bytes = Vec::new();
        self.read(member)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Returns length and digest of all bytes before a member's header.
    pub fn digest_before(&mut self, Member(header): &Member) -> io::Result<ContentDigest> {
        self.reader.rewind()?;
        digest_of((&mut self.reader).take(u64::from(header.offset)))
    }

    /// Compares every byte outside the members' contents with the canonical one; returns the first difference.
    pub fn find_non_canonical(&mut self) -> io::Result<Option<NotCanonical>> {
        let mut position = 0_u64;
        let mut directory = Vec::new();
        for Member(header) in &self.members {
            let local = header.local();
            let is_next = u64::from(header.offset) == position;
            if !is_next || read_at(&mut self.reader, position, local.len() as u64)? != local {
                return Ok(Some(NotCanonical::Header { name: header.name.clone(), position }));
            }
            position += local.len() as u64 + u64::from(header.compressed_size);
            directory.extend(header.central());
        }
        self.find_non_canonical_end(position, &directory)
    }

    fn find_non_canonical_end(
        &mut self,
        position: u64,
        directory: &[u8],
    ) -> io::Result<Option<NotCanonical>> {
        let (Ok(directory_offset), Ok(directory_size)) =
            (u32::try_from(position), u32::try_from(directory.len()))
        else {
            return Ok(Some(NotCanonical::TooLong));
        };
        let found = (self.end_record.directory_offset, self.end_record.directory_size);
        if found != (directory_offset, directory_size)
            || read_at(&mut self.reader, position, directory.len() as u64)? != directory
        {
            return Ok(Some(NotCanonical::Directory { position: u64::from(found.0) }));
        }
        let member_count = u16::try_from(self.members.len()).unwrap_or(u16::MAX);
        let end = EndRecord { member_count, directory_size, directory_offset }.bytes();
        let expected_size = position + directory.len() as u64 + end.len() as u64;
        if self.file_size != expected_size {
            let count = self.file_size.saturating_sub(expected_size);
            return Ok(Some(NotCanonical::TrailingBytes { count }));
        }
        let found = read_at(&mut self.reader, self.end_position, end.len() as u64)?;
        Ok((found != end).then_some(NotCanonical::EndRecord))
    }
}

impl Member {
    /// Returns the name: untrusted, not to be used as a path.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the claimed uncompressed size.
    pub fn size(&self) -> u32 {
        self.0.size
    }
}

fn is_zip<R: Read + Seek>(reader: &mut R) -> io::Result<bool> {
    Ok(read_at(reader, 0, 2)? == b"PK")
}

fn parse_directory(mut directory: &[u8], count: usize) -> Result<Vec<Member>, ArchiveError> {
    if count > MAX_MEMBERS {
        return Err(ArchiveError::TooManyMembers(count));
    }
    let mut members = Vec::new();
    for _ in 0..count {
        let CentralEntry { header, length } = CentralEntry::parse(directory)?;
        members.push(Member(header));
        directory = directory.get(length..).ok_or(ArchiveError::TruncatedDirectory)?;
    }
    Ok(members)
}

fn read_at<R: Read + Seek>(reader: &mut R, position: u64, length: u64) -> io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(position))?;
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
