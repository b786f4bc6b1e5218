//! `harness init-target`: writes the profile of a target, asking for what no flag says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use harness_model::scenario::model::{Identity, Source};
use harness_report::exit_code::{ENVIRONMENT, USAGE};
use harness_runner::targets::profile::{Draft, Login, Profile, TokenSource, written};

use super::console::Console;

/// What is known of the target.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "target.toml")]
    file: PathBuf,
    /// The target's name in reports
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where it answers, with the path that stands before /api
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The organisation of admin, owner and member
    #[arg(long, value_name = "ID")]
    org_id: Option<String>,
    /// Sessions of an admin: env:VARIABLE, file:PATH, command:LINE or login:EMAIL:PASSWORD_VARIABLE
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    admin: Option<TokenSource>,
    /// Sessions of the owner
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    owner: Option<TokenSource>,
    /// Sessions of a member without rights
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    member: Option<TokenSource>,
    /// Sessions of an admin of another organisation
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    outsider: Option<TokenSource>,
    /// The outsider's organisation
    #[arg(long, value_name = "ID")]
    other_org_id: Option<String>,
    /// The address that the target sees the kit at
    #[arg(long, value_name = "IP")]
    address: Option<String>,
    /// A PEM file with the authorities to trust, relative to the profile
    #[arg(long, value_name = "PATH")]
    ca: Option<String>,
    /// The agent's command, quoted as in a shell
    #[arg(long, value_name = "COMMAND")]
    agent: Option<String>,
    /// The hook that moves the clock: a URL, or a path below the base URL
    #[arg(long, value_name = "HOOK")]
    clock: Option<String>,
    /// The hook that approves device logins
    #[arg(long, value_name = "HOOK")]
    approve: Option<String>,
    /// The hook that resets the target before a run
    #[arg(long, value_name = "HOOK")]
    reset: Option<String>,
}

pub(super) fn init_target(arguments: Arguments, console: &Console) -> u8 {
    let file = arguments.file.clone();
    match draft(arguments, console).and_then(|draft| write(&file, &draft, console)) {
        Ok(()) => 0,
        Err(code) => code,
    }
}

fn write(file: &PathBuf, draft: &Draft, console: &Console) -> Result<(), u8> {
    let text = written(draft);
    let source = Source { path: file.clone(), text: text.clone() };
    let profile = Profile::parse(&Arc::new(source)).map_err(|error| {
        console.show(&error.render(console.colors_errors(), console.width()));
        console.complain(&format!("{} was not written", file.display()));
        USAGE
    })?;
    let created = std::fs::OpenOptions::new().write(true).create_new(true).open(file);
    let done = created.and_then(|mut created| created.write_all(text.as_bytes()));
    done.map_err(|cause| {
        if cause.kind() == std::io::ErrorKind::AlreadyExists {
            console.complain(&format!("{} exists; name another file, or remove it first", file.display()));
            return USAGE;
        }
        console.complain(&format!("{} cannot be written: {cause}", file.display()));
        ENVIRONMENT
    })?;
    let name = shell_words::quote(&file.to_string_lossy()).into_owned();
    console.say(&format!("{} is written. Next:\n", file.display()));
    for line in exports(&profile) {
        console.say(&format!("  {line}\n"));
    }
    console.say(&format!("  harness lint --target {name}\n  harness --target {name}\n"));
    Ok(())
}

/// What a shell has to know before a run.
fn exports(profile: &Profile) -> Vec<String> {
    let variables = profile.content.tokens.values().filter_map(|source| match source {
        TokenSource::Env(variable) => Some(variable),
        TokenSource::Login(login) => Some(&login.password_env),
        _ => None,
    });
    variables.map(|variable| format!("export {variable}=…")).collect()
}

/// What flags say, and people on a terminal.
fn draft(arguments: Arguments, console: &Console) -> Result<Draft, u8> {
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let missing: Vec<&str> = [
        ("--name", arguments.name.is_none()),
        ("--base-url", arguments.base_url.is_none()),
        ("--org-id", arguments.org_id.is_none()),
    ]
    .into_iter()
    .filter_map(|(flag, missing)| missing.then_some(flag))
    .collect();
    if !missing.is_empty() && !asks {
        console.complain(&format!(
            "{} missing, and there is no terminal to ask at; `harness init-target --help` lists every flag",
            listed(&missing)
        ));
        return Err(USAGE);
    }
    let was_asked = !missing.is_empty();
    let mut tokens: BTreeMap<Identity, TokenSource> = [
        (Identity::Admin, arguments.admin),
        (Identity::Owner, arguments.owner),
        (Identity::Member, arguments.member),
        (Identity::Outsider, arguments.outsider),
    ]
    .into_iter()
    .filter_map(|(identity, source)| Some((identity, source?)))
    .collect();
    let given = |value: Option<String>, question: &str| match value {
        Some(value) => Ok(value),
        None => ask(question, console),
    };
    let name = given(arguments.name, "The target's name in reports")?;
    let base_url = given(arguments.base_url, "Where it answers (https://…)")?;
    let org_id = given(arguments.org_id, "The id of the organisation to test in")?;
    if was_asked && tokens.is_empty() {
        tokens.insert(
            Identity::Admin,
            ask_for_source("Where an admin's token is (env:VARIABLE, file:PATH, …)", console)?,
        );
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

fn listed(flags: &[&str]) -> String {
    let verb = if flags.len() == 1 { "is" } else { "are" };
    match flags.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last} {verb}", rest.join(", ")),
        _ => format!("{} {verb}", flags.join(", ")),
    }
}

/// Until something is answered; an end of input is a way out.
fn ask(question: &str, console: &Console) -> Result<String, u8> {
    loop {
        console.show(&format!("{question}: "));
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => {
                console.complain("nothing was written");
                return Err(USAGE);
            }
            Ok(_) if line.trim().is_empty() => {}
            Ok(_) => return Ok(line.trim().to_owned()),
        }
    }
}

/// As flags say it; a name alone is a variable's.
fn ask_for_source(question: &str, console: &Console) -> Result<TokenSource, u8> {
    loop {
        let answer = ask(question, console)?;
        if !answer.contains(':') {
            return Ok(TokenSource::Env(answer));
        }
        match source(&answer) {
            Ok(source) => return Ok(source),
            Err(message) => console.complain(&message),
        }
    }
}

fn source(text: &str) -> Result<TokenSource, String> {
    let wrong = || "write env:VARIABLE, file:PATH, command:LINE or login:EMAIL:PASSWORD_VARIABLE".to_owned();
    let (kind, rest) = text.split_once(':').filter(|(_, rest)| !rest.trim().is_empty()).ok_or_else(wrong)?;
    Ok(match kind {
        "env" => TokenSource::Env(rest.to_owned()),
        "file" => TokenSource::File(rest.into()),
        "command" => TokenSource::Command(rest.to_owned()),
        "login" => {
            let (email, variable) = rest.rsplit_once(':').ok_or_else(wrong)?;
            TokenSource::Login(Login { email: email.to_owned(), password_env: variable.to_owned() })
        }
        _ => return Err(wrong()),
    })
}
