//! Verifies the container, its files, and the kit and scenarios that created them.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek};

use super::{Options, Report};
use crate::archive::{Archive, Member};
use crate::digest_of;
use crate::manifest::{FileDigest, MANIFEST, Manifest, SCENARIOS, is_plain};
use crate::signature::SIGNATURE;

/// Checks that the container is canonical, byte for byte.
pub(super) fn archive<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    report: &mut Report,
) -> io::Result<()> {
    const AREA: &str = "archive";
    let mut is_good = true;
    if let Err(difference) = archive.is_canonical()? {
        report.bad(AREA, format!("not canonical: {difference}"));
        is_good = false;
    }
    if let Some(member) = archive.member(MANIFEST) {
        let (bytes, sha256) = archive.digest_before(&member)?;
        if (bytes, &sha256) != (manifest.archive.bytes, &manifest.archive.sha256) {
            report.bad(AREA, format!("the first {bytes} bytes do not match the digest in the manifest"));
            is_good = false;
        }
    }
    if is_good {
        report.good(AREA, "canonical, byte for byte".to_owned());
    }
    Ok(())
}

/// Checks that exactly the files in the manifest are present, each once and unmodified.
pub(super) fn each<R: Read + Seek>(archive: &mut Archive<R>, manifest: &Manifest, report: &mut Report) {
    const AREA: &str = "files";
    let mut problems = Vec::new();
    let members = archive.members().to_vec();
    let mut seen = BTreeSet::new();
    for member in &members {
        let name = &member.name;
        if !seen.insert(name.clone()) {
            problems.push(format!("{} occurs twice", shown(name)));
        } else if !is_plain(name) {
            problems.push(format!("{} is not a valid file name in a bundle", shown(name)));
        } else if manifest.file(name).is_none() && ![MANIFEST, SIGNATURE].contains(&name.as_str()) {
            problems.push(format!("{} was added: it is not in the manifest", shown(name)));
        }
    }
    let mut listed = BTreeSet::new();
    for file in &manifest.files {
        if !listed.insert(&file.path) {
            problems.push(format!("{} occurs twice in the manifest", shown(&file.path)));
        }
        match members.iter().find(|member| member.name == file.path) {
            None => problems.push(format!("{} is missing", shown(&file.path))),
            Some(member) => problems.extend(difference(archive, member, file)),
        }
    }
    if problems.is_empty() {
        report.good(
            AREA,
            format!("{} files, all matching their digests in the manifest", manifest.files.len()),
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
        return Some(format!("{name} was modified: {} bytes instead of {}", member.size, file.bytes));
    }
    match archive.read(member).and_then(digest_of) {
        Ok((_, sha256)) if sha256 == file.sha256 => None,
        Ok(_) => Some(format!("{name} was modified: its digest differs from the manifest")),
        Err(error) => Some(format!("reading {name} failed: {error}")),
    }
}

/// Compares the bundle's kit and scenarios with this kit's.
pub(super) fn kit(manifest: &Manifest, options: &Options, report: &mut Report) {
    const AREA: &str = "kit";
    let (its, own) = (manifest.kit.version.as_str(), env!("CARGO_PKG_VERSION"));
    let is_same_build = options.executable.is_some() && manifest.kit_executable_sha256 == options.executable;
    if its != own {
        let its = its.escape_debug();
        report.warn(
            AREA,
            format!("created by version {its}, this is {own}: verdicts are compared, messages are not"),
        );
    } else if is_same_build {
        report.good(AREA, format!("version {own}, the same program"));
    } else {
        report.good(AREA, format!("version {own}, another build"));
    }
    scenarios(manifest, options, report);
}

/// Checks that the scenarios are this kit's: a doctored scenario is the obvious way to forge a good result.
fn scenarios(manifest: &Manifest, options: &Options, report: &mut Report) {
    const AREA: &str = "scenarios";
    let mut others = Vec::new();
    let mut count = 0;
    for file in &manifest.files {
        let Some(name) = file.path.strip_prefix(SCENARIOS) else { continue };
        count += 1;
        let own = options.own_scenarios.iter().find(|(own, _)| own == name);
        match own {
            None => others.push(format!("{} is not one of this kit's scenarios", shown(name))),
            Some((_, text)) if crate::digest(text) != file.sha256 => {
                others.push(format!("{} differs from this kit's", shown(name)));
            }
            Some(_) => {}
        }
    }
    // Removing a snapshot of an included sub-test would weaken its checks.
    for (name, _) in &options.own_scenarios {
        let is_snapshot_of = |file: &FileDigest| {
            let subtest = file.path.strip_prefix(SCENARIOS).and_then(|path| path.strip_suffix(".toml"));
            subtest.is_some_and(|subtest| {
                name.strip_prefix(subtest).is_some_and(|rest| rest.starts_with(".snap/"))
            })
        };
        if manifest.files.iter().any(is_snapshot_of) && manifest.file(&format!("{SCENARIOS}{name}")).is_none()
        {
            others.push(format!("{name} is missing, but is one of this kit's scenarios"));
        }
    }
    match (others.is_empty(), options.accepts_scenarios) {
        (true, _) => report.good(AREA, format!("{count} files, all identical to this kit's")),
        (false, true) => report.warn(
            AREA,
            format!(
                "{} of {count} files differ from this kit's (accepted): {}",
                others.len(),
                others.join("; ")
            ),
        ),
        (false, false) => {
            report.bad_all(AREA, others);
            report.bad(AREA, "not this kit's scenarios: use --accept-scenarios if you trust them".to_owned());
        }
    }
}

/// Escapes an untrusted name for output.
pub(super) fn shown(name: &str) -> String {
    name.escape_debug().to_string()
}
