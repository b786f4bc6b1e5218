//! `cargo bench -p harness --bench suite`: what a run costs, beside what it could not cost less than. The server that is
//! asked is a process of its own, and the contenders take turns: ratios are taken within a round.

mod figures;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
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
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;
use tempfile::TempDir;

use figures::{Figure, machine};

type Failure = Box<dyn std::error::Error>;

const STEPS: usize = 2000;
const ROUNDS: usize = 9;
const ANSWER: &str = r#"{"success":true,"data":[{"id":"9f0c1d8e-2f43-4c39-9a61-0a4f4b1c2d3e","name":"bench","used_count":0}]}"#;
/// Without its driver no browser is started.
const LEFT_OUT: [&str; 6] = ["act", "ansible-playbook", "chromedriver", "cloud-init", "docker", "terraform"];
/// The variable that makes this program the server.
const SERVES: &str = "HARNESS_BENCH_SERVES";

fn main() -> Result<(), Failure> {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    if std::env::var_os(SERVES).is_some() {
        return runtime()?.block_on(serve());
    }
    let mut out = std::io::stdout();
    writeln!(out, "{}\nmedians of {ROUNDS} rounds in turn (least to most)\n", machine())?;
    writeln!(out, "{:36} {:28} aim", "", "measured")?;
    let (all, auth_keys) = suites()?;
    let seconds = |runs: &[SuiteRun], of: fn(&SuiteRun) -> Duration| {
        Figure::of(runs.iter().map(of).map(|time| time.as_secs_f64()))
    };
    for (what, runs, aim) in [("all suites", &all, "1.8 s"), ("suite auth-keys", &auth_keys, "1.5 s")] {
        writeln!(out, "{what:36} {:28} {aim}", format!("{:.2} s", seconds(runs, |run| run.wall)))?;
        writeln!(out, "{:36} {:.2} s", "  CPU time, with its processes", seconds(runs, |run| run.cpu))?;
    }
    let memory = Figure::of(auth_keys.iter().map(|run| run.memory as f64));
    writeln!(out, "{:36} {:28} 150 MB", "  its most memory, without agents", format!("{memory:.0} MB"))?;
    stay_on_this_core()?;
    let rounds = runtime()?.block_on(http())?;
    let bare: Vec<Duration> = rounds.iter().map(|round| round.bare).collect();
    let steps: Vec<Duration> = rounds.iter().map(|round| round.steps).collect();
    for (what, taken) in [("a bare request, on one core", bare), ("a step with one check", steps)] {
        let each = taken.iter().map(|taken| taken.as_secs_f64() * 1e6 / STEPS as f64);
        writeln!(out, "{what:36} {:.0} µs", Figure::of(each))?;
    }
    let ratio = Figure::of(rounds.iter().map(|round| round.steps.div_duration_f64(round.bare)));
    writeln!(out, "{:36} {:28} 3", "  ratio", format!("{ratio:.2}"))?;
    Ok(())
}

/// What a run of the program took.
struct SuiteRun {
    wall: Duration,
    cpu: Duration,
    /// The peak in MB.
    memory: u64,
}

/// Runs of all suites and of one, in turn, after one of each that warms the caches.
fn suites() -> Result<(Vec<SuiteRun>, Vec<SuiteRun>), Failure> {
    let (mut all, mut auth_keys) = (Vec::new(), Vec::new());
    let programs = programs()?;
    for round in 0..=ROUNDS {
        let runs = (suite(programs.path(), &[])?, suite(programs.path(), &["--suite", "auth-keys"])?);
        if round > 0 {
            all.push(runs.0);
            auth_keys.push(runs.1);
        }
    }
    Ok((all, auth_keys))
}

/// A folder with this host's programs, other than browsers and the roll-out tools, which cost many times what the kit does.
fn programs() -> Result<TempDir, Failure> {
    let folder = tempfile::tempdir()?;
    for directory in std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if !LEFT_OUT.iter().any(|program| name == *program) {
                // The first of several programs of one name is the one that is found.
                let _ = std::os::unix::fs::symlink(entry.path(), folder.path().join(name));
            }
        }
    }
    Ok(folder)
}

fn suite(programs: &Path, arguments: &[&str]) -> Result<SuiteRun, Failure> {
    let (begun, before) = (Instant::now(), time_of_children()?);
    let mut child = Command::new(env!("CARGO_BIN_EXE_harness"))
        .env("PATH", programs)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let memory = watch(&mut child)?;
    Ok(SuiteRun { wall: begun.elapsed(), cpu: time_of_children()?.saturating_sub(before), memory })
}

/// The processor time of all processes that have ended below this one.
fn time_of_children() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    // Fields 16 and 17 of proc(5), in hundredths of a second; the first one here is the third.
    let ticks = fields.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<u64>().ok());
    Ok(Duration::from_millis(10 * ticks.sum::<u64>()))
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

/// Serves the same answer until standard input ends.
async fn serve() -> Result<(), Failure> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    let json = [("content-type", "application/json")];
    let router = Router::new().route("/api/db/keys", get(move || async move { (json, ANSWER) }));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    server.abort();
    Ok(())
}

/// A server in a process of its own.
struct Server {
    child: Child,
    base_url: String,
}

impl Server {
    fn start() -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.env(SERVES, "1").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut base_url = String::new();
        let stdout = child.stdout.take().ok_or("no output of the server")?;
        BufReader::new(stdout).read_line(&mut base_url)?;
        Ok(Self { child, base_url: base_url.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// So many bare requests, and so many steps.
struct HttpRound {
    bare: Duration,
    steps: Duration,
}

/// Keeps this thread, and what it starts from now on, on one core: how long a client sleeps until the server's core has
/// woken differs fourfold from one second to the next, and has nothing to do with either.
fn stay_on_this_core() -> Result<(), Failure> {
    let mut cores = CpuSet::new();
    cores.set(sched_getcpu()?)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &cores)?)
}

/// Bare requests and steps in turn, each first in every other round, to the same server.
async fn http() -> Result<Vec<HttpRound>, Failure> {
    let server = Server::start()?;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let taken = if round % 2 == 0 {
            let bare = bare(&client, &server.base_url).await?;
            HttpRound { bare, steps: subtest(&server.base_url).await? }
        } else {
            let steps = subtest(&server.base_url).await?;
            HttpRound { bare: bare(&client, &server.base_url).await?, steps }
        };
        rounds.push(taken);
    }
    // The first round warms the caches.
    rounds.remove(0);
    Ok(rounds)
}

async fn bare(client: &reqwest::Client, base_url: &str) -> Result<Duration, Failure> {
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
        turn: Default::default(),
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let text = std::fs::read_to_string(folder.join("requirements.toml"))?;
    Registry::load(&text, Path::new("requirements.toml")).map_err(|_| "requirements.toml has mistakes".into())
}
