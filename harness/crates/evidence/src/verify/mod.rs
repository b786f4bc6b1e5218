//! Verifies a bundle: it must be complete and unmodified, and re-evaluating its checks must reproduce the recorded
//! outcomes.
//!
//! The bundle is untrusted: nothing in it is executed, chooses a path to write to, or is believed about its size.

mod agreement;
mod compare;
mod files;
mod judgement;
mod report;

use std::io::{self, Read, Seek};

use crate::archive::{Archive, NotAnArchive};
use crate::manifest::{FORMAT, MANIFEST, Manifest};
use crate::signature::{self, SIGNATURE};

pub use report::{Finding, Report, State};

/// Upper bound of a manifest's or signature's size.
const MAX_MANIFEST_LEN: u64 = 16 << 20;

/// Options of a verification.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The public key that must have signed the bundle.
    pub public_key: Option<String>,
    /// Whether scenarios may differ from the kit's own.
    pub accepts_scenarios: bool,
    /// The kit's own scenarios, by path relative to their folder.
    pub own_scenarios: Vec<(String, Vec<u8>)>,
    /// The digest of this program, if known.
    pub executable: Option<String>,
}

/// The file is not a bundle that can be verified.
#[derive(Debug, thiserror::Error)]
pub enum NotABundle {
    #[error(transparent)]
    Archive(#[from] NotAnArchive),
    #[error("not an evidence bundle: {MANIFEST} is missing")]
    NoManifest,
    #[error(
        "unsupported bundle format `{0}`: this kit reads `{FORMAT}`\nuse the kit that created the bundle"
    )]
    OtherForm(String),
    #[error("verification failed: {0}")]
    Surroundings(#[from] io::Error),
}

/// Verifies integrity and signature, and re-evaluates every check.
///
/// # Errors
/// The file is not a bundle of this format, or a temporary file cannot be written.
pub fn verify<R: Read + Seek>(reader: R, options: &Options) -> Result<Report, NotABundle> {
    let mut archive = Archive::open(reader)?;
    let (mut report, manifest) = integrity(&mut archive, options)?;
    if let Some(manifest) = manifest {
        judgement::again(&mut archive, &manifest, &mut report)?;
    }
    Ok(report)
}

/// Verifies that the bundle is complete and unmodified, without re-evaluating checks. Returns the manifest if it is
/// valid.
///
/// # Errors
/// The file is not a bundle of this format.
pub fn integrity<R: Read + Seek>(
    archive: &mut Archive<R>,
    options: &Options,
) -> Result<(Report, Option<Manifest>), NotABundle> {
    let member = archive.member(MANIFEST).ok_or(NotABundle::NoManifest)?;
    let mut report = Report::default();
    let text = match archive.whole(&member, MAX_MANIFEST_LEN) {
        Ok(text) => text,
        Err(error) => {
            report.bad("manifest", format!("reading {MANIFEST} failed: {error}"));
            return Ok((report, None));
        }
    };
    let manifest = match serde_json::from_slice::<Manifest>(&text) {
        Ok(manifest) => manifest,
        Err(error) => {
            if let Some(form) = other_form(&text) {
                return Err(NotABundle::OtherForm(form));
            }
            report.bad("manifest", format!("invalid {MANIFEST}: {error}"));
            return Ok((report, None));
        }
    };
    if manifest.format != FORMAT {
        return Err(NotABundle::OtherForm(manifest.format));
    }
    report.of(&manifest);
    files::archive(archive, &manifest, &mut report)?;
    if manifest.text().ok().is_none_or(|canonical| canonical.as_bytes() != text) {
        report.bad("manifest", format!("{MANIFEST} is not in the kit's canonical form"));
    }
    files::each(archive, &manifest, &mut report);
    signed(archive, &manifest, &text, options, &mut report);
    files::kit(&manifest, options, &mut report);
    Ok((report, Some(manifest)))
}

fn other_form(manifest: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(manifest).ok()?;
    let form = value.get("format")?.as_str()?;
    (form != FORMAT && form.len() < 100).then(|| form.escape_debug().to_string())
}

fn signed<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    text: &[u8],
    options: &Options,
    report: &mut Report,
) {
    const AREA: &str = "signature";
    let member = archive.member(SIGNATURE);
    let (Some(member), Some(signer)) = (member, &manifest.signed_by) else {
        match (archive.member(SIGNATURE), &manifest.signed_by, &options.public_key) {
            (None, Some(_), _) => {
                report.bad(
                    AREA,
                    format!("{SIGNATURE} is missing, although the manifest says that it is signed"),
                );
            }
            (Some(_), None, _) => {
                report.bad(
                    AREA,
                    format!("{SIGNATURE} exists, although the manifest says that it is not signed"),
                );
            }
            (_, _, Some(key)) => report.bad(AREA, format!("not signed, but --public-key requires {key}")),
            _ => report.warn(
                AREA,
                "not signed: digests detect damage, but anyone can rewrite a bundle as a whole".to_owned(),
            ),
        }
        return;
    };
    let signature = archive
        .whole(&member, MAX_MANIFEST_LEN)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| io::Error::other("not valid UTF-8")));
    let wanted = options.public_key.as_ref().unwrap_or(signer);
    if wanted != signer {
        report.bad(AREA, format!("signed by {signer}, not by {wanted}"));
    }
    let verified = signature.map_err(|error| error.to_string());
    match verified.and_then(|signature| signature::verify(wanted, text, &signature)) {
        Err(error) => report.bad(AREA, format!("invalid signature for {wanted}: {error}")),
        Ok(()) if options.public_key.is_some() => {
            report.good(AREA, format!("valid, by the expected key {wanted}"))
        }
        Ok(()) => report.warn(
            AREA,
            format!(
                "valid, by {wanted}, a key known only from the bundle itself: check it with --public-key"
            ),
        ),
    }
}
