//! Verifies a bundle: it must be complete and unmodified, and re-evaluating its checks must reproduce the recorded
//! outcomes.
//!
//! The bundle is untrusted: nothing in it is executed, chooses a path to write to, or is believed about its size.

mod archive;
mod difference;
mod escape;
mod files;
mod kit;
mod lines;
mod obstacle;
mod options;
mod plan;
mod reevaluation;
mod replay;
mod report;
mod results;
mod scenarios;
mod signature;

use std::io::{Read, Seek};

use crate::EvidenceError;
use crate::archive::Archive;
use crate::manifest::{FORMAT, MANIFEST, Manifest};

use options::MAX_MANIFEST_LEN;
pub use options::Options;
pub use report::{Area, BundleSummary, Finding, Report, State};

/// Verifies integrity and signature, and re-evaluates every check.
///
/// # Errors
/// The file is not a bundle of this format, or a temporary file cannot be written.
pub fn verify<R: Read + Seek>(reader: R, options: &Options) -> Result<Report, EvidenceError> {
    let mut archive = Archive::open(reader)?;
    let (mut report, manifest) = verify_integrity(&mut archive, options)?;
    if let Some(manifest) = manifest {
        reevaluation::reevaluate(&mut archive, &manifest, &mut report)?;
    }
    Ok(report)
}

/// Verifies that the bundle is complete and unmodified, without re-evaluating checks. Returns the manifest if it is
/// valid.
///
/// # Errors
/// The file is not a bundle of this format.
pub fn verify_integrity<R: Read + Seek>(
    archive: &mut Archive<R>,
    options: &Options,
) -> Result<(Report, Option<Manifest>), EvidenceError> {
    let member = archive.member(MANIFEST).ok_or(EvidenceError::NoManifest)?;
    let mut report = Report::default();
    let text = match archive.read_all(&member, MAX_MANIFEST_LEN) {
        Ok(text) => text,
        Err(error) => {
            report.bad(Area::Manifest, format!("reading {MANIFEST} failed: {error}"));
            return Ok((report, None));
        }
    };
    let manifest = match serde_json::from_slice::<Manifest>(&text) {
        Ok(manifest) if manifest.format != FORMAT => {
            return Err(EvidenceError::UnsupportedFormat(manifest.format));
        }
        Ok(manifest) => manifest,
        Err(error) => {
            if let Some(format) = unsupported_format(&text) {
                return Err(EvidenceError::UnsupportedFormat(format));
            }
            report.bad(Area::Manifest, format!("invalid {MANIFEST}: {error}"));
            return Ok((report, None));
        }
    };
    report.describe(&manifest);
    archive::verify(archive, &manifest, &mut report)?;
    if manifest.text().ok().is_none_or(|canonical| canonical.as_bytes() != text) {
        report.bad(Area::Manifest, format!("{MANIFEST} is not in the kit's canonical form"));
    }
    files::verify(archive, &manifest, &mut report);
    signature::verify(archive, &manifest, &text, options, &mut report);
    kit::verify(&manifest, options, &mut report);
    Ok((report, Some(manifest)))
}

/// Returns the format that a manifest of another version claims.
fn unsupported_format(manifest: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(manifest).ok()?;
    let format = value.get("format")?.as_str()?;
    (format != FORMAT && format.len() < 100).then(|| format.escape_debug().to_string())
}
