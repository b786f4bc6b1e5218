//! The container, the files in it and the kit that made them.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek};

use super::{Options, Report};
use crate::archive::{Archive, Member};
use crate::digest_of;
use crate::manifest::{FileDigest, MANIFEST, Manifest, SCENARIOS, is_plain};
use crate::signature::SIGNATURE;

/// Whether the container is the one that the kit writes, byte for byte.
pub(super) fn archive<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    report: &mut Report,
) -> io::Result<()> {
    const AREA: &str = "archive";
    let mut is_good = true;
    if let Err(difference) = archive.is_canonical()? {
        report.bad(AREA, format!("not packed as the kit packs: {difference}"));
        is_good = false;
    }
    if let Some(member) = archive.member(MANIFEST) {
        let (bytes, sha256) = archive.digest_before(&member)?;
        if (bytes, &sha256) != (manifest.archive.bytes, &manifest.archive.sha256) {
            report.bad(
                AREA,
                format!("its first {bytes} bytes are not those that the manifest has the digest of"),
            );
            is_good = false;
        }
    }
    if is_good {
        report.good(AREA, "every byte of the container is as the kit packs it".to_owned());
    }
    Ok(())
}

/// Whether each file is there, once and unchanged, and no other.
pub(super) fn each<R: Read + Seek>(archive: &mut Archive<R>, manifest: &Manifest, report: &mut Report) {
    const AREA: &str = "files";
    let mut problems = Vec::new();
    let members = archive.members().to_vec();
    let mut seen = BTreeSet::new();
    for member in &members {
        let name = &member.name;
        if !seen.insert(name.clone()) {
            problems.push(format!("{} is there twice", shown(name)));
        } else if !is_plain(name) {
            problems.push(format!("{} is no name that a bundle's file has", shown(name)));
        } else if manifest.file(name).is_none() && ![MANIFEST, SIGNATURE].contains(&name.as_str()) {
            problems.push(format!("{} is not in the manifest: it was added", shown(name)));
        }
    }
    let mut listed = BTreeSet::new();
    for file in &manifest.files {
        if !listed.insert(&file.path) {
            problems.push(format!("{} is in the manifest twice", shown(&file.path)));
        }
        match members.iter().find(|member| member.name == file.path) {
            None => problems.push(format!("{} is missing", shown(&file.path))),
            Some(member) => problems.extend(difference(archive, member, file)),
        }
    }
    if problems.is_empty() {
        report.good(
            AREA,
            format!("{} files, each with the digest that the manifest has", manifest.files.len()),
        );
    }
    report.bad_all(AREA, problems);
}

fn difference<R: Read + Seek>(
    archive: &mut Archive<R>,
    member: &Member,
    file: &FileDigest,
) -> Option<String> {
    let name = shown(&file.path);
    if u64::from(member.size) != file.bytes {
        return Some(format!("{name} was changed: it has {} bytes and had {}", member.size, file.bytes));
    }
    match archive.read(member).and_then(digest_of) {
        Ok((_, sha256)) if sha256 == file.sha256 => None,
        Ok(_) => Some(format!("{name} was changed: its digest is another than the manifest's")),
        Err(error) => Some(format!("{name} cannot be read: {error}")),
    }
}

/// Whether this kit is the one that judged, and whether it judged by this kit's scenarios.
pub(super) fn kit(manifest: &Manifest, options: &Options, report: &mut Report) {
    const AREA: &str = "kit";
    let (its, own) = (manifest.kit.version.as_str(), env!("CARGO_PKG_VERSION"));
    let is_same_build = options.executable.is_some() && manifest.kit_executable_sha256 == options.executable;
    if its != own {
        let its = its.escape_debug();
        report.warn(
            AREA,
            format!("made by version {its}, and this is {own}: verdicts are compared, words are not"),
        );
    } else if is_same_build {
        report.good(AREA, format!("version {own}, the very program that verifies it"));
    } else {
        report.good(AREA, format!("version {own}, as this one, though another build of it"));
    }
    scenarios(manifest, options, report);
}

/// A doctored scenario is the obvious way to a good result.
fn scenarios(manifest: &Manifest, options: &Options, report: &mut Report) {
    const AREA: &str = "scenarios";
    let mut others = Vec::new();
    let mut count = 0;
    for file in &manifest.files {
        let Some(name) = file.path.strip_prefix(SCENARIOS) else { continue };
        count += 1;
        let own = options.own_scenarios.iter().find(|(own, _)| own == name);
        match own {
            None => others.push(format!("{} is no file of this kit's scenarios", shown(name))),
            Some((_, text)) if crate::digest(text) != file.sha256 => {
                others.push(format!("{} differs from this kit's", shown(name)));
            }
            Some(_) => {}
        }
    }
    // A snapshot that is missing would be a missing file of a sub-test that is there.
    for (name, _) in &options.own_scenarios {
        let is_snapshot_of = |file: &FileDigest| {
            let subtest = file.path.strip_prefix(SCENARIOS).and_then(|path| path.strip_suffix(".toml"));
            subtest.is_some_and(|subtest| {
                name.strip_prefix(subtest).is_some_and(|rest| rest.starts_with(".snap/"))
            })
        };
        if manifest.files.iter().any(is_snapshot_of) && manifest.file(&format!("{SCENARIOS}{name}")).is_none()
        {
            others.push(format!("{name} of this kit's scenarios is missing"));
        }
    }
    match (others.is_empty(), options.accepts_scenarios) {
        (true, _) => report.good(AREA, format!("{count} files, all as this kit has them")),
        (false, true) => report.warn(
            AREA,
            format!(
                "{} of {count} files are not this kit's, which is accepted: {}",
                others.len(),
                others.join("; ")
            ),
        ),
        (false, false) => {
            report.bad_all(AREA, others);
            report.bad(
                AREA,
                "judged by other scenarios than this kit's; --accept-scenarios if you know them".to_owned(),
            );
        }
    }
}

/// A name from a stranger, as it may be printed.
pub(super) fn shown(name: &str) -> String {
    name.escape_debug().to_string()
}
