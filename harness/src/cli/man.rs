//! `harness man`: the manual pages, generated from the same definitions as `--help`.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;

use harness_model::source::spelling;
use harness_report::exit_code::ExitCode;

use super::console::Console;
use super::error::CliError;

#[derive(Debug, Args)]
#[command(after_help = "To read a page: harness man | man -l -")]
pub(super) struct Arguments {
    /// The command that the page describes [default: harness itself]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// Write the pages of harness and of every command into this folder, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

pub(super) fn man(arguments: &Arguments, program: Command, console: &Console) -> Result<ExitCode, CliError> {
    let pages = pages(program);
    if let Some(folder) = &arguments.dir {
        for page in &pages {
            let path = folder.join(page.get_filename());
            write(page, &path).map_err(|cause| CliError::WriteFile { path, cause })?;
        }
        console.eprint(&format!("{} pages written to {}\n", pages.len(), folder.display()));
        return Ok(ExitCode::Conformant);
    }
    let name = match &arguments.command {
        Some(command) => format!("harness-{command}.1"),
        None => "harness.1".to_owned(),
    };
    let page =
        pages.iter().find(|page| page.get_filename() == name).ok_or_else(|| unknown(arguments, &pages))?;
    console.print_verbatim(&text(page).map_err(CliError::StandardOutput)?);
    Ok(ExitCode::Conformant)
}

fn write(page: &Man, path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, text(page)?)
}

fn text(page: &Man) -> io::Result<String> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// Returns the page of the program and one of each command.
fn pages(program: Command) -> Vec<Man> {
    // Built, so that commands have their full names, which the pages refer to.
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let commands = program.get_subcommands().filter(|one| !one.is_hide_set()).cloned();
    std::iter::once(program.clone()).chain(commands).map(Man::new).collect()
}

fn unknown(arguments: &Arguments, pages: &[Man]) -> CliError {
    let word = arguments.command.clone().unwrap_or_default();
    let files: Vec<String> = pages.iter().map(Man::get_filename).collect();
    let names = files.iter().filter_map(|file| file.strip_prefix("harness-")?.strip_suffix(".1"));
    let hint = spelling::help_for(&word, &names.collect::<Vec<_>>());
    CliError::UnknownPage { word, hint }
}
