//! The command line of `mock-server`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ipnet::IpNet;
use tokio::signal::unix::{SignalKind, signal};
use ztna_protocol::region::Region;

use super::arguments::{
    agent_program, parse_address, parse_database, parse_network, parse_site, parse_url, relay_secret,
    test_control,
};
use super::error::SecretProblem;
use super::logging::LogFormat;
use super::{
    Config, DEFAULT_LISTEN, Fixture, RelayConfig, RelayServer, Server, StartError, connections, healthcheck,
    logging, session_secret, start,
};
use crate::control::{Clock, Random};
use crate::domain::site::Site;
use crate::store::{Location, Store};

/// QuickZTNA's reference control plane.
#[derive(Debug, Parser)]
#[command(name = "mock-server", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the control plane until SIGTERM or SIGINT.
    Serve(Serve),
    /// Run a relay for machines that cannot reach each other over UDP, until SIGTERM or SIGINT.
    ///
    /// The environment variable ZTNA_RELAY_SECRET holds the secret shared with the control plane.
    Relay(RelayOptions),
    /// Exit with 0 if the server in the same container is healthy, for Docker's HEALTHCHECK, else with 1.
    Healthcheck(HealthcheckOptions),
    /// Replace the key that signs access tokens: all sessions end when the server next starts.
    RotateSecret(SecretLocation),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// The address to listen on; the system chooses a port for port 0.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = DEFAULT_LISTEN, value_parser = parse_address)]
    listen: SocketAddr,
    /// The URL by which clients reach the server, for links and the installer [default: the URL that each client used]
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    public_url: Option<String>,
    #[command(flatten)]
    secret: SecretLocation,
    /// Initialise an empty database from this fixture instead of the built-in one.
    #[arg(long, value_name = "FILE")]
    fixture: Option<PathBuf>,
    /// Let tests advance the clock through a separate listener on loopback, whose URL is in the ready file.
    #[arg(long)]
    test_control: bool,
    /// Where the test control listens, if not on a port of loopback that the system chooses. The environment variable
    /// ZTNA_TEST_CONTROL_TOKEN may hold the token that its URL contains, of at least 16 characters.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "test_control", value_parser = parse_address)]
    test_control_listen: Option<SocketAddr>,
    /// Write the server's URL and credentials to this file (mode 0600) once it accepts requests.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Trust X-Forwarded-For, -Host and -Proto from these proxies; may be repeated.
    #[arg(long = "trusted-proxy", value_name = "CIDR", value_parser = parse_network)]
    trusted_proxies: Vec<IpNet>,
    /// The agent that install.sh installs [default: the ztna next to this program, if it exists]
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// A remote relay in addition to those of the fixture; may be repeated. It authenticates with the secret in the
    /// environment variable ZTNA_RELAY_SECRET.
    #[arg(long = "relay", value_name = "REGION=URL", value_parser = parse_site)]
    relays: Vec<Site>,
    /// The format of log lines; RUST_LOG filters them.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
struct SecretLocation {
    /// The database: sqlite::memory:, sqlite:PATH or postgres://[USER@]HOST[:PORT]/NAME.
    ///
    /// The password of a PostgreSQL user can be in PGPASSWORD or in the file that PGPASSFILE names. Other users can see
    /// command lines, so pass a URL with a password in the environment variable.
    #[arg(
        long,
        value_name = "DATABASE",
        default_value = "sqlite::memory:",
        env = "ZTNA_DATABASE",
        hide_env_values = true
    )]
    database: String,
    /// The file with the key that signs access tokens [default: PATH.session-secret with sqlite:PATH; the database on
    /// PostgreSQL; no file with sqlite::memory:]
    #[arg(long, value_name = "FILE")]
    session_secret: Option<PathBuf>,
}

