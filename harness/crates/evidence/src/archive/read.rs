//! Reads an archive that may be anything: nothing of it is believed, and nothing is written anywhere.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use flate2::{Crc, bufread::DeflateDecoder};

use crate::digest_of;

use super::{CENTRAL, CENTRAL_LENGTH, END, END_LENGTH, Header, LOCAL_LENGTH, Method, end};

/// More members than any run has.
const MOST_MEMBERS: usize = 20_000;
/// Longer names than any file of a bundle has.
const LONGEST_NAME: usize = 200;
/// How far from the end of a file its archive may end to be found at all: zip's own limit.
const LONGEST_COMMENT: u64 = u16::MAX as u64;

/// An archive, its members known and not yet read.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    length: u64,
    members: Vec<Member>,
    end: u64,
    directory: (u64, u64),
}

/// A file in the archive, as the archive's directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name; not yet checked, and no path that anything may be written to.
    pub name: String,
    /// How its bytes are kept.
    pub method: Method,
    /// How many bytes it says it has.
    pub size: u32,
    crc: u32,
    packed: u32,
    offset: u32,
}

/// The file is no whole zip archive.
#[derive(Debug, thiserror::Error)]
pub enum NotAnArchive {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It begins otherwise.
    #[error("it is no zip archive")]
    OtherFile,
    /// Its end is missing.
    #[error("it is a zip archive that was cut off: its end is missing")]
    CutOff,
    /// Its directory makes no sense.
    #[error("it is no whole zip archive: {0}")]
    Broken(String),
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory.
    ///
    /// # Errors
    /// There is none, or none that makes sense.
    pub fn open(mut reader: R) -> Result<Self, NotAnArchive> {
        let length = reader.seek(SeekFrom::End(0))?;
        let start = length.saturating_sub(LONGEST_COMMENT + 22);
        let tail = bytes(&mut reader, start, length - start)?;
        let Some(at) = tail.windows(END_LENGTH).rposition(|window| window.starts_with(&END.to_le_bytes()))
        else {
            let mut first = [0; 2];
            reader.rewind()?;
            let is_zip = reader.read_exact(&mut first).is_ok() && &first == b"PK";
            return Err(if is_zip { NotAnArchive::CutOff } else { NotAnArchive::OtherFile });
        };
        let record = tail.get(at..).unwrap_or_default();
        let count = usize::from(number_16(record, 10));
        let (size, offset) = (u64::from(number_32(record, 12)), u64::from(number_32(record, 16)));
        let end = start + u64::try_from(at).unwrap_or(u64::MAX);
        if offset + size > end {
            return Err(NotAnArchive::CutOff);
        }
        if count > MOST_MEMBERS {
            return Err(NotAnArchive::Broken(format!("{count} files are more than a bundle has")));
        }
        let directory = bytes(&mut reader, offset, size)?;
        let members = members(&directory, count)?;
        Ok(Self { reader, length, members, end, directory: (offset, size) })
    }

    /// Its members, in the directory's order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The first member of that name.
    pub fn member(&self, name: &str) -> Option<Member> {
        self.members.iter().find(|member| member.name == name).cloned()
    }

    /// Whether every byte that is no member's own is the only one that can stand there; if not, what is wrong.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_canonical(&mut self) -> io::Result<Result<(), String>> {
        let mut at = 0_u64;
        let mut directory = Vec::new();
        for member in &self.members {
            let header = member.header();
            let local = header.local();
            let found = bytes(&mut self.reader, at, local.len() as u64)?;
            if u64::from(member.offset) != at || found != local {
                return Ok(Err(format!(
                    "the header of {} at byte {at} is not the kit's",
                    shown(&member.name)
                )));
            }
            at += local.len() as u64 + u64::from(member.packed);
            directory.extend(header.central());
        }
        let count = u16::try_from(self.members.len()).unwrap_or(u16::MAX);
        let Ok(start) = u32::try_from(at) else { return Ok(Err("it is too long".to_owned())) };
        let size = u32::try_from(directory.len()).unwrap_or(u32::MAX);
        if self.directory != (at, directory.len() as u64)
            || bytes(&mut self.reader, at, directory.len() as u64)? != directory
        {
            return Ok(Err(format!("its directory at byte {} is not the kit's", self.directory.0)));
        }
        let last = end(count, size, start);
        let wanted = at + directory.len() as u64 + last.len() as u64;
        if self.length != wanted {
            let more = self.length.saturating_sub(wanted);
            return Ok(Err(format!("there are {more} bytes more than belong to it")));
        }
        let found = bytes(&mut self.reader, self.end, last.len() as u64)?;
        Ok(if found == last { Ok(()) } else { Err("its last bytes are not the kit's".to_owned()) })
    }

    /// The digest of everything before a member's header.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn digest_before(&mut self, member: &Member) -> io::Result<(u64, String)> {
        self.reader.rewind()?;
        digest_of((&mut self.reader).take(u64::from(member.offset)))
    }

    /// A member's bytes, unpacked as they are read. Reading fails where they are not what the directory says.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&mut self, member: &Member) -> io::Result<Contents<'_, R>> {
        let header = bytes(&mut self.reader, u64::from(member.offset), LOCAL_LENGTH as u64)?;
        let skip = u64::from(number_16(&header, 26)) + u64::from(number_16(&header, 28));
        self.reader.seek(SeekFrom::Start(u64::from(member.offset) + LOCAL_LENGTH as u64 + skip))?;
        let raw = BufReader::new((&mut self.reader).take(u64::from(member.packed)));
        let source = match member.method {
            Method::Stored => Source::Stored(raw),
            Method::Deflated => Source::Deflated(Box::new(DeflateDecoder::new(raw))),
        };
        Ok(Contents { source, crc: Crc::new(), left: u64::from(member.size), wanted: member.clone() })
    }

    /// A member's bytes as a whole.
    ///
    /// # Errors
    /// They are more than `most`, or are not what the directory says.
    pub fn whole(&mut self, member: &Member, most: u64) -> io::Result<Vec<u8>> {
        if u64::from(member.size) > most {
            return Err(io::Error::other(format!("it has {} bytes, which is too many for it", member.size)));
        }
        let mut whole = Vec::new();
        self.read(member)?.read_to_end(&mut whole)?;
        Ok(whole)
    }
}

