//! Verifies the signature of the manifest.

use std::io::{Read, Seek};

use crate::archive::Archive;
use crate::manifest::Manifest;
use crate::signature::{self, SIGNATURE};

use super::options::{MAX_MANIFEST_LEN, Options};
use super::report::{Area, Report};

/// `text` is the manifest's text, which the signature covers.
pub(super) fn verify<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    text: &[u8],
    options: &Options,
    report: &mut Report,
) {
    let member = archive.member(SIGNATURE);
    let (Some(member), Some(signer)) = (&member, &manifest.signed_by) else {
        return report_unsigned(member.is_some(), manifest, options, report);
    };
    let key = options.public_key.as_ref().unwrap_or(signer);
    if key != signer {
        report.bad(Area::Signature, format!("signed by {signer}, not by {key}"));
    }
    let signature = match archive.read_all(member, MAX_MANIFEST_LEN).map(String::from_utf8) {
        Ok(Ok(signature)) => signature,
        Ok(Err(_)) => return report.bad(Area::Signature, format!("{SIGNATURE} is not valid UTF-8")),
        Err(error) => return report.bad(Area::Signature, format!("reading {SIGNATURE} failed: {error}")),
    };
    match signature::verify(key, text, &signature) {
        Err(error) => report.bad(Area::Signature, format!("invalid signature for {key}: {error}")),
        Ok(()) if options.public_key.is_some() => {
            report.good(Area::Signature, format!("valid, by the expected key {key}"));
        }
        Ok(()) => report.warn(
            Area::Signature,
            format!("valid, by {key}, a key known only from the bundle itself: check it with --public-key"),
        ),
    }
}

fn report_unsigned(has_signature: bool, manifest: &Manifest, options: &Options, report: &mut Report) {
    match (has_signature, &manifest.signed_by, &options.public_key) {
        (false, Some(_), _) => report.bad(
            Area::Signature,
            format!("{SIGNATURE} is missing, although the manifest says that it is signed"),
        ),
        (true, _, _) => report.bad(
            Area::Signature,
            format!("{SIGNATURE} exists, although the manifest says that it is not signed"),
        ),
        (false, None, Some(key)) => {
            report.bad(Area::Signature, format!("not signed, but --public-key requires {key}"));
        }
        (false, None, None) => report.warn(
            Area::Signature,
            "not signed: digests detect damage, but anyone can rewrite a bundle as a whole".to_owned(),
        ),
    }
}
