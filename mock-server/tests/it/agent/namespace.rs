//! A network of its own for a test that makes devices.

use std::process::{Command, Output};

use nix::sched::{CloneFlags, unshare};
use rustix::process::geteuid;

/// Runs `test`, and the processes that it starts, in a new network namespace.
///
/// # Panics
/// Without root: such a test is `#[ignore = "needs root and ip"]`.
pub(crate) fn isolated(test: impl AsyncFnOnce() + Send + 'static) {
    assert!(geteuid().is_root(), "needs root, to make a network namespace");
    // Namespaces belong to threads; those of the runtime and the processes inherit this one's.
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

/// What `ip` shows or does.
pub(crate) fn ip(words: &str) -> String {
    let Output { status, stdout, stderr } = try_ip(words);
    assert!(status.success(), "ip {words}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

/// Whether there is a device of this name.
pub(crate) fn has_device(name: &str) -> bool {
    try_ip(&format!("link show {name}")).status.success()
}

fn try_ip(words: &str) -> Output {
    Command::new("ip").args(words.split(' ')).output().unwrap()
}
