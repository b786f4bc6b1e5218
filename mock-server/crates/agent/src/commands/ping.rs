//! `ztna ping`.

use std::time::Duration;

use crate::cli::PingArguments;
use crate::console::{say, warn};
use crate::context::Context;
use crate::error::AgentError;
use crate::local_socket;
use crate::tunnel::Pinged;

/// Pings through the tunnel of the running `ztna up`. Succeeds if at least one ping is answered.
pub(super) fn run(context: &Context, arguments: &PingArguments) -> Result<(), AgentError> {
    let mut answered = false;
    for number in 1..=arguments.count {
        let answer = local_socket::ping(context.folder.path(), &arguments.machine, arguments.timeout)?;
        match answer.ok_or(AgentError::NotRunning)? {
            Ok(pinged) => {
                say(&render(&pinged));
                answered = true;
            }
            Err(reason) if number == arguments.count && !answered => return Err(AgentError::Ping(reason)),
            Err(reason) => warn(&reason),
        }
        if number < arguments.count {
            std::thread::sleep(arguments.interval);
        }
    }
    Ok(())
}

fn render(pinged: &Pinged) -> String {
    let Pinged { name, ip, endpoint, relay, microseconds } = pinged;
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
        let pinged = Pinged {
            name: "Linux-C".to_owned(),
            ip: [100, 64, 0, 3].into(),
            endpoint: Some(([192, 0, 2, 7], 51820).into()),
            relay: None,
            microseconds: 1249,
        };
        assert_eq!(render(&pinged), "pong from Linux-C (100.64.0.3) via DIRECT 192.0.2.7:51820 in 1.2 ms");
        let relayed = Pinged { endpoint: None, relay: Some("blr1".parse().unwrap()), ..pinged };
        assert_eq!(render(&relayed), "pong from Linux-C (100.64.0.3) via RELAY blr1 in 1.2 ms");
    }
}
