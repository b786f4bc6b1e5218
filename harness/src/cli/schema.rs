//! `harness schema`: prints the JSON Schema of a file format.

use clap::{Args, ValueEnum};

use harness_model::plan::waiver::WaiverFile;
use harness_model::scenario;
use harness_report::exit_code::ExitCode;
use harness_report::results::Results;
use harness_runner::targets::profile::Content;

use super::console::Console;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file format
    #[arg(value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Results (the json report)
    Results,
    /// Scenario files
    Scenario,
    /// Target profiles
    Profile,
    /// Waiver files
    Waivers,
}

pub(super) fn schema(arguments: &Arguments, console: &Console) -> ExitCode {
    let schema = match arguments.format {
        Format::Results => schemars::schema_for!(Results).to_value(),
        Format::Scenario => scenario::schema(),
        Format::Profile => schemars::schema_for!(Content).to_value(),
        Format::Waivers => schemars::schema_for!(WaiverFile).to_value(),
    };
    console.print(&format!("{schema:#}\n"));
    ExitCode::Conformant
}
