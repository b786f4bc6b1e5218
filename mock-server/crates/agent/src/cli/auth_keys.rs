//! `ztna auth-keys …`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::arguments::{Organisation, tag};
use crate::secret::Secret;

/// What can be done with auth keys.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthKeysCommand {
    /// Lists the organisation's auth keys
    List {
        /// As a JSON array
        #[arg(long)]
        json: bool,
        /// Prefix, uses and the time left
        #[arg(long, conflicts_with = "json")]
        short: bool,
        #[command(flatten)]
        organisation: Organisation,
    },
    /// Creates an auth key and shows it, once
    Create(CreateKeyArguments),
    /// Revokes an auth key; machines registered with it go on
    Revoke {
        /// The beginning of the key as a list shows it, or its id
        prefix: Secret,
        #[command(flatten)]
        organisation: Organisation,
    },
}

/// The attributes of a new key.
#[derive(Debug, Args)]
pub(crate) struct CreateKeyArguments {
    /// For any number of machines
    #[arg(long)]
    pub(crate) reusable: bool,
    /// Its machines are removed once they are offline
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// How long it enrols machines, such as 1h or 7d [default: 90 days]
    #[arg(long, value_parser = humantime::parse_duration, value_name = "TIME")]
    pub(crate) expiry: Option<Duration>,
    /// Tags for its machines, such as tag:laptop,tag:eng
    #[arg(long, value_delimiter = ',', value_parser = tag, value_name = "TAGS")]
    pub(crate) tags: Vec<String>,
    /// What it is for; names the key if --name does not
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Its name
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) organisation: Organisation,
}
