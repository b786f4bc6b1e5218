//! `ztna`: runs one command of the agent on a machine.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::error::StepError;
use super::stage::Stage;
use crate::process::{Process, Waited};
use crate::step::machine::Machine;
use harness_model::check::evidence::{Evidence, ProcessResult};
use harness_model::scenario::model::Command;
use harness_model::scenario::template::{Scope, TemplateError, fill_template};

/// Runs the command to its end. With `until`, leaves it in the background once it has printed that text.
pub async fn perform(command: &Command, stage: &mut Stage) -> Result<Evidence, StepError> {
    let scope = stage.bindings.scope();
    let words = words(command, scope)?;
    let environment = environment(command, scope)?;
    let machine = stage
        .machines
        .get_mut(&command.machine)
        .ok_or_else(|| StepError::Machine(command.machine.clone()))?;
    if command.offline {
        machine.set_offline(true).await?;
    }
    let invocation = Invocation {
        words,
        environment,
        until: command.until.as_deref(),
        timeout: command.timeout,
        is_named: command.is_named,
    };
    let result = run(machine, invocation).await;
    if command.offline {
        machine.set_offline(false).await?;
    }
    result.map(Evidence::Process)
}

/// A command with all templates filled in.
#[derive(Debug)]
pub struct Invocation<'a> {
    pub words: Vec<String>,
    /// A variable without a value is removed.
    pub environment: Vec<(String, Option<String>)>,
    /// Output after which it is left in the background.
    pub until: Option<&'a str>,
    pub timeout: Duration,
    /// Whether `up` gets the machine's name; otherwise its host has it.
    pub is_named: bool,
}

/// Runs a command. Of one that has several forms, returns the first result that is a success, or else the first.
pub async fn run(machine: &mut Machine, invocation: Invocation<'_>) -> Result<ProcessResult, StepError> {
    let mut forms = machine.agent.words.forms(&invocation.words).into_iter();
    let first = forms.next().unwrap_or_else(|| invocation.words.clone());
    let first = run_form(machine, first, &invocation).await?;
    for form in forms {
        if is_success(&first) {
            break;
        }
        let result = run_form(machine, form, &invocation).await?;
        if is_success(&result) {
            return Ok(result);
        }
    }
    Ok(first)
}

fn is_success(result: &ProcessResult) -> bool {
    result.running || result.exit == Some(0)
}

async fn run_form(
    machine: &mut Machine,
    mut words: Vec<String>,
    invocation: &Invocation<'_>,
) -> Result<ProcessResult, StepError> {
    let Invocation { environment, until, timeout, is_named, .. } = invocation;
    complete_up(&mut words, is_named.then_some(machine.host_name.as_str()), &machine.agent.up_flags);
    let process = match is_named {
        true => machine.start(&words, environment).await?,
        false => machine.start_on_own_host(&words, environment).await?,
    };
    let result = ProcessResult { command: command_line(&words, environment), ..Default::default() };
    Ok(wait_for_result(machine, process, result, *until, *timeout).await)
}

/// Waits for a process that was started on the machine, and completes its result.
pub(super) async fn wait_for_result(
    machine: &mut Machine,
    mut process: Process,
    mut result: ProcessResult,
    until: Option<&str>,
    timeout: Duration,
) -> ProcessResult {
    let begun = Instant::now();
    let mut note = None;
    let status = match until {
        None => process.wait(timeout).await,
        Some(text) => match process.wait_for(text, timeout).await {
            Waited::Seen => {
                result.running = true;
                None
            }
            Waited::Ended(_) => process.wait(timeout).await,
            Waited::TimedOut => None,
        },
    };
    if status.is_none() && !result.running {
        process.kill().await;
        let awaited = match until {
            Some(text) => format!("waited {timeout:?} for a line with “{text}”"),
            None => format!("waited {timeout:?} for its end"),
        };
        note = Some(format!("[killed: {awaited}]"));
        result.ended_by_kit = Some(awaited);
    }
    (result.stdout, result.stderr) = process.output();
    result.exit = status.and_then(|status| status.code());
    if let Some(note) = note.or_else(|| status.and_then(ended_by_signal)) {
        result.stderr.push_str(&note);
        result.stderr.push('\n');
    }
    result.took = begun.elapsed();
    result.requests = machine.forwarder.as_ref().map(crate::targets::forward::Forwarder::take);
    if result.running {
        machine.leave_running(process);
    }
    result
}

fn words(command: &Command, scope: Scope<'_>) -> Result<Vec<String>, TemplateError> {
    let mut words = Vec::new();
    for word in &command.words {
        words.extend(fill_template(word, scope)?);
    }
    Ok(words)
}

fn environment(command: &Command, scope: Scope<'_>) -> Result<Vec<(String, Option<String>)>, TemplateError> {
    command.env.iter().map(|(name, value)| Ok((name.clone(), fill_template(value, scope)?))).collect()
}

/// Adds what `up` needs because the machines of a sub-test share this host: a host name, unless it has one, and flags for a
/// host without a TUN device.
fn complete_up(words: &mut Vec<String>, host_name: Option<&str>, flags: &[String]) {
    if words.first().is_none_or(|word| word != "up") {
        return;
    }
    if let Some(host_name) = host_name
        && !words.iter().any(|word| word == "--hostname" || word.starts_with("--hostname="))
    {
        words.extend(["--hostname".to_owned(), host_name.to_owned()]);
    }
    let missing: Vec<String> = flags.iter().filter(|flag| !words.contains(flag)).cloned().collect();
    words.extend(missing);
}

fn command_line(words: &[String], environment: &[(String, Option<String>)]) -> String {
    let assignments = environment.iter().filter_map(|(name, value)| {
        value.as_ref().map(|value| format!("{name}={}", shell_words::quote(value)))
    });
    assignments
        .chain(std::iter::once("ztna".to_owned()))
        .chain(words.iter().map(|word| shell_words::quote(word).into_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn ended_by_signal(status: ExitStatus) -> Option<String> {
    status.signal().map(|signal| format!("[ended by signal {signal}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_gets_a_host_name_and_missing_flags() {
        let cases = [
            ("up", "", "up --hostname Linux-C"),
            ("up --tags a", "", "up --tags a --hostname Linux-C"),
            ("up --hostname other", "", "up --hostname other"),
            ("up --hostname=other", "", "up --hostname=other"),
            ("up", "--userspace", "up --hostname Linux-C --userspace"),
            ("up --userspace --hostname o", "--userspace", "up --userspace --hostname o"),
            ("status", "--userspace", "status"),
        ];
        for (given, flags, wanted) in cases {
            let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let mut words = split(given);
            complete_up(&mut words, Some("Linux-C"), &split(flags));
            assert_eq!(words.join(" "), wanted);
        }
        let mut unnamed = vec!["up".to_owned()];
        complete_up(&mut unnamed, None, &["--userspace".to_owned()]);
        assert_eq!(unnamed, ["up", "--userspace"]);
    }
}
