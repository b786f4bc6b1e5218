//! The log of the program; as a library the server leaves logging to its host.

use tracing_subscriber::EnvFilter;

use super::cli::LogFormat;

/// Sends the log to standard error: what RUST_LOG asks for, else what is worth knowing.
pub(super) fn install(format: LogFormat) {
    let filter = EnvFilter::builder().try_from_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
