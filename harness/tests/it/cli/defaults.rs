//! Defaults of flags: harness.toml and variables.

use std::path::Path;

use crate::program::harness;
use crate::small_target;

struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = harness();
    command.current_dir(folder).args(arguments).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A folder with scenarios, a harness.toml and a folder below.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    std::os::unix::fs::symlink(small_target::scenarios(), folder.path().join("scenarios")).unwrap();
    std::fs::write(folder.path().join("harness.toml"), text).unwrap();
    folder
}

#[test]
fn flag_wins_over_variable_over_file() {
    // The name of what cannot be found shows which one was used.
    let folder = folder("scenarios = \"scenarios\"\ntarget = \"file.toml\"\n");
    let below = folder.path().join("below");
    let cases: [(&Path, &[&str], &[(&str, &str)], &str, &str); 5] = [
        (folder.path(), &[], &[], "profile file.toml", "defaults: harness.toml (target, scenarios)"),
        (&below, &[], &[], "profile ../file.toml", "defaults: ../harness.toml (target, scenarios)"),
        (
            folder.path(),
            &[],
            &[("HARNESS_TARGET", "variable.toml")],
            "profile variable.toml",
            "defaults: harness.toml (scenarios), HARNESS_TARGET",
        ),
        (
            folder.path(),
            &["--target", "flag.toml"],
            &[("HARNESS_TARGET", "variable.toml")],
            "profile flag.toml",
            "defaults: harness.toml (scenarios)\n",
        ),
        (folder.path(), &["doctor"], &[], "profile file.toml", "defaults: harness.toml (target, scenarios)"),
    ];
    for (place, arguments, variables, target, origin) in cases {
        let ended = run(place, arguments, variables);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(target), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(origin), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn defaults_yield_to_flags_that_exclude_them() {
    let folder = folder("target = \"file.toml\"\nno-waits = true\n");
    let ended = run(folder.path(), &["--runtime", "embedded", "--long-waits", "used-count/ST4-http"], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
    let ended = run(folder.path(), &["--no-config", "-q", "used-count/ST4-http"], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{}", ended.stdout);
}

#[test]
fn every_kind_of_default_reaches_the_run() {
    let folder = folder(
        "filter = \"used-count/ST4-http\"\njobs = 1\nno-waits = true\nreport = [\"json=out/results.json\"]\n\
         report-dir = true\ncolor = \"never\"\nstrict = false\nsuite = \"auth-keys\"\n",
    );
    let below = folder.path().join("below");
    let ended = run(&below, &[], &[("HARNESS_MAX_FAIL", "1")]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(folder.path().join("out/results.json").is_file(), "relative to the file");
    assert!(below.join("reports").is_dir(), "a new folder is in the folder of the call");
    assert!(ended.stderr.contains("HARNESS_MAX_FAIL"), "{}", ended.stderr);
}

#[test]
fn mistakes_in_the_file_have_line_caret_and_suggestion() {
    for (text, told) in [
        ("tagret = \"x.toml\"\n", "did you mean `target`?"),
        ("no_waits = true\n", "did you mean `no-waits`?"),
        ("jobs = 0\n", "`jobs` must be a whole number of at least 1, found 0"),
        ("jobs = \"two\"\n", "`jobs` must be an integer, found a string"),
        ("report = [\"jsn=x\"]\n", "did you mean `json`?"),
        ("color = \"sometimes\"\n", "`color` must be auto, always or never"),
        ("target = \n", "invalid TOML"),
    ] {
        let folder = folder(text);
        let ended = run(folder.path(), &[], &[]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        for told in [told, "harness.toml:1:", "^", "nothing was run"] {
            assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
        }
    }
    let ended = run(Path::new("/"), &["--config", "/no/such.toml"], &[]);
    assert!(ended.code == Some(2) && ended.stderr.contains("/no/such.toml"), "{}", ended.stderr);
    let ended = run(Path::new("/"), &[], &[("HARNESS_JOBS", "many")]);
    assert!(ended.stderr.contains("invalid HARNESS_JOBS: expected a whole number"), "{}", ended.stderr);
    assert_eq!(ended.code, Some(2));
}
