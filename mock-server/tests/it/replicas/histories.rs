//! The random histories of `control`, on PostgreSQL: with one control plane, and with three that requests reach in turn.

use mock_server::control::Clock;
use proptest::prelude::*;

use super::database;
use crate::control::model;
use crate::control::network_map::history;
use crate::test_server::TestServer;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn servers(replicas: u64) -> Option<TestServer> {
    Some(TestServer::replicas(database().await?, replicas, Clock::adjustable()).await)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn random_histories_on_postgresql_match_the_model(actions in model::actions()) {
        runtime().block_on(async {
            let Some(server) = servers(1).await else { return };
            model::check(&server, actions).await;
        });
    }

    #[test]
    fn random_histories_over_three_replicas_match_the_model(actions in model::actions()) {
        runtime().block_on(async {
            let Some(server) = servers(3).await else { return };
            model::check(&server, actions).await;
        });
    }

    #[test]
    fn replayed_changes_on_postgresql_equal_the_full_map(actions in history::actions()) {
        runtime().block_on(async {
            let Some(server) = servers(1).await else { return };
            history::check(server, actions).await;
        });
    }

    #[test]
    fn replayed_changes_over_three_replicas_equal_the_full_map(actions in history::actions()) {
        runtime().block_on(async {
            let Some(server) = servers(3).await else { return };
            history::check(server, actions).await;
        });
    }
}
