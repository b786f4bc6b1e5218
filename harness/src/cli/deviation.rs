//! What the commands have to do with deviations: `--deviation ID`, and what `explain` says about proof.

use std::sync::Arc;

use crate::report::exit_code::{ENVIRONMENT, USAGE};
use crate::report::terminal::Paint;
use crate::selftest::catalogue::{Catalogue, Declared};
use crate::selftest::deviant::Deviant;
use crate::selftest::deviation;

use super::console::Console;

/// The deviation of that id, ready to stand in front of the reference; says what it does.
///
/// # Errors
/// The exit code.
pub(super) fn named(id: &str, console: &Console) -> Result<Arc<Deviant>, u8> {
    let found = Catalogue::built_in().and_then(|catalogue| catalogue.named(id).cloned());
    let declared = found.map_err(|error| {
        console.complain(&error.to_string());
        USAGE
    })?;
    let deviant = Deviant::new(&declared).map_err(|error| {
        console.complain(&format!("the deviation {id} cannot be set up: {error}"));
        ENVIRONMENT
    })?;
    console.warn(&format!("the reference deviates on purpose ({id}): {}", declared.wrong));
    Ok(Arc::new(deviant))
}

/// What `explain` says of a deviation; none if there is none of that id.
pub(super) fn explained(id: &str, paint: Paint) -> Option<String> {
    let catalogue = Catalogue::built_in().ok()?;
    let Declared { id, wrong, breaks, caught_by } = catalogue.named(id).ok()?;
    let (family, deviation) = deviation::named(id)?;
    let who = if deviation.agent.is_some() { "the agent" } else { "the control plane" };
    let title = format!("(a deviation of {who}, family {family})");
    Some(format!(
        "{} {}\nThe reference as it would be if {wrong}.\n\nbreaks: {}\ncaught by: {}\n\
         look at it: harness serve --deviation {id}\n",
        paint.bold(id),
        paint.faint(&title),
        breaks.join(", "),
        caught_by.join(", ")
    ))
}

/// What `explain` says of a statement's proof.
pub(super) fn proof_of(statement: &str) -> String {
    let Ok(catalogue) = Catalogue::built_in() else { return String::new() };
    let proving = catalogue.proving(statement);
    if let Some(reason) = catalogue.unproven(statement) {
        return format!("not proven by a deviation: {reason}\n");
    }
    if proving.is_empty() {
        return String::new();
    }
    let lines = proving.iter().map(|declared| format!("  {}: {}\n", declared.id, declared.wrong));
    format!("proven by the deviations:\n{}", lines.collect::<String>())
}

/// All ids, for "did you mean".
pub(super) fn ids<'a>() -> impl Iterator<Item = &'a str> {
    deviation::all().map(|(_, id, _)| -> &'a str { id })
}
