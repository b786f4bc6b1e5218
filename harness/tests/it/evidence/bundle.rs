//! A bundle of the embedded reference, and the program that verifies one.

use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use harness_evidence::archive::{Archive, Method, Writer};
use tempfile::TempDir;

use crate::program::harness;

pub(crate) fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded")
}

/// The exit code and output of a command.
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

/// Creates a folder with `bundle.zip`, in which every verb of the kit ran against the reference.
pub(crate) fn made(more: &[&str]) -> (TempDir, Ended) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = harness();
    command.arg("--scenarios").arg(scenarios()).args(["--filter", "keys/ST1"]).args(more);
    command.arg("--report").arg(format!("evidence={}", folder.path().join("bundle.zip").display()));
    let ended = ended(&mut command);
    (folder, ended)
}

/// Verifies these bytes; the output is joined to one line.
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

/// Returns the files of a bundle in order.
pub(crate) fn files(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = Archive::open(Cursor::new(bytes)).unwrap();
    let members = archive.members().to_vec();
    let mut files = Vec::new();
    for member in members {
        let mut content = Vec::new();
        archive.read(&member).unwrap().read_to_end(&mut content).unwrap();
        files.push((member.name().to_owned(), content));
    }
    files
}

/// Packs the files in the kit's canonical form.
pub(crate) fn packed(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, content) in files {
        let method = if name.starts_with("manifest.json") { Method::Stored } else { Method::Deflated };
        writer.add(name, method, content.as_slice()).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn verifies_a_bundle_and_warns_that_it_is_unsigned() {
    let (folder, run) = made(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    let bytes = read(&folder);
    let foreign = verified(&bytes, &[]);
    assert_eq!(foreign.code, 1, "{foreign:?}");
    assert!(foreign.stdout.contains("not this kit's scenarios"), "{}", foreign.stdout);
    let good = verified(&bytes, &["--accept-scenarios"]);
    assert_eq!(good.code, 0, "{good:?}");
    for wanted in
        ["re-evaluated: all agree", "unbroken", "ok results", "-- signature not signed", "verified, with"]
    {
        assert!(good.stdout.contains(wanted), "{wanted} is not in\n{}", good.stdout);
    }
    assert!(!good.stdout.contains("cannot be re-evaluated"), "{}", good.stdout);
    let json = verified(&bytes, &["--accept-scenarios", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["bundle"]["verdict"], "passed");
}

#[test]
fn failures_and_repetitions_are_reproduced() {
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
fn signature_is_checked_against_the_expected_key() {
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
    assert!(good.stdout.contains("by the expected key"), "{}", good.stdout);
    let named = verified(&bytes, &["--accept-scenarios"]);
    assert!(named.code == 0 && named.stdout.contains("known only from the bundle itself"), "{named:?}");
    assert_eq!(verified(&bytes, &["--accept-scenarios", "--public-key", &other]).code, 1);
    // Removing the signature is detected.
    let without: Vec<_> = files(&bytes).into_iter().filter(|(name, _)| !name.ends_with(".minisig")).collect();
    assert_eq!(verified(&packed(&without), &["--accept-scenarios"]).code, 1);
    let (unsigned, _) = made(&[]);
    assert_eq!(verified(&read(&unsigned), &["--accept-scenarios", "--public-key", &own]).code, 1);
}

#[test]
fn invalid_bundles_and_keys_are_usage_errors() {
    let cases = [
        (b"".to_vec(), "not a zip archive"),
        (b"<html>".to_vec(), "not a zip archive"),
        (packed(&[("a".to_owned(), Vec::new())]), "manifest.json is missing"),
    ];
    for (bytes, wanted) in cases {
        let ended = verified(&bytes, &[]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains(wanted), "{ended:?}");
    }
    let missing = ended(harness().args(["verify", "/nonexistent.zip"]));
    assert!(missing.code == 2 && missing.stderr.contains("reading /nonexistent.zip failed"), "{missing:?}");
    let (_folder, run) = made(&["--sign-with", "/nonexistent.key"]);
    assert!(run.code == 2 && run.stderr.contains("/nonexistent.key"), "{run:?}");
    let key = verified(b"", &["--public-key", "nobody"]);
    assert!(key.code == 2 && key.stderr.contains("invalid public key `nobody`"), "{key:?}");
}
