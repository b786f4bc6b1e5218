//! An agent of a sub-test: a state folder, a name, the processes that run with it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::StepError;
use super::leftover;
use crate::step::process::{Launch, Process};
use crate::targets::forward::Forwarder;
use crate::targets::namespace::Namespace;
use crate::targets::{AgentCommand, WITHOUT_TUN};

/// What of the kit's own environment an agent needs to start at all; nothing else leaks into it.
const INHERITED: [&str; 4] = ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH"];
/// Where installers are asked to install, below the machine's folder.
const INSTALLED: &str = "bin";
const SHELL: &str = "sh";
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
    /// Where its processes run, if not on the host's network.
    pub namespace: Option<Arc<Namespace>>,
    directory: PathBuf,
    background: Vec<Process>,
    /// Whether lines of its shell ran, which may have left processes that nobody else knows of.
    has_run_lines: bool,
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
            namespace: None,
            directory,
            background: Vec::new(),
            has_run_lines: false,
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
        let arguments =
            self.agent.arguments.iter().cloned().chain(words.iter().map(OsString::from)).collect();
        self.launch(self.agent.program.clone(), arguments, self.environment(environment))
    }

    /// Starts a script in the machine's shell. What is installed there comes first in its PATH.
    ///
    /// # Errors
    /// There is no shell.
    pub fn start_shell(
        &mut self,
        script: &Path,
        environment: &[(String, Option<String>)],
    ) -> Result<Process, StepError> {
        self.has_run_lines = true;
        let installed = self.directory.join(INSTALLED);
        let mut path = installed.clone().into_os_string();
        if let Some(inherited) = std::env::var_os("PATH") {
            path.push(":");
            path.push(inherited);
        }
        let mut all = self.environment(&[]);
        all.retain(|(name, _)| name != "PATH");
        all.push(("PATH".into(), path));
        all.push(("ZTNA_INSTALL_DIR".into(), installed.into()));
        all.push(("ZTNA_HOSTNAME".into(), self.host_name.clone().into()));
        // A line cannot be given flags, so that the installer tells its agent by the environment.
        if self.agent.up_flags.iter().any(|flag| flag == WITHOUT_TUN) {
            all.push(("ZTNA_USERSPACE".into(), "true".into()));
        }
        for (name, value) in environment {
            all.retain(|(present, _)| present != name.as_str());
            all.extend(value.as_ref().map(|value| (name.into(), value.into())));
        }
        self.launch(SHELL.into(), vec![script.into()], all)
    }

    /// Its folder, which goes with it.
    pub fn directory(&self) -> &Path {
        &self.directory
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
        if self.has_run_lines {
            self.stop_installed().await;
        }
    }

    /// Asks an agent that a line left in the background to stop, and ends whatever has not.
    async fn stop_installed(&mut self) {
        let down = self.directory.join("down.sh");
        let written = std::fs::write(&down, "command -v ztna >/dev/null && ztna down\n");
        if let (Ok(()), Ok(mut process)) = (written, self.start_shell(&down, &[]))
            && process.wait(GRACE).await.is_none()
        {
            process.kill().await;
        }
        leftover::kill(&self.directory);
        self.has_run_lines = false;
    }

    fn launch(
        &self,
        program: OsString,
        arguments: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Process, StepError> {
        if let Some(forwarder) = &self.forwarder {
            forwarder.take(); // what was asked for before is no part of this step
        }
        let shown = program.to_string_lossy().into_owned();
        let launch = Launch { program, arguments, environment, directory: self.directory.clone() };
        let started = match &self.namespace {
            None => Process::start(&launch),
            Some(namespace) => {
                let runtime = tokio::runtime::Handle::current();
                let inside = namespace.run(move || {
                    let _entered = runtime.enter();
                    Process::start(&launch)
                });
                inside.and_then(|started| started)
            }
        };
        started.map_err(|cause| StepError::Start { program: shown, machine: self.name.clone(), cause })
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

impl Drop for Machine {
    fn drop(&mut self) {
        if self.has_run_lines {
            leftover::kill(&self.directory);
        }
    }
}

fn restrict(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))
}
