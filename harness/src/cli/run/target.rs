//! From flags to the target.

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

/// The target that the flags name, the embedded reference if they name none.
pub(super) fn target(arguments: &Arguments, console: &Console) -> Result<Arc<dyn Target>, u8> {
    let Some(path) = &arguments.target else {
        return reference::target(arguments.deviation.as_deref(), console);
    };
    let refused = |mut error: ProfileError| {
        // What is not set matters now.
        error.diagnostics.iter_mut().for_each(|diagnostic| diagnostic.severity = Severity::Error);
        console.show(&error.render(console.colors_errors(), console.width()));
        console.complain(&format!("{}; nothing was run", library::counted(&error.diagnostics)));
        USAGE
    };
    let profile = Profile::read(path).map_err(|error| {
        console.show(&error.render(console.colors_errors(), console.width()));
        console.complain(&format!("{}; nothing was run", library::counted(&error.diagnostics)));
        USAGE
    })?;
    console.show(&render(&profile.warnings, &profile.sources(), console.colors_errors(), console.width()));
    let means = profile.means().map_err(refused)?;
    Ok(Arc::new(Remote::new(profile, means)))
}

/// Found out before anything runs: half a run would fail for the profile's sake.
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
            "{} logs in on a machine, but {} has no hooks.approve; add it, or leave the capability `agent` out",
            planned.scenario.id,
            profile.display()
        )),
        _ => Ok(()),
    }
}
