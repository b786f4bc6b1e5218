//! What a lab needs of the machine it runs on.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::ip::PREFIX;

static TRIALS: AtomicU32 = AtomicU32::new(0);

/// Fails the test if a lab cannot be created here, or one of these `tools` is missing. Such a test is
/// `#[ignore = "needs root, …"]`.
///
/// # Panics
/// Naming what is missing.
pub(crate) fn require(tools: &[&str]) {
    if let Some(missing) = missing(tools) {
        panic!("needs {missing}");
    }
}

/// What prevents a lab from being created.
pub(crate) fn missing(tools: &[&str]) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("root, to make network namespaces".to_owned());
    }
    if let Some(tool) = ["ip"].iter().chain(tools).find(|tool| !installed(tool)) {
        return Some(format!("the program {tool}"));
    }
    if !Path::new("/dev/net/tun").exists() {
        return Some("/dev/net/tun".to_owned());
    }
    let trial = format!("{PREFIX}{}-trial{}", std::process::id(), TRIALS.fetch_add(1, Ordering::Relaxed));
    let made = Command::new("ip").args(["netns", "add", &trial]).output().ok()?;
    let removed = Command::new("ip").args(["netns", "del", &trial]).output().ok()?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (!made.status.success() || !removed.status.success())
        .then(|| format!("the right to make network namespaces ({})", said(&made.stderr)))
}

/// Whether a program of that name is in PATH.
pub(crate) fn installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    tool.contains('/') && Path::new(tool).exists()
        || std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}
