//! Removes containers and networks that killed runs have left, or that this run could not remove.

use std::collections::HashMap;

use futures::future::join_all;
use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
};

use super::error::ContainersError;
use super::run_lock;

/// Removes what runs on this host left that have ended. Those of other runs stay.
pub(super) async fn sweep(docker: &Docker) -> Result<(), ContainersError> {
    remove(docker, &run_lock::of_this_host(), run_lock::has_ended).await
}

/// Removes everything with that label whose labels satisfy the condition.
pub(super) async fn remove(
    docker: &Docker,
    label: &str,
    condition: impl Fn(&HashMap<String, String>) -> bool,
) -> Result<(), ContainersError> {
    let filters = HashMap::from([("label", vec![label])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let containers = docker.list_containers(Some(options)).await;
    let containers = containers.map_err(ContainersError::engine("failed to list containers"))?;
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let networks = docker.list_networks(Some(options)).await;
    let networks = networks.map_err(ContainersError::engine("failed to list networks"))?;
    // Whether a run has ended is decided before anything of it is removed: the first look takes its lock away.
    let mut decided: HashMap<Option<String>, bool> = HashMap::new();
    let mut wanted = |labels: &Option<HashMap<String, String>>| {
        let labels = labels.clone().unwrap_or_default();
        let run = run_lock::run_of(&labels);
        *decided.entry(run).or_insert_with(|| condition(&labels))
    };
    let removed: Vec<String> = containers
        .into_iter()
        .filter(|container| wanted(&container.labels))
        .filter_map(|container| container.id)
        .collect();
    join_all(removed.iter().map(|id| force_remove(docker, id))).await;
    let networks = networks.into_iter().filter(|network| wanted(&network.labels));
    let names: Vec<String> = networks.filter_map(|network| network.id).collect();
    // What is gone already, or belongs to nobody any more, is no reason to stop.
    join_all(names.iter().map(|name| docker.remove_network(name))).await;
    Ok(())
}

/// Kills and removes a container with its volumes.
pub(super) async fn force_remove(docker: &Docker, id: &str) {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let _ = docker.remove_container(id, Some(options)).await;
}
