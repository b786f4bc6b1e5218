//! The reference's agent, wrapped: started through pipes, its arguments, environment, state or words bent.

mod detour;
mod run;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use harness_report::exit_code::{KIT, USAGE};

use crate::deviation::Call;
use crate::families;

/// The hidden subcommand that makes this program a deviant agent: `__deviant_ztna ID MARK WORD…`.
pub const SUBCOMMAND: &str = "__deviant_ztna";

/// Runs the agent with a deviation; the arguments stand behind [`SUBCOMMAND`].
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let id = arguments.next().and_then(|id| id.into_string().ok()).unwrap_or_default();
    let mark = PathBuf::from(arguments.next().unwrap_or_default());
    let wrapping = families::named(&id).and_then(|(_, deviation)| deviation.agent);
    let (Some(wrapping), Ok(words)) =
        (wrapping, arguments.map(OsString::into_string).collect::<Result<Vec<_>, _>>())
    else {
        return ExitCode::from(USAGE);
    };
    let state = std::env::var_os("ZTNA_STATE_DIR").map(PathBuf::from).unwrap_or_default();
    let call = Call { words, environment: Vec::new(), state, exit: 0, touched: false };
    run::run(call, wrapping, mark).unwrap_or(ExitCode::from(KIT))
}
