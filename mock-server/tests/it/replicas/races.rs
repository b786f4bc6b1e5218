//! Races between replicas have exactly one winner.

use futures::future::join_all;
use proptest::prelude::*;
use serde_json::json;

use super::{replicas, text};
use crate::test_server::{ACME, ADMIN, Answer, TestServer, key_of};

async fn auth_key(server: &TestServer, reusable: bool) -> (String, String) {
    let body = json!({ "action": "create_auth_key", "org_id": ACME, "name": "a key", "reusable": reusable });
    let made = server.post("/api/key-management", &server.token(ADMIN).await, &body).await;
    (text(&made, "/data/id"), text(&made, "/data/key"))
}

async fn register(server: &TestServer, key: &str, name: &str) -> Answer {
    let body = json!({ "auth_key": key, "name": name, "public_key": key_of(name) });
    server.post("/api/register-machine", "", &body).await
}

/// Uses a single-use key everywhere at once, and returns how many uses succeeded.
async fn spend(replicas: &[TestServer], round: usize, uses: usize) -> usize {
    let (id, key) = auth_key(&replicas[0], false).await;
    let answers = join_all((0..uses).map(|n| {
        let (replica, key) = (&replicas[n % replicas.len()], key.clone());
        async move { register(replica, &key, &format!("m-{round}-{n}")).await }
    }));
    let answers = answers.await;
    for answer in &answers {
        let refused = answer.status == 401 && text(answer, "/error/code") == "KEY_USED";
        assert!(answer.status == 201 || refused, "{answer:?}");
    }
    let keys =
        replicas[1].get(&format!("/api/db/auth_keys?id=eq.{id}"), &replicas[1].token(ADMIN).await).await;
    assert_eq!(keys.body["data"][0]["used_count"], 1);
    answers.iter().filter(|answer| answer.status == 201).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_simultaneous_uses_of_a_single_use_key_have_one_winner() {
    let Some(replicas) = replicas::<3>().await else { return };
    for round in 0..2 {
        assert_eq!(spend(&replicas, round, 1000).await, 1);
    }
}

mod slow {
    /// RACE_ROUNDS is another number of rounds.
    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "takes a minute"]
    async fn a_thousand_simultaneous_uses_have_one_winner_fifty_times() {
        let Some(replicas) = super::replicas::<3>().await else { return };
        let rounds = std::env::var("RACE_ROUNDS")
            .map_or(50, |rounds| rounds.parse().expect("RACE_ROUNDS is a number"));
        for round in 0..rounds {
            assert_eq!(super::spend(&replicas, round, 1000).await, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_at_all_replicas_is_one_machine() {
    let Some(replicas) = replicas::<3>().await else { return };
    let (_, key) = auth_key(&replicas[0], true).await;
    let answers = join_all((0..30).map(|n| register(&replicas[n % 3], &key, "same"))).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let again = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((created, again), (1, 29));
    assert!(
        answers
            .iter()
            .all(|answer| text(answer, "/data/machine/id") == text(&answers[0], "/data/machine/id"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    /// However registrations are spread, addresses are unique, uses are counted once, and all replicas see the same.
    #[test]
    fn any_spread_of_registrations_adds_up(turns in prop::collection::vec((0..3_usize, any::<bool>()), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let Some(replicas) = replicas::<3>().await else { return };
            let (id, reusable) = auth_key(&replicas[0], true).await;
            let (_, single) = auth_key(&replicas[1], false).await;
            let answers = join_all(turns.iter().enumerate().map(|(n, (at, once))| {
                let (replica, key) = (&replicas[*at], if *once { single.clone() } else { reusable.clone() });
                async move { register(replica, &key, &format!("m{n}")).await }
            }));
            let answers = answers.await;
            let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
            let addresses: std::collections::BTreeSet<_> =
                created.iter().map(|answer| text(answer, "/data/machine/tailnet_ip")).collect();
            assert_eq!(addresses.len(), created.len(), "addresses are unique");
            let of_reusable = turns.iter().filter(|(_, once)| !once).count();
            let of_single = turns.iter().any(|(_, once)| *once);
            assert_eq!(created.len(), of_reusable + usize::from(of_single));
            for replica in &replicas {
                let admin = replica.token(ADMIN).await;
                let machines = replica.get(&format!("/api/db/machines?org_id=eq.{ACME}"), &admin).await;
                assert_eq!(machines.body["data"].as_array().unwrap().len(), created.len());
                let key = replica.get(&format!("/api/db/auth_keys?id=eq.{id}"), &admin).await;
                assert_eq!(key.body["data"][0]["used_count"], of_reusable);
            }
        });
    }
}
