//! Whether this host can lend its file system to a machine that changes a copy of it.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The namespaces and mounts of the machine, in an instant.
const TRIAL: &str = "mount -t tmpfs none /tmp && mkdir /tmp/upper /tmp/work /tmp/root && \
     mount -t overlay none -o lowerdir=/,upperdir=/tmp/upper,workdir=/tmp/work /tmp/root";

/// Returns why there can be none. Found out once, since it is tried.
pub(super) fn lacking() -> Option<String> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    FOUND.get_or_init(examine).clone()
}

fn examine() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("root, for a machine in a throw-away copy of this host's file system (sudo)".to_owned());
    }
    let tried = Command::new("unshare")
        .args(["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "sh", "-c", TRIAL])
        .stdin(Stdio::null())
        .output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.lines().next().unwrap_or("it cannot be made").to_owned();
            Some(format!(
                "a throw-away copy of this host's file system: {said} (in a container: --cap-add SYS_ADMIN)"
            ))
        }
        Err(error) => Some(format!("a throw-away copy of this host's file system: unshare: {error}")),
    }
}
