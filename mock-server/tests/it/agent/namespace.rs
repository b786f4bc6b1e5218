//! Network namespaces for tests that create devices.

use std::process::{Command, Output};

use nix::sched::{CloneFlags, unshare};
use rustix::process::geteuid;

/// Runs `test`, and the processes that it starts, in a new network namespace.
///
/// # Panics
/// Without root: such a test is `#[ignore = "needs root and ip"]`.
pub(crate) fn isolated(test: impl AsyncFnOnce() + Send + 'static) {
    assert!(geteuid().is_root(), "needs root, to make a network namespace");
    // A namespace belongs to a thread; the runtime's threads and the processes inherit it.
    let thread = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        ip("link set lo up");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test());
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs `ip`, which must succeed, and returns its output.
pub(crate) fn ip(words: &str) -> String {
    let Output { status, stdout, stderr } = try_ip(words);
    assert!(status.success(), "ip {words}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

pub(crate) fn has_device(name: &str) -> bool {
    try_ip(&format!("link show {name}")).status.success()
}

fn try_ip(words: &str) -> Output {
    Command::new("ip").args(words.split(' ')).output().unwrap()
}
