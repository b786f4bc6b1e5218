//! The next run removes what a killed run left behind.

use std::process::Command;

use crate::network::lab::{PATIENCE, PREFIX, Process, require, sweep, within};

#[test]
#[ignore = "needs root and ip"]
fn leftovers_of_a_killed_run_are_removed() {
    require(&[]);
    let mut killed = Command::new("true").spawn().unwrap();
    killed.wait().unwrap();
    let namespace = format!("{PREFIX}{}-0-left", killed.id());
    let ip =
        |words: &[&str]| String::from_utf8(Command::new("ip").args(words).output().unwrap().stdout).unwrap();
    ip(&["netns", "add", &namespace]);
    let mut left = Process::start(Command::new("ip").args(["netns", "exec", &namespace, "sleep", "1000"]));
    within(PATIENCE, "the program runs in the namespace", || {
        ip(&["netns", "pids", &namespace]).trim() == left.id().to_string()
    });
    assert!(left.runs());
    sweep();
    assert!(!ip(&["netns", "list"]).contains(&namespace));
    assert!(!left.end().success());
}
