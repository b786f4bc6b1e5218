//! Random histories of one organisation compared with a small model: a key's count equals its successful uses, an
//! invalid key never becomes valid again, and the address pool counts the existing machines.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use crate::test_server::{ACME, ADMIN, TestServer};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Issue { reusable: bool, days: u64 },
    Register { key: usize, name: u8 },
    Revoke { key: usize },
    Advance { days: u64 },
    Delete { name: u8 },
}

struct Key {
    id: String,
    key: String,
    reusable: bool,
    ends: u64,
    revoked: bool,
    successes: i64,
    refused_for_good: bool,
}

pub(crate) fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        2 => (any::<bool>(), 1_u64..5).prop_map(|(reusable, days)| Action::Issue { reusable, days }),
        8 => (0_usize..4, 0_u8..3).prop_map(|(key, name)| Action::Register { key, name }),
        1 => (0_usize..4).prop_map(|key| Action::Revoke { key }),
        1 => (1_u64..3).prop_map(|days| Action::Advance { days }),
        2 => (0_u8..3).prop_map(|name| Action::Delete { name }),
    ];
    prop::collection::vec(action, 1..40)
}

pub(crate) async fn check(server: &TestServer, actions: Vec<Action>) {
    let mut keys: Vec<Key> = Vec::new();
    let mut machines: BTreeMap<u8, String> = BTreeMap::new();
    let mut today = 0;
    for action in actions {
        match action {
            Action::Issue { reusable, days } => {
                let (id, key) = server.auth_key(json!({ "reusable": reusable, "expiry_days": days })).await;
                let ends = today + days;
                keys.push(Key {
                    id,
                    key,
                    reusable,
                    ends,
                    revoked: false,
                    successes: 0,
                    refused_for_good: false,
                });
            }
            Action::Register { key, name } => {
                let Some(key) = keys.get_mut(key) else { continue };
                let answer = server.register(&key.key, &format!("m{name}")).await;
                let expected = if key.revoked || today >= key.ends {
                    Err("INVALID_KEY")
                } else if !key.reusable && key.successes > 0 {
                    Err("KEY_USED")
                } else {
                    Ok(machines.get(&name).cloned())
                };
                match expected {
                    Err(code) => {
                        assert_eq!(answer.code(), code);
                        key.refused_for_good = true;
                    }
                    Ok(known) => {
                        assert!(!key.refused_for_good, "a key that was refused works again");
                        let id = answer.data()["machine"]["id"].as_str().unwrap().to_owned();
                        assert!(known.is_none_or(|known| known == id), "another id for the same name");
                        machines.insert(name, id);
                        key.successes += 1;
                    }
                }
            }
            Action::Revoke { key } => {
                let Some(key) = keys.get_mut(key) else { continue };
                let body = json!({ "action": "revoke_auth_key", "org_id": ACME, "key_id": key.id });
                assert_eq!(server.manage(&body).await.status, 200);
                key.revoked = true;
            }
            Action::Advance { days } => {
                server.advance(DAY * u32::try_from(days).unwrap()).await;
                today += days;
            }
            Action::Delete { name } => {
                let Some(id) = machines.remove(&name) else { continue };
                let token = server.token(ADMIN).await;
                let body = json!({ "action": "delete", "org_id": ACME, "machine_id": id });
                assert_eq!(server.post("/api/machine-admin", &token, &body).await.status, 200);
            }
        }
        let there = i64::try_from(machines.len()).unwrap();
        for key in &keys {
            assert_eq!(server.counts(&key.id).await, (key.successes, there, there));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn random_histories_match_the_model(actions in actions()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            check(&TestServer::start().await, actions).await;
        });
    }
}
