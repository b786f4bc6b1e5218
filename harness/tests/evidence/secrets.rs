//! No secret is in a bundle.

use crate::bundle::{files, made, read};

/// Pseudonyms have the form of secrets, so that a search for forms proves nothing: the target hands out keys that are
/// known here, and the bundle has none of them.
#[test]
fn a_targets_secrets_are_not_in_its_bundle() {
    let (folder, run) = made(&[]);
    assert_eq!(run.code, 0, "{run:?}");
    let mut seen = 0;
    for (name, content) in files(&read(&folder)) {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains("-runs-acme"), "a password is in {name}");
        seen += usize::from(text.contains("tskey-auth-"));
    }
    assert!(seen > 0, "no key was exchanged, so that nothing was hidden");
}
