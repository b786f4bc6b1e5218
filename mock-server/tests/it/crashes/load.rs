//! The requests of a storm, each of which is written down when it is acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::client::{Client, ORGANISATION};
use super::ledger::{Ledger, Login, Quarantined, SingleUse, registered};

/// How long a worker pauses after a request that was not acknowledged.
const PAUSE: Duration = Duration::from_millis(20);

/// The workers of one round.
pub(super) struct Storm {
    workers: JoinSet<Ledger>,
    acknowledged: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    reusable: (String, String),
}

/// One worker: its requests, the reusable key, and a prefix of names that no other worker has.
struct Worker {
    client: Client,
    key: String,
    prefix: String,
    acknowledged: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    ledger: Ledger,
}

#[derive(Clone, Copy)]
enum Task {
    Register,
    SpendOnce,
    LogIn,
    Revoke,
    Quarantine,
}

impl Storm {
    pub(super) async fn begin(client: Client, ledger: &Ledger, round: usize) -> Self {
        let reusable = match &ledger.reusable {
            Some(known) => known.clone(),
            None => client.auth_key("reusable", true, &client.admin).await.unwrap(),
        };
        let (acknowledged, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let mut workers = JoinSet::new();
        let tasks = [
            (Task::Register, 12),
            (Task::SpendOnce, 3),
            (Task::LogIn, 2),
            (Task::Revoke, 2),
            (Task::Quarantine, 2),
        ];
        for (task, (kind, count)) in tasks.into_iter().enumerate() {
            for number in 0..count {
                let worker = Worker {
                    client: client.clone(),
                    key: reusable.1.clone(),
                    prefix: format!("r{round}-{task}-{number}"),
                    acknowledged: Arc::clone(&acknowledged),
                    stop: Arc::clone(&stop),
                    ledger: Ledger::default(),
                };
                workers.spawn(worker.run(kind));
            }
        }
        Self { workers, acknowledged, stop, reusable }
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits for the workers, which end after their present task.
    pub(super) async fn end(mut self) -> Ledger {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Ledger::default();
        all.reusable = Some(self.reusable);
        while let Some(worker) = self.workers.join_next().await {
            all.add(worker.unwrap());
        }
        all
    }
}

impl Worker {
    /// Repeats its task until the storm ends, or the only server is gone.
    async fn run(mut self, task: Task) -> Ledger {
        for number in 0.. {
            let name = format!("{}-{number}", self.prefix);
            let answered = match task {
                Task::Register => self.register(&name).await,
                Task::SpendOnce => self.spend_once(&name).await,
                Task::LogIn => self.log_in(number % 2 == 0).await,
                Task::Revoke => self.revoke(&name).await,
                Task::Quarantine => self.quarantine(&name, number % 2 == 0).await,
            };
            match answered {
                Some(()) => drop(self.acknowledged.fetch_add(1, Ordering::Relaxed)),
                None if self.client.is_over() => break,
                None => tokio::time::sleep(PAUSE).await,
            }
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        self.ledger
    }

    async fn register(&mut self, name: &str) -> Option<()> {
        match self.client.register(&self.key, name).await {
            Some((201, answer)) => self.ledger.machines.push(registered(&answer)),
            Some((503, _)) => {
                self.ledger.refused.insert(name.to_owned());
                return None;
            }
            Some(other) => panic!("{other:?}"),
            None => {
                self.ledger.untold.insert(name.to_owned());
                return None;
            }
        }
        Some(())
    }

    /// Two machines use a single-use key at once.
    async fn spend_once(&mut self, name: &str) -> Option<()> {
        let (id, key) = self.client.auth_key(name, false, &self.client.admin).await?;
        let known = self
            .ledger
            .single_use
            .entry(id)
            .or_insert(SingleUse { key: key.clone(), ..SingleUse::default() });
        let (left, right) = (format!("{name}-left"), format!("{name}-right"));
        let answers = tokio::join!(self.client.register(&key, &left), self.client.register(&key, &right));
        for (name, answer) in [(left, &answers.0), (right, &answers.1)] {
            match answer {
                Some((201, answer)) => known.successes.push(registered(answer)),
                Some((401, answer)) if answer["error"]["code"] == "KEY_USED" => known.used_up = true,
                Some((503, _)) => drop(self.ledger.refused.insert(name)),
                None => drop(self.ledger.untold.insert(name)),
                Some(other) => panic!("{other:?}"),
            }
        }
        answers.0.and(answers.1).map(drop)
    }

    async fn log_in(&mut self, log_out: bool) -> Option<()> {
        let (status, code) = self.client.post("/api/auth/device/code", "", json!({})).await?;
        if status != 200 {
            // An address starts 500 logins within their lifetime, whichever servers it reaches and however often they start.
            assert!(matches!(status, 429 | 503), "{code}");
            return None;
        }
        let text = |field: &str| code[field].as_str().map(str::to_owned).unwrap();
        let approval = json!({ "user_code": text("user_code") });
        let approved = self.client.post("/api/auth/device/approve", &self.client.admin, approval).await?;
        if approved.0 != 200 {
            assert_eq!(approved.0, 503, "{approved:?}");
            return None;
        }
        let at = self.ledger.logins.len();
        self.ledger.logins.push(Login {
            device_code: text("device_code"),
            approved: true,
            ..Login::default()
        });
        let (status, answer) = self.client.poll(&text("device_code")).await?;
        assert!(matches!(status, 200 | 503), "{answer}");
        let login = self.ledger.logins.get_mut(at)?;
        login.token = answer["access_token"].as_str().map(str::to_owned);
        if let (true, Some(token)) = (log_out, login.token.clone()) {
            // Without an answer, the session may have ended or not.
            let ended = self.client.post("/api/auth/logout", &token, json!({})).await;
            match ended {
                Some((200, _)) => login.logged_out = true,
                Some((503, _)) => {}
                Some(other) => panic!("{other:?}"),
                None => drop(self.ledger.logins.pop()),
            }
        }
        Some(())
    }

    async fn revoke(&mut self, name: &str) -> Option<()> {
        let (id, key) = self.client.auth_key(name, true, &self.client.admin).await?;
        if self.client.manage(json!({ "action": "revoke_auth_key", "key_id": id })).await?.0 == 200 {
            self.ledger.revoked.push((id, key));
        }
        let (status, made) = self.client.manage(json!({ "action": "create_api_key", "name": name })).await?;
        if status != 201 {
            return None;
        }
        let text = |pointer: &str| made.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (id, api_key) = (text("/data/id")?, text("/data/key")?);
        let (issued, _) = self.client.auth_key(name, true, &api_key).await?;
        if self.client.manage(json!({ "action": "revoke_api_key", "key_id": id })).await?.0 == 200 {
            self.ledger.revoked_api_keys.push((id, api_key, issued));
        }
        Some(())
    }

    async fn quarantine(&mut self, name: &str, delete: bool) -> Option<()> {
        // Unless it is written down below.
        self.ledger.untold.insert(name.to_owned());
        let (status, answer) = self.client.register(&self.key, name).await?;
        if status != 201 {
            return None;
        }
        let machine = registered(&answer);
        let order =
            |action: &str| json!({ "action": action, "org_id": ORGANISATION, "machine_id": machine.id });
        let quarantined =
            self.client.post("/api/machine-admin", &self.client.admin, order("quarantine")).await?;
        if quarantined.0 != 200 {
            return None;
        }
        // Without an answer, the machine may be there or not, but its name stays bound.
        let deleted = match delete {
            true => self.client.post("/api/machine-admin", &self.client.admin, order("delete")).await,
            false => Some((404, Value::Null)),
        };
        let gone = deleted.as_ref().is_none_or(|(status, _)| *status == 200);
        self.ledger.quarantined.push(Quarantined { machine, deleted: gone });
        deleted.map(drop)
    }
}
