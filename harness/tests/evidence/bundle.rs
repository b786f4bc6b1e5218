//! A bundle of the embedded reference, and the program that verifies one.

use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use harness_evidence::archive::{Archive, Method, Writer};
use tempfile::TempDir;

use crate::support::program::harness;

pub(crate) fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded")
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with `bundle.zip`: every verb of the kit against the reference.
pub(crate) fn made(more: &[&str]) -> (TempDir, Ended) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = harness();
    command.arg("--scenarios").arg(scenarios()).args(["--filter", "keys/ST1"]).args(more);
    command.arg("--report").arg(format!("evidence={}", folder.path().join("bundle.zip").display()));
    let ended = ended(&mut command);
    (folder, ended)
}

/// Verifies these bytes; what is printed as one line, however it was broken.
pub(crate) fn verified(bytes: &[u8], more: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.zip");
    std::fs::write(&path, bytes).unwrap();
    let ended = ended(harness().arg("verify").arg(path).args(more));
    Ended { stdout: ended.stdout.split_whitespace().collect::<Vec<_>>().join(" "), ..ended }
}

pub(crate) fn read(folder: &TempDir) -> Vec<u8> {
    std::fs::read(folder.path().join("bundle.zip")).unwrap()
}

/// The files of a bundle, in their order.
pub(crate) fn files(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = Archive::open(Cursor::new(bytes)).unwrap();
    let members = archive.members().to_vec();
    let mut files = Vec::new();
    for member in members {
        let mut content = Vec::new();
        archive.read(&member).unwrap().read_to_end(&mut content).unwrap();
        files.push((member.name, content));
    }
    files
}

/// The same files packed as the kit packs them.
pub(crate) fn packed(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, content) in files {
        let method = if name.starts_with("manifest.json") { Method::Stored } else { Method::Deflated };
        writer.add(name, method, content.as_slice()).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn a_bundle_is_verified_and_says_who_vouches_for_it() {
    let (folder, run) = made(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    let bytes = read(&folder);
    let foreign = verified(&bytes, &[]);
    assert_eq!(foreign.code, 1, "{foreign:?}");
    assert!(foreign.stdout.contains("judged by other scenarios than this kit's"), "{}", foreign.stdout);
    let good = verified(&bytes, &["--accept-scenarios"]);
    assert_eq!(good.code, 0, "{good:?}");
    for wanted in
        ["evaluated again: all agree", "unbroken", "ok results", "-- signature none", "verified, with"]
    {
        assert!(good.stdout.contains(wanted), "{wanted} is not in\n{}", good.stdout);
    }
    assert!(!good.stdout.contains("cannot be evaluated again"), "{}", good.stdout);
    let json = verified(&bytes, &["--accept-scenarios", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["bundle"]["verdict"], "conformant");
}

#[test]
fn failures_and_repetitions_come_out_again() {
    for (arguments, code) in [
        (vec!["--deviation", "count-frozen"], None),
        (vec!["--repeat", "3"], Some(0)),
        (vec!["--strict"], None),
    ] {
        let (folder, run) = made(&arguments);
        assert!(code.is_none_or(|code| run.code == code), "{run:?}");
        let good = verified(&read(&folder), &["--accept-scenarios"]);
        assert_eq!(good.code, 0, "{arguments:?}: {good:?}");
    }
}

#[test]
fn a_signature_says_whose_it_is() {
    let keys = tempfile::tempdir().unwrap();
    let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
    let secret = keys.path().join("kit.key");
    std::fs::write(&secret, pair.sk.to_box(None).unwrap().into_string()).unwrap();
    let (own, other) =
        (pair.pk.to_base64(), minisign::KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64());
    let (folder, run) = made(&["--sign-with", secret.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{run:?}");
    let bytes = read(&folder);
    let good = verified(&bytes, &["--accept-scenarios", "--public-key", &own]);
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.stdout.contains("as asked for"), "{}", good.stdout);
    let named = verified(&bytes, &["--accept-scenarios"]);
    assert!(named.code == 0 && named.stdout.contains("that key is named in the"), "{named:?}");
    assert_eq!(verified(&bytes, &["--accept-scenarios", "--public-key", &other]).code, 1);
    // Whoever takes the signature out does not get away with it.
    let without: Vec<_> = files(&bytes).into_iter().filter(|(name, _)| !name.ends_with(".minisig")).collect();
    assert_eq!(verified(&packed(&without), &["--accept-scenarios"]).code, 1);
    let (unsigned, _) = made(&[]);
    assert_eq!(verified(&read(&unsigned), &["--accept-scenarios", "--public-key", &own]).code, 1);
}

#[test]
fn what_is_no_bundle_and_what_is_no_key_is_said_plainly() {
    let cases = [
        (b"".to_vec(), "it is no zip archive"),
        (b"<html>".to_vec(), "it is no zip archive"),
        (packed(&[("a".to_owned(), Vec::new())]), "without manifest.json"),
    ];
    for (bytes, wanted) in cases {
        let ended = verified(&bytes, &[]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(wanted), "{ended:?}");
    }
    let missing = ended(harness().args(["verify", "/nonexistent.zip"]));
    assert!(missing.code == 2 && missing.stderr.contains("cannot be read"), "{missing:?}");
    let (_folder, run) = made(&["--sign-with", "/nonexistent.key"]);
    assert!(run.code == 2 && run.stderr.contains("/nonexistent.key"), "{run:?}");
    let key = verified(b"", &["--public-key", "nobody"]);
    assert!(key.code == 2 && key.stderr.contains("neither a minisign public key nor a file"), "{key:?}");
}