impl Member {
    fn header(&self) -> Header<'_> {
        let Self { name, method, size, crc, packed, offset } = self;
        Header { name, method: *method, crc: *crc, packed: *packed, size: *size, offset: *offset }
    }
}

/// The bytes of a member, checked while they are read: never more than announced, and of the announced checksum.
#[derive(Debug)]
pub struct Contents<'a, R> {
    source: Source<'a, R>,
    crc: Crc,
    left: u64,
    wanted: Member,
}

#[derive(Debug)]
enum Source<'a, R> {
    Stored(BufReader<Take<&'a mut R>>),
    Deflated(Box<DeflateDecoder<BufReader<Take<&'a mut R>>>>),
}

impl<R: Read> Read for Contents<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.source {
            Source::Stored(raw) => raw.read(buffer)?,
            Source::Deflated(raw) => raw.read(buffer)?,
        };
        let wrong = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        let chunk = buffer.get(..read).unwrap_or_default();
        self.crc.update(chunk);
        match self.left.checked_sub(u64::try_from(read).unwrap_or(u64::MAX)) {
            None => wrong("it is longer than the archive says"),
            Some(left) if read == 0 && left > 0 => wrong("it is shorter than the archive says"),
            Some(_) if read == 0 && self.crc.sum() != self.wanted.crc => wrong("its checksum is wrong"),
            Some(left) => {
                self.left = left;
                Ok(read)
            }
        }
    }
}

fn members(directory: &[u8], count: usize) -> Result<Vec<Member>, NotAnArchive> {
    let broken = |what: &str| NotAnArchive::Broken(what.to_owned());
    let mut members = Vec::new();
    let mut rest = directory;
    for _ in 0..count {
        if rest.len() < CENTRAL_LENGTH || number_32(rest, 0) != CENTRAL {
            return Err(broken("its directory breaks off"));
        }
        let (name, extra, comment) = (number_16(rest, 28), number_16(rest, 30), number_16(rest, 32));
        let all = CENTRAL_LENGTH + usize::from(name) + usize::from(extra) + usize::from(comment);
        let bytes = rest.get(CENTRAL_LENGTH..CENTRAL_LENGTH + usize::from(name));
        let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| broken("a name in its directory is no text"))?;
        if text.len() > LONGEST_NAME {
            return Err(broken("a name in its directory is too long"));
        }
        members.push(Member {
            name: text.to_owned(),
            method: match number_16(rest, 10) {
                0 => Method::Stored,
                8 => Method::Deflated,
                other => return Err(broken(&format!("{} is packed by method {other}", shown(text)))),
            },
            crc: number_32(rest, 16),
            packed: number_32(rest, 20),
            size: number_32(rest, 24),
            offset: number_32(rest, 42),
        });
        rest = rest.get(all..).ok_or_else(|| broken("its directory breaks off"))?;
    }
    Ok(members)
}

/// A name from a stranger, as it may be printed.
pub(super) fn shown(name: &str) -> String {
    format!("“{}”", name.escape_debug())
}

fn bytes<R: Read + Seek>(reader: &mut R, at: u64, length: u64) -> io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn number_16(bytes: &[u8], at: usize) -> u16 {
    let two = bytes.get(at..at + 2).and_then(|two| two.try_into().ok());
    u16::from_le_bytes(two.unwrap_or_default())
}

fn number_32(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    u32::from_le_bytes(four.unwrap_or_default())
}
