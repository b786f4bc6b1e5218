//! Runs of the program.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::figures::Figure;
use super::{Failure, ROUNDS};

/// Without its driver no browser is started.
const LEFT_OUT: [&str; 6] = ["act", "ansible-playbook", "chromedriver", "cloud-init", "docker", "terraform"];

/// Prints what runs of all suites and of one take.
pub(crate) fn print(out: &mut impl Write) -> Result<(), Failure> {
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
