use std::net::Ipv4Addr;

use crate::cli::UpArguments;
use crate::console::print_line;
use crate::error::AgentError;

/// Checks that `--serve` is used with `--userspace` only and names each port once.
pub(super) fn check(arguments: &UpArguments) -> Result<(), AgentError> {
    let mut ports: Vec<u16> = arguments.serve.iter().map(|service| service.port).collect();
    ports.sort_unstable();
    let duplicate = ports.iter().zip(ports.iter().skip(1)).find(|(one, next)| one == next);
    match duplicate {
        _ if !ports.is_empty() && !arguments.userspace => Err(AgentError::ServeWithoutUserspace),
        Some((port, _)) => Err(AgentError::DuplicateService(*port)),
        None => Ok(()),
    }
}

/// Prints where peers reach each service.
pub(super) fn announce(arguments: &UpArguments, tailnet_ip: Ipv4Addr) {
    for service in &arguments.serve {
        print_line(&format!("Serving {tailnet_ip}:{} from {}", service.port, service.address));
    }
}
