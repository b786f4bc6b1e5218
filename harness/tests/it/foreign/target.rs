//! The served reference, declared as another implementation.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness_reference::embedded::AGENT_SUBCOMMAND;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::proxy::{Asked, Bend, Proxy, Turn};
use crate::program::{harness, wait_for};
use crate::run::Run;
use crate::selected::{filter_of, write_changed, write_selected};

const PEOPLE: [&str; 4] = ["admin", "owner", "member", "outsider"];

/// The reference behind a proxy.
pub(crate) struct Foreign {
    server: Child,
    folder: TempDir,
    ready: Value,
    pub(crate) proxy: Proxy,
}

impl Foreign {
    pub(crate) fn start(bend: Bend) -> Self {
        Self::start_with(&[], |_| bend)
    }

    /// Serves the reference with these flags; the bend may depend on what it says when it is ready.
    pub(crate) fn start_with(flags: &[&str], bend: impl FnOnce(&Value) -> Bend) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready_file = folder.path().join("ready.json");
        let mut server = harness();
        server.arg("serve").args(flags).arg("--ready-file").arg(&ready_file);
        let server = server.stdout(Stdio::null()).spawn().unwrap();
        let ready: Value = wait_for("the server is ready", || {
            std::fs::read_to_string(&ready_file).ok().and_then(|text| serde_json::from_str(&text).ok())
        });
        let proxy = Proxy::start(ready["base_url"].as_str().unwrap(), bend(&ready));
        Self { server, folder, ready, proxy }
    }

    /// A target without these endpoints: it responds to them as to any unknown path.
    pub(crate) fn without(paths: &'static [&'static str]) -> Self {
        Self::start(Bend {
            request: Box::new(move |asked: &mut Asked| match paths.contains(&asked.path()) {
                true => Turn::Answer(404, json!({ "error": "no such page" })),
                false => Turn::Pass,
            }),
            ..Bend::default()
        })
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Runs the selected sub-tests with this text at the end of the profile.
    pub(crate) fn judge(&self, profile: &str, arguments: &[&str]) -> Run {
        let scenarios = self.path("selected");
        write_selected(filter_of(arguments).unwrap(), &scenarios);
        let mut command = self.command(profile);
        command.arg("--scenarios").arg(scenarios);
        Run::of(command.args(arguments), self.folder.path())
    }

    /// Does the same with all scenarios of the kit and an evidence bundle, in which everything has to be judged in the same
    /// way without the target.
    pub(crate) fn judge_and_verify(&self, profile: &str, arguments: &[&str]) -> Run {
        let bundle = self.path("evidence.zip");
        let report = format!("evidence={}", bundle.display());
        let mut command = self.command(profile);
        let run = Run::of(command.args(arguments).args(["--report", &report]), self.folder.path());
        let verified = harness().arg("verify").arg(bundle).output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let told = text(&verified.stdout) + &text(&verified.stderr);
        assert_eq!(verified.status.code(), Some(0), "{told}{run}");
        run
    }

    /// Like [`Foreign::judge`], with scenarios that wait for seconds only: what never comes is known sooner.
    pub(crate) fn judge_impatiently(&self, profile: &str, arguments: &[&str]) -> Run {
        let scenarios = self.path("scenarios");
        write_impatient(filter_of(arguments).unwrap(), &scenarios);
        let mut command = self.command(profile);
        command.arg("--scenarios").arg(scenarios);
        Run::of(command.args(arguments), self.folder.path())
    }

    /// The checklist of `harness doctor` for the profile of the last run.
    pub(crate) fn doctor(&self) -> String {
        let mut command = harness();
        self.set_passwords(&mut command);
        let output = command.arg("doctor").arg("--target").arg(self.path("target.toml")).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Like [`Foreign::judge`], with a reset hook at /test/reset.
    pub(crate) fn judge_resetting(&self, arguments: &[&str]) -> Run {
        let mut command = self.command("");
        let profile = self.path("target.toml");
        let text = std::fs::read_to_string(&profile).unwrap();
        let capabilities = "capabilities = [\"agent\", \"organisations\", \"cidr\", \"fresh\"]\n";
        let text = text.replace("[hooks]\n", "[hooks]\nreset = \"/test/reset\"\n");
        std::fs::write(&profile, format!("{capabilities}{text}")).unwrap();
        Run::of(command.args(arguments), self.folder.path())
    }

    fn set_passwords(&self, command: &mut Command) {
        for who in PEOPLE {
            let password = self.ready.pointer(&format!("/{who}/password")).unwrap().as_str().unwrap();
            command.env(format!("{who}_password"), password);
        }
    }

    pub(crate) fn command(&self, more: &str) -> Command {
        let field = |place: &str| self.ready.pointer(place).unwrap().as_str().unwrap().to_owned();
        let tokens: String = PEOPLE
            .iter()
            .map(|who| {
                let email = field(&format!("/{who}/email"));
                format!(
                    "{who} = {{ login = {{ email = \"{email}\", password_env = \"{who}_password\" }} }}\n"
                )
            })
            .collect();
        let agent = match more.contains("[agent]") {
            true => String::new(),
            false => format!("[agent]\ncommand = \"{} {AGENT_SUBCOMMAND}\"\n", env!("CARGO_BIN_EXE_harness")),
        };
        let (org, other) = (field("/org_id"), field("/other_org_id"));
        let text = format!(
            "name = \"foreign\"\nbase_url = \"{}\"\norg_id = \"{org}\"\nother_org_id = \"{other}\"\n\
             [tokens]\n{tokens}[hooks]\napprove = \"/api/auth/device/approve\"\n{agent}{more}",
            self.proxy.base_url
        );
        let profile = self.path("target.toml");
        std::fs::write(&profile, text).unwrap();
        let mut command = harness();
        self.set_passwords(&mut command);
        command.arg("--target").arg(profile);
        for (format, file) in [("json", "results.json"), ("junit", "junit.xml")] {
            command.arg("--report").arg(format!("{format}={}", self.path(file).display()));
        }
        command
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Writes the sub-tests of a filter into a folder, `eventually` being a few seconds.
fn write_impatient(filter: &str, folder: &Path) {
    let patient = regex::Regex::new("(?m)^(eventually *= *)\".*\"$").unwrap();
    write_changed(filter, folder, |text| patient.replace_all(text, "${1}\"4s\"").into_owned());
}
