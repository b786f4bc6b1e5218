//! The bytes of a member.

use std::io::{self, BufReader, Read, Take};

use flate2::{Crc, bufread::DeflateDecoder};

use super::method::Method;
use super::record::Header;

/// A reader of a member's bytes that enforces the size and checksum in the directory.
#[derive(Debug)]
pub struct Contents<'a, R> {
    source: Source<'a, R>,
    crc: Crc,
    remaining: u64,
    expected_crc: u32,
}

#[derive(Debug)]
enum Source<'a, R> {
    Stored(BufReader<Take<&'a mut R>>),
    Deflated(Box<DeflateDecoder<BufReader<Take<&'a mut R>>>>),
}

impl<'a, R: Read> Contents<'a, R> {
    /// `reader` stands at the member's first byte.
    pub(super) fn new(reader: &'a mut R, header: &Header) -> Self {
        let raw = BufReader::new(reader.take(u64::from(header.compressed_size)));
        let source = match header.method {
            Method::Stored => Source::Stored(raw),
            Method::Deflated => Source::Deflated(Box::new(DeflateDecoder::new(raw))),
        };
        Self { source, crc: Crc::new(), remaining: u64::from(header.size), expected_crc: header.crc }
    }
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
        self.crc.update(buffer.get(..read).unwrap_or_default());
        let is_end = read == 0;
        match self.remaining.checked_sub(u64::try_from(read).unwrap_or(u64::MAX)) {
            None => Err(invalid("longer than the size in the directory")),
            Some(remaining) if is_end && remaining > 0 => {
                Err(invalid("shorter than the size in the directory"))
            }
            Some(_) if is_end && self.crc.sum() != self.expected_crc => Err(invalid("checksum mismatch")),
            Some(remaining) => {
                self.remaining = remaining;
                Ok(read)
            }
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
