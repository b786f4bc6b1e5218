//! `harness completions`: prints the completion script of a shell.

use clap::{Args, Command};
use clap_complete::Shell;

use harness_report::exit_code::ExitCode;

use super::console::Console;

#[derive(Debug, Args)]
#[command(after_help = INSTALLATION)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const INSTALLATION: &str = "Where shells look for scripts:
  bash  harness completions bash > ~/.local/share/bash-completion/completions/harness
  zsh   harness completions zsh > a folder of $fpath, as _harness
  fish  harness completions fish > ~/.config/fish/completions/harness.fish";

pub(super) fn completions(arguments: &Arguments, mut program: Command, console: &Console) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "harness", &mut script);
    console.print_verbatim(&String::from_utf8_lossy(&script));
    ExitCode::Conformant
}
