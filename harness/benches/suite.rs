//! `cargo bench -p harness`: what a run costs, beside what it could not cost less than.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::routing::get;
use harness_model::check::snapshot::SnapshotMode;
use harness_model::event::{Event, Listener, SubtestFinished, SubtestVerdict};
use harness_model::plan::{Disposition, Plan, PlannedSubtest};
use harness_model::requirement::Registry;
use harness_model::scenario::model::Source;
use harness_model::scenario::{ScenarioPath, parse};
use harness_runner::run::{Detail, RunSettings, new_id, run, stop};
use harness_runner::targets::profile::Profile;
use harness_runner::targets::remote::Remote;

type Failure = Box<dyn std::error::Error>;

const STEPS: usize = 2000;
const ROUNDS: usize = 5;
const ANSWER: &str = r#"{"success":true,"data":[{"id":"9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e","name":"bench","used_count":0}]}"#;

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout();
    writeln!(out, "{:44} {:>10}   aim", "", "measured")?;
    let (wall, memory) = suite("auth-keys")?;
    writeln!(out, "{:44} {:>8.2} s   3 s", "suite auth-keys, warm", wall.as_secs_f64())?;
    writeln!(out, "{:44} {memory:>7} MB   150 MB", "  the most memory of the program itself")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (bare, step) = runtime.block_on(http())?;
    let per = |whole: Duration| whole.as_secs_f64() * 1e6 / STEPS as f64;
    writeln!(out, "{:44} {:>7.0} µs", "a bare request", per(bare))?;
    writeln!(out, "{:44} {:>7.0} µs", "a step with one check", per(step))?;
    writeln!(out, "{:44} {:>10.2}   1.5", "  ratio", step.as_secs_f64() / bare.as_secs_f64())?;
    Ok(())
}

/// The best of some runs, after one that warms the caches: wall time and peak memory in MB.
fn suite(name: &str) -> Result<(Duration, u64), Failure> {
    let mut best = (Duration::MAX, 0);
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_harness"))
            .args(["--suite", name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let memory = watch(&mut child)?;
        let wall = begun.elapsed();
        if round > 0 && wall < best.0 {
            best = (wall, memory);
        }
    }
    Ok(best)
}

/// The kernel's own high-water mark, read until the process ends.
fn watch(child: &mut Child) -> Result<u64, Failure> {
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mark = text
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        most = most.max(mark.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(most / 1024)
}

/// The best round of bare requests and of steps, to the same server in this process.
async fn http() -> Result<(Duration, Duration), Failure> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let base_url = format!("http://{}", listener.local_addr()?);
    let json = [("content-type", "application/json")];
    let router = Router::new().route("/api/db/keys", get(move || async move { (json, ANSWER) }));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    let (mut bare, mut steps) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..STEPS {
            client.get(format!("{base_url}/api/db/keys?id=eq.1")).send().await?.bytes().await?;
        }
        bare = bare.min(begun.elapsed());
        steps = steps.min(subtest(&base_url).await?);
    }
    server.abort();
    Ok((bare, steps))
}

/// One sub-test whose one step is done so many times.
async fn subtest(base_url: &str) -> Result<Duration, Failure> {
    let registry = Arc::new(registry()?);
    let rows = "{ value = 1 }, ".repeat(STEPS);
    let text = format!(
        "title = \"bench\"\n[[step]]\nname = \"read ${{value}}\"\nrows = [{rows}]\nget = \"/api/db/keys?id=eq.${{value}}\"\n\
         check = [{{ verifies = \"used-count/ST1.2\", status = 200, json = {{ \"rows/0/used_count\" = 0 }} }}]\n"
    );
    let source = Arc::new(Source::new("bench.toml", text));
    let place = ScenarioPath {
        suite: "auth-keys".to_owned(),
        chapter: "used-count".to_owned(),
        stem: "bench".to_owned(),
        snapshots: PathBuf::new(),
    };
    let scenario = parse(&source, &place, &registry).scenario.ok_or("the bench's scenario has mistakes")?;
    let planned = PlannedSubtest {
        scenario: Arc::new(scenario),
        disposition: Disposition::Run,
        judges_ours: false,
        absent: Default::default(),
        refusal: Default::default(),
        waivers: Arc::default(),
        waits: None,
    };
    let text = format!("name = \"bench\"\nbase_url = \"{base_url}\"\norg_id = \"o\"\n");
    let profile = Arc::new(Source::new("bench-target.toml", text));
    let profile = Profile::parse(&profile).map_err(|error| error.render(false, 80))?;
    let means = profile.resolve().map_err(|error| error.render(false, 80))?;
    let folder = tempfile::tempdir()?;
    let setting = Arc::new(RunSettings {
        id: new_id(),
        target: Arc::new(Remote::new(profile, means)),
        registry,
        jobs: 1,
        strict: false,
        snapshots: SnapshotMode::Compare,
        time_limit: Duration::from_secs(60),
        folder: folder.path().to_owned(),
        browsers: Arc::default(),
        pictures: false,
        detail: Detail::FailedSteps,
        evidence: None,
    });
    let mut clock = Clock::default();
    let (_stopper, stop) = stop();
    let plan = Plan { subtests: vec![planned], ..Plan::default() };
    run(setting, Arc::new(plan), SystemTime::now(), stop, &mut clock).await;
    clock.0.ok_or_else(|| "the bench's sub-test did not pass".into())
}

/// How long the sub-test took.
#[derive(Default)]
struct Clock(Option<Duration>);

impl Listener for Clock {
    fn on_event(&mut self, event: &Event) {
        if let Event::SubtestFinished(SubtestFinished { verdict: SubtestVerdict::Pass, took, .. }) = event {
            self.0 = Some(*took);
        }
    }
}

fn registry() -> Result<Registry, Failure> {
    let folder = scenarios::directory().ok_or("the checkout's scenarios are not there")?;
    let text = std::fs::read_to_string(folder.join("requirements.toml"))?;
    Registry::load(&text, Path::new("requirements.toml")).map_err(|_| "requirements.toml has mistakes".into())
}
