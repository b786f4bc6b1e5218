//! `cargo bench -p harness --bench hurl`: the kit beside hurl, the same exchanges with the same expectations.

mod figures;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use figures::{Figure, machine};

type Failure = Box<dyn std::error::Error>;

/// Two exchanges each: a key is refused, and the record of one is read. Nothing is made that the kit would have to revoke.
const PAIRS: usize = 250;
/// Each contender goes first in every other round.
const ROUNDS: usize = 9;

const REQUIREMENTS: &str = "[chapters]\nexchange = { suite = \"bench\", title = \"Exchanges\", document = \"none.txt\" }\n\
    [[requirement]]\nid = \"exchange/F.1\"\ntext = \"Keys are created and listed.\"\nvia = [\"http\"]\nlevel = \"must\"\n";

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout();
    let hurl = std::env::var("HURL").unwrap_or_else(|_| "hurl".to_owned());
    let version = Command::new(&hurl).arg("--version").output().ok();
    match &version {
        Some(version) => {
            writeln!(out, "{}", String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default())?;
        }
        None => writeln!(
            out,
            "the kit alone, since there is no `{hurl}`: cargo install hurl --version 8.0.1 --locked, or say where it is in HURL"
        )?,
    }
    let folder = tempfile::tempdir()?;
    write_scenario(folder.path())?;
    std::fs::write(folder.path().join("bench.hurl"), hurl_file())?;

    let (mut kit, mut other) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let mut measure_kit = || run_kit(folder.path()).map(|taken| kit.push(taken));
        let mut measure_hurl = || match version {
            Some(_) => run_hurl(&hurl, folder.path()).map(|taken| other.push(Some(taken))),
            None => Ok(other.push(None)),
        };
        if round % 2 == 0 {
            measure_kit()?;
            measure_hurl()?;
        } else {
            measure_hurl()?;
            measure_kit()?;
        }
    }
    // The first round warms the caches.
    let rounds: Vec<(Taken, Option<Taken>)> = kit.into_iter().zip(other).skip(1).collect();
    writeln!(
        out,
        "{} requests, medians of {ROUNDS} rounds in turn (least to most); {}",
        2 * PAIRS,
        machine()
    )?;
    let compared =
        if version.is_some() { format!("{:28} ratio within a round", "hurl, ms") } else { String::new() };
    writeln!(out, "{:20} {:28} {compared}", "", "kit, ms")?;
    for (what, of) in [
        ("the steps", (|taken| taken.steps) as fn(&Taken) -> Duration),
        ("the whole program", |taken| taken.whole),
    ] {
        let milliseconds = |taken: &Taken| of(taken).as_secs_f64() * 1e3;
        let ours = Figure::of(rounds.iter().map(|(kit, _)| milliseconds(kit)));
        write!(out, "{what:20} {:28}", format!("{ours:.1}"))?;
        if version.is_some() {
            let both = || rounds.iter().filter_map(|(kit, hurl)| Some((kit, hurl.as_ref()?)));
            let theirs = Figure::of(both().map(|(_, hurl)| milliseconds(hurl)));
            let ratio = Figure::of(both().map(|(kit, hurl)| milliseconds(kit) / milliseconds(hurl)));
            write!(out, " {:28} {ratio:.2}", format!("{theirs:.1}"))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// What a run took: the steps as the program itself tells, and the program from its start to its end.
struct Taken {
    steps: Duration,
    whole: Duration,
}

/// A fresh reference, so that every run finds the same.
struct Reference {
    child: Child,
    ready: Value,
}

impl Reference {
    fn start(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join("ready.json");
        let _ = std::fs::remove_file(&file);
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.arg("serve").arg("--ready-file").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn()?;
        let deadline = Instant::now() + Duration::from_secs(20);
        let ready = loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            match serde_json::from_str(&text) {
                Ok(ready) => break ready,
                Err(_) if Instant::now() > deadline => return Err("the reference did not start".into()),
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        Ok(Self { child, ready })
    }

    fn text(&self, place: &str) -> &str {
        self.ready.pointer(place).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run_kit(folder: &Path) -> Result<Taken, Failure> {
    let reference = Reference::start(folder)?;
    let profile = folder.join("target.toml");
    let text = format!(
        "name = \"bench\"\nbase_url = \"{}\"\norg_id = \"{}\"\n[tokens]\nadmin = {{ env = \"BENCH_TOKEN\" }}\n",
        reference.text("/base_url"),
        reference.text("/org_id")
    );
    std::fs::write(&profile, text)?;
    let results = folder.join("results.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.arg("--scenarios").arg(folder.join("scenarios")).arg("--target").arg(profile);
    command.arg("--report").arg(format!("json={}", results.display()));
    let whole = timed(command.env("BENCH_TOKEN", reference.text("/admin/token")))?;
    let results: Value = serde_json::from_str(&std::fs::read_to_string(results)?)?;
    let steps = results.pointer("/subtests/0/duration_ms").and_then(Value::as_u64).ok_or("no duration")?;
    Ok(Taken { steps: Duration::from_millis(steps), whole })
}

fn run_hurl(hurl: &str, folder: &Path) -> Result<Taken, Failure> {
    let reference = Reference::start(folder)?;
    let report = folder.join("hurl");
    let _ = std::fs::remove_dir_all(&report);
    let mut command = Command::new(hurl);
    command.arg("--test").arg("--report-json").arg(&report).arg(folder.join("bench.hurl"));
    for (name, place) in [("base", "/base_url"), ("org", "/org_id"), ("token", "/admin/token")] {
        command.arg("--variable").arg(format!("{name}={}", reference.text(place)));
    }
    let whole = timed(&mut command)?;
    let told: Value = serde_json::from_str(&std::fs::read_to_string(report.join("report.json"))?)?;
    let steps = told.pointer("/0/time").and_then(Value::as_u64).ok_or("no time")?;
    Ok(Taken { steps: Duration::from_millis(steps), whole })
}

fn timed(command: &mut Command) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let output = command.env_remove("CI").output()?;
    let took = begun.elapsed();
    match output.status.success() {
        true => Ok(took),
        false => Err(format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
        .into()),
    }
}

fn write_scenario(folder: &Path) -> Result<(), Failure> {
    let scenarios = folder.join("scenarios");
    let chapter: PathBuf = scenarios.join("bench/exchange");
    std::fs::create_dir_all(&chapter)?;
    std::fs::write(scenarios.join("requirements.toml"), REQUIREMENTS)?;
    let mut text = r#"title = "A key is listed, and others are refused"

[[step]]
name = "create"
as = "admin"
post = "/api/key-management"
json = { action = "create_auth_key", org_id = "${org}", name = "bench", reusable = true, expiry_days = 7 }
keep = { id = "/data/id" }
"#
    .to_owned();
    for pair in 0..PAIRS {
        text.push_str(&format!(
            r#"
[[step]]
name = "refuse {pair}"
as = "admin"
post = "/api/key-management"
json = {{ action = "create_auth_key", org_id = "${{org}}", name = "bench-{pair}", reusable = true, expiry_days = 500 }}
check = [{{ verifies = "exchange/F.1", status = 400, error = "INVALID_INPUT", message = "expiry_days must be an integer between 1 and 365" }}]

[[step]]
name = "read {pair}"
as = "admin"
get = "/api/db/auth_keys?org_id=${{org}}&id=eq.${{id}}"
check = [{{ verifies = "exchange/F.1", status = 200, json = {{ "/data" = {{ length = 1 }}, "/data/0/used_count" = 0, "/data/0/name" = "bench" }} }}]
"#
        ));
    }
    Ok(std::fs::write(chapter.join("ST1.toml"), text)?)
}

fn hurl_file() -> String {
    let mut text = r#"
POST {{base}}/api/key-management
Authorization: Bearer {{token}}
{ "action": "create_auth_key", "org_id": "{{org}}", "name": "bench", "reusable": true, "expiry_days": 7 }
HTTP 201
[Captures]
id: jsonpath "$.data.id"
"#
    .to_owned();
    for pair in 0..PAIRS {
        text.push_str(&format!(
            r#"
POST {{{{base}}}}/api/key-management
Authorization: Bearer {{{{token}}}}
{{ "action": "create_auth_key", "org_id": "{{{{org}}}}", "name": "bench-{pair}", "reusable": true, "expiry_days": 500 }}
HTTP 400
[Asserts]
jsonpath "$.error.code" == "INVALID_INPUT"
jsonpath "$.error.message" == "expiry_days must be an integer between 1 and 365"

GET {{{{base}}}}/api/db/auth_keys?org_id={{{{org}}}}&id=eq.{{{{id}}}}
Authorization: Bearer {{{{token}}}}
HTTP 200
[Asserts]
jsonpath "$.data" count == 1
jsonpath "$.data[0].used_count" == 0
jsonpath "$.data[0].name" == "bench"
"#
        ));
    }
    text
}
