//! What killed runs left behind.

use std::path::Path;

use super::ip::{PREFIX, ip};
use super::{namespace, wireguard};

/// Removes the namespaces and sockets of runs that have ended, and ends what still runs in them.
pub(crate) fn sweep() {
    wireguard::sweep();
    for line in ip(&["netns", "list"]).lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let made_by = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let gone = made_by.is_some_and(|pid| !Path::new("/proc").join(pid).exists());
        if gone {
            namespace::remove(name);
        }
    }
}
