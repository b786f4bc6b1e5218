//! Sets up the target from the flags.

use std::path::Path;
use std::sync::Arc;

use crate::cli::console::Console;
use crate::cli::{library, reference};
use harness_model::plan::{Disposition, Plan};
use harness_model::source::diagnostic::{Severity, render};
use harness_report::exit_code::USAGE;
use harness_runner::targets::Target;
use harness_runner::targets::profile::{Profile, ProfileError};
use harness_runner::targets::remote::Remote;

use super::arguments::Arguments;

/// Returns the target of `--target`, or the embedded reference without it.
pub(super) fn target(arguments: &Arguments, console: &Console) -> Result<Arc<dyn Target>, u8> {
    let Some(path) = &arguments.target else {
        return reference::target(arguments.deviation.as_deref(), console);
    };
    let refused = |mut error: ProfileError| {
        // Missing variables are warnings for `lint`, but errors for a run.
        error.diagnostics.iter_mut().for_each(|diagnostic| diagnostic.severity = Severity::Error);
        console.show(&error.render(console.colors_errors(), console.width()));
        console.complain(&format!("{}; nothing was run", library::severities(&error.diagnostics)));
        USAGE
    };
    let profile = Profile::read(path).map_err(|error| {
        console.show(&error.render(console.colors_errors(), console.width()));
        console.complain(&format!("{}; nothing was run", library::severities(&error.diagnostics)));
        USAGE
    })?;
    console.show(&render(&profile.warnings, &profile.sources(), console.colors_errors(), console.width()));
    let means = profile.resolve().map_err(refused)?;
    Ok(Arc::new(Remote::new(profile, means)))
}

/// Checks before the run that device logins can be approved, if the plan has any.
pub(super) fn logins_can_be_approved(
    plan: &Plan,
    target: &dyn Target,
    profile: Option<&Path>,
) -> Result<(), String> {
    let Some(profile) = profile else { return Ok(()) };
    let logs_in = plan.subtests.iter().find(|planned| {
        planned.disposition == Disposition::Run
            && planned.scenario.machines.iter().any(|machine| machine.login.is_some())
    });
    match logs_in {
        Some(planned) if !target.can_approve_logins() => Err(format!(
            "{} needs a device login, but {} has no hooks.approve\nadd it, or remove the capability `agent`",
            planned.scenario.id,
            profile.display()
        )),
        _ => Ok(()),
    }
}
