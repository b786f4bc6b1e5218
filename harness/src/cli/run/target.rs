//! Sets up the target from the flags.

use std::path::Path;
use std::sync::Arc;

use crate::cli::console::Console;
use crate::cli::database::Database;
use crate::cli::error::CliError;
use crate::cli::reference;
use harness_model::plan::{Disposition, Plan};
use harness_model::source::diagnostic::Severity;
use harness_runner::targets::Target;
use harness_runner::targets::profile::Profile;
use harness_runner::targets::remote::Remote;

use super::arguments::Arguments;

/// Returns the target of `--target`, or the embedded reference without it.
pub(super) async fn target(arguments: &Arguments, console: &Console) -> Result<Arc<dyn Target>, CliError> {
    let Some(path) = &arguments.target else {
        let database = Database { url: &arguments.database, replicas: arguments.replicas.get() };
        return reference::target(arguments.runtime, arguments.deviation.as_deref(), database, console).await;
    };
    Ok(Arc::new(remote(path, console)?))
}

/// Returns the target that a profile describes.
pub(in crate::cli) fn remote(path: &Path, console: &Console) -> Result<Remote, CliError> {
    let profile =
        Profile::read(path).map_err(|error| CliError::nothing_was_run(error.diagnostics, error.sources))?;
    console.eprint_diagnostics(&profile.warnings, &profile.sources());
    let means = profile.resolve().map_err(|mut error| {
        // Missing variables are warnings for `lint`, but errors for a run.
        error.diagnostics.iter_mut().for_each(|diagnostic| diagnostic.severity = Severity::Error);
        CliError::nothing_was_run(error.diagnostics, error.sources)
    })?;
    Ok(Remote::new(profile, means))
}

/// Checks before the run that device logins can be approved, if the plan has any.
pub(super) fn verify_logins(
    plan: &Plan,
    target: &dyn Target,
    profile: Option<&Path>,
) -> Result<(), CliError> {
    let Some(profile) = profile else { return Ok(()) };
    let login = plan
        .subtests
        .iter()
        .find(|planned| planned.disposition == Disposition::Run && planned.scenario.logs_in());
    match login {
        Some(planned) if !target.can_approve_logins() => {
            let subtest = planned.scenario.id.clone();
            Err(CliError::NoApproval { subtest, profile: profile.to_owned() })
        }
        _ => Ok(()),
    }
}
