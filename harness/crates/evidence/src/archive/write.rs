//! Writes an archive, one member after the other.

use std::io::{self, Read, Seek as _, SeekFrom, Write};

use flate2::{Compression, Crc, write::DeflateEncoder};
use sha2::{Digest as _, Sha256};

use super::{Header, Method, end};

/// Writes an archive and knows the digest of what it has written.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    written: u64,
    digest: Sha256,
    directory: Vec<u8>,
    count: u16,
}

/// What was written of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// How many bytes it has.
    pub size: u64,
    /// Their SHA-256 digest in hex.
    pub sha256: String,
}

impl<W: Write> Writer<W> {
    /// An archive without members.
    pub fn new(inner: W) -> Self {
        Self { inner, written: 0, digest: Sha256::new(), directory: Vec::new(), count: 0 }
    }

    /// Adds a member.
    ///
    /// # Errors
    /// Something cannot be read or written, or there are 4 GiB of it, which this form of zip does not hold.
    pub fn add(&mut self, name: &str, method: Method, mut content: impl Read) -> io::Result<Written> {
        let mut meter =
            Meter { inner: tempfile::tempfile()?, crc: Crc::new(), digest: Sha256::new(), size: 0 };
        let mut packed = match method {
            Method::Stored => {
                io::copy(&mut content, &mut meter)?;
                meter.inner.try_clone()?
            }
            Method::Deflated => {
                let file = tempfile::tempfile()?;
                let mut encoder = DeflateEncoder::new(file, Compression::default());
                let mut tee = Tee { meter: &mut meter, encoder: &mut encoder };
                io::copy(&mut content, &mut tee)?;
                encoder.finish()?
            }
        };
        let length = packed.seek(SeekFrom::End(0))?;
        packed.rewind()?;
        let header = Header {
            name,
            method,
            crc: meter.crc.sum(),
            packed: small(length)?,
            size: small(meter.size)?,
            offset: small(self.written)?,
        };
        self.put(&header.local())?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = packed.read(&mut buffer)?;
            let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else { break };
            self.put(chunk)?;
        }
        self.directory.extend(header.central());
        self.count = self.count.checked_add(1).ok_or_else(too_much)?;
        Ok(Written { size: meter.size, sha256: hex::encode(meter.digest.finalize()) })
    }

    /// How many bytes were written, and their digest.
    pub fn so_far(&self) -> (u64, String) {
        (self.written, hex::encode(self.digest.clone().finalize()))
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        let at = small(self.written)?;
        let directory = std::mem::take(&mut self.directory);
        let length = small(u64::try_from(directory.len()).unwrap_or(u64::MAX))?;
        self.put(&directory)?;
        self.put(&end(self.count, length, at))?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)?;
        self.digest.update(bytes);
        self.written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }
}

/// Counts and digests what goes into a member; keeps it too if it is stored.
struct Meter {
    inner: std::fs::File,
    crc: Crc,
    digest: Sha256,
    size: u64,
}

impl Meter {
    fn note(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        self.digest.update(bytes);
        self.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }
}

impl Write for Meter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.note(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

struct Tee<'a> {
    meter: &'a mut Meter,
    encoder: &'a mut DeflateEncoder<std::fs::File>,
}

impl Write for Tee<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.encoder.write(bytes)?;
        self.meter.note(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn small(length: u64) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| too_much())
}

fn too_much() -> io::Error {
    io::Error::other(
        "a bundle holds less than 4 GiB; bundle a smaller run (--suite, --filter, fewer repetitions)",
    )
}
