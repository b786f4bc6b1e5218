use std::process::{Command, Stdio};

/// The beginning of every namespace's name.
pub(crate) const PREFIX: &str = "ztna-lab-";

/// Runs `ip`, which must succeed, and returns its output.
pub(super) fn ip(words: &[&str]) -> String {
    let output = Command::new("ip").args(words).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {}: {stderr}", words.join(" "));
    String::from_utf8(output.stdout).unwrap()
}
