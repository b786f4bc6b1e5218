//! `shell`: runs a line in a machine's shell, as a reader would paste it from a document.

use super::error::StepError;
use super::stage::Stage;
use super::ztna;
use harness_model::check::evidence::{Evidence, ProcessResult};
use harness_model::scenario::model::ShellLine;
use harness_model::scenario::template::{TemplateError, fill_template};

/// Runs the line to its end. Background processes that it leaves run until the machine is stopped.
pub async fn perform(line: &ShellLine, stage: &mut Stage) -> Result<Evidence, StepError> {
    let (text, environment) = fill(line, stage)?;
    let machine =
        stage.machines.get_mut(&line.machine).ok_or_else(|| StepError::Machine(line.machine.clone()))?;
    let process = machine.start_shell(&text, &environment).await?;
    let result = ProcessResult { command: pasteable(&text, &environment), shell: true, ..Default::default() };
    Ok(Evidence::Process(ztna::wait_for_result(machine, process, result, None, line.timeout).await))
}

type FilledLine = (String, Vec<(String, Option<String>)>);

fn fill(line: &ShellLine, stage: &Stage) -> Result<FilledLine, TemplateError> {
    let scope = stage.bindings.scope();
    let text = fill_template(&line.line, scope)?.unwrap_or_default();
    let environment = line.env.iter().map(|(name, value)| Ok((name.clone(), fill_template(value, scope)?)));
    Ok((text, environment.collect::<Result<_, TemplateError>>()?))
}

/// Returns the line with its environment as exports: a leading assignment would reach only its first command.
fn pasteable(text: &str, environment: &[(String, Option<String>)]) -> String {
    let exports = environment.iter().filter_map(|(name, value)| {
        value.as_ref().map(|value| format!("export {name}={}; ", shell_words::quote(value)))
    });
    exports.chain(std::iter::once(text.to_owned())).collect()
}
