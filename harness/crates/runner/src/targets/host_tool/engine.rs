//! The container engine that builds the documents' Dockerfile.

use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const SOCKET: &str = "/var/run/docker.sock";
const VARIABLE: &str = "DOCKER_HOST";
/// The engine's host, and how it is confined.
const QUESTION: &str = "{{.Name}} {{.SecurityOptions}}";

/// Returns where the engine listens: `DOCKER_HOST`, or the usual socket.
pub fn address() -> String {
    let named = std::env::var(VARIABLE).ok().filter(|named| !named.is_empty());
    named.unwrap_or_else(|| format!("unix://{SOCKET}"))
}

/// Returns why there is no engine whose containers reach what this host reaches. Found out once, since it is asked.
pub(super) fn lacking() -> Option<String> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    FOUND.get_or_init(examine).clone()
}

fn examine() -> Option<String> {
    let address = address();
    let Some(socket) = address.strip_prefix("unix://") else {
        return Some(format!(
            "a container engine on this host ({VARIABLE} is {address}, which is no unix:// socket)"
        ));
    };
    if let Err(error) = UnixStream::connect(socket) {
        return Some(format!("a container engine that answers at {socket}: {error} (start dockerd)"));
    }
    let asked = Command::new("docker")
        .args(["--host", &address, "info", "--format", QUESTION])
        .stdin(Stdio::null())
        .output();
    let answer = match asked {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => return Some(format!("a container engine that answers at {socket} (start dockerd)")),
    };
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    (!shares_network(&answer, &host)).then(|| {
        format!(
            "a container engine with this host's network (the one at {socket} is rootless, or runs elsewhere)"
        )
    })
}

/// Whether a container in the engine's host network reaches this host's loopback addresses.
fn shares_network(answer: &str, host: &str) -> bool {
    answer.split_whitespace().next() == Some(host) && !answer.contains("name=rootless")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_elsewhere_and_rootless_ones_have_another_network() {
        for (answer, expected) in [
            ("build-7 [name=seccomp,profile=default name=cgroupns]\n", true),
            ("build-7 []\n", true),
            ("build-7 [name=seccomp,profile=default name=rootless]\n", false),
            ("docker-desktop [name=seccomp,profile=unconfined]\n", false),
            ("build-71 []\n", false),
            ("", false),
        ] {
            assert_eq!(shares_network(answer, "build-7"), expected, "{answer:?}");
        }
    }
}
