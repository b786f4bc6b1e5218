use std::time::Duration;

use clap::Args;

use super::arguments::duration;

#[derive(Debug, Args)]
pub(crate) struct PingArguments {
    /// The machine's name or tailnet address
    #[arg(value_name = "NAME|IP")]
    pub(crate) machine: String,
    /// Number of pings
    #[arg(short = 'c', long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    pub(crate) count: u32,
    /// How long to wait for each answer
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
    /// Time between pings
    #[arg(long, default_value = "1s", value_parser = duration, value_name = "TIME")]
    pub(crate) interval: Duration,
}
