//! Deviations on the command line: `--deviation ID`, `list --deviations` and `explain`.

use std::sync::Arc;

use harness_reference::active_deviation::ActiveDeviation;
use harness_reference::{families, selection};
use harness_report::diagnosis::catalogue::{Catalogue, Declared};
use harness_report::exit_code::ExitCode;
use harness_report::terminal::{Paint, wrap};

use crate::cli::console::Console;
use crate::cli::error::CliError;

/// Sets up the deviation with this id and warns that the reference deviates.
pub(super) fn activate(id: &str, console: &Console) -> Result<Arc<ActiveDeviation>, CliError> {
    let catalogue = Catalogue::built_in()?;
    let declared = selection::named(&catalogue, id)?;
    let deviation = ActiveDeviation::new(declared)?;
    console.warn(&format!("the reference deviates deliberately ({id}): {}", declared.summary));
    Ok(Arc::new(deviation))
}

/// `list --deviations`: lists all deviations by family.
pub(in crate::cli) fn list(json: bool, console: &Console) -> Result<ExitCode, CliError> {
    let catalogue = Catalogue::built_in()?;
    let family = |declared: &Declared| families::named(&declared.id).map_or("", |(family, _)| family);
    if json {
        let listed: Vec<_> = catalogue
            .deviations
            .iter()
            .map(|declared| {
                let Declared { id, summary, breaks, caught_by } = declared;
                let family = family(declared);
                serde_json::json!({ "id": id, "family": family, "summary": summary, "breaks": breaks, "caught_by": caught_by })
            })
            .collect();
        console.print(&format!("{:#}\n", serde_json::json!(listed)));
    } else {
        console.print(&by_family(
            &catalogue,
            family,
            Paint::new(console.terminal_options().color),
            console.width(),
        ));
    }
    Ok(ExitCode::Conformant)
}

fn by_family(
    catalogue: &Catalogue,
    family: impl Fn(&Declared) -> &'static str,
    paint: Paint,
    width: usize,
) -> String {
    let mut text = String::new();
    for (name, _) in families::families() {
        text.push_str(&format!("{}{}\n", if text.is_empty() { "" } else { "\n" }, paint.bold(name)));
        for declared in catalogue.deviations.iter().filter(|declared| family(declared) == name) {
            text.push_str(&format!("  {}\n", declared.id));
            for line in wrap(&declared.summary, width.saturating_sub(6)) {
                text.push_str(&format!("      {}\n", paint.faint(&line)));
            }
        }
    }
    text
}

/// Describes a deviation for `explain`; `None` if there is none with this id.
pub(in crate::cli) fn explained(id: &str, paint: Paint) -> Option<String> {
    let catalogue = Catalogue::built_in().ok()?;
    let Declared { id, summary, breaks, caught_by } = catalogue.find(id)?;
    let (family, deviation) = families::named(id)?;
    let who = if deviation.agent.is_some() { "the agent" } else { "the control plane" };
    let title = format!("(a deviation of {who}, family {family})");
    Some(format!(
        "{} {}\nThe reference with one defect: {summary}.\n\nbreaks: {}\ncaught by: {}\n\
         try it: harness serve --deviation {id}\n",
        paint.bold(id),
        paint.faint(&title),
        breaks.join(", "),
        caught_by.join(", ")
    ))
}

/// Returns all ids, for "did you mean".
pub(in crate::cli) fn ids<'a>() -> impl Iterator<Item = &'a str> {
    families::all().map(|(_, id, _)| -> &'a str { id })
}
