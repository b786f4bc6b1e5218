//! `harness init-target`: creates a target profile, and prompts for what the flags leave out.

use std::collections::BTreeMap;
use std::io::{BufRead as _, ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use harness_model::scenario::model::{Identity, Source};
use harness_report::exit_code::ExitCode;
use harness_runner::targets::profile::{Draft, Login, Profile, TokenSource};

use super::console::Console;
use super::error::{CliError, Mistakes};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "target.toml")]
    file: PathBuf,
    #[command(flatten)]
    content: ProfileFlags,
}

/// What a new profile says.
#[derive(Debug, Args)]
pub(super) struct ProfileFlags {
    /// The target's name in reports
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The base URL, including any path before /api
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The id of the organisation of admin, owner and member
    #[arg(long, value_name = "ID")]
    org_id: Option<String>,
    /// Source of an admin's token: env:VARIABLE, file:PATH, command:LINE or login:EMAIL:PASSWORD_VARIABLE
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    admin: Option<TokenSource>,
    /// Source of the owner's token
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    owner: Option<TokenSource>,
    /// Source of the token of a member without admin rights
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    member: Option<TokenSource>,
    /// Source of the token of another organisation's admin
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    outsider: Option<TokenSource>,
    /// The id of the outsider's organisation
    #[arg(long, value_name = "ID")]
    other_org_id: Option<String>,
    /// The IP address from which the target sees the kit connect
    #[arg(long, value_name = "IP")]
    address: Option<String>,
    /// A PEM file with certificate authorities to trust, relative to the profile
    #[arg(long, value_name = "PATH")]
    ca: Option<String>,
    /// The agent's command, with shell quoting
    #[arg(long, value_name = "COMMAND")]
    agent: Option<String>,
    /// The hook that advances the clock: a URL, or a path relative to the base URL
    #[arg(long, value_name = "HOOK")]
    clock: Option<String>,
    /// The hook that approves device logins
    #[arg(long, value_name = "HOOK")]
    approve: Option<String>,
    /// The hook that resets the target before a run
    #[arg(long, value_name = "HOOK")]
    reset: Option<String>,
}

pub(super) fn init_target(arguments: Arguments, console: &Console) -> Result<ExitCode, CliError> {
    let file = arguments.file.clone();
    let profile = write(&file, &draft(arguments.content, "init-target", console)?)?;
    let name = shell_words::quote(&file.to_string_lossy()).into_owned();
    console.print(&format!("{} written. Next steps:\n", file.display()));
    for variable in variables(&profile) {
        console.print(&format!("  export {variable}=…\n"));
    }
    console.print(&format!("  harness doctor --target {name}\n  harness --target {name}\n"));
    Ok(ExitCode::Conformant)
}

/// Writes a new profile.
///
/// # Errors
/// A flag has an invalid value, or the file exists or cannot be written.
pub(super) fn write(file: &Path, draft: &Draft) -> Result<Profile, CliError> {
    let text = draft.to_toml();
    let source = Source::new(file, text.clone());
    let profile = Profile::parse(&Arc::new(source)).map_err(|error| {
        let consequence = format!("{} was not written", file.display());
        CliError::Mistakes(Mistakes { diagnostics: error.diagnostics, sources: error.sources, consequence })
    })?;
    let created = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
    created.and_then(|mut created| created.write_all(text.as_bytes())).map_err(|cause| {
        match cause.kind() {
            ErrorKind::AlreadyExists => CliError::FileExists(file.to_owned()),
            _ => CliError::WriteFile { path: file.to_owned(), cause },
        }
    })?;
    Ok(profile)
}

/// Returns the environment variables to set before a run.
pub(super) fn variables(profile: &Profile) -> Vec<String> {
    let all = profile.content.tokens.values().filter_map(|source| match source {
        TokenSource::Env(variable) => Some(variable),
        TokenSource::Login(login) => Some(&login.password_env),
        _ => None,
    });
    all.cloned().collect()
}

/// Builds the draft from flags, and from prompts if there is a terminal.
pub(super) fn draft(
    arguments: ProfileFlags,
    command: &'static str,
    console: &Console,
) -> Result<Draft, CliError> {
    let missing = missing_flags(&arguments);
    let has_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !missing.is_empty() && !has_terminal {
        return Err(CliError::MissingFlags { flags: missing.join(", "), command });
    }
    let given = |value: Option<String>, question: &str| match value {
        Some(value) => Ok(value),
        None => ask(question, console),
    };
    let name = given(arguments.name, "The target's name in reports")?;
    let base_url = given(arguments.base_url, "The base URL (https://…)")?;
    let org_id = given(arguments.org_id, "The id of the organisation to test in")?;
    let mut tokens: BTreeMap<Identity, TokenSource> = [
        (Identity::Admin, arguments.admin),
        (Identity::Owner, arguments.owner),
        (Identity::Member, arguments.member),
        (Identity::Outsider, arguments.outsider),
    ]
    .into_iter()
    .filter_map(|(identity, source)| Some((identity, source?)))
    .collect();
    if !missing.is_empty() && tokens.is_empty() {
        let question = "The source of an admin's token (env:VARIABLE, file:PATH, …)";
        tokens.insert(Identity::Admin, ask_for_source(question, console)?);
    }
    Ok(Draft {
        name,
        base_url,
        org_id,
        other_org_id: arguments.other_org_id,
        address: arguments.address,
        tokens,
        ca: arguments.ca,
        agent: arguments.agent,
        clock: arguments.clock,
        approve: arguments.approve,
        reset: arguments.reset,
    })
}

fn missing_flags(arguments: &ProfileFlags) -> Vec<&'static str> {
    let required =
        [("--name", &arguments.name), ("--base-url", &arguments.base_url), ("--org-id", &arguments.org_id)];
    required.into_iter().filter(|(_, value)| value.is_none()).map(|(flag, _)| flag).collect()
}

/// Prompts until there is an answer; the end of input cancels.
fn ask(question: &str, console: &Console) -> Result<String, CliError> {
    loop {
        console.eprint(&format!("{question}: "));
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => return Err(CliError::PromptCancelled),
            Ok(_) if line.trim().is_empty() => {}
            Ok(_) => return Ok(line.trim().to_owned()),
        }
    }
}

/// Prompts for a token source. A plain name is an environment variable.
fn ask_for_source(question: &str, console: &Console) -> Result<TokenSource, CliError> {
    loop {
        let answer = ask(question, console)?;
        if !answer.contains(':') {
            return Ok(TokenSource::Env(answer));
        }
        match source(&answer) {
            Ok(source) => return Ok(source),
            Err(error) => console.error(&error.to_string()),
        }
    }
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("expected env:VARIABLE, file:PATH, command:LINE or login:EMAIL:PASSWORD_VARIABLE")]
struct InvalidSource;

fn source(text: &str) -> Result<TokenSource, InvalidSource> {
    let (kind, rest) =
        text.split_once(':').filter(|(_, rest)| !rest.trim().is_empty()).ok_or(InvalidSource)?;
    Ok(match kind {
        "env" => TokenSource::Env(rest.to_owned()),
        "file" => TokenSource::File(rest.into()),
        "command" => TokenSource::Command(rest.to_owned()),
        "login" => {
            let (email, variable) = rest.rsplit_once(':').ok_or(InvalidSource)?;
            TokenSource::Login(Login { email: email.to_owned(), password_env: variable.to_owned() })
        }
        _ => return Err(InvalidSource),
    })
}
