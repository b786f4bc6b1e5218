use std::time::Duration;

use crate::cli::PingArguments;
use crate::console::{print_line, print_warning};
use crate::context::Context;
use crate::error::AgentError;
use crate::local_socket::{self, TunnelRequestError};
use crate::tunnel::PingReply;

/// Pings through the tunnel of the running `ztna up`. Succeeds if at least one ping is answered.
pub(super) fn run(context: &Context, arguments: &PingArguments) -> Result<(), AgentError> {
    context.folder.check()?;
    let mut answered = false;
    for number in 1..=arguments.count {
        let is_last = number == arguments.count;
        match local_socket::ping(context.folder.path(), &arguments.machine, arguments.timeout) {
            Ok(reply) => {
                print_line(&render(&reply));
                answered = true;
            }
            Err(TunnelRequestError::Failed(reason)) if answered || !is_last => print_warning(&reason),
            Err(error) => return Err(error.into()),
        }
        if !is_last {
            std::thread::sleep(arguments.interval);
        }
    }
    Ok(())
}

fn render(reply: &PingReply) -> String {
    let PingReply { name, ip, endpoint, relay, microseconds } = reply;
    let direct = endpoint.map(|endpoint| format!("DIRECT {endpoint}"));
    let path = direct.or(relay.map(|region| format!("RELAY {region}"))).unwrap_or_default();
    let milliseconds = Duration::from_micros(*microseconds).as_secs_f64() * 1000.0;
    format!("pong from {name} ({ip}) via {path} in {milliseconds:.1} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pong_line_shows_machine_path_and_time() {
        let reply = PingReply {
            name: "Linux-C".to_owned(),
            ip: [100, 64, 0, 3].into(),
            endpoint: Some(([192, 0, 2, 7], 51820).into()),
            relay: None,
            microseconds: 1249,
        };
        assert_eq!(render(&reply), "pong from Linux-C (100.64.0.3) via DIRECT 192.0.2.7:51820 in 1.2 ms");
        let relayed = PingReply { endpoint: None, relay: Some("blr1".parse().unwrap()), ..reply };
        assert_eq!(render(&relayed), "pong from Linux-C (100.64.0.3) via RELAY blr1 in 1.2 ms");
    }
}
