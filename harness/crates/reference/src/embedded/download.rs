//! What machines download as the agent. This program is large when it is unoptimised, and most of it is debugging
//! information: machines of this host get a line that starts it, and others the part of it that is loaded when it runs.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The headers of ELF files for 64 bits, in the order of bytes of all platforms that the agent runs on.
const MAGIC: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
const HEADER_LEN: usize = 64;
const SEGMENT_LEN: usize = 56;
/// Where the header names its tables, and how long these are.
const SEGMENTS_AT: usize = 32;
const SECTIONS_AT: usize = 40;
const SEGMENT_COUNT_AT: usize = 56;
const SECTION_COUNT_AT: usize = 60;
/// Where a segment's header names its place in the file.
const SEGMENT_START_AT: usize = 8;
const SEGMENT_SIZE_AT: usize = 32;

/// Returns the path of a line of a shell that starts this program, for machines that are processes of this host.
pub(super) fn launcher() -> Option<PathBuf> {
    static LINE: OnceLock<Option<File>> = OnceLock::new();
    path_of(LINE.get_or_init(|| write_launcher().ok()))
}

/// Returns the path of a copy of the program without what is not loaded.
pub(super) fn loaded_part(program: &Path) -> Option<PathBuf> {
    static COPY: OnceLock<Option<File>> = OnceLock::new();
    path_of(COPY.get_or_init(|| File::open(program).and_then(|file| copy(&file)).ok()))
}

/// The file has no name, and is gone with this process.
fn path_of(file: &Option<File>) -> Option<PathBuf> {
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_ref()?.as_raw_fd()));
    path.exists().then_some(path)
}

fn write_launcher() -> io::Result<File> {
    let mut line = tempfile::tempfile()?;
    // The link still leads to the program after a rebuild has replaced its file.
    write!(line, "#!/bin/sh\nexec /proc/{}/exe \"$@\"\n", std::process::id())?;
    Ok(line)
}

fn copy(program: &File) -> io::Result<File> {
    let mut program = program;
    let mut header = [0; HEADER_LEN];
    program.read_exact(&mut header)?;
    let end = end_of_segments(program, &header)?;
    let mut copy = tempfile::tempfile()?;
    program.rewind()?;
    io::copy(&mut program.take(end), &mut copy)?;
    without_sections(&mut header);
    copy.rewind()?;
    copy.write_all(&header)?;
    Ok(copy)
}

/// Where the last segment ends in the file.
fn end_of_segments(mut program: &File, header: &[u8; HEADER_LEN]) -> io::Result<u64> {
    if !header.starts_with(&MAGIC) {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let (start, count) = (number(header, SEGMENTS_AT, 8), number(header, SEGMENT_COUNT_AT, 2));
    program.seek(SeekFrom::Start(start))?;
    let mut end = start;
    for _ in 0..count {
        let mut segment = [0; SEGMENT_LEN];
        program.read_exact(&mut segment)?;
        end = end.max(number(&segment, SEGMENT_START_AT, 8) + number(&segment, SEGMENT_SIZE_AT, 8));
    }
    Ok(end)
}

/// The table of sections is behind the segments.
fn without_sections(header: &mut [u8; HEADER_LEN]) {
    for (at, length) in [(SECTIONS_AT, 8), (SECTION_COUNT_AT, 4)] {
        if let Some(field) = header.get_mut(at..at + length) {
            field.fill(0);
        }
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let field = bytes.get(at..at + length).unwrap_or_default();
    field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What a downloaded copy of the file prints when it is asked for its tests.
    fn run(file: &Path) -> String {
        let folder = tempfile::tempdir().unwrap();
        let installed = folder.path().join("installed");
        std::fs::copy(file, &installed).unwrap();
        std::fs::set_permissions(&installed, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let listed = Command::new(&installed).args(["--list", "downloads"]).output().unwrap();
        String::from_utf8_lossy(&listed.stdout).into_owned()
    }

    #[test]
    fn downloads_run_this_program() {
        let program = std::env::current_exe().unwrap();
        let part = loaded_part(&program).unwrap();
        let length = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(length(&part) < length(&program), "without its debugging information");
        assert_eq!(loaded_part(&program), Some(part.clone()), "made once");
        for file in [part, launcher().unwrap()] {
            assert!(run(&file).contains("downloads_run_this_program"), "{}", file.display());
        }
    }

    #[test]
    fn a_script_is_no_program_with_segments() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        std::fs::write(&script, format!("#!/bin/sh\n{}", " ".repeat(100))).unwrap();
        assert!(copy(&File::open(script).unwrap()).is_err());
    }
}
