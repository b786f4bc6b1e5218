use std::time::Duration;

use clap::Args;

use super::arguments::{duration, port};

#[derive(Debug, Args)]
pub(crate) struct NcArguments {
    /// The machine's name or tailnet address
    #[arg(value_name = "NAME|IP")]
    pub(crate) machine: String,
    /// The TCP port
    #[arg(value_parser = port)]
    pub(crate) port: u16,
    /// How long to wait for the machine to answer
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
}
