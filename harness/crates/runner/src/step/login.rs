//! `login`: logs a user in on a machine with the device flow (RFC 8628), which the kit approves.

use std::sync::LazyLock;
use std::time::Duration;

use harness_model::check::evidence::{Evidence, ProcessResult};
use harness_model::scenario::model::{Identity, Login};
use regex::Regex;

use super::error::StepError;
use super::machine::Machine;
use super::stage::Stage;
use crate::targets::TestEnvironment;

/// Matches a user code of RFC 8628 as agents print it.
static USER_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b").ok());

pub(super) async fn perform(login: &Login, stage: &mut Stage) -> Result<Evidence, StepError> {
    let machine =
        stage.machines.get_mut(&login.machine).ok_or_else(|| StepError::Machine(login.machine.clone()))?;
    log_in(machine, login.identity, &stage.environment, login.timeout).await.map(Evidence::Process)
}

/// Runs `ztna login` on the machine. Later steps rely on the session, so its absence is no evidence but an error.
pub(crate) async fn log_in(
    machine: &Machine,
    identity: Identity,
    environment: &TestEnvironment,
    limit: Duration,
) -> Result<ProcessResult, StepError> {
    let failed = |what: &str, (stdout, stderr): (String, String)| StepError::Preparation {
        machine: machine.name.clone(),
        cause: format!("`ztna login` {what}:\n{}", format!("{stdout}{stderr}").trim_end()),
    };
    // The profile's decoder has checked it.
    let own_form = machine.agent.login_code.as_deref().and_then(|form| Regex::new(form).ok());
    let mut process = machine.start(&["login".to_owned()], &[]).await?;
    let Some(code) = process.find(|output| user_code(output, own_form.as_ref()), limit).await else {
        process.kill().await;
        return Err(failed("printed no user code (agent.code of the profile is its form)", process.output()));
    };
    environment.approve(&code, identity).await?;
    match process.wait(limit).await {
        Some(status) if status.success() => {
            let (stdout, stderr) = process.output();
            let command = "ztna login".to_owned();
            Ok(ProcessResult { command, exit: status.code(), stdout, stderr, ..ProcessResult::default() })
        }
        Some(_) => Err(failed("failed", process.output())),
        None => {
            process.kill().await;
            Err(failed("timed out", process.output()))
        }
    }
}

fn user_code(output: &str, own_form: Option<&Regex>) -> Option<String> {
    let found = own_form.or(USER_CODE.as_ref())?.captures(output)?;
    found.get(1).or(found.get(0)).map(|code| code.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_codes_are_found_in_the_agents_form() {
        let cases = [
            ("Enter WXYZ-1234 at https://x.example", None, Some("WXYZ-1234")),
            ("Enter 123456 at https://x.example", None, None),
            ("Enter 123456 at https://x.example", Some("[0-9]{6}"), Some("123456")),
            ("Your code is: ab cd.", Some("code is: (\\w+ \\w+)"), Some("ab cd")),
            ("Enter WXYZ-1234", Some("[0-9]{6}"), None),
        ];
        for (output, form, code) in cases {
            let form = form.map(|form| Regex::new(form).unwrap());
            assert_eq!(user_code(output, form.as_ref()).as_deref(), code, "{output}");
        }
    }
}
