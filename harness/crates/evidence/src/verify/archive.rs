use std::io::{self, Read, Seek};

use crate::archive::Archive;
use crate::manifest::{MANIFEST, Manifest};

use super::report::{Area, Report};

/// Checks that the container is canonical, byte for byte.
pub(super) fn verify<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    report: &mut Report,
) -> io::Result<()> {
    let mut is_good = true;
    if let Some(difference) = archive.find_non_canonical()? {
        report.bad(Area::Archive, format!("not canonical: {difference}"));
        is_good = false;
    }
    if let Some(member) = archive.member(MANIFEST) {
        let before = archive.digest_before(&member)?;
        if (before.length, &before.sha256) != (manifest.archive.bytes, &manifest.archive.sha256) {
            report.bad(
                Area::Archive,
                format!("the first {} bytes do not match the digest in the manifest", before.length),
            );
            is_good = false;
        }
    }
    if is_good {
        report.good(Area::Archive, "canonical, byte for byte".to_owned());
    }
    Ok(())
}
