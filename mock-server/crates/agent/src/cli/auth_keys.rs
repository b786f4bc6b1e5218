use std::time::Duration;

use clap::{Args, Subcommand};

use super::arguments::{Organisation, duration, tag};
use crate::secret::Secret;

/// The actions on auth keys.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthKeysCommand {
    /// Lists the organisation's auth keys
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
        /// Print only prefix, uses and remaining time
        #[arg(long, conflicts_with = "json")]
        short: bool,
        #[command(flatten)]
        organisation: Organisation,
    },
    /// Creates an auth key and shows it once
    Create(CreateKeyArguments),
    /// Revokes an auth key; machines registered with it stay connected
    Revoke {
        /// The key's prefix as shown by 'auth-keys list', or its id
        prefix: Secret,
        #[command(flatten)]
        organisation: Organisation,
    },
}

/// The attributes of a new key.
#[derive(Debug, Args)]
pub(crate) struct CreateKeyArguments {
    /// Allow any number of machines to register
    #[arg(long)]
    pub(crate) reusable: bool,
    /// Remove machines registered with it once they are offline
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// How long the key is valid, such as 1h or 7d [default: 90 days]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub(crate) expiry: Option<Duration>,
    /// Tags for machines registered with it, such as tag:laptop,tag:eng
    #[arg(long, value_delimiter = ',', value_parser = tag, value_name = "TAGS")]
    pub(crate) tags: Vec<String>,
    /// What the key is for; also its name if --name is absent
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// The key's name
    #[arg(long)]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) organisation: Organisation,
}
