//! A machine of a sub-test: a name, a state folder, and the agent's processes that use it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::error::StepError;
use super::leftover;
use crate::process::{Launch, Process};
use crate::targets::forward::Forwarder;
use crate::targets::namespace::Namespace;
use crate::targets::{AgentCommand, MachineHost, WITHOUT_TUN, host_name};

/// The only variables that agents inherit from the kit: what a program needs to start at all.
const INHERITED: [&str; 4] = ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH"];
/// The folder below the machine's where installers are told to install.
const INSTALL_FOLDER: &str = "bin";
const SHELL: &str = "sh";
/// The `PATH` on a host of its own.
const HOST_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
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
    /// Where its processes run.
    pub place: Place,
    directory: PathBuf,
    background: Vec<Process>,
    /// Whether `shell` steps ran, which may have left background processes in sessions of their own.
    has_run_lines: bool,
}

/// Where the processes of a machine run.
#[derive(Debug, Clone, Default)]
pub enum Place {
    #[default]
    Here,
    /// In a network namespace of this host.
    Namespace(Arc<Namespace>),
    /// On a host of its own.
    Host(Arc<dyn MachineHost>),
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
            place: Place::Here,
            directory,
            background: Vec::new(),
            has_run_lines: false,
        })
    }

    /// Starts the agent as [`Machine::start`] does, on a host that has the machine's name.
    pub async fn start_on_own_host(
        &self,
        words: &[String],
        environment: &[(String, Option<String>)],
    ) -> Result<Process, StepError> {
        if matches!(self.place, Place::Host(_)) {
            return self.start(words, environment).await;
        }
        let (program, arguments) =
            host_name::on_host(&self.host_name, self.agent.program.clone(), self.arguments(words));
        self.launch(program, arguments, self.environment(environment)).await
    }

    /// Starts the agent with these arguments. A variable without a value is removed from its environment.
    pub async fn start(
        &self,
        words: &[String],
        environment: &[(String, Option<String>)],
    ) -> Result<Process, StepError> {
        self.launch(self.agent.program.clone(), self.arguments(words), self.environment(environment)).await
    }

    fn arguments(&self, words: &[String]) -> Vec<OsString> {
        self.agent.arguments.iter().cloned().chain(words.iter().map(OsString::from)).collect()
    }

    /// Starts a script in the machine's shell. The machine's installation folder comes first in its `PATH`.
    pub async fn start_shell(
        &mut self,
        script: &str,
        environment: &[(String, Option<String>)],
    ) -> Result<Process, StepError> {
        self.has_run_lines = true;
        let installed = self.folder().join(INSTALL_FOLDER);
        let mut path = installed.clone().into_os_string();
        if let Some(inherited) = self.inherited("PATH") {
            path.push(":");
            path.push(inherited);
        }
        let mut all = self.environment(&[]);
        all.retain(|(name, _)| name != "PATH");
        all.push(("PATH".into(), path));
        all.push(("ZTNA_INSTALL_DIR".into(), installed.into()));
        all.push(("ZTNA_HOSTNAME".into(), self.host_name.clone().into()));
        // A service of this host would stay after the run.
        all.push(("ZTNA_SERVICE".into(), "false".into()));
        // Flags cannot be added to a pasted line, so the installed agent reads this from the environment.
        if self.agent.up_flags.iter().any(|flag| flag == WITHOUT_TUN) {
            all.push(("ZTNA_USERSPACE".into(), "true".into()));
        }
        for (name, value) in environment {
            all.retain(|(present, _)| present != name.as_str());
            all.extend(value.as_ref().map(|value| (name.into(), value.into())));
        }
        if let Place::Host(host) = &self.place {
            let launch = self.launch_of(SHELL.into(), Vec::new(), all);
            let started = host.start_script(script.to_owned(), launch).await;
            return started.map_err(|cause| self.not_started(SHELL.to_owned(), cause));
        }
        let file = self.directory.join("line.sh");
        write(&file, script).map_err(|cause| StepError::Local {
            what: format!("failed to write {}", file.display()),
            cause,
        })?;
        self.launch(SHELL.into(), vec![file.into()], all).await
    }

    /// The machine's folder, as its processes see it.
    fn folder(&self) -> &Path {
        match &self.place {
            Place::Host(host) => host.directory(),
            Place::Here | Place::Namespace(_) => &self.directory,
        }
    }

    /// A variable that the machine's processes take over from their host.
    fn inherited(&self, name: &str) -> Option<OsString> {
        match (&self.place, name) {
            (Place::Host(_), "PATH") => Some(HOST_PATH.into()),
            (Place::Host(_), _) => None,
            (Place::Here | Place::Namespace(_), _) => std::env::var_os(name),
        }
    }

    /// Cuts a machine off the target, or connects it again. On this host only an observed machine can be cut off.
    pub async fn set_offline(&self, is_offline: bool) -> Result<(), StepError> {
        if let Place::Host(host) = &self.place {
            let connected = host.set_connected(!is_offline).await;
            return connected.map_err(|cause| StepError::Local {
                what: format!("failed to {} {}", if is_offline { "cut off" } else { "connect" }, self.name),
                cause,
            });
        }
        if let Some(forwarder) = &self.forwarder {
            forwarder.set_offline(is_offline);
        }
        Ok(())
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
        if matches!(self.place, Place::Host(_)) {
            // They end with their host, at once.
            self.background.clear();
            return;
        }
        for mut process in self.background.drain(..) {
            process.stop(STOP_GRACE).await;
        }
        if self.has_run_lines {
            self.stop_installed().await;
        }
    }

    /// Stops the agent that a `shell` step left in the background, and kills whatever remains.
    async fn stop_installed(&mut self) {
        if let Ok(mut process) = self.start_shell("command -v ztna >/dev/null && ztna down", &[]).await
            && process.wait(STOP_GRACE).await.is_none()
        {
            process.kill().await;
        }
        leftover::kill(&self.directory);
        self.has_run_lines = false;
    }

    async fn launch(
        &self,
        program: OsString,
        arguments: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Process, StepError> {
        let shown = program.to_string_lossy().into_owned();
        let launch = self.launch_of(program, arguments, environment);
        let started = match &self.place {
            Place::Here => Process::start(&launch),
            Place::Namespace(namespace) => {
                let runtime = tokio::runtime::Handle::current();
                let inside = namespace.run(move || {
                    let _entered = runtime.enter();
                    Process::start(&launch)
                });
                inside.and_then(|started| started)
            }
            Place::Host(host) => host.start(launch).await,
        };
        started.map_err(|cause| self.not_started(shown, cause))
    }

    fn launch_of(
        &self,
        program: OsString,
        arguments: Vec<OsString>,
        environment: Vec<(OsString, OsString)>,
    ) -> Launch {
        if let Some(forwarder) = &self.forwarder {
            forwarder.take(); // earlier requests do not belong to this step
        }
        Launch { program, arguments, environment, directory: self.folder().to_owned() }
    }

    fn not_started(&self, program: String, cause: std::io::Error) -> StepError {
        StepError::Start { program, machine: self.name.clone(), cause }
    }

    fn environment(&self, more: &[(String, Option<String>)]) -> Vec<(OsString, OsString)> {
        let mut environment: Vec<(OsString, OsString)> = INHERITED
            .iter()
            .filter_map(|name| self.inherited(name).map(|value| (OsString::from(name), value)))
            .collect();
        let own = [
            ("HOME", self.folder().into()),
            ("LANG", "C.UTF-8".into()),
            ("ZTNA_SERVER", self.server.clone().into()),
            ("ZTNA_STATE_DIR", self.folder().join("state").into()),
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
        if self.has_run_lines && !matches!(self.place, Place::Host(_)) {
            leftover::kill(&self.directory);
        }
    }
}

/// Writes the line to a file that only its owner can read. An argument of `sh -c` would be visible in the host's
/// process list, and the line may contain a key.
fn write(script: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(script)?;
    writeln!(file, "{text}")
}

fn restrict(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))
}
