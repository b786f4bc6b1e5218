//! An agent of a sub-test: a state folder, a name, the processes that run with it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::step::StepError;
use crate::step::process::{Launch, Process};
use crate::target::AgentCommand;
use crate::target::forward::Forwarder;

/// What of the kit's own environment an agent needs to start at all; nothing else leaks into it.
const INHERITED: [&str; 4] = ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH"];
const GRACE: Duration = Duration::from_secs(3);

/// A machine while its sub-test runs.
#[derive(Debug)]
pub struct Machine {
    /// Its name in the scenario.
    pub name: String,
    /// Its name on the target.
    pub host_name: String,
    /// How its agent is started.
    pub agent: AgentCommand,
    /// Where its agent finds the control plane.
    pub server: String,
    /// Records its requests, if it is observed.
    pub forwarder: Option<Forwarder>,
    directory: PathBuf,
    background: Vec<Process>,
}

impl Machine {
    /// A machine with an empty state folder of its own below `parent`.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn new(
        name: &str,
        host_name: String,
        agent: AgentCommand,
        server: String,
        forwarder: Option<Forwarder>,
        parent: &Path,
    ) -> Result<Self, StepError> {
        let directory = parent.join(name);
        let made = std::fs::create_dir_all(directory.join("state"))
            .and_then(|()| restrict(&directory))
            .and_then(|()| restrict(&directory.join("state")));
        made.map_err(|cause| StepError::Local {
            what: format!("the folder {} cannot be made", directory.display()),
            cause,
        })?;
        Ok(Self {
            name: name.to_owned(),
            host_name,
            agent,
            server,
            forwarder,
            directory,
            background: Vec::new(),
        })
    }

    /// Starts the agent with these words and this additional environment.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn start(
        &self,
        words: &[String],
        environment: &[(String, Option<String>)],
    ) -> Result<Process, StepError> {
        let launch = Launch {
            program: self.agent.program.clone(),
            arguments: self.agent.arguments.iter().cloned().chain(words.iter().map(OsString::from)).collect(),
            environment: self.environment(environment),
            directory: self.directory.clone(),
        };
        Process::start(&launch).map_err(|cause| StepError::Start {
            program: self.agent.program.to_string_lossy().into_owned(),
            machine: self.name.clone(),
            cause,
        })
    }

    /// Leaves a process running until the sub-test ends.
    pub fn leave_running(&mut self, process: Process) {
        self.background.push(process);
    }

    /// Stops whatever still runs.
    pub async fn stop(&mut self) {
        for mut process in self.background.drain(..) {
            process.stop(GRACE).await;
        }
    }

    fn environment(&self, more: &[(String, Option<String>)]) -> Vec<(OsString, OsString)> {
        let mut environment: Vec<(OsString, OsString)> = INHERITED
            .iter()
            .filter_map(|name| std::env::var_os(name).map(|value| (OsString::from(name), value)))
            .collect();
        let own = [
            ("HOME", self.directory.clone().into()),
            ("LANG", "C.UTF-8".into()),
            ("ZTNA_SERVER", self.server.clone().into()),
            ("ZTNA_STATE_DIR", self.directory.join("state").into()),
        ];
        let own = own.map(|(name, value): (&str, OsString)| (name, Some(value)));
        let profile = self.agent.environment.iter().map(|(name, value)| (name.as_str(), Some(value.into())));
        let step = more.iter().map(|(name, value)| (name.as_str(), value.as_ref().map(OsString::from)));
        for (name, value) in own.into_iter().chain(profile).chain(step) {
            environment.retain(|(present, _)| present != name);
            environment.extend(value.map(|value| (name.into(), value)));
        }
        environment
    }
}

fn restrict(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))
}
