//! What is measured on one database.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::agent::Agent;
use crate::fill::{public_key, token};
use crate::organisation::ORGANISATION;
use crate::samples::Samples;
use crate::server::Server;
use crate::{AGENTS, MACHINES};

const ROUNDS: usize = 7;
const RECONNECTS: usize = 3;
/// By then, all requests wait.
const SETTLED: Duration = Duration::from_secs(3);
const IDLE: Duration = Duration::from_secs(5);

pub(crate) async fn report(name: &str, server: &Server, mut version: i64) {
    let mut admin = Agent::connect(server.address, server.admin.clone(), AGENTS).await;
    let body = json!({ "action": "create_auth_key", "org_id": ORGANISATION, "name": "k", "reusable": true });
    let made = admin.post("/api/key-management", &body.to_string()).await;
    let made: Value = serde_json::from_str(&made.text).unwrap();
    let key = made["data"]["key"].as_str().unwrap().to_owned();
    // The map is in memory before the memory of those that wait is measured.
    let mut first = Agent::connect(server.address, token(MACHINES - 1), 0).await;
    first.ask(0).await;
    let whole = first.answer().await.len;

    println!(
        "\n| {name}: {MACHINES} machines, {AGENTS} wait, a map of {whole} bytes | median (spread) |\n|-|-|"
    );
    let before = server.memory();
    let mut agents = connect(server, version).await;
    tokio::time::sleep(SETTLED).await;
    row("memory of an agent that waits, kB", &[per_agent(server.memory() - before)], 1);
    let cpu = server.cpu();
    tokio::time::sleep(IDLE).await;
    row("CPU time while all wait, % of a core", &[(server.cpu() - cpu) / IDLE.as_secs_f64() * 100.0], 1);

    let [mut half, mut last, mut cost, mut own] = std::array::from_fn(|_| Samples::default());
    for round in 0..ROUNDS {
        let name = format!("joiner-{}-{round}", std::process::id());
        let cpu = server.cpu();
        let started = Instant::now();
        let hearing = agents.into_iter().map(|agent| hear(agent, version, started)).collect::<JoinSet<_>>();
        let body = json!({ "auth_key": key, "name": name, "public_key": public_key(&name) }).to_string();
        let joined = admin.post("/api/register-machine", &body).await;
        let joined: Value = serde_json::from_str(&joined.text).unwrap();
        let mut joiner = Agent::connect(server.address, text(&joined, "/data/machine_token"), 1).await;
        let asked = Instant::now();
        joiner.ask(0).await;
        version = joiner.answer().await.version();
        own.push(asked.elapsed().as_secs_f64() * 1e3);
        let mut heard = Samples::default();
        agents = Vec::new();
        for (agent, after) in hearing.join_all().await {
            heard.push(after.as_secs_f64() * 1e3);
            agents.push(agent);
        }
        half.push(heard.median());
        last.push(heard.below(1.0));
        tokio::time::sleep(SETTLED).await;
        cost.push(server.cpu() - cpu);
    }
    println!("| until half of them heard of a joining machine, ms | {} |", half.spread(0));
    println!("| until all of them heard (aim: 2000), ms | {} |", last.spread(0));
    println!("| CPU time of a change and of waiting again, s | {} |", cost.spread(2));
    println!("| the joiner's own map while all others hear, ms | {} |", own.spread(0));
    row("memory of an agent that waits, after the changes, kB", &[per_agent(server.memory() - before)], 1);
    drop(agents);

    for (what, since) in [("with what they know", version), ("with nothing", 0)] {
        let [mut time, mut cost] = std::array::from_fn(|_| Samples::default());
        for _ in 0..RECONNECTS {
            tokio::time::sleep(SETTLED).await;
            let (cpu, started) = (server.cpu(), Instant::now());
            let mut agents = connect(server, since).await;
            if since == 0 {
                let answers = agents.into_iter().map(async |mut agent| (agent.answer().await.len, agent).1);
                agents = futures::future::join_all(answers).await;
            }
            time.push(started.elapsed().as_secs_f64());
            tokio::time::sleep(SETTLED).await;
            cost.push(server.cpu() - cpu);
            drop(agents);
        }
        println!("| CPU time of reconnecting {what}, s | {} |", cost.spread(2));
        println!("| time of reconnecting {what}, s | {} |", time.spread(2));
    }
}

/// Connects all agents, and asks for what has changed since.
async fn connect(server: &Server, since: i64) -> Vec<Agent> {
    let mut agents = Vec::with_capacity(AGENTS);
    for number in 0..AGENTS {
        let mut agent = Agent::connect(server.address, token(number), number).await;
        agent.ask(since).await;
        agents.push(agent);
    }
    agents
}

/// Waits for a newer version, and for the next one.
async fn hear(mut agent: Agent, known: i64, started: Instant) -> (Agent, Duration) {
    loop {
        let version = agent.answer().await.version();
        let after = started.elapsed();
        agent.ask(version).await;
        if version > known {
            return (agent, after);
        }
    }
}

fn row(what: &str, values: &[f64], digits: usize) {
    let mut samples = Samples::default();
    samples.extend(values.iter().copied());
    println!("| {what} | {:.digits$} |", samples.median());
}

fn per_agent(bytes: f64) -> f64 {
    bytes / f64::from(u32::try_from(AGENTS).unwrap()) / 1000.0
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{value}")).to_owned()
}
