//! Verifies the files of the bundle.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use crate::archive::{Archive, Member};
use crate::digest_of;
use crate::manifest::{FileDigest, MANIFEST, Manifest, is_plain};
use crate::signature::SIGNATURE;

use super::escape::escaped;
use super::report::{Area, Report};

/// Checks that exactly the files in the manifest are present, each once and unmodified.
pub(super) fn verify<R: Read + Seek>(archive: &mut Archive<R>, manifest: &Manifest, report: &mut Report) {
    let members = archive.members().to_vec();
    let mut problems = unexpected(&members, manifest);
    let mut listed = BTreeSet::new();
    for file in &manifest.files {
        if !listed.insert(&file.path) {
            problems.push(format!("{} occurs twice in the manifest", escaped(&file.path)));
        }
        match members.iter().find(|member| member.name() == file.path) {
            None => problems.push(format!("{} is missing", escaped(&file.path))),
            Some(member) => problems.extend(modification(archive, member, file)),
        }
    }
    if problems.is_empty() {
        let count = manifest.files.len();
        report.good(Area::Files, format!("{count} files, all matching their digests in the manifest"));
    }
    report.bad_all(Area::Files, problems);
}

fn unexpected(members: &[Member], manifest: &Manifest) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for name in members.iter().map(Member::name) {
        if !seen.insert(name) {
            problems.push(format!("{} occurs twice", escaped(name)));
        } else if !is_plain(name) {
            problems.push(format!("{} is not a valid file name in a bundle", escaped(name)));
        } else if manifest.file(name).is_none() && ![MANIFEST, SIGNATURE].contains(&name) {
            problems.push(format!("{} was added: it is not in the manifest", escaped(name)));
        }
    }
    problems
}

fn modification<R: Read + Seek>(
    archive: &mut Archive<R>,
    member: &Member,
    file: &FileDigest,
) -> Option<String> {
    let name = escaped(&file.path);
    let (size, recorded_size) = (member.size(), file.bytes);
    if u64::from(size) != recorded_size {
        return Some(format!("{name} was modified: {size} bytes instead of {recorded_size}"));
    }
    match archive.read(member).and_then(digest_of) {
        Ok(digest) if digest.sha256 == file.sha256 => None,
        Ok(_) => Some(format!("{name} was modified: its digest differs from the manifest")),
        Err(error) => Some(format!("reading {name} failed: {error}")),
    }
}
