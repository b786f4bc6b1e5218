//! From flags to the target.

use std::path::Path;
use std::sync::Arc;

use crate::cli::console::Console;
use crate::cli::deviation;
use crate::plan::{Disposition, Plan};
use crate::report::exit_code::USAGE;
use crate::target::Target;
use crate::target::embedded::Embedded;
use crate::target::profile::Profile;
use crate::target::remote::Remote;

use super::arguments::Arguments;

/// The target that the flags name, the embedded reference if they name none.
pub(super) fn target(arguments: &Arguments, console: &Console) -> Result<Target, u8> {
    let Some(path) = &arguments.target else {
        let embedded = Embedded::default();
        return Ok(Target::Embedded(match &arguments.deviation {
            Some(id) => embedded.behind(deviation::named(id, console)?),
            None => embedded,
        }));
    };
    let usage = |message: String| {
        console.complain(&message);
        USAGE
    };
    let profile = Profile::read(path).map_err(|error| usage(error.to_string()))?;
    for warning in profile.warnings() {
        console.warn(&warning);
    }
    let remote = Remote::new(profile).map_err(|error| usage(error.to_string()))?;
    Ok(Target::Remote(Arc::new(remote)))
}

/// Found out before anything runs: half a run would fail for the profile's sake.
pub(super) fn logins_can_be_approved(
    plan: &Plan,
    target: &Target,
    profile: Option<&Path>,
) -> Result<(), String> {
    let (Target::Remote(remote), Some(profile)) = (target, profile) else { return Ok(()) };
    let logs_in = plan.subtests.iter().find(|planned| {
        planned.disposition == Disposition::Run
            && planned.scenario.machines.iter().any(|machine| machine.login.is_some())
    });
    match logs_in {
        Some(planned) if !remote.can_approve() => Err(format!(
            "{} logs in on a machine, but {} has no hooks.approve; add it, or leave the capability `agent` out",
            planned.scenario.id,
            profile.display()
        )),
        _ => Ok(()),
    }
}
