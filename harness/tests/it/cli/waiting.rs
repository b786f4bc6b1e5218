//! Sub-tests that wait where a target's clock cannot be advanced.

use std::path::Path;
use std::time::Duration;

use crate::run::Run;
use crate::small_target::{self, SmallTarget};

/// How long each sub-test of these tests waits.
const WAIT: Duration = Duration::from_secs(3);

/// Writes three sub-tests that wait, and one that does not.
fn write_scenarios(folder: &Path) {
    let chapter = folder.join("probe/keys");
    std::fs::create_dir_all(&chapter).unwrap();
    std::fs::copy(small_target::scenarios().join("requirements.toml"), folder.join("requirements.toml"))
        .unwrap();
    let list = |name: &str| {
        format!(
            "[[step]]\nname = \"{name}\"\nas = \"admin\"\nget = \"/api/db/keys\"\n\
             check = [{{ verifies = \"keys/F.2\", status = 200 }}]\n"
        )
    };
    let wait = "[[step]]\nname = \"time passes\"\nwait = \"3s\"\n";
    for number in 1..=3 {
        let text = format!("title = \"waits {number}\"\n{}{wait}{}", list("before"), list("after"));
        std::fs::write(chapter.join(format!("ST{number}.toml")), text).unwrap();
    }
    std::fs::write(chapter.join("ST4.toml"), format!("title = \"does not wait\"\n{}", list("now"))).unwrap();
}

fn judge(target: &SmallTarget, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("scenarios");
    write_scenarios(&scenarios);
    Run::of(target.command(&scenarios, folder.path()).args(arguments), folder.path())
}

#[test]
fn sub_tests_wait_beside_each_other_and_block_no_job() {
    let target = SmallTarget::start(&[]);
    let run = judge(&target, &["--jobs", "1", "-v"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.subtests("pass").len(), 4, "{run}");
    let announced = "3 sub-tests wait for 9s in all, beside the others; the longest for 3s, since the target's clock \
                     cannot be advanced (--no-waits leaves such sub-tests out)";
    assert!(run.text.contains(announced), "{run}");
    let took = Duration::from_millis(run.results["duration_ms"].as_u64().unwrap());
    assert!(took >= WAIT && took < WAIT * 3, "{took:?}");
    // The sub-test that does not wait was done first, although it is the last of the plan.
    let at = |title: &str| run.stdout.find(title).unwrap();
    assert!(at("does not wait") < at("waits 1"), "{run}");
}

#[test]
fn waits_can_be_left_out_and_are_no_pass() {
    let target = SmallTarget::start(&[]);
    let run = judge(&target, &["--no-waits"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.results["verdict"], "passed");
    let waiting: Vec<_> = run.subtests("skip").into_iter().collect();
    assert_eq!(waiting, ["keys/ST1", "keys/ST2", "keys/ST3"]);
    let reason = "needs a clock that can be advanced, which small does not declare, or a wait of 3s, left out by \
                  --no-waits";
    assert_eq!(run.reason("keys/ST1"), reason);
    assert!(!run.text.contains("the target's clock cannot be advanced ("), "{run}");
    assert_eq!(run.results["selection"]["waits"], "never");
    let core = &run.results["levels"][0];
    assert_eq!((&core["level"], &core["state"]), (&"core".into(), &"incomplete".into()), "{run}");
}

#[test]
fn the_time_of_a_wait_is_not_the_targets() {
    let target = SmallTarget::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("scenarios");
    write_scenarios(&scenarios);
    let mut command = target.command(&scenarios, folder.path());
    let profile = folder.path().join("target.toml");
    let text = std::fs::read_to_string(&profile).unwrap();
    std::fs::write(&profile, format!("{text}[timeouts]\nsubtest = \"2s\"\n")).unwrap();
    let run = Run::of(&mut command, folder.path());
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.subtests("pass").len(), 4, "{run}");
}
