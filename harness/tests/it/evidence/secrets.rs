//! No secret is in a bundle. Pseudonyms have the form of secrets, so that a search for forms would prove nothing: here
//! the target's secrets are known.

use std::process::Command;

use crate::evidence::bundle::{ended, files, made, read, verified};
use crate::small_target::{SmallTarget, TOKEN, created_body, scenarios};

#[test]
fn target_secrets_are_not_in_the_bundle_and_checks_are_reproduced() {
    let target = SmallTarget::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle.zip");
    let mut command: Command = target.command(&scenarios(), folder.path());
    let run = ended(command.arg("--report").arg(format!("evidence={}", bundle.display())));
    let bytes = std::fs::read(&bundle).unwrap_or_else(|_| panic!("{run:?}"));
    let created: serde_json::Value = serde_json::from_str(&created_body()).unwrap();
    let key = created["data"]["key"].as_str().unwrap();
    let mut bearers = 0;
    for (name, content) in files(&bytes) {
        let text = String::from_utf8_lossy(&content);
        for secret in [TOKEN, key] {
            assert!(!text.contains(secret), "{secret} is in {name}");
        }
        bearers += text.matches("Bearer ").count();
    }
    assert!(bearers > 0, "no session was used, so that nothing was hidden");
    let verified = verified(&bytes, &["--accept-scenarios"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(!verified.stdout.contains("cannot be re-evaluated"), "{}", verified.stdout);
}

#[test]
fn reference_passwords_are_not_in_the_bundle() {
    let (folder, run) = made(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    let mut keys = 0;
    for (name, content) in files(&read(&folder)) {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains("-runs-acme"), "a password is in {name}");
        keys += text.matches("tskey-auth-").count();
    }
    assert!(keys > 0, "no key was exchanged, so that nothing was hidden");
}
