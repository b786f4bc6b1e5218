//! `harness list`: lists sub-tests or deviations.

use std::path::Path;

use clap::Args;
use serde_json::json;

use harness_model::library::Library;
use harness_model::plan::{Filter, PlanError};
use harness_model::requirement::Registry;
use harness_model::scenario::model::Scenario;
use harness_model::text::counted;
use harness_report::exit_code::ExitCode;
use harness_report::record::planned_checks;
use harness_report::terminal::Paint;

use super::console::Console;
use super::error::CliError;
use super::{library, names, reference};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only this suite; may be repeated
    #[arg(long, value_name = "SUITE")]
    suite: Vec<String>,
    /// Only matching sub-tests, such as 'used-count/*' or 'verifies=generate/ST5.*'
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// List the deviations of the reference by family instead of sub-tests
    #[arg(long, conflicts_with_all = ["suite", "filter"])]
    deviations: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn list(
    arguments: &Arguments,
    scenarios: Option<&Path>,
    console: &Console,
) -> Result<ExitCode, CliError> {
    if arguments.deviations {
        return reference::list_deviations(arguments.json, console);
    }
    let loaded = library::open(scenarios)?;
    let registry = &loaded.library.registry;
    names::verify_suites(&arguments.suite, registry)?;
    let filter = arguments.filter.as_deref().map(Filter::parse).transpose()?;
    let listed: Vec<&Scenario> = loaded
        .library
        .scenarios
        .iter()
        .map(AsRef::as_ref)
        .filter(|scenario| arguments.suite.is_empty() || arguments.suite.contains(&scenario.suite))
        .filter(|scenario| filter.as_ref().is_none_or(|filter| filter.selects(scenario)))
        .collect();
    if let (true, Some(filter)) = (listed.is_empty(), &filter) {
        return Err(nothing_listed(filter, &loaded.library));
    }
    filter.iter().for_each(|filter| names::warn_of_idle_terms(filter, &loaded.library, console));
    let text = if arguments.json {
        as_json(&listed)
    } else {
        as_text(&listed, registry, Paint::new(console.terminal_options().color))
    };
    console.print(&text);
    Ok(ExitCode::Conformant)
}

fn nothing_listed(filter: &Filter, library: &Library) -> CliError {
    let hint = filter.hint(&library.scenarios, &library.registry);
    let hint = hint.unwrap_or_else(|| "`harness list` lists all sub-tests".to_owned());
    PlanError::NothingSelected(format!("the filter `{}` matches no sub-test\n{hint}", filter.as_str())).into()
}

fn as_json(listed: &[&Scenario]) -> String {
    let subtests: Vec<_> = listed
        .iter()
        .map(|scenario| {
            json!({
                "id": scenario.id,
                "suite": scenario.suite,
                "chapter": scenario.chapter,
                "title": scenario.title,
                "checks": planned_checks(scenario),
                "needs": scenario.needs,
                "waits_seconds": scenario.waits.map(|waits| waits.as_secs()),
                "skip": scenario.skip.as_ref().map(|skip| &skip.reason),
                "file": scenario.source.path,
            })
        })
        .collect();
    format!("{:#}\n", json!(subtests))
}

fn as_text(listed: &[&Scenario], registry: &Registry, paint: Paint) -> String {
    let mut text = String::new();
    let widest = listed.iter().map(|scenario| scenario.id.chars().count()).max().unwrap_or_default();
    let (mut suite, mut chapter) = ("", "");
    for scenario in listed {
        if scenario.suite != suite {
            suite = &scenario.suite;
            text.push_str(&format!("{}{}\n", if text.is_empty() { "" } else { "\n" }, paint.bold(suite)));
        }
        if scenario.chapter != chapter {
            chapter = &scenario.chapter;
            let title = registry.chapter(chapter).map_or("", |chapter| chapter.title.as_str());
            text.push_str(&format!("  {chapter}: {title}\n"));
        }
        let remark = match &scenario.skip {
            Some(skip) => format!("skipped: {}", skip.reason),
            None => counted(planned_checks(scenario), "check"),
        };
        let title = &scenario.title;
        text.push_str(&format!(
            "    {:widest$}  {title} {}\n",
            scenario.id,
            paint.faint(&format!("({remark})"))
        ));
    }
    text
}
