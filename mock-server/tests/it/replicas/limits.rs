//! Limits that hold over all replicas: guesses at passwords and device codes, and logins that one address starts.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use futures::future::join_all;
use mock_server::app::Config;
use mock_server::control::Clock;
use proptest::prelude::*;
use serde_json::json;

use super::{database, replicas_with};
use crate::test_server::{ACME, ADMIN, Answer, MEMBER, TestServer, request};

/// Wrong guesses at one account from one address before the first delay.
const FREE_GUESSES: usize = 5;

/// Stopped, so that delays do not end while a test runs.
fn clocks() -> [Clock; 3] {
    let clock = Clock::stopped();
    [clock.clone(), clock.clone(), clock]
}

/// A control plane with a database of its own.
async fn alone() -> TestServer {
    TestServer::with(Config { clock: Clock::stopped(), ..TestServer::config() }).await
}

async fn guess(server: &TestServer, address: &str, password: &str) -> Answer {
    let body = json!({ "email": ADMIN, "password": password }).to_string();
    let mut request = request("POST", "/api/auth/login", "", &body);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.parse().unwrap(), 1)));
    server.send_request(request).await
}

/// Guesses in turn at each server until all of them refuse; returns how many guesses were compared, and what each server
/// then answers.
async fn guess_in_turn(servers: &[TestServer]) -> (usize, Vec<(u16, Option<String>)>) {
    let mut compared = 0;
    loop {
        let mut refusals = Vec::new();
        for server in servers {
            let answer = guess(server, "192.0.2.1", "wrong").await;
            match answer.status.as_u16() {
                401 => compared += 1,
                status => refusals.push((status, retry_after(&answer))),
            }
        }
        if refusals.len() == servers.len() {
            return (compared, refusals);
        }
    }
}

fn retry_after(answer: &Answer) -> Option<String> {
    Some(answer.headers.get("retry-after")?.to_str().unwrap().to_owned())
}

