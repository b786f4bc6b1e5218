//! Creates a sub-test's machines and brings them into their declared state.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use futures::future::join_all;
use regex::Regex;

use crate::step::StepError;
use crate::step::machine::Machine;
use crate::step::wire::peer::Peer;
use crate::step::ztna;
use crate::targets::TestEnvironment;
use crate::targets::forward::{ForwardError, Forwarder};
use harness_model::scenario::model::{Identity, Machine as Declared};

const TIME_LIMIT: Duration = Duration::from_secs(15);
const UP_MARKER: &str = "Press Ctrl+C";

/// Matches a user code of RFC 8628 as agents print it.
static USER_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b").ok());

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
        let mut machine =
            Machine::new(name, format!("{prefix}{name}"), agent.clone(), server, forwarder, folder)?;
        machine.namespace = environment.namespace().cloned();
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
        log_in(machine, identity, environment).await?;
    }
    if declaration.up {
        bring_up(machine).await?;
    }
    Ok(())
}

async fn log_in(
    machine: &mut Machine,
    identity: Identity,
    environment: &TestEnvironment,
) -> Result<(), StepError> {
    let failed = |cause: String| StepError::Preparation { machine: machine.name.clone(), cause };
    let mut process = machine.start(&["login".to_owned()], &[])?;
    let code = process.find(user_code, TIME_LIMIT).await;
    let Some(code) = code else {
        process.kill().await;
        return Err(failed(format!(
            "`ztna login` printed no user code:\n{}",
            combined_output(process.output())
        )));
    };
    environment.approve(&code, identity).await?;
    match process.wait(TIME_LIMIT).await {
        Some(status) if status.success() => Ok(()),
        Some(_) => Err(failed(format!("`ztna login` failed:\n{}", combined_output(process.output())))),
        None => {
            process.kill().await;
            Err(failed(format!("`ztna login` timed out:\n{}", combined_output(process.output()))))
        }
    }
}

async fn bring_up(machine: &mut Machine) -> Result<(), StepError> {
    let result = ztna::run(machine, vec!["up".to_owned()], Vec::new(), Some(UP_MARKER), TIME_LIMIT).await?;
    if result.running {
        return Ok(());
    }
    let output = combined_output((result.stdout, result.stderr));
    Err(StepError::Preparation {
        machine: machine.name.clone(),
        cause: format!("`ztna up` did not come up:\n{output}"),
    })
}

fn user_code(output: &str) -> Option<String> {
    USER_CODE.as_ref()?.find(output).map(|code| code.as_str().to_owned())
}

fn combined_output((stdout, stderr): (String, String)) -> String {
    format!("{stdout}{stderr}").trim_end().to_owned()
}
