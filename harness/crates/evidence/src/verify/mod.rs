//! Verifies a bundle: that it is whole and unchanged, and that every check comes out again as it was recorded.
//!
//! The bundle is a stranger's. Nothing of it is run, nothing of it says where something is written, and its sizes are
//! not believed.

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

/// A manifest is never longer.
const LONGEST_MANIFEST: u64 = 16 << 20;

/// What a bundle is verified with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The public key that must have signed it.
    pub public_key: Option<String>,
    /// Whether scenarios may be other than the kit's own.
    pub accepts_scenarios: bool,
    /// The kit's own scenarios, by name below their folder.
    pub own_scenarios: Vec<(String, Vec<u8>)>,
    /// The digest of this program, if it is known.
    pub executable: Option<String>,
}

/// The file is no bundle, so that there is nothing to verify.
#[derive(Debug, thiserror::Error)]
pub enum NotABundle {
    /// It is no whole archive.
    #[error(transparent)]
    Archive(#[from] NotAnArchive),
    /// It is another archive.
    #[error("it is a zip archive without {MANIFEST}; an evidence bundle has one")]
    NoManifest,
    /// It is a bundle of another form.
    #[error("it is a bundle of the form `{0}`; this kit reads `{FORMAT}`: use the kit that made it")]
    OtherForm(String),
    /// Something of the kit's own surroundings failed.
    #[error("it cannot be verified here: {0}")]
    Surroundings(#[from] io::Error),
}

/// Verifies everything that can be.
///
/// # Errors
/// There is nothing to verify.
pub fn verify<R: Read + Seek>(reader: R, options: &Options) -> Result<Report, NotABundle> {
    let mut archive = Archive::open(reader)?;
    let (mut report, manifest) = integrity(&mut archive, options)?;
    if let Some(manifest) = manifest {
        judgement::again(&mut archive, &manifest, &mut report)?;
    }
    Ok(report)
}

/// Verifies that the bundle is whole and unchanged, and judges nothing; with the manifest, if it can be read.
///
/// # Errors
/// There is nothing to verify.
pub fn integrity<R: Read + Seek>(
    archive: &mut Archive<R>,
    options: &Options,
) -> Result<(Report, Option<Manifest>), NotABundle> {
    let member = archive.member(MANIFEST).ok_or(NotABundle::NoManifest)?;
    let mut report = Report::default();
    let text = match archive.whole(&member, LONGEST_MANIFEST) {
        Ok(text) => text,
        Err(error) => {
            report.bad("manifest", format!("{MANIFEST} cannot be read: {error}"));
            return Ok((report, None));
        }
    };
    let manifest = match serde_json::from_slice::<Manifest>(&text) {
        Ok(manifest) => manifest,
        Err(error) => {
            if let Some(form) = other_form(&text) {
                return Err(NotABundle::OtherForm(form));
            }
            report.bad("manifest", format!("{MANIFEST} is not as the kit writes it: {error}"));
            return Ok((report, None));
        }
    };
    if manifest.format != FORMAT {
        return Err(NotABundle::OtherForm(manifest.format));
    }
    report.of(&manifest);
    files::archive(archive, &manifest, &mut report)?;
    if manifest.text().ok().is_none_or(|canonical| canonical.as_bytes() != text) {
        report.bad("manifest", format!("{MANIFEST} was written anew by something else than the kit"));
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
                report.bad(AREA, format!("the manifest says that it is signed, yet {SIGNATURE} is missing"));
            }
            (Some(_), None, _) => {
                report.bad(AREA, format!("{SIGNATURE} is there, yet the manifest says that it is not signed"));
            }
            (_, _, Some(key)) => report.bad(AREA, format!("the bundle is not signed, and --public-key wants {key}")),
            _ => report.warn(
                AREA,
                "none. The digests inside a bundle show damage, not who made it: whoever can rewrite all of it can \
                 make them fit"
                    .to_owned(),
            ),
        }
        return;
    };
    let signature = archive
        .whole(&member, LONGEST_MANIFEST)
        .and_then(|bytes| String::from_utf8(bytes).map_err(|_| io::Error::other("it is no text")));
    let wanted = options.public_key.as_ref().unwrap_or(signer);
    if wanted != signer {
        report.bad(AREA, format!("signed by {signer}, and not by {wanted}"));
    }
    let verified = signature.map_err(|error| error.to_string());
    match verified.and_then(|signature| signature::verify(wanted, text, &signature)) {
        Err(error) => report.bad(AREA, format!("{SIGNATURE} does not hold for {wanted}: {error}")),
        Ok(()) if options.public_key.is_some() => report.good(AREA, format!("by {wanted}, as asked for")),
        Ok(()) => report.warn(
            AREA,
            format!("by {wanted}; that key is named in the bundle alone: --public-key says whose you expect"),
        ),
    }
}
