//! `--serve`.

use crate::cli::UpArguments;
use crate::console::say;
use crate::error::AgentError;

/// It means something only where this process is the tunnel's end, and a port can be served only once.
pub(super) fn check(arguments: &UpArguments) -> Result<(), AgentError> {
    let mut ports: Vec<u16> = arguments.serve.iter().map(|service| service.port).collect();
    ports.sort_unstable();
    let twice = ports.iter().zip(ports.iter().skip(1)).find(|(one, next)| one == next);
    match twice {
        _ if !ports.is_empty() && !arguments.userspace => Err(AgentError::ServesByItself),
        Some((port, _)) => Err(AgentError::ServedTwice(*port)),
        None => Ok(()),
    }
}

/// Tells where peers find what.
pub(super) fn announce(arguments: &UpArguments, tailnet_ip: &str) {
    for service in &arguments.serve {
        say(&format!("Serving {tailnet_ip}:{} from {}", service.port, service.address));
    }
}