async fn throttled_entries(server: &TestServer, action: &str) -> usize {
    let path = format!("/api/db/audit_logs?org_id=eq.{ACME}&action=eq.{action}");
    server.get(&path, &server.token(ADMIN).await).await.data().as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_at_three_replicas_are_as_many_as_at_one() {
    let Some(replicas) = replicas_with(clocks()).await else { return };
    let (compared, refusals) = guess_in_turn(&replicas).await;
    assert_eq!(compared, FREE_GUESSES);
    assert_eq!(refusals, vec![(429, Some("1".to_owned())); 3], "the same everywhere");
    for replica in &replicas {
        let delayed = guess(replica, "192.0.2.1", "ada-runs-acme").await;
        assert_eq!(delayed.status_and_code(), (429, "RATE_LIMITED"), "even the right one");
    }
    assert_eq!(throttled_entries(&replicas[1], "login_throttled").await, 1, "of all replicas");
    assert_eq!(guess(&replicas[1], "192.0.2.2", "ada-runs-acme").await.status, 200, "from elsewhere");
    // The delay of a second wrong guess beyond the limit is twice as long, wherever that is asked.
    replicas[0].advance_clock(Duration::from_secs(1));
    assert_eq!(guess(&replicas[2], "192.0.2.1", "wrong").await.status, 401);
    assert_eq!(retry_after(&guess(&replicas[0], "192.0.2.1", "wrong").await).as_deref(), Some("2"));
    replicas[0].advance_clock(Duration::from_secs(2));
    assert_eq!(guess(&replicas[0], "192.0.2.1", "ada-runs-acme").await.status, 200);
    let (compared, _) = guess_in_turn(&replicas).await;
    assert_eq!(compared, FREE_GUESSES, "the right password was a new beginning at every replica");
}

async fn start(server: &TestServer) -> Answer {
    server.send("POST", "/api/auth/device/code", "", "{}").await
}

/// What the test above would report of control planes that count by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn control_planes_that_share_nothing_are_told_apart() {
    let servers = [alone().await, alone().await, alone().await];
    let (compared, refusals) = guess_in_turn(&servers).await;
    assert_eq!((compared, refusals.len()), (3 * FREE_GUESSES, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_guesses_at_three_replicas_are_not_more() {
    let Some(replicas) = replicas_with(clocks()).await else { return };
    let answers = join_all((0..30).map(|n| guess(&replicas[n % 3], "192.0.2.1", "wrong"))).await;
    let compared = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(compared, FREE_GUESSES);
    assert!(answers.iter().all(|answer| answer.status == 401 || answer.status == 429), "{answers:?}");
    // The right one among too many others is refused as well.
    replicas[0].advance_clock(Duration::from_secs(1));
    let wrong = join_all((0..9).map(|n| guess(&replicas[n % 3], "192.0.2.1", "wrong"))).await;
    assert_eq!(wrong.iter().filter(|answer| answer.status == 401).count(), 1);
    assert_eq!(guess(&replicas[0], "192.0.2.1", "ada-runs-acme").await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_password_writes_nothing() {
    let Some(database) = database().await else { return };
    let server = TestServer::replicas(database, 3, Clock::stopped()).await;
    for _ in 0..9 {
        assert_eq!(guess(&server, "192.0.2.1", "ada-runs-acme").await.status, 200);
    }
    assert_eq!(server.rows("wrong_guesses").await, 0);
    guess(&server, "192.0.2.1", "wrong").await;
    assert_eq!(server.rows("wrong_guesses").await, 3);
    server.advance(Duration::from_secs(3601)).await;
    assert_eq!(server.rows("wrong_guesses").await, 0, "upkeep forgets them");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_starts_as_many_logins_at_three_replicas_as_at_one() {
    let Some(database) = database().await else { return };
    let server = TestServer::replicas(database, 3, Clock::stopped()).await;
    let started = join_all((0..520).map(|_| start(&server))).await;
    assert_eq!(started.iter().filter(|answer| answer.status == 200).count(), 500);
    let refused = start(&server).await;
    assert_eq!(
        (refused.status_and_code(), retry_after(&refused).as_deref()),
        ((429, "RATE_LIMITED"), Some("600"))
    );
    server.advance_clock(Duration::from_secs(590));
    assert_eq!(retry_after(&start(&server).await).as_deref(), Some("10"), "the same everywhere");
    server.advance_clock(Duration::from_secs(10));
    assert_eq!(start(&server).await.status, 200);
}

/// A step of a history of guesses.
#[derive(Debug, Clone)]
enum Step {
    /// By one of two users, of whom the admin may see the audit log.
    Guess {
        user: &'static str,
        right: bool,
    },
    Wait {
        seconds: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let guess = (prop::sample::select(vec![ADMIN, MEMBER]), prop::bool::weighted(0.15));
    let step = prop_oneof![
        5 => guess.prop_map(|(user, right)| Step::Guess { user, right }),
        1 => prop::sample::select(vec![1, 2, 4, 30, 4000]).prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..40)
}

/// What a history of guesses at device codes is answered.
async fn answers(server: &TestServer, steps: &[Step]) -> Vec<String> {
    let mut told = Vec::new();
    for step in steps {
        match *step {
            Step::Wait { seconds } => server.advance(Duration::from_secs(seconds)).await,
            Step::Guess { user, right } => {
                let code = match right {
                    true => {
                        server.send("POST", "/api/auth/device/code", "", "{}").await.body["user_code"].clone()
                    }
                    false => json!("AAAA-AAAA"),
                };
                let token = server.token(user).await;
                let answer =
                    server.post("/api/auth/device/approve", &token, &json!({ "user_code": code })).await;
                told.push(format!("{user} {} {:?}", answer.status, retry_after(&answer)));
            }
        }
    }
    told.push(format!("audited {}", throttled_entries(server, "device_code_throttled").await));
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn histories_of_guesses_are_answered_by_three_replicas_as_by_one(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let Some(database) = database().await else { return };
            let replicas = TestServer::replicas(database, 3, Clock::stopped()).await;
            assert_eq!(answers(&replicas, &steps).await, answers(&alone().await, &steps).await);
        });
    }
}
