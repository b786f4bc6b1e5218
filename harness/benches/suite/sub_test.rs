//! The steps: a sub-test with one of them for each row.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use harness_model::check::snapshot::SnapshotMode;
use harness_model::event::{Event, Listener, SubtestFinished, SubtestVerdict};
use harness_model::plan::{Plan, PlannedSubtest};
use harness_model::requirement::Registry;
use harness_model::scenario::model::Source;
use harness_model::scenario::{ScenarioPath, parse};
use harness_runner::run::{Detail, RunSettings, new_id, run, stop};
use harness_runner::targets::profile::Profile;
use harness_runner::targets::remote::Remote;

use super::{Failure, STEPS, TIME_LIMIT};

/// Returns how long one sub-test takes whose one step is done so many times.
pub(crate) async fn sub_test(base_url: &str) -> Result<Duration, Failure> {
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
    let planned = PlannedSubtest::new(Arc::new(scenario));
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
        time_limit: TIME_LIMIT,
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
