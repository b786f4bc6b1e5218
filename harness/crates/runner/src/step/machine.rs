//! A machine of a sub-test: a name, a state folder, and the agent's processes that use it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::StepError;
use super::leftover;
use crate::step::process::{Launch, Process};
use crate::targets::forward::Forwarder;
use crate::targets::namespace::Namespace;
use crate::targets::{AgentCommand, WITHOUT_TUN, host_name};

/// The only variables that agents inherit from the kit: what a program needs to start at all.
const INHERITED: [&str; 4] = ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH"];
/// The folder below the machine's where installers are told to install.
const INSTALL_FOLDER: &str = "bin";
const SHELL: &str = "sh";
const STOP_GRACE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub struct Machine {
    /// Its name in the scenario.
    pub name: String,
    /// Its name on the target.
    pub host_name: String,
    pub agent: AgentCommand,
    /// The URL at which its agent finds the control plane.
    pub server: String,
    /// Records the agent's requests, if the scenario declares the machine as observed.
    pub forwarder: Option<Forwarder>,
    /// The network namespace of its processes, if not the host's.
    pub namespace: Option<Arc<Namespace>>,
    directory: PathBuf,
    background: Vec<Process>,
    /// Whether `shell` steps ran, which may have left background processes in sessions of their own.
    has_run_lines: bool,
}

impl Machine {
    /// Creates a machine with an empty state folder below `parent`.
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
            what: format!("failed to create the folder {}", directory.display()),
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

    /// Starts the agent as [`Machine::start`] does, on a host that has the machine's name.
    pub fn start_on_own_host(
        &self,
        words: &[String],
        environment: &[(String, Option<String>)],
    ) -> Result<Process, StepError> {
        let (program, arguments) =
            host_name::on_host(&self.host_name, self.agent.program.clone(), self.arguments(words));
        self.launch(program, arguments, self.environment(environment))
    }

    /// Starts the agent with these arguments. A variable without a value is removed from its environment.
    pub fn start(
        &self,
        words: &[String],
        environment: &[(String, Option<String>)],
    ) -> Result<Process, StepError> {
        self.launch(self.agent.program.clone(), self.arguments(words), self.environment(environment))
    }

    fn arguments(&self, words: &[String]) -> Vec<OsString> {
        self.agent.arguments.iter().cloned().chain(words.iter().map(OsString::from)).collect()
    }

    /// Starts a script in the machine's shell. The machine's installation folder comes first in its `PATH`.
    pub fn start_shell(
        &mut self,
        script: &Path,
        environment: &[(String, Option<String>)],
    ) -> Result<Process, StepError> {
        self.has_run_lines = true;
        let installed = self.directory.join(INSTALL_FOLDER);
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
        // Flags cannot be added to a pasted line, so the installed agent reads this from the environment.
        if self.agent.up_flags.iter().any(|flag| flag == WITHOUT_TUN) {
            all.push(("ZTNA_USERSPACE".into(), "true".into()));
        }
        for (name, value) in environment {
            all.retain(|(present, _)| present != name.as_str());
            all.extend(value.as_ref().map(|value| (name.into(), value.into())));
        }
        self.launch(SHELL.into(), vec![script.into()], all)
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Cuts an observed machine off the target, or connects it again.
    pub fn set_offline(&self, is_offline: bool) {
        if let Some(forwarder) = &self.forwarder {
            forwarder.set_offline(is_offline);
        }
    }

    /// Keeps a process running until the sub-test ends.
    pub fn leave_running(&mut self, process: Process) {
        self.background.push(process);
    }

    /// Returns the processes that steps left running, the ended ones included.
    pub fn background(&mut self) -> &mut [Process] {
        &mut self.background
    }

    /// Forgets the processes in the background that have ended.
    pub fn forget_ended(&mut self) {
        self.background.retain_mut(|process| !process.has_ended());
    }

    /// Stops every process that is still running.
    pub async fn stop(&mut self) {
        for mut process in self.background.drain(..) {
            process.stop(STOP_GRACE).await;
        }
        if self.has_run_lines {
            self.stop_installed().await;
        }
    }

    /// Stops the agent that a `shell` step left in the background, and kills whatever remains.
    async fn stop_installed(&mut self) {
        let down = self.directory.join("down.sh");
        let written = std::fs::write(&down, "command -v ztna >/dev/null && ztna down\n");
        if let (Ok(()), Ok(mut process)) = (written, self.start_shell(&down, &[]))
            && process.wait(STOP_GRACE).await.is_none()
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
            forwarder.take(); // earlier requests do not belong to this step
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
