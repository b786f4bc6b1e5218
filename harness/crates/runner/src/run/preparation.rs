//! Creates a sub-test's machines and brings them into their declared state.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;

use crate::step::StepError;
use crate::step::login::log_in;
use crate::step::machine::{Machine, Place};
use crate::step::wire::peer::Peer;
use crate::step::ztna::{self, Invocation};
use crate::targets::TestEnvironment;
use crate::targets::forward::{ForwardError, Forwarder};
use harness_model::scenario::model::Machine as Declared;

const TIME_LIMIT: Duration = Duration::from_secs(15);
const UP_MARKER: &str = "Press Ctrl+C";

/// Creates the machines, and logs them in and brings them up as declared.
pub(super) async fn prepare(
    declared: &[Declared],
    environment: &TestEnvironment,
    prefix: &str,
    folder: &Path,
    machines: &mut BTreeMap<String, Machine>,
) -> Result<(), StepError> {
    for declaration in declared.iter().filter(|declaration| !declaration.wire) {
        let name = &declaration.name;
        let failed = |cause: String| StepError::Preparation { machine: name.clone(), cause };
        let agent = environment.agent().ok_or_else(|| failed("the target has no agent".to_owned()))?;
        let forwarder = match declaration.observed {
            true => {
                let listener = environment.listener().map_err(ForwardError::Port)?;
                Some(Forwarder::start(listener, environment.client_settings())?)
            }
            false => None,
        };
        let server = match &forwarder {
            Some(forwarder) => forwarder.base_url().to_owned(),
            None => environment.base_url().as_str().trim_end_matches('/').to_owned(),
        };
        let host_name = format!("{prefix}{name}");
        let host = environment.machine_host(&host_name).await?;
        let mut machine = Machine::new(name, host_name, agent.clone(), server, forwarder, folder)?;
        machine.place = match (host, environment.namespace().cloned()) {
            (Some(host), _) => Place::Host(host),
            (None, Some(namespace)) => Place::Namespace(namespace),
            (None, None) => Place::Here,
        };
        machines.insert(name.clone(), machine);
    }
    // All are in the map before any starts, so that their processes are stopped even if one of them fails.
    let starts = machines.values_mut().filter_map(|machine| {
        let declaration = declared.iter().find(|declaration| declaration.name == machine.name)?;
        Some(start(machine, declaration, environment))
    });
    join_all(starts).await.into_iter().collect()
}

/// Creates the kit's own WireGuard peers, which are unknown to the control plane until they join.
///
/// # Errors
/// No UDP port is free, or the target's machines cannot reach the kit by IPv4.
pub(super) fn peers(
    declared: &[Declared],
    environment: &TestEnvironment,
    prefix: &str,
) -> Result<BTreeMap<String, Peer>, StepError> {
    let made = declared.iter().filter(|declaration| declaration.wire).map(|declaration| {
        let name = &declaration.name;
        let (socket, endpoint) = environment.udp_socket().map_err(|cause| StepError::Local {
            what: format!("failed to open a UDP socket for {name}"),
            cause,
        })?;
        Ok((name.clone(), Peer::new(name, format!("{prefix}{name}"), socket, endpoint)))
    });
    made.collect()
}

async fn start(
    machine: &mut Machine,
    declaration: &Declared,
    environment: &TestEnvironment,
) -> Result<(), StepError> {
    if let Some(identity) = declaration.login {
        log_in(machine, identity, environment, TIME_LIMIT).await?;
    }
    if declaration.up {
        bring_up(machine).await?;
    }
    Ok(())
}

async fn bring_up(machine: &mut Machine) -> Result<(), StepError> {
    let up = Invocation {
        words: vec!["up".to_owned()],
        environment: Vec::new(),
        until: Some(UP_MARKER),
        timeout: TIME_LIMIT,
        is_named: true,
    };
    let result = ztna::run(machine, up).await?;
    if result.running {
        return Ok(());
    }
    let output = combined_output((result.stdout, result.stderr));
    Err(StepError::Preparation {
        machine: machine.name.clone(),
        cause: format!("`ztna up` did not come up:\n{output}"),
    })
}

fn combined_output((stdout, stderr): (String, String)) -> String {
    format!("{stdout}{stderr}").trim_end().to_owned()
}
