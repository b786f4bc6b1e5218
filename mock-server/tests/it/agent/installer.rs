//! The documented install line, `curl -fsSL BASE/install.sh | ZTNA_AUTH_KEY=KEY sh` (issuing/rollout.1), run by a shell.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mock_server::app::{AgentProgram, Config, Fixture};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::test_server::TestServer;
use crate::wait::eventually;

/// A control plane with an installer, and a machine without an agent.
pub(super) struct Installation {
    pub(super) server: TestServer,
    pub(super) folder: TempDir,
}

/// The exit code and output of a line.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Installation {
    async fn open(program: Option<AgentProgram>) -> Self {
        Self::with(Config { agent_program: program, ..Config::embedded(Fixture::built_in().unwrap()) }).await
    }

    pub(super) async fn with(config: Config) -> Self {
        Self { server: TestServer::listen_with(config).await, folder: TempDir::new().unwrap() }
    }

    pub(super) async fn with_agent() -> Self {
        let file = env!("CARGO_BIN_EXE_ztna").into();
        Self::open(Some(AgentProgram { file, arguments: Vec::new() })).await
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) async fn key(&self) -> String {
        self.server.auth_key(json!({})).await.1
    }

    /// Runs a line in the machine's shell, with `path` in front of the system's PATH.
    pub(super) async fn line(&self, line: &str, path: &Path, env: &[(&str, &str)]) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", line]).env_clear().current_dir(self.folder.path());
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", path.display()));
        command.env("HOME", self.folder.path()).env("BASE", self.server.base_url());
        command.env("ZTNA_INSTALL_DIR", self.path("bin")).env("ZTNA_STATE_DIR", self.path("state"));
        command.env("ZTNA_HOSTNAME", "Linux-C").env("ZTNA_USERSPACE", "true").envs(env.iter().copied());
        tokio::task::spawn_blocking(move || Ended::of(&command.output().unwrap())).await.unwrap()
    }

    pub(super) async fn install(&self, env: &[(&str, &str)]) -> Ended {
        self.line("curl -fsSL $BASE/install.sh | sh", &self.path("bin"), env).await
    }

    /// Runs a command of the installed agent.
    async fn ztna(&self, words: &str) -> Ended {
        self.line(&format!("ztna {words}"), &self.path("bin"), &[]).await
    }

    pub(super) fn installed(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path("bin")) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Installation {
    /// Stops the agent, so that a failed test leaves none running.
    fn drop(&mut self) {
        let ztna = Command::new(env!("CARGO_BIN_EXE_ztna"))
            .arg("down")
            .env("ZTNA_STATE_DIR", self.path("state"))
            .output();
        drop(ztna);
    }
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn install_line_registers_connects_and_is_repeatable() {
    let installation = Installation::with_agent().await;
    let key = installation.key().await;
    let first = installation.install(&[("ZTNA_AUTH_KEY", &key)]).await;
    assert_eq!((first.code, first.stderr.as_str()), (Some(0), ""), "{first:?}");
    for line in ["Installing ztna from ", "Installed ztna ", "Registered: Linux-C (100.64.", "Connected."] {
        assert!(first.stdout.contains(line), "{line}: {first:?}");
    }
    assert!(!first.stdout.contains("not in PATH") && !first.stdout.contains(&key), "{first:?}");
    assert_eq!(installation.installed(), ["ztna"]);

    let status: Value = serde_json::from_str(&installation.ztna("status --json").await.stdout).unwrap();
    assert_eq!((&status["phase"], &status["machine"]["name"]), (&json!("online"), &json!("Linux-C")));
    let command_line = std::fs::read_to_string(format!("/proc/{}/cmdline", status["pid"])).unwrap();
    assert!(command_line.contains("up") && !command_line.contains("tskey"), "{command_line}");
    let named = format!("logs to {}", installation.path("state/up.log").display());
    assert!(first.stdout.contains(&named), "{first:?}");
    let log = std::fs::metadata(installation.path("state/up.log")).unwrap();
    assert_eq!(log.permissions().mode() & 0o777, 0o600);

    // Without a key it upgrades the program; the agent that runs is replaced and stays the machine.
    let upgraded = installation.install(&[]).await;
    assert!(
        upgraded.stdout.contains("QuickZTNA stopped.\nStarting QuickZTNA...\nAlready registered: "),
        "{upgraded:?}"
    );

    // Configuration management repeats the line: the key is used up, and the machine keeps its identity.
    let again = installation.install(&[("ZTNA_AUTH_KEY", &key)]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(
        again.stdout.contains("QuickZTNA stopped.\nStarting QuickZTNA...\nAlready registered: "),
        "{again:?}"
    );

    let status: Value = serde_json::from_str(&installation.ztna("status --json").await.stdout).unwrap();
    let line = "curl -fsSL $BASE/install.sh | sh -s -- --uninstall";
    let removed = installation.line(line, &installation.path("bin"), &[]).await;
    assert_eq!((removed.code, removed.stderr.as_str()), (Some(0), ""), "{removed:?}");
    assert!(removed.stdout.contains("identity is still in"), "{removed:?}");
    assert_eq!(installation.installed(), Vec::<String>::new());
    assert!(!Path::new(&format!("/proc/{}/cwd/.", status["pid"])).exists(), "the agent runs on");
    assert!(installation.path("state/state.json").exists());
}

/// Nothing is downloaded for a key that no control plane can know.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn malformed_keys_are_refused_before_anything_is_downloaded() {
    let installation = Installation::with_agent().await;
    for (key, expected) in [
        ("", "ZTNA_AUTH_KEY is empty"),
        ("tskey-auth-", "is no auth key"),
        ("qztna_0123", "is no auth key"),
        ("${{ secrets.KEY }}", "characters that no key has"),
        ("tskey-auth-a b", "characters that no key has"),
        ("tskey-auth-a\nb", "characters that no key has"),
        ("tskey-auth-$(id)", "characters that no key has"),
    ] {
        let refused = installation.install(&[("ZTNA_AUTH_KEY", key)]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{key:?}: {refused:?}");
        assert!(refused.stderr.contains(expected), "{key:?}: {refused:?}");
        assert!(!refused.stderr.contains("0123") && !refused.stderr.contains("secrets"), "{refused:?}");
        assert_eq!(installation.installed(), Vec::<String>::new());
    }
    let line = "curl -fsSL $BASE/install.sh | sh -s -- --purge";
    let unknown = installation.line(line, &installation.path("bin"), &[]).await;
    assert!(unknown.stderr.contains("unknown argument --purge"));
}

/// The download is damaged, cut short, or is another program than the control plane says.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn damaged_downloads_replace_nothing() {
    let installation = Installation::with_agent().await;
    let tools = TempDir::new().unwrap();
    let curl = tools.path().join("curl");
    for damage in ["echo damage >>\"$4\"", "truncate -s 1000 \"$4\"", ": >\"$4\"", ": >\"$7\""] {
        // The script itself comes undamaged: only the installer names two files.
        let script = format!("#!/bin/sh\n/usr/bin/curl \"$@\" || exit\n[ $# -lt 8 ] || {damage}\n");
        std::fs::write(&curl, script).unwrap();
        std::fs::set_permissions(&curl, PermissionsExt::from_mode(0o755)).unwrap();
        let ended = installation.line("curl -fsSL $BASE/install.sh | sh", tools.path(), &[]).await;
        assert_eq!(ended.code, Some(1), "{damage}: {ended:?}");
        assert!(ended.stderr.contains("has the SHA-256 "), "{damage}: {ended:?}");
        assert_eq!(installation.installed(), Vec::<String>::new(), "{damage}");
    }
}

/// The shells of the systems on which the line is pasted.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl, busybox and shellcheck"]
async fn every_shell_runs_the_script() {
    let installation = Installation::with_agent().await;
    let fetched = installation.line("curl -fsSL $BASE/install.sh -o script", Path::new("/bin"), &[]).await;
    assert_eq!(fetched.code, Some(0), "{fetched:?}");
    let checked = installation.line("shellcheck -s sh script", Path::new("/bin"), &[]).await;
    assert_eq!((checked.code, checked.stdout.as_str()), (Some(0), ""), "{checked:?}");
    for shell in ["dash", "bash", "bash --posix", "busybox sh"] {
        let key = installation.key().await;
        let hostname = shell.replace(' ', "");
        let state = installation.path(&hostname);
        let env = [
            ("ZTNA_AUTH_KEY", key.as_str()),
            ("ZTNA_HOSTNAME", &hostname),
            ("ZTNA_STATE_DIR", state.to_str().unwrap()),
        ];
        let installed = installation.line(&format!("{shell} script"), Path::new("/bin"), &env).await;
        assert_eq!((installed.code, installed.stderr.as_str()), (Some(0), ""), "{shell}: {installed:?}");
        let removed =
            installation.line(&format!("{shell} script --uninstall"), Path::new("/bin"), &env).await;
        assert_eq!((removed.code, removed.stderr.as_str()), (Some(0), ""), "{shell}: {removed:?}");
    }
}

/// A folder for systemd in a mount namespace, and a `systemctl` that notes what it is asked.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl and root"]
async fn root_gets_a_service_where_systemd_runs() {
    let installation = Installation::with_agent().await;
    let tools = TempDir::new().unwrap();
    let systemctl = tools.path().join("systemctl");
    std::fs::write(&systemctl, "#!/bin/sh\necho \"$*\" >>calls\n").unwrap();
    std::fs::set_permissions(&systemctl, PermissionsExt::from_mode(0o755)).unwrap();
    let key = installation.key().await;
    let line = "unshare -m sh -c 'mount -t tmpfs none /run; mkdir -p /run/systemd/system /etc/systemd
        mount -t tmpfs none /etc/systemd; mkdir /etc/systemd/system
        curl -fsSL $BASE/install.sh | sh && cp /etc/systemd/system/ztna.service unit &&
        curl -fsSL $BASE/install.sh | sh -s -- --uninstall && ! test -e /etc/systemd/system/ztna.service'";
    let ended = installation.line(line, tools.path(), &[("ZTNA_AUTH_KEY", &key)]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.contains("ztna runs as the service ztna"), "{ended:?}");
    let calls = std::fs::read_to_string(installation.path("calls")).unwrap();
    assert!(calls.starts_with("daemon-reload\nenable --quiet ztna\nrestart ztna\n"), "{calls}");
    assert!(calls.ends_with("stop ztna\ndisable --quiet ztna\ndaemon-reload\n"), "{calls}");
    let unit = std::fs::read_to_string(installation.path("unit")).unwrap();
    assert!(!unit.contains(&key), "{unit}");
    assert!(
        unit.contains(&format!("ExecStart=\"{}\" up\n", installation.path("bin/ztna").display())),
        "{unit}"
    );
    assert!(unit.contains("Environment=\"ZTNA_HOSTNAME=Linux-C\"\n"), "{unit}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn install_without_a_key_asks_for_login() {
    let installation = Installation::with_agent().await;
    let ended = installation.install(&[("PATH", "/usr/bin:/bin")]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(
        ended.stdout.contains(&format!("ztna login --server {}", installation.server.base_url())),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("is not in PATH"), "{ended:?}");
    assert!(!installation.path("state").exists());
    assert!(installation.ztna("--version").await.stdout.starts_with("ztna "));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn install_with_a_wrong_key_fails_and_stops_the_agent() {
    let installation = Installation::with_agent().await;
    let wrong = format!("tskey-auth-{}", "0".repeat(64));
    let ended = installation.install(&[("ZTNA_AUTH_KEY", &wrong)]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("auth key registration failed: INVALID_KEY: "), "{ended:?}");
    assert!(
        ended.stderr.contains("not connected; try again: ztna up") && !ended.stderr.contains(&wrong),
        "{ended:?}"
    );
    assert_eq!(installation.ztna("down").await.stdout, "QuickZTNA is not running.\n");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn failed_install_says_why_and_leaves_nothing() {
    let installation = Installation::with_agent().await;
    let uname = installation.path("fake");
    std::fs::create_dir(&uname).unwrap();
    let script =
        "#!/bin/sh\ncase $1 in -s) echo \"${SYSTEM:-Linux}\" ;; -m) echo \"${MACHINE:-riscv64}\" ;; esac\n";
    std::fs::write(uname.join("uname"), script).unwrap();
    std::fs::set_permissions(uname.join("uname"), PermissionsExt::from_mode(0o755)).unwrap();
    let arch = std::env::consts::ARCH;
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 6] = [
        (
            "sh script",
            &[("MACHINE", arch), ("ZTNA_INSTALL_DIR", "/proc")],
            "cannot write to the folder /proc; choose another",
        ),
        (
            "sh script",
            &[("MACHINE", arch), ("ZTNA_INSTALL_DIR", "script/x")],
            "cannot create the folder script/x; choose another",
        ),
        ("sh script", &[], "unsupported platform Linux riscv64"),
        ("sh script", &[("SYSTEM", "FreeBSD"), ("MACHINE", "amd64")], "unsupported platform FreeBSD x86_64"),
        // PATH contains only the tools that the test puts there.
        ("PATH=$PWD/fake /bin/sh script", &[("MACHINE", arch)], "curl not found; install it"),
        ("PATH=/nowhere /bin/sh script", &[], "uname not found; install it"),
    ];
    let fetched = installation.line("curl -fsSL $BASE/install.sh -o script", &uname, &[]).await;
    assert_eq!(fetched.code, Some(0), "{fetched:?}");
    for tool in ["mkdir", "sed"] {
        symlink(format!("/bin/{tool}"), uname.join(tool)).unwrap();
    }
    for (line, env, expected) in cases {
        let ended = installation.line(line, &uname, env).await;
        assert_eq!(ended.code, Some(1), "{line} {env:?}: {ended:?}");
        assert!(ended.stderr.contains(expected), "{expected}: {ended:?}");
        assert_eq!(installation.installed(), Vec::<String>::new(), "{env:?}");
    }

    let installation = Installation::open(None).await;
    let ended = installation.install(&[]).await;
    assert_eq!((ended.code, installation.installed()), (Some(1), Vec::new()), "{ended:?}");
    assert!(ended.stderr.contains("cannot download the agent from http://127.0.0.1:"), "{ended:?}");
}

/// The program that is installed is a script: first it fails to run, then it never comes up.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn install_fails_if_the_agent_does_not_come_up() {
    let tools = TempDir::new().unwrap();
    let file = tools.path().join("agent");
    let program = Some(AgentProgram { file: file.clone(), arguments: Vec::new() });
    let installation = Installation::open(program).await;
    std::fs::write(&file, "#!/bin/sh\necho 'no such library' >&2; exit 127\n").unwrap();
    let broken = installation.install(&[]).await;
    assert_eq!((broken.code, installation.installed()), (Some(1), Vec::new()), "{broken:?}");
    assert!(broken.stderr.contains("the agent does not run on this machine: no such library"), "{broken:?}");

    let idle =
        "#!/bin/sh\n[ $1 != up ] || { echo $$ >\"$ZTNA_STATE_DIR/pid\"; echo waiting; exec sleep 600; }\n";
    std::fs::write(&file, idle).unwrap();
    let late = installation.install(&[("ZTNA_AUTH_KEY", "tskey-auth-k"), ("ZTNA_UP_TIMEOUT", "3")]).await;
    assert_eq!(late.code, Some(1), "{late:?}");
    assert!(late.stderr.starts_with("waiting\ninstall.sh: "), "{late:?}");
    assert!(late.stderr.contains("did not connect in time; try again: ztna up --server http"), "{late:?}");
    let process = std::fs::read_to_string(installation.path("state/pid")).unwrap();
    eventually(|| !Path::new(&format!("/proc/{}/cwd/.", process.trim())).exists());
}

/// The kit serves its own program, which is the agent only with certain arguments in front.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs curl"]
async fn program_with_arguments_gets_a_wrapper() {
    let tools = TempDir::new().unwrap();
    let agent = tools.path().join("it's $HOME");
    symlink(env!("CARGO_BIN_EXE_ztna"), &agent).unwrap();
    let arguments = vec![agent.to_str().unwrap().to_owned()];
    let installation =
        Installation::open(Some(AgentProgram { file: "/usr/bin/env".into(), arguments })).await;
    let folder = installation.path("it's a \"folder\"");
    let ended = installation.install(&[("ZTNA_INSTALL_DIR", folder.to_str().unwrap())]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = installation.line("ztna up --hostname ''", &folder, &[("ZTNA_AUTH_KEY", "k")]).await;
    assert!(ended.stderr.contains("invalid machine name ''"), "{ended:?}");
}