/// The environment variable ZTNA_RELAY_SECRET holds the secret shared with the control plane.
#[derive(Debug, clap::Args)]
struct RelayOptions {
    /// The address to listen on; the system chooses a port for port 0.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = DEFAULT_LISTEN, value_parser = parse_address)]
    listen: SocketAddr,
    /// The region to serve, such as fra1; the control plane must list it as well
    #[arg(long, value_name = "REGION")]
    region: Region,
    /// The control plane that authenticates the machines
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    control: String,
    /// The format of log lines; RUST_LOG filters them.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Debug, clap::Args)]
struct HealthcheckOptions {
    /// The address at which the server listens; the control plane and a relay answer alike.
    #[arg(value_name = "ADDRESS:PORT", default_value_t = healthcheck::DEFAULT_ADDRESS, value_parser = parse_address)]
    address: SocketAddr,
}

pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(options) => {
            logging::install(options.log_format);
            run_server(options)
        }
        Command::Relay(options) => {
            logging::install(options.log_format);
            run_relay(options)
        }
        Command::Healthcheck(options) => healthcheck::check(options.address).map_err(StartError::from),
        Command::RotateSecret(location) => rotate_secret(location),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "mock-server: {error}");
            error.exit_code()
        }
    }
}

fn run_server(options: Serve) -> Result<(), StartError> {
    let fixture = match &options.fixture {
        Some(path) => Fixture::load(path)?,
        None => Fixture::built_in()?,
    };
    let relay_secret = relay_secret()?;
    if relay_secret.is_none() && !options.relays.is_empty() {
        // The relays could not authenticate.
        return Err(StartError::RelaySecret(SecretProblem::Missing));
    }
    let config = Config {
        listen: options.listen,
        public_url: options.public_url,
        database: parse_database(&options.secret.database)?,
        session_secret: options.secret.session_secret,
        fixture,
        clock: if options.test_control { Clock::adjustable() } else { Clock::system() },
        random: Random::system(),
        trusted_proxies: options.trusted_proxies,
        test_control: test_control(options.test_control, options.test_control_listen)?,
        device_poll_interval: None,
        relay_secret,
        relays: options.relays,
        agent_program: agent_program(options.agent)?,
    };
    runtime()?.block_on(async {
        let stopped = stop_signal()?;
        let server = start(config).await?;
        log_addresses(&server);
        let url = server.ready().public_url.as_deref().unwrap_or(server.base_url());
        let _ = writeln!(std::io::stdout(), "dashboard: {url}/dashboard");
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
    let secret = relay_secret()?.ok_or(StartError::RelaySecret(SecretProblem::Missing))?;
    runtime()?.block_on(async {
        let stopped = stop_signal()?;
        let relay = RelayServer::start(RelayConfig { listen, region, control, secret }).await?;
        tracing::info!(address = %relay.address(), %region, "listening");
        stopped.await;
        tracing::info!("stopping");
        Ok(())
    })
}

fn rotate_secret(location: SecretLocation) -> Result<(), StartError> {
    let database = parse_database(&location.database)?;
    if let (Location::Postgres(_), None) = (&database, &location.session_secret) {
        return runtime()?.block_on(rotate_shared_secret(&database));
    }
    let file = location.session_secret.or_else(|| session_secret::default_file(&database));
    let file = file.ok_or(StartError::NoSessionSecret)?;
    session_secret::rotate(&file, &Random::system())?;
    let _ = writeln!(
        std::io::stdout(),
        "Replaced the session secret in {}. Restart the server: all sessions end.",
        file.display()
    );
    Ok(())
}

async fn rotate_shared_secret(database: &Location) -> Result<(), StartError> {
    let store = Store::open(database)?;
    session_secret::rotate_shared(&store, &Random::system()).await?;
    let _ = writeln!(
        std::io::stdout(),
        "Replaced the session secret in the database. Restart all replicas: all sessions end."
    );
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, StartError> {
    connections::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|source| StartError::Runtime { source })
}

/// Installs signal handlers; the returned future completes with the first signal.
fn stop_signal() -> Result<impl Future<Output = ()>, StartError> {
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

fn log_addresses(server: &Server) {
    let public_url = server.ready().public_url.as_deref();
    let database = server.database();
    tracing::info!(address = %server.address(), base_url = server.base_url(), public_url, database, "listening");
    if server.ready().control_url.is_some() {
        tracing::warn!("test control is enabled: whoever reads the ready file can advance the clock");
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_definition_is_valid() {
        Cli::command().debug_assert();
    }
}
