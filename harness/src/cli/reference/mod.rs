//! What the commands have to do with the reference: the target of a run without `--target`, `serve`, `selftest`, and
//! the deviations. A build without the feature `reference` has `without_reference.rs` in its place.

mod comparison;
mod deviation;
mod selftest;
mod serve;

use std::sync::Arc;

use harness_reference::embedded::{DatabaseOptions, Embedded};
use harness_runner::targets::Target;

use super::console::Console;
use super::database::Database;
use super::error::CliError;
use super::runtime::Runtime;

pub(super) use comparison::compare;
pub(super) use deviation::{explained, ids, list as list_deviations};
pub(super) use selftest::{Arguments as SelftestArguments, selftest};
pub(super) use serve::{Arguments as ServeArguments, serve};

/// Returns the reference, with a deviation in front of it if one is named.
pub(super) async fn target(
    runtime: Runtime,
    deviation: Option<&str>,
    database: Database<'_>,
    console: &Console,
) -> Result<Arc<dyn Target>, CliError> {
    if runtime == Runtime::Containers {
        return match deviation {
            Some(_) => Err(CliError::DeviationInContainers),
            None if !database.is_default() => Err(CliError::DatabaseInContainers),
            None => containers(),
        };
    }
    let Database { url, replicas } = database;
    let embedded = Embedded::on(DatabaseOptions { url, replicas }).await?;
    Ok(Arc::new(match deviation {
        Some(id) => embedded.behind(deviation::activate(id, console)?),
        None => embedded,
    }))
}

#[cfg(feature = "containers")]
fn containers() -> Result<Arc<dyn Target>, CliError> {
    Ok(Arc::new(harness_reference::containers::Containers::default()))
}

#[cfg(not(feature = "containers"))]
fn containers() -> Result<Arc<dyn Target>, CliError> {
    Err(CliError::NeedsContainers)
}
