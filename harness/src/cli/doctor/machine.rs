//! Checks this machine for runs against the embedded reference.

use harness_runner::program_path::find_in_path;
use harness_runner::targets::namespace::check_tun_devices;
use harness_runner::targets::{Finding, State, host_tool};

/// The programs that run the documented command line of an installer.
const PROGRAMS: [&str; 2] = ["sh", "curl"];

const TUN_REMEDY: &str = match cfg!(target_os = "linux") {
    true => "run the kit as root, with `ip` installed",
    false => "run the kit as root on Linux, with `ip` installed",
};

/// Examines what sub-tests need of this machine. Nothing is wrong where something is missing: those sub-tests are skipped.
pub(super) fn examine() -> Vec<Finding> {
    let programs = PROGRAMS.map(|program| Finding {
        subject: program.to_owned(),
        state: if find_in_path(program).is_some() {
            State::Right("installed".to_owned())
        } else {
            skipped("not installed, so sub-tests with an installer are skipped", "install it")
        },
    });
    let tun = match check_tun_devices() {
        Ok(()) => State::Right("TUN devices and network namespaces can be created".to_owned()),
        Err(error) => skipped(&format!("{error}, so sub-tests with a TUN device are skipped"), TUN_REMEDY),
    };
    let tun = Finding { subject: "tun".to_owned(), state: tun };
    programs.into_iter().chain([tun]).chain(recipes()).collect()
}

/// Examines the tools of the guide's recipes.
fn recipes() -> impl Iterator<Item = Finding> {
    let present = host_tool::present().map(|tool| (tool, State::Right("installed".to_owned())));
    let lacking = host_tool::lacking().into_iter().map(|(tool, why)| {
        let reason = format!("it needs {why}, so its sub-test is skipped");
        (tool, State::Open { reason, remedy: None })
    });
    present
        .chain(lacking)
        .map(|(tool, state)| Finding { subject: format!("recipe `{}`", tool.name()), state })
}

fn skipped(reason: &str, remedy: &str) -> State {
    State::Open { reason: reason.to_owned(), remedy: Some((String::new(), remedy.to_owned())) }
}
