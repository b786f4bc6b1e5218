//! What the program does inside a machine's container, without a container.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};

use crate::program::harness;

/// Starts a process as an exec request does, with its orders on standard input.
fn run(words: &[&str], script: Option<&str>, folder: &std::path::Path) -> Child {
    let mut command = harness();
    command.args(["__machine", "run"]).args(words).current_dir(folder);
    command.envs(script.map(|script| ("HARNESS_SCRIPT", script)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn an_order_on_standard_input_interrupts_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let line = "trap 'echo caught; exit 7' INT; echo ready; sleep 60 & wait";
    // A shell cannot trap what is ignored when it starts, as it is below a job in the background.
    let mut child = run(&["env", "--default-signal=INT", "sh", "-c", line], None, folder.path());
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(output.next().unwrap().unwrap(), "ready");
    let mut orders = child.stdin.take().unwrap();
    orders.write_all(b"i").unwrap();
    assert_eq!(output.next().unwrap().unwrap(), "caught");
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

#[test]
fn the_end_of_standard_input_kills_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = run(&["sleep", "60"], None, folder.path());
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(137));
}

#[test]
fn a_script_is_a_private_file_and_no_variable() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let script = "echo \"<${HARNESS_SCRIPT-}>\" >&2; exit 3";
    let mut child = run(&["sh", "line.sh"], Some(script), folder.path());
    let (orders, mut told) = (child.stdin.take(), String::new());
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((child.wait().unwrap().code(), told.trim()), (Some(3), "<>"));
    drop(orders);
    let mode = std::fs::metadata(folder.path().join("line.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
