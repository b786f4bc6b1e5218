//! `shell`: a line in the shell of a machine, as a person pastes it from a document.

use std::os::unix::fs::OpenOptionsExt as _;

use super::error::StepError;
use super::stage::Stage;
use super::ztna;
use harness_model::check::evidence::{Evidence, ProcessResult};
use harness_model::scenario::model::ShellLine;
use harness_model::scenario::template::{TemplateError, fill_template};

/// Runs the line to its end. What it leaves in the background goes on until the machine is stopped.
///
/// # Errors
/// A variable has no value, or there is no shell.
pub async fn perform(line: &ShellLine, stage: &mut Stage) -> Result<Evidence, StepError> {
    let (text, environment) = filled(line, stage)?;
    let machine =
        stage.machines.get_mut(&line.machine).ok_or_else(|| StepError::Machine(line.machine.clone()))?;
    let script = machine.directory().join("line.sh");
    write(&script, &text).map_err(|cause| StepError::Local {
        what: format!("{} cannot be written", script.display()),
        cause,
    })?;
    let process = machine.start_shell(&script, &environment)?;
    let result = ProcessResult { command: shown(&text, &environment), shell: true, ..Default::default() };
    Ok(Evidence::Process(ztna::attend(machine, process, result, None, line.timeout).await))
}

/// The line and its environment.
type Filled = (String, Vec<(String, Option<String>)>);

fn filled(line: &ShellLine, stage: &Stage) -> Result<Filled, TemplateError> {
    let scope = stage.bindings.scope();
    let text = fill_template(&line.line, scope)?.unwrap_or_default();
    let environment = line.env.iter().map(|(name, value)| Ok((name.clone(), fill_template(value, scope)?)));
    Ok((text, environment.collect::<Result<_, TemplateError>>()?))
}

/// In a file for its owner only: an argument of `sh -c` is seen by everybody on this host, and it may hold a key.
fn write(script: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(script)?;
    writeln!(file, "{text}")
}

/// The line with its environment, as it could be pasted. An assignment in front would reach its first command only.
fn shown(text: &str, environment: &[(String, Option<String>)]) -> String {
    let exports = environment.iter().filter_map(|(name, value)| {
        value.as_ref().map(|value| format!("export {name}={}; ", shell_words::quote(value)))
    });
    exports.chain(std::iter::once(text.to_owned())).collect()
}
