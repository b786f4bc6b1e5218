//! The command line of `mock-server`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ipnet::IpNet;
use tokio::signal::unix::{SignalKind, signal};
use ztna_protocol::region::Region;

use super::logging::LogFormat;
use super::{
    AgentProgram, Config, DEFAULT_LISTEN, Fixture, RelayConfig, RelayServer, Server, StartError, logging,
    start,
};
use crate::control::{Clock, Random};
use crate::domain::site::Site;
use crate::store::Location;

/// Exit code of a command line that cannot be followed, as clap's own.
const USAGE: u8 = 2;

/// Characters of the relays' secret; fewer could be guessed.
const SHORTEST_SECRET: usize = 16;

/// QuickZTNA's reference control plane.
#[derive(Debug, Parser)]
#[command(name = "mock-server", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT.
    Serve(Serve),
    /// Serve a relay for machines that cannot reach each other over UDP, until SIGTERM or SIGINT.
    ///
    /// The secret that it shares with its control plane is in the environment variable ZTNA_RELAY_SECRET.
    Relay(RelayOptions),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// Where the data lives: sqlite::memory: or sqlite:PATH.
    #[arg(long, value_name = "DATABASE", default_value = "sqlite::memory:")]
    database: String,
    /// The organisations and users of an empty database, instead of the built-in ones.
    #[arg(long, value_name = "FILE")]
    fixture: Option<PathBuf>,
    /// Let tests move the clock, through a listener of its own on loopback.
    #[arg(long)]
    test_control: bool,
    /// Written (mode 0600) once requests are answered: where, and who may log in.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// A proxy whose X-Forwarded-For is believed; may be given more than once.
    #[arg(long = "trusted-proxy", value_name = "CIDR")]
    trusted_proxies: Vec<IpNet>,
    /// The program that install.sh gives to machines [default: the ztna beside this program, if there is one]
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// A relay elsewhere besides those of the fixture; may be given more than once. It shows the secret of the environment
    /// variable ZTNA_RELAY_SECRET.
    #[arg(long = "relay", value_name = "REGION=URL", value_parser = site)]
    relays: Vec<Site>,
    /// How log lines look; RUST_LOG chooses which there are.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// The secret that it shares with its control plane is in the environment variable ZTNA_RELAY_SECRET.
#[derive(Debug, clap::Args)]
struct RelayOptions {
    /// Where to listen; port 0 lets the system choose.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// The region it serves, such as fra1; its control plane has to name it too
    #[arg(long, value_name = "REGION")]
    region: Region,
    /// The control plane that knows the machines
    #[arg(long, value_name = "URL", value_parser = address)]
    control: String,
    /// How log lines look; RUST_LOG chooses which there are.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Serve(options) => {
            logging::install(options.log_format);
            run(options)
        }
        Command::Relay(options) => {
            logging::install(options.log_format);
            run_relay(options)
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "mock-server: {error}");
            ExitCode::from(if matches!(error, StartError::Database(_) | StartError::RelaySecret(_)) {
                USAGE
            } else {
                1
            })
        }
    }
}

fn run(options: Serve) -> Result<(), StartError> {
    let fixture = match &options.fixture {
        Some(path) => Fixture::load(path)?,
        None => Fixture::built_in()?,
    };
    let relay_secret = relay_secret()?;
    if relay_secret.is_none() && !options.relays.is_empty() {
        // No relay could ask whom it may let in.
        return Err(StartError::RelaySecret("is not set"));
    }
    let config = Config {
        listen: options.listen,
        database: location(&options.database)?,
        fixture,
        clock: if options.test_control { Clock::adjustable() } else { Clock::system() },
        random: Random::system(),
        trusted_proxies: options.trusted_proxies,
        test_control: options.test_control,
        device_poll_interval: None,
        relay_secret,
        relays: options.relays,
        agent_program: agent_program(options.agent)?,
    };
    runtime()?.block_on(async {
        let stopped = stopped()?;
        let server = start(config).await?;
        announce(&server);
        if let Some(path) = options.ready_file {
            server.ready().write(&path).map_err(|source| StartError::ReadyFile { path, source })?;
        }
        stopped.await;
        tracing::info!("stopping");
        server.stop().await;
        Ok(())
    })
}

