//! `harness watch`, and `--open`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::copied;
use crate::program::{harness, interrupt, wait_for};
use crate::unused_port::unused_address;

/// How long a line may take; generous, since tests share the machine.
const LIMIT: Duration = Duration::from_secs(60);

struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// Waits for a line that contains this.
    fn until(&self, part: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(LIMIT).unwrap_or_else(|_| panic!("no line with `{part}`"));
            if line.contains(part) {
                return line;
            }
        }
    }

    fn end(mut self) -> Option<i32> {
        interrupt(self.child.id());
        self.child.wait().unwrap().code()
    }
}

/// A profile of a target that is not there.
fn profile(folder: &Path, address: &str) -> std::path::PathBuf {
    let path = folder.join("target.toml");
    let text = format!(
        "name = \"small\"\nbase_url = \"http://{address}\"\norg_id = \"org_1\"\n[tokens]\nadmin = \"x\"\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_changed_scenario_or_profile_and_a_target_that_is_back_start_a_run() {
    let scenarios = copied();
    let folder = tempfile::tempdir().unwrap();
    let address = unused_address().to_string();
    let profile = profile(folder.path(), &address);
    let mut command = harness();
    command.arg("watch").arg("--scenarios").arg(scenarios.path()).arg("--target").arg(&profile);
    let watching = Watching::start(&mut command);
    watching.until("(exit 3)");
    assert!(watching.until("watching ").contains(&address));

    let scenario = scenarios.path().join("probe/keys/ST1.toml");
    let text = std::fs::read_to_string(&scenario).unwrap();
    std::fs::write(&scenario, format!("{text}\n# changed\n")).unwrap();
    watching.until("changed: ");
    watching.until("watching ");

    std::fs::write(&profile, std::fs::read_to_string(&profile).unwrap() + "# changed\n").unwrap();
    assert!(watching.until("changed: ").contains("target.toml"));
    watching.until("watching ");

    let listener = std::net::TcpListener::bind(&address).unwrap();
    assert!(watching.until(" is back").contains(&address));
    drop(listener);
    watching.until("watching ");
    assert_eq!(watching.end(), Some(3));
}

#[test]
fn an_interruption_is_heard_whenever_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let profile = profile(folder.path(), "127.0.0.1:9");
    // During the start, the run, the wait after it, and between them.
    for delay in [10, 30, 60, 90, 120, 150, 200, 300, 400] {
        let mut command = harness();
        command.arg("watch").arg("--target").arg(&profile).args(["--filter", "generate/ST5"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        interrupt(child.id());
        wait_for("the end of the watch", || child.try_wait().unwrap());
    }
}

#[test]
fn open_shows_the_page_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let opened = folder.path().join("opened");
    let browser = folder.path().join("xdg-open");
    std::fs::write(&browser, format!("#!/bin/sh\necho \"$1\" >{}\n", opened.display())).unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let mut command = harness();
    command.current_dir(folder.path()).env("PATH", path).args(["-q", "--open", "used-count/ST4-http"]);
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    let page =
        wait_for("a page", || std::fs::read_to_string(&opened).ok().filter(|text| text.ends_with('\n')));
    assert!(page.starts_with("reports/") && page.trim_end().ends_with("/report.html"), "{page}");
    assert!(folder.path().join(page.trim_end()).is_file());
}
