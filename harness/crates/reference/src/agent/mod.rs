//! The reference's agent run through pipes, with its arguments, environment, state or output changed.

mod call_proxy;
mod run;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use harness_report::exit_code;

use crate::deviation::AgentCall;
use crate::families;

/// The hidden subcommand that makes this program a deviating agent: `__deviant_ztna ID TRIGGER_FILE WORD…`.
pub const SUBCOMMAND: &str = "__deviant_ztna";

/// Runs the agent with a deviation. The arguments are those after [`SUBCOMMAND`].
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let id = arguments.next().and_then(|id| id.into_string().ok()).unwrap_or_default();
    let trigger_file = PathBuf::from(arguments.next().unwrap_or_default());
    let deviation = families::named(&id).and_then(|(_, deviation)| deviation.agent);
    let (Some(deviation), Ok(words)) =
        (deviation, arguments.map(OsString::into_string).collect::<Result<Vec<_>, _>>())
    else {
        return exit_code::ExitCode::Usage.into();
    };
    let state_folder = state_folder();
    let call = AgentCall {
        words,
        environment: Vec::new(),
        state_folder,
        exit_code: 0,
        printed: String::new(),
        changed_files: false,
    };
    run::run(call, deviation, trigger_file).unwrap_or(exit_code::ExitCode::Internal.into())
}

/// The agent's state folder. Sub-tests name it; a container has the agent's default.
fn state_folder() -> PathBuf {
    let named = std::env::var_os("ZTNA_STATE_DIR").map(PathBuf::from);
    let below_home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state/ztna"));
    named.or_else(below_home).unwrap_or_default()
}