fn run_relay(options: RelayOptions) -> Result<(), StartError> {
    let RelayOptions { listen, region, control, .. } = options;
    let secret = relay_secret()?.ok_or(StartError::RelaySecret("is not set"))?;
    runtime()?.block_on(async {
        let stopped = stopped()?;
        let relay = RelayServer::start(RelayConfig { listen, region, control, secret }).await?;
        tracing::info!(address = %relay.address(), %region, "listening");
        stopped.await;
        tracing::info!("stopping");
        Ok(())
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|source| StartError::Runtime { source })
}

/// Heeds signals from now on; what it answers ends with the first.
fn stopped() -> Result<impl Future<Output = ()>, StartError> {
    let signals = |kind| signal(kind).map_err(|source| StartError::Runtime { source });
    let (mut terminate, mut interrupt) =
        (signals(SignalKind::terminate())?, signals(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Never on the command line, where everybody on the machine could read it.
fn relay_secret() -> Result<Option<String>, StartError> {
    match std::env::var("ZTNA_RELAY_SECRET") {
        Ok(secret) if secret.trim().len() >= SHORTEST_SECRET => Ok(Some(secret.trim().to_owned())),
        Ok(secret) if !secret.trim().is_empty() => Err(StartError::RelaySecret("is too short")),
        _ => Ok(None),
    }
}

fn site(text: &str) -> Result<Site, String> {
    let (region, url) =
        text.split_once('=').ok_or("expected REGION=URL, such as fra1=https://fra1.relay.example")?;
    let region: Region = region.parse().map_err(|error| format!("{error}"))?;
    Ok(Site { region, name: region.to_string(), url: Some(address(url)?) })
}

fn address(text: &str) -> Result<String, String> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => Ok(text.trim_end_matches('/').to_owned()),
        false => Err("it has to begin with https:// or http://".to_owned()),
    }
}

/// One that was named has to be there.
fn agent_program(named: Option<PathBuf>) -> Result<Option<AgentProgram>, StartError> {
    let file = match named {
        Some(path) => match std::fs::File::open(&path).and_then(|file| file.metadata()) {
            Ok(found) if found.is_file() => Some(path),
            Ok(_) => {
                return Err(StartError::AgentProgram {
                    path,
                    source: std::io::ErrorKind::IsADirectory.into(),
                });
            }
            Err(source) => return Err(StartError::AgentProgram { path, source }),
        },
        None => {
            std::env::current_exe().ok().map(|path| path.with_file_name("ztna")).filter(|path| path.is_file())
        }
    };
    Ok(file.map(|file| AgentProgram { file, arguments: Vec::new() }))
}

fn announce(server: &Server) {
    tracing::info!(base_url = server.base_url(), "listening");
    if let Some(control_url) = &server.ready().control_url {
        tracing::warn!(control_url, "test control is on: anyone on this machine can move the clock");
    }
}

fn location(database: &str) -> Result<Location, StartError> {
    if database == "sqlite::memory:" {
        return Ok(Location::Memory);
    }
    if database.starts_with("postgres://") || database.starts_with("postgresql://") {
        let words =
            "PostgreSQL is not in this version yet: name sqlite:PATH or sqlite::memory: with --database";
        return Err(StartError::Database(words.to_owned()));
    }
    match database.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) {
        Some(path) if path.contains('?') => Err(StartError::Database(format!(
            "--database sqlite:{path} has options after the '?', and there are none: name sqlite:PATH alone"
        ))),
        Some(path) if !path.is_empty() => Ok(Location::File(PathBuf::from(path))),
        _ => Err(StartError::Database(
            "--database must be sqlite::memory:, sqlite:PATH or postgres://…".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_agent_that_is_named_has_to_be_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let named = agent_program(Some(file.path().to_owned())).unwrap().unwrap();
        assert_eq!((named.file.as_path(), named.arguments.len()), (file.path(), 0));
        for bad in ["/nowhere/ztna", "/"] {
            let message = agent_program(Some(bad.into())).unwrap_err().to_string();
            assert!(message.contains(bad) && message.contains("--agent"), "{message}");
        }
    }

    #[test]
    fn relays_are_named_with_their_address() {
        let named = site("fra1=https://fra1.relay.example/").unwrap();
        assert_eq!(
            (named.region.as_str(), named.url.as_deref()),
            ("fra1", Some("https://fra1.relay.example"))
        );
        for (wrong, reason) in [("fra1", "REGION=URL"), ("FRA=http://a", "such as blr1"), ("a=b", "https://")]
        {
            assert!(site(wrong).unwrap_err().contains(reason), "{wrong}");
        }
    }

    #[test]
    fn databases_are_named_as_documented() {
        assert_eq!(location("sqlite::memory:").unwrap(), Location::Memory);
        for (name, path) in
            [("sqlite:a.db", "a.db"), ("sqlite:/v/a.db", "/v/a.db"), ("sqlite:///v/a.db", "/v/a.db")]
        {
            assert_eq!(location(name).unwrap(), Location::File(path.into()));
        }
        for bad in ["sqlite:", "a.db", "", "mysql://x", "sqlite:a.db?mode=ro"] {
            assert!(location(bad).is_err(), "{bad}");
        }
        assert!(location("postgres://x/y").unwrap_err().to_string().contains("not in this version yet"));
    }
}
