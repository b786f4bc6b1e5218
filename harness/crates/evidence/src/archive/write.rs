//! Writes a canonical archive.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};

use flate2::{Compression, Crc, write::DeflateEncoder};
use sha2::{Digest as _, Sha256};

use crate::ContentDigest;

use super::method::Method;
use super::record::{EndRecord, Header};

/// Writes a canonical archive and computes the digest of the written bytes.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    written: u64,
    digest: Sha256,
    directory: Vec<u8>,
    member_count: u16,
}

/// The uncompressed size and digest of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub size: u64,
    pub sha256: String,
}

impl<W: Write> Writer<W> {
    pub fn new(inner: W) -> Self {
        Self { inner, written: 0, digest: Sha256::new(), directory: Vec::new(), member_count: 0 }
    }

    /// Adds a member.
    ///
    /// # Errors
    /// Reading or writing fails, or the archive exceeds 4 GiB (zip64 is not used).
    pub fn add(&mut self, name: &str, method: Method, content: impl Read) -> io::Result<Written> {
        let mut packed = Packed::new(method, content)?;
        let header = Header {
            name: name.to_owned(),
            method,
            crc: packed.crc.sum(),
            compressed_size: fit(packed.file.seek(SeekFrom::End(0))?)?,
            size: fit(packed.size)?,
            offset: fit(self.written)?,
        };
        packed.file.rewind()?;
        self.put(&header.local())?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = packed.file.read(&mut buffer)?;
            let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
            self.put(chunk)?;
        }
        self.directory.extend(header.central());
        self.member_count = self.member_count.checked_add(1).ok_or_else(too_large)?;
        Ok(Written { size: packed.size, sha256: hex::encode(packed.digest.finalize()) })
    }

    /// Returns length and digest of the bytes written so far.
    pub fn so_far(&self) -> ContentDigest {
        ContentDigest { length: self.written, sha256: hex::encode(self.digest.clone().finalize()) }
    }

    pub fn finish(mut self) -> io::Result<W> {
        let directory = std::mem::take(&mut self.directory);
        let end = EndRecord {
            member_count: self.member_count,
            directory_size: fit(directory.len() as u64)?,
            directory_offset: fit(self.written)?,
        };
        self.put(&directory)?;
        self.put(&end.bytes())?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)?;
        self.digest.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }
}

/// A member packed into a temporary file: its header, which comes first, needs the packed size.
struct Packed {
    file: File,
    crc: Crc,
    digest: Sha256,
    size: u64,
}

impl Packed {
    fn new(method: Method, content: impl Read) -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        match method {
            Method::Stored => Self::copied(content, file, Ok),
            Method::Deflated => {
                let encoder = DeflateEncoder::new(file, Compression::default());
                Self::copied(content, encoder, DeflateEncoder::finish)
            }
        }
    }

    fn copied<W: Write>(
        mut content: impl Read,
        packer: W,
        finish: impl FnOnce(W) -> io::Result<File>,
    ) -> io::Result<Self> {
        let mut meter = Meter { inner: packer, crc: Crc::new(), digest: Sha256::new(), size: 0 };
        io::copy(&mut content, &mut meter)?;
        let Meter { inner, crc, digest, size } = meter;
        Ok(Self { file: finish(inner)?, crc, digest, size })
    }
}

/// Counts and digests the bytes that pass through.
struct Meter<W> {
    inner: W,
    crc: Crc,
    digest: Sha256,
    size: u64,
}

impl<W: Write> Write for Meter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        let passed = bytes.get(..written).unwrap_or_default();
        self.crc.update(passed);
        self.digest.update(passed);
        self.size += passed.len() as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn fit(length: u64) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| too_large())
}

fn too_large() -> io::Error {
    io::Error::other("bundle exceeds 4 GiB\nselect fewer sub-tests (--suite, --filter) or fewer repetitions")
}
