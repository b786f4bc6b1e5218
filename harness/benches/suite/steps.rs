//! A step with one check, beside a bare request and beside a check that is written by hand.

use std::io::Write;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::figures::Figure;
use super::server::Server;
use super::sub_test::sub_test;
use super::{Failure, ROUNDS, STEPS, TIME_LIMIT};

/// One of a round's times.
type Contender = fn(&HttpRound) -> Duration;

/// What so many of each took.
#[derive(Default)]
struct HttpRound {
    bare: Duration,
    by_hand: Duration,
    steps: Duration,
}

/// Prints what steps take, and what they are compared with.
pub(crate) fn print(out: &mut impl Write, runtime: &Runtime) -> Result<(), Failure> {
    let rounds = runtime.block_on(http())?;
    let took = |of: Contender| {
        let each = rounds.iter().map(|round| of(round).as_secs_f64() * 1e6 / STEPS as f64);
        format!("{:.0} µs", Figure::of(each))
    };
    writeln!(out, "{:36} {}", "a bare request, on one core", took(|round| round.bare))?;
    writeln!(out, "{:36} {}", "a check by hand", took(|round| round.by_hand))?;
    writeln!(out, "{:36} {}", "a step with one check", took(|round| round.steps))?;
    let ratio = |of: Contender, to: Contender| {
        format!("{:.2}", Figure::of(rounds.iter().map(|round| of(round).div_duration_f64(to(round)))))
    };
    let (by_hand, step) =
        (ratio(|round| round.by_hand, |round| round.bare), ratio(|round| round.steps, |round| round.by_hand));
    writeln!(out, "{:36} {by_hand}", "  a check by hand : a bare request")?;
    writeln!(out, "{:36} {step:28} 2.4", "  a step : a check by hand")?;
    Ok(())
}

/// The contenders in turn, each first in every third round, to the same server.
async fn http() -> Result<Vec<HttpRound>, Failure> {
    let server = Server::start()?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = || reqwest::Client::builder().tls_certs_only([]).no_proxy();
    let bare = client().build()?;
    let careful = client().connect_timeout(TIME_LIMIT).timeout(TIME_LIMIT).build()?;
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let mut taken = HttpRound::default();
        for turn in 0..3 {
            match (round + turn) % 3 {
                0 => taken.bare = requests(&bare, &server.base_url).await?,
                1 => taken.by_hand = checks_by_hand(&careful, &server.base_url).await?,
                _ => taken.steps = sub_test(&server.base_url).await?,
            }
        }
        rounds.push(taken);
    }
    // The first round warms the caches.
    rounds.remove(0);
    Ok(rounds)
}

/// Bare requests, whose responses are dropped.
async fn requests(client: &reqwest::Client, base_url: &str) -> Result<Duration, Failure> {
    let client = client.clone();
    let url = format!("{base_url}/api/db/keys?id=eq.1");
    // On a worker of the runtime, as the steps are.
    let requests = async move {
        let begun = Instant::now();
        for _ in 0..STEPS {
            client.get(&url).send().await?.bytes().await?;
        }
        Ok::<_, reqwest::Error>(begun.elapsed())
    };
    Ok(tokio::spawn(requests).await??)
}

/// What a program must do that checks the same for these responses alone: ask within a time limit, keep what was
/// exchanged for a report, parse it, compare it, and say what it found.
async fn checks_by_hand(client: &reqwest::Client, base_url: &str) -> Result<Duration, Failure> {
    let (client, base_url) = (client.clone(), base_url.to_owned());
    let checks = async move {
        let begun = Instant::now();
        let mut last = None;
        for value in 0..STEPS {
            let url = format!("{base_url}/api/db/keys?id=eq.{value}");
            let response = client.get(&url).send().await.map_err(|error| error.to_string())?;
            let status = response.status().as_u16();
            let kept = response.headers().iter().map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
            let headers: Vec<(String, String)> = kept.collect();
            let body = response.text().await.map_err(|error| error.to_string())?;
            let json: serde_json::Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
            let count = json.pointer("/data/0/used_count");
            let said = format!("status: {status}; used_count: {}", count.unwrap_or(&serde_json::Value::Null));
            if status != 200 || count.and_then(serde_json::Value::as_u64) != Some(0) {
                return Err(said);
            }
            last = Some((url, headers, body, said));
        }
        std::hint::black_box(last);
        Ok::<_, String>(begun.elapsed())
    };
    Ok(tokio::spawn(checks).await??)
}
